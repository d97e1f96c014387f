package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var distributedMonolith = review.Rule{
	ID:    "communication/distributed-monolith",
	Cure:  "split",
	Title: "Most services hang together: a distributed monolith",
	Why:   "When a change or an outage of one service reaches most of the others through calls that wait, the system has the costs of distribution and the coupling of a monolith.",
	Bad:   "every service calls half of the others and waits",
	Good:  "a service answers from its own data; what others did arrives as events",
	Since: "0.1", Severity: review.High, Confidence: .7,
	Needs: []review.Need{review.Calls},
	Params: []review.Param{{Name: "index", Default: "0.4", About: "propagation cost from which it counts: the share of all pairs of services in which one reaches the other through waiting calls"},
		{Name: "services", Default: "6", About: "systems with fewer services are not judged"}},
	Source:  "A. MacCormack, J. Rusnak, C. Baldwin, Exploring the Structure of Complex Software Designs, Management Science 52(7), 2006 (propagation cost)",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		var all []arch.Ref
		for name := range c.System.Services {
			if ref := arch.NewRef(arch.KindService, name); domain(c, ref) {
				all = append(all, ref)
			}
		}
		if float64(len(all)) < r.Number("services") {
			return
		}
		next := c.Graph().Sync
		pairs, most := 0, 0
		worst := map[arch.Ref]bool{}
		for _, from := range all {
			seen := map[arch.Ref]bool{}
			todo := []arch.Ref{from}
			for len(todo) > 0 {
				v := todo[0]
				todo = todo[1:]
				for _, w := range next[v] {
					if w != from && !seen[w] && domain(c, w) {
						seen[w] = true
						todo = append(todo, w)
					}
				}
			}
			pairs += len(seen)
			if len(seen) > most || len(seen) == most && !worst[from] {
				if len(seen) > most {
					clear(worst)
				}
				most, worst[from] = len(seen), true
			}
		}
		index := float64(pairs) / float64(len(all)*(len(all)-1))
		if index < r.Number("index") {
			return
		}
		far := refs(worst)
		f := review.Finding{Of: []arch.Ref{}}
		for _, e := range c.System.Edges() {
			if len(f.Evidence) < 20 && request(e) && domain(c, e.From) && domain(c, e.Call.To) {
				f.Evidence = append(f.Evidence, c.At(e.From.Parent().Short()+" waits for "+e.Call.To.Parent().Short(), e.At(), e.At("to")))
			}
		}
		f.Title = fmt.Sprintf("of %d services, each can be stopped by %.0f %% of the others on average", len(all), index*100)
		f.Detail = fmt.Sprintf("Propagation cost %.2f; %s waits, directly or not, for %d others.", index, far[0].Short(), most)
		f.Fix = "Begin with the calls whose answers change seldom: let their owners publish changes and keep a copy. `ashlar split` shows what belongs together."
		r.Find(f)
	},
}
