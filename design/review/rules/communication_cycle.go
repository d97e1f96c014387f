package rules

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var cycle = review.Rule{
	ID:    "communication/cycle",
	Cure:  "split",
	Title: "Services wait for each other in a circle",
	Why:   "None of them can be deployed, tested or understood without the others; under load each holds a thread of the next until all are gone, and after an outage none can start first.",
	Bad:   "order -> customer -> loyalty -> order",
	Good:  "loyalty learns of orders by the event OrderPlaced",
	Since: "0.1", Severity: review.High, Confidence: .8,
	Needs:  []review.Need{review.Calls},
	Source: "R. Martin, Granularity (acyclic dependencies principle); D. Taibi and V. Lenarduzzi, On the Definition of Microservice Bad Smells (cyclic dependency)",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 src/",
	Fires:  "FudanSELab/train-ticket@813dd01 ts-seat-service and ts-travel-service (source code)",
	Check: func(c *review.Case, r *review.Reporter) {
		next := map[arch.Ref][]arch.Ref{}
		for from, tos := range c.Graph().Sync {
			for _, to := range tos {
				if domain(c, from) && domain(c, to) { // users, gateways, registries, brokers are no part of it
					next[from] = append(next[from], to)
				}
			}
		}
		for _, group := range components(next) {
			path := shortest(next, group)
			f := review.Finding{Of: group, Path: path, Evidence: edgeEvidence(c, path)}
			f.Title = fmt.Sprintf("%d services wait for each other: %s", len(group), shortChain(path))
			if len(path) <= len(group) {
				f.Title = fmt.Sprintf("%d services are tied in a knot; the shortest circle in it: %s", len(group), shortChain(path))
				f.Detail = fmt.Sprintf("The knot: %s.", list(group, 12))
			}
			f.Fix = "Break it at the call that can wait: turn it into an event, or move what both need into a service that calls neither."
			r.Find(f)
		}
	},
}

// components are the strongly connected sets of two or more, each sorted, by
// Tarjan's algorithm.
func components(next map[arch.Ref][]arch.Ref) [][]arch.Ref {
	index, low := map[arch.Ref]int{}, map[arch.Ref]int{}
	on := map[arch.Ref]bool{}
	var stack []arch.Ref
	var out [][]arch.Ref
	var visit func(v arch.Ref)
	visit = func(v arch.Ref) {
		index[v] = len(index) + 1
		low[v] = index[v]
		stack, on[v] = append(stack, v), true
		for _, w := range next[v] {
			if index[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if on[w] {
				low[v] = min(low[v], index[w])
			}
		}
		if low[v] != index[v] {
			return
		}
		i := slices.Index(stack, v)
		group := slices.Clone(stack[i:])
		for _, w := range group {
			on[w] = false
		}
		stack = stack[:i]
		if len(group) > 1 {
			slices.Sort(group)
			out = append(out, group)
		}
	}
	for _, v := range arch.Sorted(next) {
		if index[v] == 0 {
			visit(v)
		}
	}
	slices.SortFunc(out, slices.Compare[[]arch.Ref])
	return out
}

// shortest is a shortest cycle within a strongly connected group, its first
// element again at the end.
func shortest(next map[arch.Ref][]arch.Ref, group []arch.Ref) []arch.Ref {
	var best []arch.Ref
	for _, start := range group {
		from := map[arch.Ref]arch.Ref{}
		todo := []arch.Ref{start}
		for len(todo) > 0 && from[start] == "" {
			v := todo[0]
			todo = todo[1:]
			for _, w := range next[v] {
				if from[w] == "" && slices.Contains(group, w) {
					from[w] = v
					todo = append(todo, w)
				}
			}
		}
		path := []arch.Ref{start}
		for v := from[start]; v != start; v = from[v] {
			path = append(path, v)
		}
		path = append(path, start)
		slices.Reverse(path)
		if best == nil || len(path) < len(best) {
			best = path
		}
	}
	return best
}
