package rules

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var unknownTarget = review.Rule{
	ID:    "communication/unknown-target",
	Cure:  "advise discovery",
	Title: "A call or route leads to a name that nothing answers to",
	Why:   "The name is configured, but no workload or Service of that name is part of what is deployed here: the call fails when it is made, or the name is left over from something that is gone.",
	Bad:   "SHIPPING_ADDR: shiping:50051",
	Good:  "SHIPPING_ADDR: shipping:50051",
	Since: "0.1", Severity: review.High, Confidence: .8,
	Needs:  []review.Need{review.Manifests},
	Source: "Kubernetes documentation, DNS for Services and Pods",
	Fires:  "GoogleCloudPlatform/microservices-demo@34ffea9 helm-chart/templates/frontend.yaml (shoppingassistantservice)",
	Silent: "sqshq/piggymetrics@6bb2cf9; open-telemetry/opentelemetry-demo@054282e compose.yaml",
	Check: func(c *review.Case, r *review.Reporter) {
		miss := func(to arch.Ref, from string, of []arch.Ref, ev review.Evidence) {
			f := review.Finding{Of: append(of, to), Evidence: []review.Evidence{ev}}
			f.Title = fmt.Sprintf("%s leads to %s, which does not exist here", from, to.Short())
			f.Fix = "Remove the name, or deploy what it names."
			if near := c.System.Nearest(to); near != "" {
				f.Fix = fmt.Sprintf("Did you mean %s? Else remove the name, or deploy what it names.", near.Short())
			}
			r.Find(f)
		}
		for _, e := range c.System.Edges() {
			if to := e.Call.To; to.Kind() == arch.KindService && !c.System.Has(to) {
				if controlPlane(e.Call.Why) {
					r.NotJudged("a mesh's control plane is installed by itself", to)
					continue
				}
				miss(to, e.From.Short()+" ("+e.Call.Why+")", []arch.Ref{e.From}, c.At("named here", e.At("to"), e.At()))
			}
		}
		for _, name := range arch.Sorted(c.System.Gateways) {
			ref := arch.NewRef(arch.KindGateway, name)
			for _, rt := range c.System.Gateways[name].Routes {
				if rt.To.Kind() == arch.KindService && !c.System.Has(rt.To) {
					at := arch.Field("").Join("routes", rt.ID)
					miss(rt.To, fmt.Sprintf("route %s of %s", rt.Path, name), []arch.Ref{ref}, c.At("routed here", arch.Fact{Of: ref, At: at.Join("to")}, arch.Fact{Of: ref, At: at}))
				}
			}
		}
	},
}

// controlPlane: the variable tells an injected proxy where its mesh's own services
// are, which no manifest of the system deploys.
func controlPlane(why string) bool {
	return strings.Contains(why, "LINKERD2_PROXY_") || strings.Contains(why, "variable CA_ADDR") || strings.Contains(why, "XDS_ADDRESS") || strings.Contains(why, "CONSUL_HTTP_ADDR")
}
