// Package report prints what package split found: for a terminal, as Markdown, as
// JSON, and as one HTML page in which moving a type changes the figures.
package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/split"
	"github.com/ashlar-dev/ashlar/design/split/plan"
)

// Report is what to print.
type Report struct {
	System string // its name, "" when unknown
	Result *split.Result
	Plan   plan.Plan
	Paths  []string // that were read, for the hints
	// Verbose prints everything.
	Verbose bool
	Color   bool
}

const width = 100

// chosen is the recommended candidate.
func (r *Report) chosen() *split.Candidate {
	if len(r.Result.Candidates) == 0 {
		return nil
	}
	return &r.Result.Candidates[0]
}

// Terminal prints the answer, the contexts, what crosses, and how to see more.
func Terminal(w io.Writer, r *Report) error {
	p := &printer{w: w, color: r.Color}
	a := r.Result.Answer
	p.line("%s", p.paint("1", strings.ToUpper(string(a.Verdict[:1]))+string(a.Verdict[1:])+"."))
	p.wrap("", 0, a.Sentence)
	p.line("")
	for _, s := range a.Why {
		p.wrap("  - ", 4, s)
	}
	c := r.chosen()
	if c == nil {
		return p.err
	}
	p.wrap("  - ", 4, fmt.Sprintf("confidence %.0f %%", 100*a.Confidence))
	p.line("\n%s", p.paint("1", fmt.Sprintf("%d contexts", len(c.Contexts))))
	for _, x := range c.Contexts {
		name := x.Name
		if x.Inferred {
			name += "?"
		}
		p.line("  %s  %s, %s, %s; sure %.0f %%", p.paint("36", fmt.Sprintf("%-14s", name)), count(len(x.Members), "type"), count(len(x.Tables), "table"), count(len(x.Entries), "entry point"), 100*x.Stability)
		p.wrap("      ", 6, r.members(x))
		if len(x.Tables) > 0 {
			p.wrap("      owns ", 11, tables(x.Tables))
		}
		if len(x.Teams) > 0 {
			p.wrap("      of ", 9, shares(x.Teams))
		}
		if x.Extract.Worth || r.Verbose {
			p.wrap("      ", 6, fmt.Sprintf("as a service: brings %.2f, takes %.2f (%s)", x.Extract.Value, x.Extract.Price, or(strings.Join(x.Extract.Takes, ", "), "nothing to cut")))
		}
	}
	r.crossings(p, c)
	p.wrap("\nNot more: ", 10, a.NotMore)
	p.wrap("Not fewer: ", 11, a.NotFewer)
	p.wrap("It would change: ", 17, strings.Join(a.Changes, "; "))
	for _, u := range a.Unknown {
		p.wrap("Not known: ", 11, u)
	}
	if m := r.Result.Facts.Missing; len(m) > 0 {
		p.wrap("Not seen: ", 10, strings.Join(m, "; "))
	}
	if r.Verbose {
		r.details(p, c)
	}
	r.scores(p, c)
	if len(r.Plan.Steps) > 0 {
		p.line("\n%s, %d steps, %s", p.paint("1", "Plan"), len(r.Plan.Steps), r.Plan.Days)
		shown := r.Plan.Steps
		if !r.Verbose {
			shown = shown[:min(6, len(shown))]
		}
		for _, s := range shown {
			p.line("  %-5s %s  (%s)", s.ID, s.Title, s.Days)
			if r.Verbose {
				r.step(p, s)
			}
		}
		if n := len(r.Plan.Steps) - len(shown); n > 0 {
			p.line("        and %d more: ashlar split --format markdown %s", n, strings.Join(r.Paths, " "))
		}
	}
	return p.err
}

// shares are the teams of a context with their shares of its lines.
func shares(ts []split.TeamShare) string {
	var out []string
	for _, t := range ts {
		out = append(out, fmt.Sprintf("%s (%.0f %%)", t.Team, 100*t.Share))
	}
	return cut(out, 4)
}

