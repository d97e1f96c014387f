package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ashlar-dev/ashlar/design/split"
	"github.com/ashlar-dev/ashlar/design/split/plan"
)

// Markdown prints the whole as a document: answer, contexts, tables, crossings,
// figures and the plan with its risks and diagrams.
func Markdown(w io.Writer, r *Report) error {
	p := &printer{w: w}
	a := r.Result.Answer
	p.line("# Where to cut %s\n", or(r.System, "the system"))
	p.line("**%s.** %s\n", strings.ToUpper(string(a.Verdict[:1]))+string(a.Verdict[1:]), a.Sentence)
	for _, s := range a.Why {
		p.line("- %s", s)
	}
	p.line("- confidence %.0f %%\n", 100*a.Confidence)
	p.line("Why not more contexts: %s.  \nWhy not fewer: %s.\n", a.NotMore, a.NotFewer)
	p.line("What would change this answer:\n")
	for _, s := range a.Changes {
		p.line("- %s", s)
	}
	for _, s := range append(a.Unknown, r.Result.Facts.Missing...) {
		p.line("- not known: %s", s)
	}
	c := r.chosen()
	if c == nil {
		return p.err
	}
	p.line("\n## Today and after\n\n```mermaid\n%s```\n", diagram(c, nil))
	p.line("## Contexts\n")
	p.line("A name with a question mark was made from words in the code; pin a better one in `ashlar.yaml`.\n")
	for _, x := range c.Contexts {
		q := ""
		if x.Inferred {
			q = "?"
		}
		p.line("### %s%s\n", x.Name, q)
		p.line("%d types, %d lines, sure %.0f %%. Language: %s.", len(x.Members), x.Lines, 100*x.Stability, or(strings.Join(x.Terms, ", "), "no words of its own"))
		if len(x.Tables) > 0 {
			p.line("Owns %s.", tables(x.Tables))
		}
		if len(x.Teams) > 0 {
			p.line("Its files are owned by %s.", shares(x.Teams))
		}
		if x.Load.Known {
			p.line("%.3g requests per second come in here.", x.Load.V)
		}
		if x.Own.Known {
			p.line("%.0f %% of its changes touch nothing else.", 100*x.Own.V)
		}
		if x.Supporting {
			p.line("\nIt owns no table and nothing comes in at it: a library inside.\n")
		} else {
			p.line("\nAs a service it brings %.2f (%s) and takes %.2f (%s).\n", x.Extract.Value, or(strings.Join(x.Extract.Brings, "; "), "nothing seen"), x.Extract.Price, or(strings.Join(x.Extract.Takes, "; "), "nothing to cut"))
		}
		for _, m := range x.Members {
			root := ""
			if m.Aggregate {
				root = ", aggregate root"
			}
			also := ""
			if m.Also != "" {
				also = ", nearly as close to " + m.Also
			}
			p.line("- `%s` %s (%s%s%s)", short(m.Name), place(m.Pos), m.Kind, root, also)
		}
		p.line("")
	}
	r.markdownTables(p, c)
	r.markdownCrossings(p, c)
	p.line("## Figures\n\n| cut | contexts | cost | BCP | ICP | SM | IFN | NED |\n|---|---|---|---|---|---|---|---|")
	row := func(name string, k int, cost split.Cost, s split.Scores) {
		m := s.FSE21
		p.line("| %s | %d | %.2f | %.3f | %.3f | %.3f | %.2f | %.3f |", name, k, cost.Total, m.BCP, m.ICP, m.SM, m.IFN, m.NED)
	}
	row("**recommended**", len(c.Contexts), c.Cost, c.Scores)
	for i := range r.Result.Candidates[1:] {
		o := &r.Result.Candidates[i+1]
		row(fmt.Sprintf("candidate %d", i+2), len(o.Contexts), o.Cost, o.Scores)
	}
	for _, b := range r.Result.Baselines {
		row(b.Name+" ("+b.About+")", b.Scores.Contexts, b.Cost, b.Scores)
	}
	p.line("\nThe cost is Ashlar's own; the others are computed as in Mono2Micro's published code (ESEC/FSE 2021), lower is better but for SM. Read them beside the trivial cuts.\n")
	r.markdownPlan(p, c)
	return p.err
}

func (r *Report) markdownTables(p *printer, c *split.Candidate) {
	if len(c.Tables) == 0 {
		return
	}
	p.line("## Who owns which table\n\n| table | owner | why | others that write | others that read |\n|---|---|---|---|---|")
	for _, t := range c.Tables {
		p.line("| `%s` | %s | %s | %s | %s |", table(t.Table), t.Owner, t.Why, touchers(t.Writers), touchers(t.Readers))
	}
	p.line("")
}

func touchers(ts []split.Toucher) string {
	var out []string
	for _, t := range ts {
		out = append(out, fmt.Sprintf("%s (%s) → %s", t.Context, places(t.Sites), t.Replace))
	}
	return strings.Join(out, "<br>")
}

