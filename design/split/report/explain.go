package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/design/split"
)

// Explain prints why a type or table is where the recommended cut puts it.
func Explain(w io.Writer, r *split.Result, name string) error {
	if len(r.Candidates) == 0 {
		return fmt.Errorf("there is no cut to explain")
	}
	c := &r.Candidates[0]
	why, err := r.Explain(c, name)
	if err != nil {
		return err
	}
	p := &printer{w: w}
	for i, node := range slices.Sorted(maps.Keys(why)) {
		if i > 0 {
			p.line("")
		}
		home, also, support := "", "", 0.
		for _, x := range c.Contexts {
			for _, m := range x.Members {
				if m.Name == node {
					home, also, support = x.Name, m.Also, m.Support
				}
			}
		}
		for _, t := range c.Tables {
			if table(t.Table) == node {
				home = t.Owner
				p.wrap("", 2, fmt.Sprintf("table %s belongs to %s: %s", node, t.Owner, t.Why))
			}
		}
		if support > 0 {
			p.wrap("", 2, fmt.Sprintf("%s is in %s, sure %.0f %% (the share of runs under noise that agree on what is beside it)", short(node), home, 100*support))
		}
		if also != "" {
			p.wrap("", 2, fmt.Sprintf("It is nearly as close to %s: a person should decide; pin it in ashlar.yaml (split: {names: {%s: ...}}).", also, short(node)))
		}
		sum := map[string]float64{}
		for _, x := range why[node] {
			sum[x.Context] += x.Weight
		}
		order := slices.SortedFunc(maps.Keys(sum), func(a, b string) int {
			switch {
			case sum[a] > sum[b]:
				return -1
			case sum[a] < sum[b]:
				return 1
			}
			return strings.Compare(a, b)
		})
		for _, ctx := range order {
			p.line("  %-16s pulls %.2f", ctx, sum[ctx])
			for _, x := range why[node] {
				if x.Context == ctx {
					p.wrap("    ", 8, fmt.Sprintf("%.2f by %s: %s", x.Weight, x.Kind, strings.Join(plain(x.With), ", ")))
				}
			}
		}
		if len(order) == 0 {
			p.line("  nothing pulls it anywhere: no call, no table, no word in common")
		}
	}
	for _, d := range r.Decided {
		if short(string(d.Type)) == name || string(d.Type) == name {
			p.wrap("", 2, fmt.Sprintf("%s is %s: %s. %s", name, d.Role, d.Why, d.Do))
		}
	}
	for _, b := range r.Broken {
		if short(string(b.Type)) == name || string(b.Type) == name {
			p.wrap("", 2, fmt.Sprintf("%s does several jobs: %s.", name, b.Why))
		}
	}
	return p.err
}

func plain(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = short(n)
	}
	return out
}

// Scored prints a user's cut beside the recommended one.
func Scored(w io.Writer, r *split.Result, c *split.Candidate, rest []string) error {
	p := &printer{w: w}
	best := &r.Candidates[0]
	p.line("%-34s %12s %12s", "", "yours", "recommended")
	row := func(name, format string, a, b float64) {
		p.line("%-34s %12s %12s", name, fmt.Sprintf(format, a), fmt.Sprintf(format, b))
	}
	row("contexts", "%.0f", float64(len(c.Contexts)), float64(len(best.Contexts)))
	row("cost (Ashlar's own)", "%.2f", c.Cost.Total, best.Cost.Total)
	row("  evidence severed", "%.2f", c.Cost.Cross, best.Cost.Cross)
	row("  use cases mixed", "%.2f", c.Cost.Mixed, best.Cost.Mixed)
	row("  width of interfaces", "%.2f", c.Cost.Wide, best.Cost.Wide)
	row("  too small or too large", "%.2f", c.Cost.Extreme, best.Cost.Extreme)
	row("  loose inside", "%.2f", c.Cost.Loose, best.Cost.Loose)
	row("transactions that span contexts", "%.0f", spanning(c), spanning(best))
	row("tables that others write", "%.0f", written(c), written(best))
	row("operations between contexts", "%.0f", float64(len(c.Calls)), float64(len(best.Calls)))
	a, b := c.Scores.FSE21, best.Scores.FSE21
	row("BCP (FSE'21)", "%.3f", a.BCP, b.BCP)
	row("ICP (FSE'21)", "%.3f", a.ICP, b.ICP)
	row("SM (FSE'21; higher is better)", "%.3f", a.SM, b.SM)
	row("IFN (FSE'21)", "%.3f", a.IFN, b.IFN)
	row("NED (FSE'21)", "%.3f", a.NED, b.NED)
	p.line("%-34s %12.1f   (100: yours is the recommended one)", "MoJoFM of the recommended cut", r.MoJoFM(c))
	if len(rest) > 0 {
		p.wrap("\nNot in your file, put where they are drawn to: ", 2, cut(plain(rest), 20))
	}
	return p.err
}

func spanning(c *split.Candidate) float64 {
	n := 0.
	for _, t := range c.Tx {
		if len(t.Contexts) > 1 {
			n++
		}
	}
	return n
}

func written(c *split.Candidate) float64 {
	n := 0.
	for _, t := range c.Tables {
		if len(t.Writers) > 0 {
			n++
		}
	}
	return n
}
