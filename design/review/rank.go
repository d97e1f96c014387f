package review

import (
	"cmp"
	"math"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
)

// rank orders findings by consequence, the worst first:
//
//	consequence = severity x confidence x (1 + log2(1 + reach))
//
// where severity is 1 (info), 4, 16, 64, 256 (critical), and reach is how many
// services, routes and journeys lean on the finding's elements, directly or
// through others. A step of severity weighs as much as seven services more that
// lean on a place: what is merely untidy stays behind what hurts, unless very much
// hangs on it.
func rank(c *Case, res *Result) {
	g := c.Graph()
	for i := range res.Findings {
		f := &res.Findings[i]
		reach := 0
		for _, of := range f.Of {
			reach = max(reach, g.Reach(of))
		}
		f.Consequence = math.Round(math.Pow(4, float64(f.Severity)-1)*f.Confidence*(1+math.Log2(1+float64(reach)))*100) / 100
	}
	slices.SortStableFunc(res.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Consequence, a.Consequence), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Key, b.Key))
	})
	res.Findings = slices.CompactFunc(res.Findings, func(a, b Finding) bool { return a.Key == b.Key && a.Title == b.Title })
}

// Graph is who depends on whom, by service, store, topic and external.
type Graph struct {
	Out map[arch.Ref][]arch.Ref // whom an element calls, sorted
	In  map[arch.Ref][]arch.Ref // who calls it, sorted
	// Sync holds the edges that a request waits for, as far as is known.
	Sync   map[arch.Ref][]arch.Ref
	entry  map[arch.Ref]int               // routes and journeys that lead to it
	routes map[arch.Ref]map[arch.Ref]bool // what a gateway leads to
	reach  map[arch.Ref]int
}

func newGraph(s arch.System) *Graph {
	g := &Graph{Out: map[arch.Ref][]arch.Ref{}, In: map[arch.Ref][]arch.Ref{}, Sync: map[arch.Ref][]arch.Ref{}, entry: map[arch.Ref]int{}, routes: map[arch.Ref]map[arch.Ref]bool{}, reach: map[arch.Ref]int{}}
	for _, e := range s.Edges() {
		from, to := e.From.Parent(), e.Call.To.Parent()
		if from == to || s.Services[from.Name()].Role == arch.RoleLoadgen {
			continue
		}
		g.Out[from] = append(g.Out[from], to)
		g.In[to] = append(g.In[to], from)
		if to.Kind() == arch.KindService && !e.Call.Async.Or(false) && e.Call.Access != arch.AccessPublish {
			g.Sync[from] = append(g.Sync[from], to)
		}
	}
	for _, m := range []map[arch.Ref][]arch.Ref{g.Out, g.In, g.Sync} {
		for k := range m {
			slices.Sort(m[k])
			m[k] = slices.Compact(m[k])
		}
	}
	for name, gw := range s.Gateways {
		ref := arch.NewRef(arch.KindGateway, name)
		g.routes[ref] = map[arch.Ref]bool{}
		for _, r := range gw.Routes {
			g.entry[r.To.Parent()]++
			g.routes[ref][r.To.Parent()] = true
		}
	}
	for _, j := range s.Journeys {
		g.entry[j.Entry.Parent()]++
	}
	return g
}

// Reach counts the services that lean on an element, directly or through
// others, and the routes and journeys that enter at any of these.
func (g *Graph) Reach(of arch.Ref) int {
	of = of.Parent()
	if n, ok := g.reach[of]; ok {
		return n
	}
	seen := map[arch.Ref]bool{of: true}
	todo := []arch.Ref{of}
	n := 0
	for len(todo) > 0 {
		x := todo[0]
		todo = todo[1:]
		n += min(g.entry[x], 1)
		for _, in := range g.In[x] {
			if !seen[in] {
				seen[in] = true
				n++
				todo = append(todo, in)
			}
		}
	}
	n += len(g.routes[of]) // all who come by a gateway lean on it
	g.reach[of] = n
	return n
}
