package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var noBreaker = review.Rule{
	ID:    "resilience/no-breaker",
	Title: "A retried call has no circuit breaker",
	Why:   "While the callee is down every caller still waits for each try to fail, and the tries keep it down. A breaker answers at once and lets it recover.",
	Bad:   "call: external/bank, retries: {attempts: 3}",
	Good:  "call: external/bank, retries: {attempts: 3}, breaker: {window: 30s, count: 20, failures: 50%, open: 10s}",
	Since: "0.1", Severity: review.Low, Confidence: .7,
	Needs:   []review.Need{review.Calls},
	Source:  "M. Nygard, Release It!, 2nd ed., ch. 5 (circuit breaker)",
	Advice:  "resilience",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/ (not judged: the clients' code was not read)",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, e := range c.System.Edges() {
			layers := holding(c, e.Call.Layers)
			retried, cut := arch.Policy{}, false
			for _, p := range layers {
				if p.Retry != nil && p.Retry.Attempts.Or(1) > 1 && retried.Layer == "" && !onlyUndone(p.Retry.On) {
					retried = p
				}
				cut = cut || p.Breaker != nil
			}
			if !request(e) || cut || retried.Layer == "" {
				continue
			}
			if !allLayers(c, e) {
				r.NotJudged(unknownMesh, e.From.Parent())
				continue
			}
			f := review.Finding{Of: []arch.Ref{e.From, e.Call.To}, Evidence: []review.Evidence{c.At("retried, and no breaker", e.At("layers", retried.Key(), "retry"), e.At())}}
			if e.Call.To.Kind() == arch.KindExternal {
				f.Severity = review.Medium // nobody here can help it recover
			}
			f.Title = fmt.Sprintf("%s tries %s %d times and never stops calling it", e.From.Short(), e.Call.To.Short(), retried.Retry.Attempts.V)
			f.Fix = "Add a breaker on the share of failures, above the rate that is normal for it."
			r.Find(f)
		}
	},
}
