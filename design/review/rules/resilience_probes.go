package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var probes = review.Rule{
	ID:    "resilience/probes",
	Title: "No readiness probe, or one that is the liveness probe too",
	Why:   "Without a readiness probe a pod gets traffic before it can answer, on every rollout. A liveness probe that asks the same question restarts pods that are merely busy, and so makes an overload worse.",
	Bad:   "containers: [{name: order, image: order:1}]",
	Good:  "readinessProbe: {httpGet: {path: /ready, port: 8080}} and livenessProbe: {httpGet: {path: /live, port: 8080}, failureThreshold: 5}",
	Since: "0.1", Severity: review.Medium, Confidence: .9,
	Needs:  []review.Need{review.Manifests},
	Source: "Kubernetes documentation, Liveness, Readiness and Startup Probes",
	Fires:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/ (equal probes)",
	Silent: "open-telemetry/opentelemetry-demo@054282e compose.yaml (compose has no readiness)",
	Check: func(c *review.Case, r *review.Reporter) {
		g := c.Graph()
		for _, key := range inView(c) {
			d := c.System.Deployments[key]
			svc, isService := c.System.Services[d.Of.Name()]
			if d.Of.Kind() != arch.KindService || !isService || svc.Role == arch.RoleJob || svc.Role == arch.RoleLoadgen || d.Kind == "Job" || d.Kind == "CronJob" || g.Reach(d.Of) == 0 {
				continue
			}
			if _, k8s := d.Probes["healthcheck"]; k8s || d.Kind == "compose" { // compose has no readiness
				continue
			}
			of := arch.DeploymentRef(envOf(key), d.Of.Name())
			f := review.Finding{Of: []arch.Ref{d.Of}}
			live, ready := d.Probes["liveness"], d.Probes["readiness"]
			switch {
			case ready == "":
				f.Title = fmt.Sprintf("%s gets traffic before it is ready: no readiness probe", d.Of.Short())
				f.Fix = "Add a readinessProbe that asks whether it can serve now."
				f.Evidence = []review.Evidence{c.At("no readinessProbe", arch.Fact{Of: of, At: "/probes/liveness"}, arch.Fact{Of: of})}
			case ready == live:
				f.Title = fmt.Sprintf("%s is restarted whenever it is not ready: both probes are %s", d.Of.Short(), ready)
				f.Severity = review.Low
				f.Fix = "Let the liveness probe ask less (does the process answer at all) and fail later than the readiness probe."
				f.Evidence = []review.Evidence{c.At("equal probes", arch.Fact{Of: of, At: "/probes/liveness"}, arch.Fact{Of: of})}
			default:
				continue
			}
			r.Find(f)
		}
	},
}
