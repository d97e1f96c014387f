package split

import (
	"fmt"
	"math"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
)

// Extraction weighs making a context a service.
type Extraction struct {
	// What it brings, 0 to 1: how much changes without the others, its share of
	// the code that a team would no longer wait for, and its own load.
	Value  float64  `json:"value"`
	Brings []string `json:"brings"`
	// What it takes, 0 to 1: transactions, tables and operations to cut.
	Price float64  `json:"price"`
	Takes []string `json:"takes"`
	Worth bool     `json:"worth"`
}

// extractions fills Context.Extract.
func (r *Result) extractions(c *Candidate) {
	lines := 0
	for _, x := range c.Contexts {
		lines += x.Lines
	}
	for i := range c.Contexts {
		x := &c.Contexts[i]
		r.price(c, x)
		r.value(c, x, lines)
		e := &x.Extract
		if core := r.core(c, x); core != "" {
			e.Takes = append(e.Takes, core)
			continue
		}
		e.Worth = len(x.Tables)+len(x.Entries) > 0 && e.Value > worthFactor*e.Price && x.Stability >= .5
	}
}

// core says why a context is what the others would be taken out of: it has more
// than half of the tables, or of the ways in.
func (r *Result) core(c *Candidate, x *Context) string {
	entries := 0
	for _, o := range c.Contexts {
		entries += len(o.Entries)
	}
	switch t := len(r.model.tables); {
	case t > 3 && 2*len(x.Tables) > t:
		return fmt.Sprintf("the core, with %d of %d tables: others are taken out of it", len(x.Tables), t)
	case entries > 3 && 2*len(x.Entries) > entries && len(c.Contexts) > 2:
		return fmt.Sprintf("the core, with %d of %d entry points: others are taken out of it", len(x.Entries), entries)
	}
	return ""
}

// toll counts what making a context a service cuts.
type toll struct {
	tx, writing int // transactions that would span contexts, of all that write its tables
	operations  int // called across its border, either way
	shared      int // uses of tables across its border; a writing context counts twice
	joins, keys int
}

func (r *Result) toll(c *Candidate, x *Context) toll {
	m := r.model
	var n toll
	for _, t := range c.Tx {
		if len(t.Contexts) > 1 && has(t.Contexts, x.Name) {
			n.tx++
		}
	}
	for _, t := range m.txs {
		if slices.ContainsFunc(t.writes, func(w int) bool { return c.name[c.part[len(m.atoms)+w]] == x.Name }) {
			n.writing++
		}
	}
	for _, call := range c.Calls {
		if call.From == x.Name || call.To == x.Name {
			n.operations++
		}
	}
	for _, t := range c.Tables {
		mine := t.Owner == x.Name
		for _, w := range t.Writers {
			if mine || w.Context == x.Name {
				n.shared += 2
			}
		}
		for _, w := range t.Readers {
			if mine || w.Context == x.Name {
				n.shared++
			}
		}
		for _, k := range t.Keys {
			if mine || k.Owner == x.Name {
				n.keys++
			}
		}
		for _, j := range t.Joins {
			if mine || j.By == x.Name || j.Owner == x.Name {
				n.joins++
			}
		}
	}
	return n
}

// price is what it takes: .4 for the transactions, .3 for the tables, .3 for the
// operations, each as a share of what there is, and an owner where teams mix.
func (r *Result) price(c *Candidate, x *Context) {
	n, e := r.toll(c, x), &x.Extract
	take := func(n int, what string) {
		if n > 0 {
			e.Takes = append(e.Takes, fmt.Sprintf("%d %s", n, what))
		}
	}
	take(n.tx, plural(n.tx, "transaction becomes a saga", "transactions become sagas"))
	take(n.joins, plural(n.joins, "join across the border", "joins across the border"))
	take(n.keys, plural(n.keys, "foreign key to drop", "foreign keys to drop"))
	take(n.operations, plural(n.operations, "operation over the network", "operations over the network"))
	tables := ratio(n.shared, 2*max(1, len(x.Tables))) + ratio(n.joins, max(4, 2*len(x.Tables)))
	calls := ratio(n.operations, max(6, 3*len(x.Members)/2))
	e.Price = .4*ratio(n.tx, n.writing) + .3*math.Min(1, tables) + .3*math.Min(1, calls)
	if len(x.Teams) > 1 && x.Teams[0].Share < oneOwner {
		e.Price += .1
		e.Takes = append(e.Takes, fmt.Sprintf("an owner: %d teams share it, %s has most with %.0f %%", len(x.Teams), x.Teams[0].Team, 100*x.Teams[0].Share))
	}
}

// oneOwner is the share of a context's lines from which one team owns it.
const oneOwner = .8

// value is what it brings: up to .35 for its size (a third of the code is enough),
// .25 for how sure its border is, .2 for a way in of its own, .2 for changes that
// touch nothing else, .1 for one owner, .1 for its share of the load.
func (r *Result) value(c *Candidate, x *Context, lines int) {
	e := &x.Extract
	bring := func(w float64, format string, args ...any) {
		e.Value += w
		e.Brings = append(e.Brings, fmt.Sprintf(format, args...))
	}
	share := ratio(x.Lines, max(1, lines))
	if share == 0 {
		share = ratio(len(x.Members), max(1, len(r.model.atoms)))
	}
	e.Value = .35*math.Min(1, 3*share) + .25*x.Stability
	if n := len(x.Entries); n > 0 {
		bring(.2, "%d %s", n, plural(n, "entry point of its own", "entry points of its own"))
	}
	if alone := r.model.changesAlone(c, x.Name); alone.Known {
		x.Own = alone
		bring(.2*alone.V, "%.0f %% of its changes touch nothing else", 100*alone.V)
	}
	if len(x.Teams) > 0 && x.Teams[0].Share >= oneOwner {
		bring(.1, "%s owns %.0f %% of it", x.Teams[0].Team, 100*x.Teams[0].Share)
	}
	if load := c.load(); x.Load.Known && load > 0 {
		bring(.1*x.Load.V/load, "%.0f %% of the load scales alone", 100*x.Load.V/load)
	}
	if x.Lines > 0 {
		bring(0, "%d lines that build and deploy alone", x.Lines)
	}
}

// load is the requests per second that come in at all contexts.
func (c *Candidate) load() float64 {
	sum := 0.
	for _, x := range c.Contexts {
		sum += x.Load.V
	}
	return sum
}

// changesAlone is the share of a context's commits that stay inside of it.
func (m *model) changesAlone(c *Candidate, name string) arch.Opt[float64] {
	where := map[string]map[string]bool{}
	for i, a := range m.atoms {
		if m.common[i] || a.Pos.File == "" {
			continue
		}
		if where[a.Pos.File] == nil {
			where[a.Pos.File] = map[string]bool{}
		}
		where[a.Pos.File][c.name[c.part[i]]] = true
	}
	mine, alone := 0, 0
	for _, ch := range m.g.Changes {
		in := map[string]bool{}
		for _, f := range ch.Files {
			for n := range where[f] {
				in[n] = true
			}
		}
		if in[name] {
			mine++
			if len(in) == 1 {
				alone++
			}
		}
	}
	if mine < 5 {
		return arch.Opt[float64]{}
	}
	return arch.Some(ratio(alone, mine))
}
