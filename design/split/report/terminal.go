package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/split"
	"github.com/ashlar-dev/ashlar/design/split/plan"
)

const width = 100

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
	p.line("\n%s", p.paint("1", count(len(c.Own()), "context")))
	for _, x := range c.Own() {
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
	r.supporting(p, c)
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

// supporting lists the libraries inside in one paragraph, or with their types.
func (r *Report) supporting(p *printer, c *split.Candidate) {
	rest := c.Contexts[len(c.Own()):]
	if len(rest) == 0 {
		return
	}
	if !r.Verbose {
		var names []string
		for _, x := range rest {
			names = append(names, fmt.Sprintf("%s (%s)", x.Name, count(len(x.Members), "type")))
		}
		p.wrap("  supporting modules, without table or way in: ", 6, cut(names, 8))
		return
	}
	p.line("  supporting modules, without table or way in")
	for _, x := range rest {
		p.wrap("    "+x.Name+": ", 6, r.members(x))
	}
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
