package rules

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var retryAmplification = review.Rule{
	ID:    "resilience/retry-amplification",
	Title: "Retries along a path multiply",
	Why:   "When the end of a path is overloaded, every layer above tries again: tries multiply, and the service that needs rest gets many times the traffic.",
	Bad:   "gateway 3 tries -> order 3 tries -> payment 3 tries -> bank: 27 requests for one",
	Good:  "retries at one place of the path, with a budget",
	Since: "0.1", Severity: review.High, Confidence: .85,
	Params:  []review.Param{{Name: "tries", Default: "8", About: "tries at the end of a path for one request, from which it counts"}},
	Source:  "Google SRE Book, ch. 21 and 22 (retries multiply); Amazon Builders' Library, Timeouts, retries, and backoff with jitter",
	Advice:  "resilience",
	Silent:  "FudanSELab/train-ticket@813dd01 deployment/kubernetes-manifests/k8s-with-istio/ (Istio's default retries answer connection failures, not overload)",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		next := map[arch.Ref][]limited{}
		led := map[arch.Ref]bool{} // a retrying call leads here
		all := ways(c)
		for _, w := range all {
			next[w.from] = append(next[w.from], w)
			if tries(w) > 1 {
				led[w.to] = true
			}
		}
		best := map[arch.Ref][]limited{} // by the end of the path
		for _, w := range all {
			if tries(w) > 1 && !led[w.from] {
				multiply(next, []limited{w}, best)
			}
		}
		for _, end := range arch.Sorted(best) {
			path := best[end]
			if n := product(path); float64(n) >= r.Number("tries") && !prefix(path, best) {
				amplified(c, r, path, n)
			}
		}
	},
}

// tries that an overloaded callee sees for one call. Retries of what was never
// begun, such as Istio's default ones, don't count.
func tries(w limited) int {
	n := 1
	for _, p := range w.layers {
		if p.Retry != nil && !onlyUndone(p.Retry.On) {
			n *= max(1, p.Retry.Attempts.Or(1))
		}
	}
	return n
}

func product(path []limited) int {
	n := 1
	for _, w := range path {
		n *= tries(w)
	}
	return n
}

// multiply follows the calls behind a path and keeps, for each end, the path with
// the most tries whose last call is itself retried.
func multiply(next map[arch.Ref][]limited, path []limited, best map[arch.Ref][]limited) {
	last := path[len(path)-1]
	if tries(last) > 1 && product(path) > product(best[last.to]) {
		best[last.to] = slices.Clone(path)
	}
	if len(path) > 12 {
		return
	}
	for _, w := range next[last.to] {
		if !slices.ContainsFunc(path, func(p limited) bool { return p.from == w.to || p.to == w.to }) {
			multiply(next, append(path, w), best)
		}
	}
}

// prefix reports whether a path goes on to an end where there are more tries.
func prefix(path []limited, best map[arch.Ref][]limited) bool {
	for _, other := range best {
		if len(other) > len(path) && slices.EqualFunc(path, other[:len(path)], func(a, b limited) bool { return a.base == b.base }) {
			return true
		}
	}
	return false
}

func amplified(c *review.Case, r *review.Reporter, path []limited, n int) {
	last := path[len(path)-1]
	f := review.Finding{Of: []arch.Ref{path[0].from, last.to}, Path: []arch.Ref{path[0].from.Parent()}, Advice: r.Advice(last.from, last.to)}
	for _, w := range path {
		f.Path = append(f.Path, w.to.Parent())
		if t := tries(w); t > 1 {
			fact := w.base
			for _, p := range w.layers {
				if p.Retry != nil {
					fact = w.at(p, "/retry/attempts")
				}
			}
			f.Evidence = append(f.Evidence, c.At(fmt.Sprintf("%s: %d tries", w.what, t), fact, w.base))
		}
	}
	if len(f.Evidence) < 2 {
		f.Detail = "All by the layers of one call."
	}
	f.Title = fmt.Sprintf("one request becomes up to %d at %s: %s", n, path[len(path)-1].to.Short(), shortChain(f.Path))
	f.Fix = "Retry at one place of the path, best where the failure is; give every other one a single try, and all a retry budget."
	r.Find(f)
}
