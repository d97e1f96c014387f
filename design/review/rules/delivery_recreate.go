package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var recreate = review.Rule{
	ID:    "delivery/recreate",
	Cure:  "advise deployment",
	Title: "Each release stops the service first",
	Why:   "The strategy Recreate ends all pods before it starts the new ones: each release is an outage of it and of all that waits for it, as long as a start takes.",
	Bad:   "strategy: {type: Recreate}",
	Good:  "strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}",
	Since: "0.1", Severity: review.Medium, Confidence: .9,
	Needs:   []review.Need{review.Manifests},
	Source:  "Kubernetes documentation, Deployments (strategy)",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		g := c.Graph()
		for _, key := range inView(c) {
			d := c.System.Deployments[key]
			if d.Strategy != "Recreate" && d.Strategy != "recreate" || !domain(c, d.Of) || g.Reach(d.Of) == 0 {
				continue
			}
			ref := arch.DeploymentRef(envOf(key), d.Of.Name())
			f := review.Finding{Of: []arch.Ref{d.Of}, Evidence: []review.Evidence{c.At("Recreate", arch.Fact{Of: ref, At: "/strategy"}, arch.Fact{Of: ref})}}
			f.Title = fmt.Sprintf("each release of %s is an outage, and %s", d.Of.Short(), leaning(g.Reach(d.Of)))
			f.Fix = "Roll: two versions must then run side by side for a while, so change interfaces and tables in steps (expand, move, contract)."
			r.Find(f, envOf(key))
		}
	},
}
