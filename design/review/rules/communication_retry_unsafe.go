package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var retryUnsafe = review.Rule{
	ID:    "communication/retry-not-idempotent",
	Title: "A call is retried that must not happen twice",
	Why:   "A try that failed may have been carried out all the same: its answer was lost, or came too late. Trying again does it twice, such as charging a customer.",
	Bad:   "payment.Charge: {idempotent: false}, called with retries: {attempts: 3}",
	Good:  "payment.Charge takes an idempotency key and answers the second call with the first result",
	Since: "0.1", Severity: review.Medium, Confidence: .7,
	Source:  "RFC 9110, 9.2.2 (idempotent methods); Amazon Builders' Library, Making retries safe with idempotent APIs; Envoy documentation, x-envoy-retry-on; nginx documentation, proxy_next_upstream (non_idempotent)",
	Advice:  "resilience",
	Silent:  "FudanSELab/train-ticket@813dd01 deployment/kubernetes-manifests/k8s-with-istio/trainticket-gateway.yaml (Istio's default conditions retry only what was not carried out)",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		seen := places{}
		for _, w := range ways(c) {
			for _, p := range w.layers {
				if p.Retry == nil || p.Retry.Attempts.Or(1) < 2 || onlyUndone(p.Retry.On) {
					continue
				}
				if c.System.Gateways[w.from.Name()].Kind == "kong" && w.from.Kind() == arch.KindGateway {
					continue // nginx below it hands no POST to a second server once it was sent
				}
				op, why, sure := unsafe(c, w)
				if why == "" {
					continue
				}
				f := review.Finding{Of: []arch.Ref{w.from, w.to}, Evidence: []review.Evidence{
					c.At(fmt.Sprintf("%d tries", p.Retry.Attempts.V), w.at(p, "/retry/attempts"), w.at(p, "/retry"), w.base),
					c.At(why, arch.Fact{Of: op, At: "/idempotent"}, arch.Fact{Of: op, At: "/trigger"}, arch.Fact{Of: op}, w.base)}}
				if sure {
					f.Severity, f.Confidence = review.High, .9
				}
				f.Title = fmt.Sprintf("%s is tried up to %d times, but %s", w.what, p.Retry.Attempts.V, why)
				f.Fix = "Make it idempotent (a key that the caller chooses, kept by the callee), or retry only what was surely not carried out: connect-failure, refused-stream."
				if !seen.again(f) {
					r.Find(f, p.Key())
				}
			}
		}
	},
}

// onlyUndone: every condition says that the callee has done nothing. An empty
// list is any failure.
func onlyUndone(on []string) bool {
	safe := []string{"connect-failure", "refused-stream", "reset-before-request", "envoy-ratelimited", "unavailable", "cancelled", "http3-post-connect-failure"}
	return len(on) > 0 && !slices.ContainsFunc(on, func(s string) bool { return !slices.Contains(safe, strings.TrimSpace(s)) })
}

// unsafe says which operation must not be repeated, and how that is known.
func unsafe(c *review.Case, w limited) (op arch.Ref, why string, sure bool) {
	if w.to.Kind() == arch.KindOp {
		o := c.System.Services[w.to.Name()].Operations[w.to.Member()]
		switch idem, known := o.Idempotent.Get(); {
		case known && !idem:
			return w.to, "it is not idempotent", true
		case !known && (strings.HasPrefix(o.Trigger, "POST ") || strings.HasPrefix(o.Trigger, "PATCH ")):
			return w.to, "nothing says that " + o.Trigger + " may be repeated", false
		}
		return "", "", false
	}
	if w.method == "POST" || w.method == "PATCH" {
		return w.to, "nothing says that " + w.method + " may be repeated", false
	}
	if w.to.Kind() != arch.KindService || w.method != "" {
		return "", "", false
	}
	ops := c.System.Services[w.to.Name()].Operations
	for _, name := range arch.Sorted(ops) {
		if idem, known := ops[name].Idempotent.Get(); known && !idem {
			return arch.NewRef(arch.KindOp, w.to.Name(), name), name + " is not idempotent", false
		}
	}
	return "", "", false
}
