package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"path/filepath"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/layout"
	"github.com/ashlar-dev/ashlar/design/view/svg"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// page is what the template prints.
type page struct {
	Title, Summary, Sources string
	Version                 string
	CSS                     template.CSS
	JS                      template.JS
	Map                     template.HTML
	MapNote                 string
	Counts                  []severityCount
	First                   []pageFirst
	Families                []string
	Rules                   []pageRule
	Total, Checked          int
	Accepted                []review.Accepted
	Notes                   []string
	NotJudged               []pageUnjudged
	Skipped                 []discover.Skip
}

// pageFirst is one of the things to fix first.
type pageFirst struct {
	Severity, Title, Where, Fix, Advice string
	More                                int    // findings of the same rule
	Rule                                string // to whose findings it leads
}

type severityCount struct {
	Severity string
	N        int
}

// pageRule is a rule that found something, with what it found.
type pageRule struct {
	review.Rule
	Severity string // of its worst finding
	Findings []pageFinding
	Folded   []pageFinding // the rest of a long list
}

// Count is how many findings the rule has.
func (r pageRule) Count() int { return len(r.Findings) + len(r.Folded) }

type pageFinding struct {
	review.Finding
	Severity string
	Of       string // refs of services, stores and so on, separated by blanks
	Places   []pagePlace
	More     int // places that are not shown
}

// pagePlace is an evidence with the lines around it.
type pagePlace struct {
	Where, Note string
	Lines       []pageLine
}

type pageLine struct {
	N    int
	Text string
	Here bool
}

type pageUnjudged struct {
	Why   string
	Rules []string
	N     int
}

const (
	maxPlaces  = 12 // places that a page shows of one finding
	maxOpen    = 6  // findings of a rule that are shown before the fold
	maxSkipped = 50 // files that are named as not read
)

