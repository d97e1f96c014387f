package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var hub = review.Rule{
	ID:    "communication/hub",
	Cure:  "split",
	Title: "A service through which everything goes",
	Why:   "It is called by many and calls many: every team waits for changes of it, its outage is everybody's, and the logic of the others gathers in it.",
	Bad:   "a core service that five services call and that calls five others",
	Good:  "callers talk to the services that own what they need",
	Since: "0.1", Severity: review.Medium, Confidence: .8,
	Needs:  []review.Need{review.Calls},
	Params: []review.Param{{Name: "neighbours", Default: "5", About: "callers, and as many callees, from which it counts"}},
	Source: "D. Taibi and V. Lenarduzzi, On the Definition of Microservice Bad Smells; F. Arcelli Fontana et al., Arcan (hub-like dependency)",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 src/",
	Fires:  "FudanSELab/train-ticket@813dd01 ts-travel-service, ts-seat-service (source code)",
	Check: func(c *review.Case, r *review.Reporter) {
		in, out := map[arch.Ref]map[arch.Ref]bool{}, map[arch.Ref]map[arch.Ref]bool{}
		ev := map[arch.Ref][]review.Evidence{}
		note := func(m map[arch.Ref]map[arch.Ref]bool, of, other arch.Ref, e arch.Edge) {
			if m[of] == nil {
				m[of] = map[arch.Ref]bool{}
			}
			if !m[of][other] {
				m[of][other] = true
				ev[of] = append(ev[of], c.At(e.From.Parent().Short()+" calls "+e.Call.To.Parent().Short(), e.At(), e.At("to")))
			}
		}
		for _, e := range c.System.Edges() {
			from, to := e.From.Parent(), e.Call.To.Parent()
			if from != to && domain(c, from) && domain(c, to) {
				note(out, from, to, e)
				note(in, to, from, e)
			}
		}
		limit := int(r.Number("neighbours"))
		for _, of := range apps(c) { // infrastructure, gateways and pages are hubs by trade
			if len(in[of]) < limit || len(out[of]) < limit {
				continue
			}
			f := review.Finding{Of: []arch.Ref{of}, Evidence: ev[of]}
			f.Title = fmt.Sprintf("%s is called by %d services and calls %d", of.Short(), len(in[of]), len(out[of]))
			f.Detail = fmt.Sprintf("Called by %s; calls %s.", list(refs(in[of]), 6), list(refs(out[of]), 6))
			f.Fix = "Let callers ask the owners; keep in it only what is its own decision."
			r.Find(f)
		}
	},
}
