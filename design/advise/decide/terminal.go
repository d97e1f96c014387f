package decide

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// width is how wide a line gets before it goes on in the next one.
const width = 100

// Terminal writes answers for people: a line for each decision, or the whole of
// each when there are few subjects of one decision, or verbose.
func Terminal(w io.Writer, answers []Answer, paths string, verbose bool) error {
	var b strings.Builder
	groups := grouped(answers)
	switch {
	case len(answers) == 1 || verbose:
		for i := range answers {
			if i > 0 {
				b.WriteByte('\n')
			}
			full(&b, &answers[i], verbose)
		}
	case len(groups) == 1:
		several(&b, answers)
	default:
		screen(&b, groups, paths)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// grouped are the answers by their decision, in their order.
func grouped(answers []Answer) [][]Answer {
	var out [][]Answer
	for _, a := range answers {
		if n := len(out); n > 0 && out[n-1][0].Decision == a.Decision {
			out[n-1] = append(out[n-1], a)
		} else {
			out = append(out, []Answer{a})
		}
	}
	return out
}

// mark says at a glance what is to do.
func mark(v Verdict) string {
	return map[Verdict]string{Keep: "keep", Change: "CHANGE TO", Begin: "choose", Open: "open, keep", Moot: "-", Infeasible: "INFEASIBLE"}[v]
}

// screen is one line a decision, those that ask for work marked, and what would
// make it surer.
func screen(b *strings.Builder, groups [][]Answer, paths string) {
	headline(b, groups)
	for _, g := range groups {
		a := g[0]
		if a.Verdict == Moot {
			fmt.Fprintf(b, "  %-14s %-10s %s\n", a.Decision, "-", cut(a.Because[0], width-28))
			continue
		}
		if len(g) == 1 {
			line(b, a.Decision, mark(a.Verdict), a.What+named(&a), a.Confidence)
			if a.Rather != nil {
				line(b, "", "or rather", a.Rather.What, a.Rather.Confidence)
			}
			continue
		}
		summed(b, g)
	}
	questions(b, groups)
	fmt.Fprintf(b, "\nWhy, with every number: ashlar advise DECISION%s    As records: --records DIR\n", paths)
}

// headline says how much there is to do.
func headline(b *strings.Builder, groups [][]Answer) {
	n := map[Verdict]int{}
	for _, g := range groups {
		worst := g[0].Verdict
		for _, a := range g {
			if slices.Index(weight, a.Verdict) < slices.Index(weight, worst) {
				worst = a.Verdict
			}
		}
		n[worst]++
	}
	var parts []string
	for _, v := range weight {
		if n[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[v], map[Verdict]string{Infeasible: "infeasible", Change: "to change", Open: "open until more is known", Begin: "to choose", Keep: "to keep", Moot: "with nothing to decide"}[v]))
		}
	}
	fmt.Fprintf(b, "%d decisions: %s\n\n", len(groups), strings.Join(parts, ", "))
}

// weight orders verdicts by how much they ask for.
var weight = []Verdict{Infeasible, Change, Begin, Open, Keep, Moot}

func named(a *Answer) string {
	if a.Subject != "" {
		return " (" + a.Subject + ")"
	}
	return ""
}

func line(b *strings.Builder, decision, mark, what string, confidence float64) {
	fmt.Fprintf(b, "  %-14s %-10s %-64s %3.0f %%\n", decision, mark, cut(what, 64), 100*confidence)
}

// summed is several subjects of one decision: those that stay in one line, those
// that change by name.
func summed(b *strings.Builder, g []Answer) {
	type kind struct {
		verdict        Verdict
		choice, rather string
	}
	var kinds []kind
	by := map[kind][]Answer{}
	for _, a := range g {
		k := kind{a.Verdict, a.Choice, ""}
		if a.Rather != nil {
			k.rather = a.Rather.Choice
		}
		if by[k] == nil {
			kinds = append(kinds, k)
		}
		by[k] = append(by[k], a)
	}
	slices.SortStableFunc(kinds, func(x, y kind) int {
		return cmp.Or(yes(x.verdict == Keep)-yes(y.verdict == Keep), -cmp.Compare(len(by[x]), len(by[y])))
	})
	first := g[0].Decision
	for _, k := range kinds {
		as := by[k]
		sure := 1.
		names := make([]string, len(as))
		for i, a := range as {
			sure = min(sure, a.Confidence)
			names[i] = a.Subject
		}
		what := fmt.Sprintf("%s: %d of %d", as[0].What, len(as), len(g))
		if k.verdict != Keep || len(as) <= 2 {
			what += ", " + strings.Join(names, ", ")
		}
		line(b, first, mark(k.verdict), what, sure)
		first = ""
		if r := as[0].Rather; r != nil {
			least := r.Confidence
			for _, a := range as {
				least = min(least, a.Rather.Confidence)
			}
			line(b, "", "or rather", r.What, least)
		}
	}
}

// questions are what would make most decisions surer, the most wanted first.
func questions(b *strings.Builder, groups [][]Answer) {
	count, order := map[string]int{}, []string{}
	text := map[string]string{}
	for _, g := range groups {
		seen := map[string]bool{}
		for _, a := range g {
			for _, q := range a.Questions {
				k := cmp.Or(q.Key+string(q.Of)+q.Call, q.Text)
				if seen[k] {
					continue
				}
				seen[k] = true
				if count[k]++; count[k] == 1 {
					order = append(order, k)
					text[k] = q.String()
				}
			}
		}
	}
	slices.SortStableFunc(order, func(x, y string) int { return count[y] - count[x] })
	if len(order) == 0 {
		return
	}
	b.WriteString("\nSurer with (--ask asks, or write it into ashlar.yaml):\n")
	for i, k := range order {
		if i == 4 || i > 0 && count[k] == 1 {
			fmt.Fprintf(b, "  and %d more, each for one decision\n", len(order)-i)
			break
		}
		wrapped(b, "  ? ", text[k])
	}
}

