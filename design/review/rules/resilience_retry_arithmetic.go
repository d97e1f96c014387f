package rules

import (
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var retryArithmetic = review.Rule{
	ID:    "resilience/retry-arithmetic",
	Title: "The tries do not fit into the timeout",
	Why:   "If tries x time per try, waits included, is more than the timeout of the whole, the last tries are cut off or never made: the callee does work that nobody waits for, and the retry does not help when it is needed.",
	Bad:   "timeout: 5s, retries: {attempts: 3, perTryTimeout: 2s}   # 4 tries need 8 s",
	Good:  "timeout: 5s, retries: {attempts: 1, perTryTimeout: 2s}",
	Since: "0.1", Severity: review.Medium, Confidence: .95,
	Source:  "Istio documentation, HTTPRetry: attempts are retries, the first try comes on top; Envoy documentation, x-envoy-upstream-rq-per-try-timeout-ms",
	Advice:  "resilience",
	Silent:  "FudanSELab/train-ticket@813dd01 deployment/kubernetes-manifests/k8s-with-istio/trainticket-gateway.yaml",
	Untried: "the firing side has no public file yet",
	Check: func(c *review.Case, r *review.Reporter) {
		seen := places{}
		judge := func(what string, of []arch.Ref, base arch.Fact, layers []arch.Policy) {
			for _, p := range layers {
				one := arch.Call{Layers: []arch.Policy{p}}.Effective(p.Env)
				whole, ok := one.Timeout.Get()
				if !ok || whole == 0 || !one.Worst.Known || one.Worst.V <= whole {
					continue
				}
				tries, per := p.Retry.Attempts.Or(1), p.Retry.PerTry.V
				fit := 0
				for left, wait := whole, p.Retry.Backoff.Or(0); left >= per; fit++ {
					left -= per + wait
					wait *= 2
				}
				at := base.At.Join("layers", p.Key())
				f := review.Finding{Of: of, Evidence: []review.Evidence{
					c.At(fmt.Sprintf("%d tries of %s", tries, per), arch.Fact{Of: base.Of, At: at + "/retry/attempts"}, arch.Fact{Of: base.Of, At: at + "/retry"}),
					c.At("the whole: "+whole.String(), arch.Fact{Of: base.Of, At: at + "/timeout"})}}
				f.Title = fmt.Sprintf("%s: %d tries of %s need %s, but the timeout is %s", what, tries, per, one.Worst.V.Round(time.Millisecond), whole)
				f.Detail = fmt.Sprintf("Only %d of the %d tries can run to their end.", fit, tries)
				f.Fix = fmt.Sprintf("Raise the timeout to %s or more, lower the time per try to %s, or make fewer tries.", one.Worst.V.Round(time.Millisecond), (whole / time.Duration(tries)).Round(time.Millisecond))
				if !seen.again(f) {
					r.Find(f, p.Key())
				}
			}
		}
		for _, e := range c.System.Edges() {
			judge(e.From.Short()+" -> "+e.Call.To.Short(), []arch.Ref{e.From, e.Call.To}, e.At(), e.Call.Layers)
		}
		for _, name := range arch.Sorted(c.System.Gateways) {
			ref := arch.NewRef(arch.KindGateway, name)
			for _, rt := range c.System.Gateways[name].Routes {
				judge(fmt.Sprintf("route %s of %s to %s", rt.Path, name, rt.To.Short()), []arch.Ref{ref, rt.To}, arch.Fact{Of: ref, At: arch.Field("").Join("routes", rt.ID)}, rt.Layers)
			}
		}
	},
}
