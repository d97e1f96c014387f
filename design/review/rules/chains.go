package rules

import (
	"cmp"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

// walk follows waiting calls from operation to operation: that a calls b and b
// calls c makes a chain only where the operation of b that a calls is the one that
// calls c.
type walk struct {
	by    map[arch.Ref][]arch.Edge // calls of an operation, and of a service as a whole
	all   map[arch.Ref][]arch.Edge // calls of a service, by whichever operation
	steps int                      // left
	on    map[arch.Ref]bool        // services of the path
}

// maxSteps bounds the search: longest simple paths are exponential, and a graph
// that dense has made its point.
const maxSteps = 50_000

func newWalk(c *review.Case, g *review.Graph) *walk {
	w := &walk{by: map[arch.Ref][]arch.Edge{}, all: map[arch.Ref][]arch.Edge{}, on: map[arch.Ref]bool{}}
	placed := map[arch.Ref]map[arch.Ref]bool{} // whom operations of a service are known to call
	var whole []arch.Edge
	for _, e := range c.System.Edges() {
		from, to := e.From.Parent(), e.Call.To.Parent()
		if from == to || !slices.Contains(g.Sync[from], to) || !inPath(c, to) || e.Call.Async.Or(false) || e.Call.Access == arch.AccessPublish {
			continue
		}
		w.all[from] = append(w.all[from], e)
		if e.From.Kind() == arch.KindService {
			whole = append(whole, e)
			continue
		}
		w.by[e.From] = append(w.by[e.From], e)
		if placed[from] == nil {
			placed[from] = map[arch.Ref]bool{}
		}
		placed[from][to] = true
	}
	for _, e := range whole { // who makes it is known from the code, or anybody may
		if from := e.From.Parent(); !placed[from][e.Call.To.Parent()] {
			w.by[from] = append(w.by[from], e)
		}
	}
	for k := range w.all { // the best known way to a callee first
		slices.SortStableFunc(w.all[k], func(a, b arch.Edge) int {
			return cmp.Or(cmp.Compare(a.Call.To, b.Call.To), cmp.Compare(b.From, a.From))
		})
	}
	return w
}

// longest is the longest way of waiting calls from a service over different ones.
func (w *walk) longest(from arch.Ref) []arch.Edge {
	w.steps = maxSteps
	clear(w.on)
	return w.from(from)
}

func (w *walk) from(at arch.Ref) []arch.Edge {
	svc := at.Parent()
	w.on[svc] = true
	defer delete(w.on, svc)
	next := w.all[svc] // any operation: which one is not known
	if at.Kind() == arch.KindOp {
		next = slices.Concat(w.by[at], w.by[svc])
	}
	var best []arch.Edge
	tried := map[arch.Ref]bool{}
	for _, e := range next {
		to := e.Call.To
		if w.steps--; w.steps < 0 || w.on[to.Parent()] || tried[to] {
			continue
		}
		tried[to] = true
		if p := w.from(to); len(p)+1 > len(best) {
			best = append([]arch.Edge{e}, p...)
		}
	}
	return best
}

// services are those that a way leads over; certain where each operation that is
// called is the one that calls on.
func services(start arch.Ref, links []arch.Edge) (chain []arch.Ref, certain bool) {
	chain, certain = []arch.Ref{start}, true
	for i, e := range links {
		chain = append(chain, e.Call.To.Parent())
		if i > 0 && (links[i-1].Call.To.Kind() != arch.KindOp || e.From != links[i-1].Call.To) {
			certain = false
		}
	}
	return chain, certain
}
