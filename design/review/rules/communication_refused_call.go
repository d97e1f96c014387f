package rules

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var refusedCall = review.Rule{
	ID:    "communication/refused-call",
	Title: "A policy refuses a call that the system makes",
	Why:   "Network policies and authorization policies are written apart from the calls that they let through. A call that is in the configuration or in the code and that no policy allows fails as soon as the policies are enforced; one that was seen in traces all the same says that they are not.",
	Bad:   "cart's NetworkPolicy lets checkout in; frontend's CART_ADDR is cart:7070",
	Good:  "ingress: [{from: [{podSelector: {matchLabels: {app: checkout}}}, {podSelector: {matchLabels: {app: frontend}}}]}]",
	Since: "0.1", Severity: review.High, Confidence: .9,
	Needs:  []review.Need{review.Manifests, review.Calls},
	Source: "Kubernetes documentation, Network Policies; Istio documentation, Authorization Policy",
	Fires:  "GoogleCloudPlatform/microservices-demo@34ffea9 kustomize/base with the components network-policies and shopping-assistant: frontend -> shoppingassistantservice",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 kustomize/base with kustomize/components/network-policies; helm-chart with networkPolicies, sidecars and authorizationPolicies",
	Check: func(c *review.Case, r *review.Reporter) {
		type pair struct{ from, to arch.Ref }
		seen := map[pair]bool{}
		for _, e := range c.System.Edges() {
			from, to := e.From.Parent(), e.Call.To.Parent()
			if seen[pair{from, to}] {
				continue
			}
			no, ok := c.System.Refused(c.Environment, from, to)
			if !ok {
				continue
			}
			seen[pair{from, to}] = true
			observed := slices.ContainsFunc(c.System.Ledger.Sources(e.At()), func(s arch.Source) bool { return s.Origin == arch.Trace })
			f := review.Finding{Of: []arch.Ref{from, to}}
			f.Title = fmt.Sprintf("%s calls %s, %s", from.Short(), to.Short(), refusal(no, from, to))
			f.Detail = "The call fails when it is made."
			if observed {
				f.Detail = "The call was seen all the same, so the policy is not enforced where that was."
			}
			f.Fix = "Let the call through in the policy, or take the call out."
			f.Evidence = []review.Evidence{c.At("calls here", e.At("to"), e.At()), c.At("the policy", no.Fact)}
			r.Find(f)
		}
	},
}

// refusal says in words what stands in the way.
func refusal(no arch.Refusal, from, to arch.Ref) string {
	policies := map[string]string{arch.GateNetwork: "network policies", arch.GateMesh: "the mesh's policies"}[no.Layer]
	switch {
	case no.Deny:
		return fmt.Sprintf("which %s deny", policies)
	case no.In:
		return fmt.Sprintf("but %s of %s do not let it in", policies, to.Short())
	}
	return fmt.Sprintf("but %s of %s do not let it out", policies, from.Short())
}
