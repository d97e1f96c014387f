package rules

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var missingAggregate = review.Rule{
	ID:    "communication/missing-aggregate",
	Cure:  "advise queries",
	Title: "Several services put the same answer together from the same others",
	Why:   "The same three questions in several places are a view that nobody owns: each caller pays for all round trips, handles each failure in its own way, and all change together.",
	Bad:   "page.Show, mail.Send and app.Home each ask customer, order and shipping",
	Good:  "an order overview that events of the three keep up to date, asked once",
	Since: "0.1", Severity: review.Low, Confidence: .6,
	Needs:  []review.Need{review.Calls},
	Params: []review.Param{{Name: "services", Default: "3", About: "services that two operations both read from which it counts"}},
	Source: "C. Richardson, Microservices Patterns, ch. 7 (API composition, CQRS views)",
	Fires:  "FudanSELab/train-ticket@813dd01 ts-preserve-service (source code)",
	Silent: "sqshq/piggymetrics@6bb2cf9",
	Check: func(c *review.Case, r *review.Reporter) {
		reading := map[arch.Ref]map[arch.Ref]arch.Edge{}
		for _, from := range c.System.Refs(arch.KindOp) {
			op := c.System.Services[from.Name()].Operations[from.Member()]
			for _, id := range arch.Sorted(op.Calls) {
				e := arch.Edge{From: from, ID: id, Call: op.Calls[id]}
				if request(e) && domain(c, e.Call.To) && reads(c, e.Call) {
					if reading[from] == nil {
						reading[from] = map[arch.Ref]arch.Edge{}
					}
					reading[from][e.Call.To.Parent()] = e
				}
			}
		}
		done := map[string]bool{}
		ops := arch.Sorted(reading)
		for i, a := range ops {
			for _, b := range ops[i+1:] {
				var both []arch.Ref
				for _, to := range arch.Sorted(reading[a]) {
					if _, ok := reading[b][to]; ok {
						both = append(both, to)
					}
				}
				key := fmt.Sprint(both)
				if a.Parent() == b.Parent() || len(both) < int(r.Number("services")) || done[key] {
					continue
				}
				done[key] = true
				f := review.Finding{Of: append([]arch.Ref{a, b}, both...)}
				for _, from := range []arch.Ref{a, b} {
					for _, to := range both {
						e := reading[from][to]
						f.Evidence = append(f.Evidence, c.At(from.Short()+" reads "+e.Call.To.Short(), e.At(), e.At("to")))
					}
				}
				others := slices.DeleteFunc(slices.Clone(ops), func(o arch.Ref) bool {
					return o == a || o == b || slices.ContainsFunc(both, func(to arch.Ref) bool { _, ok := reading[o][to]; return !ok })
				})
				f.Title = fmt.Sprintf("%s and %s both put their answer together from %s", a.Short(), b.Short(), list(both, 4))
				if len(others) > 0 {
					f.Detail = fmt.Sprintf("So does %s.", list(others, 4))
				}
				f.Fix = "Keep the joined view in one place, refreshed by events of its owners, and ask that."
				r.Find(f)
			}
		}
	},
}
