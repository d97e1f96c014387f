package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var noDisruptionBudget = review.Rule{
	ID:    "resilience/no-disruption-budget",
	Title: "A node drain may take all replicas at once",
	Why:   "Replicas help against crashes. Without a PodDisruptionBudget an upgrade of the cluster may evict all of them in the same minute.",
	Bad:   "spec: {replicas: 3}   # and no PodDisruptionBudget selects its pods",
	Good:  "kind: PodDisruptionBudget, spec: {minAvailable: 2, selector: {matchLabels: {app: order}}}",
	Since: "0.1", Severity: review.Low, Confidence: .7,
	Needs:  []review.Need{review.Manifests},
	Source: "Kubernetes documentation, Specifying a Disruption Budget for your Application",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/",
	Fires:  "Kong/kubernetes-ingress-controller@1fa68f8 examples/kong-upstream-policy-httproute.yaml",
	Check: func(c *review.Case, r *review.Reporter) {
		g := c.Graph()
		var of []arch.Ref
		var ev []review.Evidence
		for _, key := range inView(c) {
			d := c.System.Deployments[key]
			if !domain(c, d.Of) || d.Kind != "Deployment" && d.Kind != "StatefulSet" || d.Replicas.Or(0) < 2 || d.Disruption.Or(false) || g.Reach(d.Of) == 0 {
				continue
			}
			ref := arch.DeploymentRef(envOf(key), d.Of.Name())
			of = append(of, d.Of)
			ev = append(ev, c.At(fmt.Sprintf("%s: %d replicas, no budget", d.Of.Short(), d.Replicas.V), arch.Fact{Of: ref, At: "/replicas"}, arch.Fact{Of: ref}))
		}
		if len(of) == 0 {
			return
		}
		f := review.Finding{Of: of, Evidence: ev}
		f.Title = fmt.Sprintf("a node drain may take all replicas of %s at once", list(of, 3))
		f.Fix = "Add a PodDisruptionBudget for each: minAvailable one less than the replicas."
		r.Find(f)
	},
}