// HTML prints one page that needs nothing else: the map with the findings on it,
// a filter, evidence that opens at its line, and the rules' documentation. It is
// readable without scripts and on paper.
func HTML(w io.Writer, r *Report) error {
	p := page{Title: r.System.Name, Summary: r.Summary, Sources: r.Sources, Version: r.Version, CSS: template.CSS(pageCSS), JS: template.JS(pageJS), Total: len(r.Result.Findings), Checked: r.Result.Rules, Notes: r.Result.Notes, Accepted: accepted(r.Result.Accepted)} //nolint:gosec // the program's own files
	if p.Title == "" {
		var names []string
		for _, x := range r.Paths { // a page travels: where it was made is nobody's business
			if abs, err := filepath.Abs(x); err == nil && x != "-" {
				x = filepath.Base(abs)
			}
			names = append(names, x)
		}
		p.Title = strings.Join(names, " ")
	}
	n := map[string]int{}
	for _, f := range r.Result.Findings {
		n[f.Severity.String()]++
	}
	for s := review.Critical; s >= review.Info; s-- {
		if n[s.String()] > 0 {
			p.Counts = append(p.Counts, severityCount{s.String(), n[s.String()]})
		}
	}
	families := map[string]bool{}
	lines := newSnippets(r.Documents, r.Read)
	for i, g := range r.groups() {
		families[g.rule.Family()] = true
		pr := pageRule{Rule: g.rule, Severity: g.findings[0].Severity.String()}
		for _, f := range redacted(g.findings) {
			pr.Findings = append(pr.Findings, r.pageOf(f, lines))
		}
		if i < first {
			p.First = append(p.First, pageFirstOf(pr))
		}
		if len(pr.Findings) > maxOpen+2 { // a fold for one or two hides more than it saves
			pr.Findings, pr.Folded = pr.Findings[:maxOpen:maxOpen], pr.Findings[maxOpen:]
		}
		p.Rules = append(p.Rules, pr)
	}
	for i, s := range r.Skipped {
		if i == maxSkipped {
			p.Skipped = append(p.Skipped, discover.Skip{Path: "…", Why: fmt.Sprintf("%d more", len(r.Skipped)-i)})
			break
		}
		p.Skipped = append(p.Skipped, discover.Skip{Path: r.rel(s.Path), Why: doc.Redact(s.Why)})
	}
	p.Families = arch.Sorted(families)
	p.NotJudged = pageNotJudged(r)
	p.drawMap(r)
	t, err := template.New("page").Funcs(template.FuncMap{"name": name, "marked": marked, "plural": plural, "percent": func(c float64) float64 { return 100 * c }}).Parse(pageHTML)
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

// drawMap puts the services view with the findings on it; a system that cannot be
// drawn has a page without a map.
func (p *page) drawMap(r *Report) {
	if len(r.System.Services)+len(r.System.Stores) == 0 {
		return
	}
	g := view.Services(r.System, &view.Options{Findings: Marks(redacted(r.Result.Findings))})
	g.Title, g.Subtitle = "", ""
	placed, err := layout.Place(g, nil)
	if err != nil {
		p.MapNote = "The map could not be drawn: " + err.Error()
		return
	}
	p.Map = template.HTML(svg.Render(placed, &svg.Options{ID: "map"})) //nolint:gosec // the painter escapes every text
}

// marked escapes a text and sets what stands between backticks as code.
func marked(s string) template.HTML {
	parts := strings.Split(s, "`")
	if len(parts)%2 == 0 { // one is left over: they are no pairs
		return template.HTML(template.HTMLEscapeString(s)) //nolint:gosec // escaped
	}
	for i, p := range parts {
		if parts[i] = template.HTMLEscapeString(p); i%2 == 1 {
			parts[i] = "<code>" + parts[i] + "</code>"
		}
	}
	return template.HTML(strings.Join(parts, "")) //nolint:gosec // each part is escaped
}

// arrows makes arrows that no line breaks inside.
var arrows = strings.NewReplacer(" -> ", " → ")

func pageFirstOf(r pageRule) pageFirst {
	f := r.Findings[0]
	out := pageFirst{Severity: f.Severity, Title: f.Title, Fix: firstSentence(f.Fix), Advice: f.Advice, More: len(r.Findings) - 1, Rule: r.ID}
	if len(f.Places) > 0 {
		out.Where = f.Places[0].Where
	}
	return out
}

func (r *Report) pageOf(f review.Finding, lines *snippets) pageFinding {
	f.Title, f.Detail = arrows.Replace(f.Title), arrows.Replace(f.Detail)
	out := pageFinding{Finding: f, Severity: f.Severity.String()}
	seen := map[arch.Ref]bool{}
	for _, ref := range append(append([]arch.Ref{}, f.Of...), f.Path...) {
		if ref = ref.Parent(); !seen[ref] {
			seen[ref] = true
			out.Of += string(ref) + " "
		}
	}
	for i, e := range f.Evidence {
		if i == maxPlaces {
			out.More = len(f.Evidence) - maxPlaces
			break
		}
		out.Places = append(out.Places, pagePlace{Where: r.rel(e.Source.String()), Note: arrows.Replace(e.Note), Lines: lines.around(e.File, e.Line)})
	}
	return out
}

func pageNotJudged(r *Report) []pageUnjudged {
	var out []pageUnjudged
	at := map[string]int{}
	for _, u := range r.Result.NotJudged {
		i, ok := at[u.Why]
		if !ok {
			i = len(out)
			at[u.Why] = i
			out = append(out, pageUnjudged{Why: u.Why})
		}
		out[i].Rules = append(out[i].Rules, u.Rule)
		out[i].N = max(out[i].N, len(u.Of))
	}
	return out
}

// Docs is the rule's documentation as the page prints it.
func (r pageRule) Docs() []struct{ Name, Text string } {
	var out []struct{ Name, Text string }
	add := func(n, t string) {
		if t != "" {
			out = append(out, struct{ Name, Text string }{n, t})
		}
	}
	add("Why", r.Why)
	add("Bad", r.Bad)
	add("Good", r.Good)
	for _, p := range r.Params {
		add("Parameter "+p.Name, fmt.Sprintf("%s (default %s)", p.About, p.Default))
	}
	if r.Advice != "" {
		add("The numbers", "ashlar advise "+r.Advice+" CALLER CALLEE computes them for a call")
	}
	add("Source", r.Source)
	return out
}
