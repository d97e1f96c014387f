package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var retryStorm = review.Rule{
	ID:    "resilience/retry-storm",
	Title: "Retries without a wait, or all at the same moment",
	Why:   "Callers that try again at once, or all after the same wait, hit a service that is just coming back in one wave and push it down again.",
	Bad:   "retries: { attempts: 5, backoff: 0, jitter: false }",
	Good:  "retries: { attempts: 3, backoff: 100ms, max-backoff: 2s, jitter: true, budget: 20% }",
	Since: "0.1", Severity: review.Medium, Confidence: .9,
	Source:  "Amazon Builders' Library, Timeouts, retries, and backoff with jitter; Google SRE Book, ch. 22 (retry budgets)",
	Advice:  "resilience",
	Silent:  "FudanSELab/train-ticket@813dd01 deployment/kubernetes-manifests/k8s-with-istio/ (Envoy waits and varies by default)",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		seen := places{}
		for _, w := range ways(c) {
			for _, p := range w.layers {
				if p.Retry == nil || p.Retry.Attempts.Or(2) < 2 {
					continue
				}
				f := review.Finding{Of: []arch.Ref{w.from, w.to}}
				switch wait, known := p.Retry.Backoff.Get(); {
				case known && wait == 0:
					f.Title = fmt.Sprintf("%s is tried again without a wait", w.what)
					f.Evidence = []review.Evidence{c.At("no wait", w.at(p, "/retry/backoff"), w.at(p, "/retry"), w.base)}
					f.Fix = "Wait before each try, twice as long each time, with jitter, and set a retry budget."
				case p.Retry.Jitter == arch.Some(false):
					f.Title = fmt.Sprintf("%s is tried again by all callers after the same wait", w.what)
					f.Evidence = []review.Evidence{c.At("no jitter", w.at(p, "/retry/jitter"), w.at(p, "/retry"), w.base)}
					f.Fix = "Vary the waits at random (full jitter)."
				default: // what was not said is not known
					continue
				}
				if p.Retry.Budget.Known {
					f.Severity = review.Low
				} else {
					f.Detail = "No retry budget bounds the extra traffic either."
				}
				if !seen.again(f) {
					r.Find(f, p.Key())
				}
			}
		}
	},
}
