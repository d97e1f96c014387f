package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var singleReplica = review.Rule{
	ID:    "resilience/single-replica",
	Title: "A service that others wait for runs once",
	Why:   "Every node drain, crash and rollout is an outage of it and of all that waits for it.",
	Bad:   "kind: Deployment, spec: {replicas: 1}   # which is also the default",
	Good:  "spec: {replicas: 2} with a PodDisruptionBudget of minAvailable: 1",
	Since: "0.1", Severity: review.Medium, Confidence: .9,
	Needs:  []review.Need{review.Manifests},
	Source: "Kubernetes documentation, Disruptions; Deployment.spec.replicas defaults to 1",
	Fires:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/",
	Silent: "open-telemetry/opentelemetry-demo@054282e compose.yaml (not judged)",
	Check: func(c *review.Case, r *review.Reporter) {
		g := c.Graph()
		for _, key := range inView(c) {
			d := c.System.Deployments[key]
			svc, isService := c.System.Services[d.Of.Name()]
			if d.Of.Kind() != arch.KindService || !isService || arch.Infrastructure(svc.Role) && svc.Role != arch.RoleGateway || svc.Role == arch.RoleJob {
				continue
			}
			if d.Kind == "compose" {
				r.NotJudged("a compose file does not say how it runs in production", d.Of)
				continue
			}
			n, known := d.Replicas.Get()
			if !known || n != 1 || g.Reach(d.Of) == 0 {
				continue
			}
			of := arch.DeploymentRef(envOf(key), d.Of.Name())
			f := review.Finding{Of: []arch.Ref{d.Of}, Evidence: []review.Evidence{c.At(why(c, of), arch.Fact{Of: of, At: "/replicas"}, arch.Fact{Of: of})}}
			f.Title = fmt.Sprintf("%s runs once, and %s", d.Of.Short(), leaning(g.Reach(d.Of)))
			if most := d.Max.Or(1); most > 1 {
				f.Severity = review.Low
				f.Title = fmt.Sprintf("%s runs once while there is little load, and %s", d.Of.Short(), leaning(g.Reach(d.Of)))
				f.Fix = "Let the autoscaler keep at least two, spread over nodes, with a PodDisruptionBudget."
				r.Find(f)
				continue
			}
			f.Fix = "Run at least two, spread over nodes, with a PodDisruptionBudget; if it cannot run twice, say why (a lock, a local file) and let callers live without it."
			r.Find(f)
		}
	},
}

func envOf(key string) string { return arch.Ref("deployment/" + key).Env() }

func why(c *review.Case, of arch.Ref) string {
	if src := c.System.Ledger.Where(arch.Fact{Of: of, At: "/replicas"}); src.Reason != "" {
		return src.Reason
	}
	return "replicas: 1"
}

func leaning(n int) string {
	if n == 1 {
		return "1 other leans on it"
	}
	return fmt.Sprintf("%d others lean on it", n)
}
