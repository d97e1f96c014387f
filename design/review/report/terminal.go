package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

const (
	width    = 100 // of a terminal that does not say
	minWidth = 60
	maxWidth = 120 // longer lines are hard to read
	first    = 5   // things to fix first

	fewReasons = 6 // why something was not judged, on one screen
)

// Terminal prints one screen: counts, what to fix first with the number that
// hurts here, what was not judged, how to see the rest. Verbose prints all.
func Terminal(w io.Writer, r *Report) error {
	p := &printer{w: w, color: r.Color, width: width}
	if r.Width > 0 {
		p.width = min(max(r.Width, minWidth), maxWidth)
	}
	what := r.what()
	if read, _, ok := strings.Cut(r.Sources, ":"); ok && !r.Verbose {
		what = r.Summary + "  (" + read + ")"
	}
	p.wrap("", 0, what)
	gs := r.groups()
	if len(gs) == 0 {
		p.line("\n%s Nothing found by %d rules.", p.paint("32", "✓"), r.Result.Rules)
	} else {
		p.line("%s", counts(r.Result.Findings))
		shown := gs
		if !r.Verbose && len(shown) > first {
			shown = shown[:first]
		}
		if r.Verbose {
			p.line("")
		} else {
			p.line("\nFix first:")
		}
		for i, g := range shown {
			p.group(i+1, g, r.Verbose)
		}
		if n := len(gs) - len(shown); n > 0 {
			var rest []string
			for _, g := range gs[len(shown):] {
				rest = append(rest, fmt.Sprintf("%s (%d)", name(g.rule.ID), len(g.findings)))
			}
			p.wrap("\nAlso: ", 6, strings.Join(rest, ", "))
		}
	}
	p.accepted(r)
	p.unjudged(r)
	if n := len(r.Skipped); n > 0 {
		p.line("")
		p.wrap("Not read: ", 10, doc.Redact(r.Skipped[0].Path+": "+cut(r.Skipped[0].Why, 90))+more(n-1, "file"))
	}
	if len(gs) > 0 {
		p.line("\nEverything, with evidence:  ashlar review -v %s\nAbout a rule:               ashlar explain %s", strings.Join(r.Paths, " "), gs[0].rule.ID)
	}
	return p.err
}