// several are the subjects of one decision, a line and a reason each.
func several(b *strings.Builder, as []Answer) {
	fmt.Fprintf(b, "%s\n", as[0].Question)
	for i := range as {
		a := &as[i]
		fmt.Fprintf(b, "\n%s: %s %s  %.0f %%\n", a.Subject, mark(a.Verdict), a.What, 100*a.Confidence)
		for _, r := range a.Because[:min(2, len(a.Because))] {
			wrapped(b, "    ", r)
		}
		if len(a.Flips) > 0 {
			wrapped(b, "    flips: ", a.Flips[0].String())
		}
	}
	b.WriteString("\nEverything, with every number: -v\n")
}

// String is "3 teams instead of 1: a service for each team".
func (f Flip) String() string {
	if f.Price {
		return fmt.Sprintf("price %s %s instead of %s: %s", f.Input, f.At, f.From, f.What)
	}
	if f.From == "unknown" {
		return fmt.Sprintf("%s: %s (now unknown)", f.At, f.What)
	}
	return fmt.Sprintf("%s instead of %s: %s", f.At, f.From, f.What)
}

func full(b *strings.Builder, a *Answer, verbose bool) {
	title := a.Decision
	if a.Subject != "" {
		title += ", " + a.Subject
	}
	if a.Verdict == Moot {
		wrapped(b, title+": ", string(a.Verdict)+": "+strings.Join(a.Because, "; "))
		return
	}
	fmt.Fprintf(b, "%s: %s %s    (%.0f %% sure)\n", title, mark(a.Verdict), a.What, 100*a.Confidence)
	for _, r := range a.Because {
		wrapped(b, "  because  ", r)
	}
	b.WriteString("\n  days a year\n")
	for i := range a.Alternatives {
		s := &a.Alternatives[i]
		here := ""
		if s.Here {
			here = "  (there now)"
		}
		total := s.total()
		if s.Vetoed != "" {
			total = "out"
		}
		fmt.Fprintf(b, "  %12s  %s%s\n", total, s.What, here)
		if s.Vetoed == "" && (i == 0 || verbose) {
			for _, l := range s.Lines {
				wrapped(b, fmt.Sprintf("  %12s    %7s  ", "", days(l.Days)), fmt.Sprintf("%s = %s [%s]", l.What, l.Formula, l.Factor))
			}
		}
	}
	b.WriteString("\n  factors (choice against the next best)\n")
	for _, f := range a.Factors {
		var known, open []string
		for _, m := range f.Measures {
			switch {
			case m.Value == nil && m.Where != "" && verbose:
				open = append(open, m.Key+" ("+m.Where+")")
			case m.Value == nil:
				open = append(open, m.Key)
			case verbose:
				known = append(known, m.Text+" ("+m.Where+")")
			default:
				known = append(known, m.Text)
			}
		}
		text := strings.Join(known, ", ")
		if len(open) > 0 {
			text = strings.TrimPrefix(text+"; unknown: "+strings.Join(open, ", "), "; ")
		}
		wrapped(b, fmt.Sprintf("    %-12s ", f.Factor), f.Says+"; "+text)
	}
	if len(a.Flips) > 0 {
		b.WriteString("\n  what would change it\n")
		for _, f := range a.Flips[:min(4, len(a.Flips))] {
			wrapped(b, "    ", f.String())
		}
	}
	b.WriteByte('\n')
	for _, x := range [][2]string{{"sure", a.Sure}, {"prices", a.priced()}, {"test", a.Test}, {"observe", a.Observe}, {"maintain", a.Maintain}, {"who", a.Who}, {"cures", strings.Join(head(a.Findings, 3), "; ")}, {"read", a.Source}} {
		if x[1] != "" {
			wrapped(b, fmt.Sprintf("  %-9s ", x[0]), x[1])
		}
	}
	if len(a.Questions) > 0 {
		b.WriteString("  unknown; --ask asks for it, or write it into ashlar.yaml\n")
		for _, q := range a.Questions {
			wrapped(b, "    ? ", q.String())
		}
	}
}

// days with one digit behind the point, and as many as it takes to see any.
func days(v float64) string {
	if v < .05 {
		return number(v)
	}
	return number(math.Round(10*v) / 10)
}

func head(s []string, n int) []string {
	if len(s) > n {
		return append(slices.Clone(s[:n]), fmt.Sprintf("and %d more", len(s)-n))
	}
	return s
}

func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return strings.TrimRight(string(r[:n-3]), " ,") + "..."
}

// wrapped writes text behind a first word and breaks it between words.
func wrapped(b *strings.Builder, first, text string) {
	in := min(len(first), 26)
	b.WriteString(first)
	at := len(first)
	for i, w := range strings.Fields(text) {
		switch {
		case i == 0:
		case at+1+len([]rune(w)) > width:
			b.WriteString("\n" + strings.Repeat(" ", in))
			at = in
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(w)
		at += len([]rune(w))
	}
	b.WriteByte('\n')
}