func (r *Report) markdownCrossings(p *printer, c *split.Candidate) {
	p.line("## What crosses the borders\n")
	for _, t := range c.Tx {
		kind := "spans " + strings.Join(t.Contexts, ", ")
		if len(t.Contexts) < 2 {
			kind = "reads elsewhere: " + uses(t.Reads)
		}
		p.line("- transaction `%s` (%s) %s, writes %s → %s", method(t.Method), place(t.Pos), kind, uses(t.Writes), t.Replace)
	}
	for _, t := range c.Tables {
		for _, k := range t.Keys {
			p.line("- foreign key `%s.%s` → `%s` of %s: %s", table(t.Table), k.Columns, table(k.To), k.Owner, k.Replace)
		}
		for _, j := range t.Joins {
			p.line("- join of `%s` with `%s` of %s at %s: %s", table(t.Table), table(j.With), j.Owner, place(j.Pos), j.Replace)
		}
	}
	for _, k := range c.Calls {
		p.line("- %s needs `%s` of %s (%s): %s", k.From, method(k.Method), k.To, places(k.Sites), k.Replace)
	}
	for _, b := range r.Result.Broken {
		p.line("- `%s` (%s) does several jobs: %s; it falls into %s", short(string(b.Type)), place(b.Pos), b.Why, strings.Join(shorts(b.Atoms), ", "))
	}
	for _, d := range r.Result.Decided {
		if d.Do != "" {
			p.line("- `%s` (%s) is %s: %s; %s", short(string(d.Type)), place(d.Pos), d.Role, d.Why, d.Do)
		}
	}
	p.line("")
}

func shorts(names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, "`"+short(n)+"`")
	}
	return out
}

func (r *Report) markdownPlan(p *printer, c *split.Candidate) {
	if len(r.Plan.Steps) == 0 {
		return
	}
	p.line("## Plan\n\n%d steps, %s. Efforts are counted from the places to change; compare steps by them, do not promise dates.\n", len(r.Plan.Steps), r.Plan.Days)
	done := map[string]plan.Kind{}
	for _, s := range r.Plan.Steps {
		p.line("### %s %s\n", s.ID, s.Title)
		p.line("%s. %s.\n", strings.ToUpper(s.Why[:1])+s.Why[1:], s.Days)
		for i, d := range s.Do {
			p.line("%d. %s", i+1, d)
		}
		if len(s.Tests) > 0 {
			p.line("\nTests first:\n")
			for _, t := range s.Tests {
				p.line("- %s", t)
			}
		}
		if len(s.Cites) > 0 {
			p.line("\nPlaces:\n")
			for _, x := range s.Cites {
				p.line("- `%s:%d` %s", x.Pos.File, x.Pos.Line, x.What)
			}
		}
		if len(s.Routes) > 0 {
			p.line("\nRoutes (flag `%s`):\n", s.Flag)
			for _, x := range s.Routes {
				p.line("- `%s %s` → %s", x.Method, x.Path, x.To)
			}
		}
		if len(s.Risks) > 0 {
			p.line("\n| risk | owner | mitigation | roll-back |\n|---|---|---|---|")
			for _, x := range s.Risks {
				p.line("| %s | %s | %s | %s |", x.Trigger, x.Owner, x.Mitigation, x.Rollback)
			}
		}
		p.line("\nRoll-back: %s.  \nDone when: %s.\n", s.Rollback, s.Done)
		if s.Kind == plan.Extract || s.Kind == plan.Border {
			done[s.Context] = s.Kind
			p.line("```mermaid\n%s```\n", diagram(c, done))
		}
	}
}

// diagram draws contexts and what they need of each other: nil done is the goal;
// else what is a module or service by then, the rest is the monolith.
func diagram(c *split.Candidate, done map[string]plan.Kind) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	id := map[string]string{}
	for i, x := range c.Contexts {
		id[x.Name] = fmt.Sprintf("c%d", i)
	}
	node := func(x split.Context, shape string) {
		open, end := "[", "]"
		if shape == "service" {
			open, end = "([", "])"
		}
		fmt.Fprintf(&b, "  %s%s\"%s<br/>%d types, %d tables\"%s\n", id[x.Name], open, x.Name, len(x.Members), len(x.Tables), end)
	}
	if done == nil {
		for _, x := range c.Contexts {
			node(x, "")
		}
	} else {
		b.WriteString("  subgraph monolith\n")
		rest := 0
		for _, x := range c.Contexts {
			switch done[x.Name] {
			case plan.Border:
				node(x, "")
			case "":
				rest++
			}
		}
		if rest > 0 {
			fmt.Fprintf(&b, "  rest[\"not yet cut: %d contexts\"]\n", rest)
		}
		b.WriteString("  end\n")
		for _, x := range c.Contexts {
			if done[x.Name] == plan.Extract {
				node(x, "service")
			}
		}
	}
	ops := map[[2]string]int{}
	var order [][2]string
	for _, k := range c.Calls {
		from, to := id[k.From], id[k.To]
		if done != nil {
			if done[k.From] == "" {
				from = "rest"
			}
			if done[k.To] == "" {
				to = "rest"
			}
		}
		if from == to {
			continue
		}
		e := [2]string{from, to}
		if ops[e]++; ops[e] == 1 {
			order = append(order, e)
		}
	}
	for _, e := range order {
		fmt.Fprintf(&b, "  %s -->|%d| %s\n", e[0], ops[e], e[1])
	}
	return b.String()
}
