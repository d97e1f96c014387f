package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var oneZone = review.Rule{
	ID:    "resilience/one-zone",
	Title: "A service that others wait for runs in one zone only",
	Why:   "Zones fail as a whole: power, network, a bad change. All replicas in one zone are one replica then.",
	Bad:   "order: { replicas: 3, zones: 1 }",
	Good:  "order: { replicas: 3, zones: 3 }, or topologySpreadConstraints over topology.kubernetes.io/zone",
	Since: "0.1", Severity: review.Medium, Confidence: .85,
	Source:  "Kubernetes documentation, Running in multiple zones",
	Untried: "no public file says in how many zones its services run",
	Check: func(c *review.Case, r *review.Reporter) {
		g := c.Graph()
		for _, key := range inView(c) {
			d := c.System.Deployments[key]
			if n, known := d.Zones.Get(); !known || n != 1 || g.Reach(d.Of) == 0 {
				continue
			}
			ref := arch.DeploymentRef(envOf(key), d.Of.Name())
			f := review.Finding{Of: []arch.Ref{d.Of}, Evidence: []review.Evidence{c.At("one zone", arch.Fact{Of: ref, At: "/zones"}, arch.Fact{Of: ref})}}
			f.Title = fmt.Sprintf("%s runs in one zone, and %s", d.Of.Short(), leaning(g.Reach(d.Of)))
			f.Fix = "Spread its replicas over at least two zones."
			r.Find(f, envOf(key))
		}
	},
}