type printer struct {
	w     io.Writer
	color bool
	width int
	err   error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) paint(code, s string) string {
	if !p.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

var paints = map[review.Severity]string{review.Critical: "1;31", review.High: "31", review.Medium: "33", review.Low: "36", review.Info: "2"}

func (p *printer) group(n int, g group, verbose bool) {
	top := g.findings[0]
	head := fmt.Sprintf("%2d  %s  ", n, p.paint(paints[top.Severity], fmt.Sprintf("%-8s", strings.ToUpper(top.Severity.String()))))
	p.wrapAt(head, 14, doc.Redact(top.Title))
	if !verbose {
		at, more := place(top), same(g)
		if 14+len(at)+len(more) > p.width && more != "" {
			p.line("%14s%s", "", p.paint("2", at))
			at, more = strings.TrimSpace(more), ""
		}
		p.line("%14s%s", "", p.paint("2", at+more))
		if top.Fix != "" {
			p.wrapAt(strings.Repeat(" ", 14), 14, doc.Redact(firstSentence(top.Fix)))
		}
		if top.Advice != "" {
			p.line("%14s%s", "", doc.Redact(top.Advice))
		}
		return
	}
	p.line("%14s%s", "", p.paint("2", g.rule.ID+": "+g.rule.Title))
	for i, f := range g.findings {
		if i > 0 {
			p.wrapAt(fmt.Sprintf("%4s%-10s", "", f.Severity), 14, doc.Redact(f.Title))
		}
		if f.Detail != "" {
			p.wrapAt(strings.Repeat(" ", 14), 14, doc.Redact(strings.TrimSpace(f.Detail)))
		}
		for _, e := range f.Evidence {
			note := ""
			if e.Note != "" {
				note = "  " + e.Note
			}
			p.line("%14s%s%s", "", p.paint("2", e.Source.String()), doc.Redact(note))
		}
		if f.Fix != "" && (i == 0 || f.Fix != g.findings[i-1].Fix) {
			p.wrapAt(strings.Repeat(" ", 14), 14, "→ "+doc.Redact(f.Fix))
		}
		if f.Advice != "" {
			p.line("%14s→ %s", "", doc.Redact(f.Advice))
		}
	}
	p.line("")
}

// place is where the top finding stands.
func place(f review.Finding) string {
	for _, e := range f.Evidence {
		if s := e.Source.String(); s != "" {
			return s
		}
	}
	return ""
}

func same(g group) string {
	if len(g.findings) == 1 {
		return ""
	}
	return fmt.Sprintf("  and %d more of this kind", len(g.findings)-1)
}

// accepted says how much was set aside, and which acceptances no longer hold.
func (p *printer) accepted(r *Report) {
	if n := len(r.Result.Accepted); n > 0 {
		p.line("\nAccepted: %d finding%s that ashlar.yaml, a comment or the baseline sets aside", n, plural(n))
		if r.Verbose {
			for _, a := range r.Result.Accepted {
				p.wrapAt("    ", 4, doc.Redact(fmt.Sprintf("%s: %s (%s)", a.By, a.Title, a.Reason)))
			}
		}
	}
	notes := r.Result.Notes
	if !r.Verbose && len(notes) > 3 {
		notes = append(notes[:3:3], fmt.Sprintf("and %d more of this kind", len(notes)-3))
	}
	for _, n := range notes {
		p.wrapAt("  ! ", 4, doc.Redact(n))
	}
}

func (p *printer) unjudged(r *Report) {
	type entry struct {
		why   string
		rules []string
		n     int
	}
	var es []*entry
	at := map[string]*entry{}
	for _, u := range r.Result.NotJudged {
		e := at[u.Why]
		if e == nil {
			e = &entry{why: u.Why}
			at[u.Why] = e
			es = append(es, e)
		}
		e.rules = append(e.rules, name(u.Rule))
		e.n = max(e.n, len(u.Of))
	}
	if len(es) == 0 {
		return
	}
	p.line("\nNot judged:")
	for i, e := range es {
		if i == fewReasons && len(es) > fewReasons+1 && !r.Verbose {
			p.line("    and %d more reasons: -v", len(es)-i)
			break
		}
		of := ""
		if e.n > 0 {
			of = fmt.Sprintf(" of %d element%s", e.n, plural(e.n))
		}
		p.wrapAt("    ", 4, fmt.Sprintf("%s%s: %s", some(e.rules, r.Verbose), of, e.why))
	}
}

// some names a few rules; one screen has no room for all.
func some(rules []string, all bool) string {
	const few = 5
	if all || len(rules) <= few+1 {
		return strings.Join(rules, ", ")
	}
	return fmt.Sprintf("%s and %d more rules", strings.Join(rules[:few], ", "), len(rules)-few)
}

func name(id string) string { _, n, _ := strings.Cut(id, "/"); return n }

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

func more(n int, what string) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d more %s%s)", n, what, plural(n))
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n-1] + "…"
	}
	return s
}

func firstSentence(s string) string {
	if i := strings.Index(s, ". "); i > 0 {
		return s[:i+1]
	}
	if i := strings.Index(s, "; "); i > 0 {
		return s[:i] + "."
	}
	return s
}

func counts(fs []review.Finding) string {
	n := map[review.Severity]int{}
	for _, f := range fs {
		n[f.Severity]++
	}
	var parts []string
	for s := review.Critical; s >= review.Info; s-- {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	return fmt.Sprintf("%d finding%s: %s", len(fs), plural(len(fs)), strings.Join(parts, ", "))
}

func (p *printer) wrap(head string, indent int, text string) {
	p.wrapAt(head, indent, text)
}

// wrapAt prints text behind head, broken into lines that start at indent.
func (p *printer) wrapAt(head string, indent int, text string) {
	line, used := head, indent
	empty := true
	for word := range strings.FieldsSeq(text) {
		n := len([]rune(word))
		if !empty && used+1+n > p.width {
			p.line("%s", line)
			line, used, empty = strings.Repeat(" ", indent), indent, true
		}
		if !empty {
			line += " "
			used++
		}
		line += word
		used += n
		empty = false
	}
	p.line("%s", line)
}
