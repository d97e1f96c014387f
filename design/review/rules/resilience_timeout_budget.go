package rules

import (
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var timeoutBudget = review.Rule{
	ID:    "resilience/timeout-budget",
	Title: "A callee works on after its caller has given up",
	Why:   "Time limits must shrink on the way in. Where an inner limit is longer than an outer one, the work goes on for nobody, holds threads and locks while the user tries again, and a retry inside is cut off before it can help.",
	Bad:   "gateway 2s -> order, which gives payment 5s",
	Good:  "gateway 5s -> order, which gives payment 2s and keeps 3s for itself",
	Since: "0.1", Severity: review.Medium, Confidence: .85,
	Source:  "M. Nygard, Release It!, 2nd ed., ch. 5 (timeouts); Google SRE Book, ch. 22 (deadline propagation)",
	Advice:  "resilience",
	Silent:  "FudanSELab/train-ticket@813dd01 deployment/kubernetes-manifests/k8s-with-istio/trainticket-gateway.yaml",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		all := ways(c)
		into := map[arch.Ref][]limited{}
		for _, w := range all {
			layers(c, r, w)
			into[w.to] = append(into[w.to], w)
		}
		for _, inner := range all {
			longer(c, r, inner, into[inner.from])
		}
	},
}

// layers compares the limits that one call meets: an outer layer must leave time
// for the tries of those further in.
func layers(c *review.Case, r *review.Reporter, w limited) {
	for i, outer := range w.layers {
		whole, ok := outer.Timeout.Get()
		if !ok || whole == 0 {
			continue
		}
		for _, inner := range w.layers[i+1:] {
			one := arch.Call{Layers: []arch.Policy{inner}}.Effective(c.Environment)
			need, what := one.Worst.Or(0), fmt.Sprintf("%d tries", one.Tries)
			if one.Tries < 2 || need == 0 {
				need, what = one.Timeout.Or(0), "its own limit"
				if arch.Rank(inner.Layer) != arch.Rank(arch.LayerServer) { // a proxy stops when its caller hangs up
					continue
				}
			}
			if need <= whole {
				continue
			}
			f := review.Finding{Of: []arch.Ref{w.from, w.to}, Evidence: []review.Evidence{
				c.At(outer.Layer+" gives up after "+whole.String(), w.at(outer, "/timeout"), w.base),
				c.At(inner.Layer+" goes on for "+need.Round(time.Millisecond).String(), w.at(inner, "/retry/attempts"), w.at(inner, "/timeout"), w.base)}}
			f.Title = fmt.Sprintf("%s: the %s gives up after %s, but %s of the %s take %s", w.what, outer.Layer, whole, what, inner.Layer, need.Round(time.Millisecond))
			f.Fix = fmt.Sprintf("Give the %s more than %s, or the %s fewer or shorter tries.", outer.Layer, need.Round(time.Millisecond), inner.Layer)
			r.Find(f, outer.Key(), inner.Key())
		}
	}
}

// longer compares a call with the calls that lead to the operation that makes it.
func longer(c *review.Case, r *review.Reporter, inner limited, callers []limited) {
	in := arch.Call{Layers: inner.layers}.Effective(c.Environment)
	if in.Timeout.Or(0) == 0 {
		return
	}
	for _, outer := range callers {
		out := arch.Call{Layers: outer.layers}.Effective(c.Environment)
		if out.Timeout.Or(0) == 0 || in.Timeout.V <= out.Timeout.V {
			continue
		}
		f := review.Finding{Of: []arch.Ref{outer.from, inner.from, inner.to}, Path: []arch.Ref{outer.from.Parent(), inner.from.Parent(), inner.to.Parent()}, Evidence: []review.Evidence{
			c.At(outer.what+" ends after "+out.Timeout.V.String(), arch.Fact{Of: outer.base.Of, At: outer.base.At.Join("layers", out.By, "timeout")}, outer.base),
			c.At(inner.what+" may take "+in.Timeout.V.String(), arch.Fact{Of: inner.base.Of, At: inner.base.At.Join("layers", in.By, "timeout")}, inner.base)}}
		if inner.from.Kind() == arch.KindService { // one service, perhaps not one request
			f.Confidence = .5
		}
		f.Title = fmt.Sprintf("%s gives %s %s, which gives %s %s", outer.from.Short(), inner.from.Short(), out.Timeout.V, inner.to.Short(), in.Timeout.V)
		f.Fix = fmt.Sprintf("Give %s less than %s, or pass the deadline on.", inner.to.Short(), out.Timeout.V)
		r.Find(f)
	}
}