// members names up to eight, entities and entry points first.
func (r *Report) members(x split.Context) string {
	ms := slices.Clone(x.Members)
	slices.SortStableFunc(ms, func(a, b split.Member) int { return importance(b) - importance(a) })
	var out []string
	for _, m := range ms {
		if !r.Verbose && len(out) == 8 {
			out = append(out, fmt.Sprintf("and %d more", len(ms)-8))
			break
		}
		s := short(m.Name)
		if m.Also != "" {
			s += " (or " + m.Also + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func importance(m split.Member) int {
	n := 0
	if m.Aggregate {
		n += 4
	}
	switch m.Kind {
	case code.KindController, code.KindEntity:
		n += 2
	case code.KindService, code.KindRepository:
		n++
	}
	return n
}

func (r *Report) crossings(p *printer, c *split.Candidate) {
	p.line("\n%s", p.paint("1", "What crosses the borders"))
	span := 0
	for _, t := range c.Tx {
		if len(t.Contexts) > 1 {
			span++
		}
	}
	shown := 0
	for _, t := range c.Tx {
		if len(t.Contexts) < 2 || !r.Verbose && shown == 3 {
			continue
		}
		shown++
		p.wrap("  transaction ", 14, fmt.Sprintf("%s at %s writes %s: %s", method(t.Method), place(t.Pos), uses(t.Writes), t.Replace))
	}
	if n := span - shown; n > 0 {
		p.line("  and %s that span contexts", count(n, "more transaction"))
	}
	shown, all := 0, 0
	for _, t := range c.Tables {
		for _, x := range t.Writers {
			if all++; !r.Verbose && shown >= 4 {
				continue
			}
			shown++
			p.wrap("  table ", 8, fmt.Sprintf("%s of %s is written by %s at %s: %s", table(t.Table), t.Owner, x.Context, places(x.Sites), x.Replace))
		}
	}
	if n := all - shown; n > 0 {
		p.line("  and %s by a context that does not own the table", count(n, "more writer"))
	}
	reads, keys, joins := 0, 0, 0
	for _, t := range c.Tables {
		reads += len(t.Readers)
		keys += len(t.Keys)
		joins += len(t.Joins)
	}
	loops := 0
	for _, k := range c.Calls {
		if k.InLoop {
			loops++
		}
	}
	var rest []string
	for _, x := range []struct {
		n    int
		what string
	}{{reads, "foreign reader"}, {keys, "foreign key"}, {joins, "join"}, {len(c.Calls), "operation"}} {
		if x.n > 0 {
			rest = append(rest, count(x.n, x.what))
		}
	}
	if loops > 0 {
		rest[len(rest)-1] += fmt.Sprintf(" (%d in a loop)", loops)
	}
	if len(rest) > 0 {
		p.wrap("  also ", 7, strings.Join(rest, ", "))
	}
	if len(r.Result.Broken) > 0 {
		for _, b := range r.Result.Broken[:min(len(r.Result.Broken), pick(r.Verbose, 100, 3))] {
			p.wrap("  several jobs: ", 16, fmt.Sprintf("%s (%s) has %s", short(string(b.Type)), place(b.Pos), b.Why))
		}
	}
	for _, role := range []split.Role{split.RoleKernel, split.RoleUtility, split.RolePlatform, split.RoleAlone} {
		var names []string
		do := ""
		for _, d := range r.Result.Decided {
			if d.Role == role {
				names = append(names, short(string(d.Type)))
				do = d.Do
			}
		}
		if len(names) > 0 {
			p.wrap("  "+string(role)+": ", 4, cut(names, pick(r.Verbose, 100, 8))+" - "+do)
		}
	}
}

// details prints every crossing.
func (r *Report) details(p *printer, c *split.Candidate) {
	p.line("\n%s", p.paint("1", "Tables"))
	for _, t := range c.Tables {
		p.wrap("  ", 4, fmt.Sprintf("%s: %s (%s)", table(t.Table), t.Owner, t.Why))
		for _, x := range t.Readers {
			p.wrap("    read by ", 12, fmt.Sprintf("%s at %s: %s", x.Context, places(x.Sites), x.Replace))
		}
		for _, k := range t.Keys {
			p.wrap("    key ", 8, fmt.Sprintf("%s -> %s of %s: %s", k.Columns, table(k.To), k.Owner, k.Replace))
		}
		for _, j := range t.Joins {
			p.wrap("    join ", 9, fmt.Sprintf("with %s of %s at %s: %s", table(j.With), j.Owner, place(j.Pos), j.Replace))
		}
	}
	p.line("\n%s", p.paint("1", "Operations between contexts"))
	for _, k := range c.Calls {
		n := ""
		if k.Count.Known {
			n = fmt.Sprintf(", %d calls seen", k.Count.V)
		} else if k.PerDay.Known {
			n = fmt.Sprintf(", about %s a day", rounded(k.PerDay.V))
		}
		p.wrap("  ", 4, fmt.Sprintf("%s -> %s: %s at %s%s: %s", k.From, k.To, method(k.Method), places(k.Sites), n, k.Replace))
	}
}

func (r *Report) scores(p *printer, c *split.Candidate) {
	p.line("\n%s", p.paint("1", "Figures beside trivial cuts")+" (lower is better, but for SM)")
	p.line("  %-22s %8s %8s   %6s %6s %6s %6s %6s", "", "contexts", "cost", "BCP", "ICP", "SM", "IFN", "NED")
	row := func(name string, k int, cost split.Cost, s split.Scores) {
		m := s.FSE21
		p.line("  %-22s %8d %8.2f   %6.2f %6.2f %6.3f %6.2f %6.2f", name, k, cost.Total, m.BCP, m.ICP, m.SM, m.IFN, m.NED)
	}
	row("recommended", len(c.Contexts), c.Cost, c.Scores)
	for i := range r.Result.Candidates[1:] {
		o := &r.Result.Candidates[i+1]
		if i < 3 || r.Verbose {
			row(fmt.Sprintf("candidate %d", i+2), len(o.Contexts), o.Cost, o.Scores)
		}
	}
	for _, b := range r.Result.Baselines {
		row(b.Name, b.Scores.Contexts, b.Cost, b.Scores)
	}
	p.line("  cost is Ashlar's own; the others as in Mono2Micro's published code (ESEC/FSE 2021)")
}

func (r *Report) step(p *printer, s plan.Step) {
	p.wrap("        why: ", 13, s.Why)
	for _, d := range s.Do {
		p.wrap("        - ", 10, d)
	}
	p.wrap("        undo: ", 14, s.Rollback)
	p.wrap("        done: ", 14, s.Done)
}

// rounded shows two digits of a large number: 12,000.
func rounded(x float64) string {
	unit := math.Pow(10, math.Floor(math.Log10(max(x, 1)))-1)
	s := fmt.Sprintf("%.0f", math.Round(x/unit)*unit)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func uses(us []split.TableUse) string {
	var out []string
	for _, u := range us {
		out = append(out, table(u.Table)+" of "+u.Owner)
	}
	return strings.Join(out, ", ")
}

func tables(ts []arch.Ref) string {
	var out []string
	for _, t := range ts {
		out = append(out, table(t))
	}
	return strings.Join(out, ", ")
}

func table(r arch.Ref) string {
	if m := r.Member(); m != "" {
		return m
	}
	return r.Name()
}

func place(p code.Pos) string {
	if p.File == "" {
		return "an unknown place"
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

func places(ps []code.Pos) string {
	var out []string
	for i, p := range ps {
		if i == 2 {
			out = append(out, fmt.Sprintf("%d more places", len(ps)-2))
			break
		}
		out = append(out, place(p))
	}
	return strings.Join(out, ", ")
}

// method is a method's type and name without package and parameters.
func method(id code.MethodID) string {
	s := string(id)
	if i := strings.IndexByte(s, '('); i >= 0 {
		s = s[:i]
	}
	t, m, ok := strings.Cut(s, "#")
	if !ok {
		return s
	}
	return strings.TrimSuffix(short(t)+"."+m, ".")
}

// short is a type's name, with its methods where it is a part, without package.
func short(name string) string {
	t, part, ok := strings.Cut(name, "#")
	t = t[strings.LastIndexAny(t, "./")+1:]
	if ok {
		return t + "{" + part + "}"
	}
	return t
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "y") && !strings.HasSuffix(what, "ey"):
		return fmt.Sprintf("%d %sies", n, what[:len(what)-1])
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func cut(names []string, n int) string {
	if len(names) > n {
		names = append(slices.Clone(names[:n]), fmt.Sprintf("and %d more", len(names)-n))
	}
	return strings.Join(names, ", ")
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func pick(cond bool, a, b int) int {
	if cond {
		return a
	}
	return b
}

type printer struct {
	w     io.Writer
	color bool
	err   error
}

func (p *printer) line(format string, args ...any) {
	if _, err := fmt.Fprintf(p.w, format+"\n", args...); err != nil && p.err == nil {
		p.err = err
	}
}

func (p *printer) paint(code, s string) string {
	if !p.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// wrap prints text in lines of the width, the first after a lead, the others
// indented.
func (p *printer) wrap(lead string, indent int, text string) {
	line := lead
	empty := true
	for _, w := range strings.Fields(text) {
		if !empty && len(line)+1+len(w) > width {
			p.line("%s", line)
			line, empty = strings.Repeat(" ", indent), true
		}
		if !empty {
			line += " "
		}
		line += w
		empty = false
	}
	p.line("%s", line)
}
