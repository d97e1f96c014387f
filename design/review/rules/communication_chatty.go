package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var chatty = review.Rule{
	ID:    "communication/chatty",
	Cure:  "split",
	Title: "One request asks one service many different things",
	Why:   "Each call is a round trip with its own chance to fail. Many small questions to one service say that the line between the two runs through something that belongs together.",
	Bad:   "customer := GetName(id); GetAddress(id); GetTier(id); GetCredit(id); GetLanguage(id)",
	Good:  "customer := GetCustomer(id)",
	Since: "0.1", Severity: review.Medium, Confidence: .8,
	Needs:   []review.Need{review.Calls},
	Params:  []review.Param{{Name: "calls", Default: "5", About: "calls from one run of an operation to one service, at two places or more, from which it counts"}},
	Source:  "S. Newman, Building Microservices, 2nd ed., ch. 4; C. Smith and L. Williams, Software Performance Antipatterns (Circuitous Treasure Hunt)",
	Silent:  "delimitrou/DeathStarBench@6ecb097 socialNetwork Jaeger traces",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		limit := r.Number("calls")
		for _, from := range c.System.Refs(arch.KindOp) {
			op := c.System.Services[from.Name()].Operations[from.Member()]
			times := often(op)
			sites := map[arch.Ref][]arch.Edge{}
			total := map[arch.Ref]float64{}
			for _, id := range arch.Sorted(op.Calls) {
				e := arch.Edge{From: from, ID: id, Call: op.Calls[id]}
				to := e.Call.To.Parent()
				if !request(e) || !domain(c, to) || times[id] >= limit { // that one is N+1
					continue
				}
				sites[to] = append(sites[to], e)
				total[to] += times[id]
			}
			for _, to := range arch.Sorted(sites) {
				if len(sites[to]) < 2 || total[to] < limit {
					continue
				}
				f := review.Finding{Of: []arch.Ref{from, to}}
				for _, e := range sites[to] {
					f.Evidence = append(f.Evidence, c.At(e.Call.To.Short(), e.At(), e.At("to")))
				}
				f.Title = fmt.Sprintf("%s calls %s %.3g times a request, at %d places", from.Short(), to.Short(), total[to], len(sites[to]))
				f.Fix = "Offer one operation that answers what this caller needs; where that is most of what the service does, the two belong into one."
				r.Find(f)
			}
		}
	},
}
