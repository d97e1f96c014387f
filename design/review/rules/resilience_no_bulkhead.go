package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var noBulkhead = review.Rule{
	ID:    "resilience/no-bulkhead",
	Title: "A slow call may take all threads or connections of its caller",
	Why:   "Without a limit of its own, a callee that becomes slow draws in every thread or connection of the caller, and what does not need it stops too.",
	Bad:   "order calls reports (p99 2s) and stock, and nothing bounds how many calls to reports are under way",
	Good:  "bulkhead: { concurrent: 10, queue: 10, wait: 100ms } on the call to reports",
	Since: "0.1", Severity: review.Low, Confidence: .7,
	Needs:   []review.Need{review.Calls},
	Params:  []review.Param{{Name: "slow", Default: "500ms", About: "p99 from which a call counts as slow"}},
	Source:  "M. Nygard, Release It!, 2nd ed., ch. 5 (bulkheads)",
	Advice:  "resilience",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/ (not judged: no latencies)",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		slow, others := r.Duration("slow"), map[arch.Ref]map[arch.Ref]bool{}
		for _, e := range c.System.Edges() {
			if from := e.From.Parent(); request(e) {
				if others[from] == nil {
					others[from] = map[arch.Ref]bool{}
				}
				others[from][e.Call.To.Parent()] = true
			}
		}
		for _, e := range c.System.Edges() {
			p99, ok := e.Call.Latency.Time(.99)
			if !request(e) || !ok || p99 < slow || len(others[e.From.Parent()]) < 2 {
				continue
			}
			bounded := false
			for _, p := range holding(c, e.Call.Layers) {
				bounded = bounded || p.Bulkhead != nil && p.Bulkhead.Concurrent.Known
			}
			if bounded {
				continue
			}
			if !allLayers(c, e) {
				r.NotJudged(unknownMesh, e.From.Parent())
				continue
			}
			f := review.Finding{Of: []arch.Ref{e.From, e.Call.To}, Evidence: []review.Evidence{c.At("p99 "+round(p99).String(), e.At("latency"), e.At())}}
			f.Title = fmt.Sprintf("%s may spend everything it has on waiting for %s (p99 %s)", e.From.Short(), e.Call.To.Short(), round(p99))
			f.Fix = "Bound the calls under way: rate x p99, and some room."
			r.Find(f)
		}
	},
}
