package rules

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

var manyEntries = review.Rule{
	ID:    "communication/many-entries",
	Cure:  "advise gateway",
	Title: "Requests enter at several services instead of one place",
	Why:   "Each entry needs its own authentication, rate limit, TLS and log; the one that was forgotten is the way in. And clients learn the inner cut of the system, so that it cannot change.",
	Bad:   "kind: Service, spec: {type: LoadBalancer}   # at three services",
	Good:  "one gateway outside, type: ClusterIP behind it",
	Since: "0.1", Severity: review.Medium, Confidence: .8,
	Needs:  []review.Need{review.Manifests},
	Params: []review.Param{{Name: "entries", Default: "2", About: "places where requests enter from which it counts; all gateways are one, and pages beside a gateway are none"}},
	Source: "C. Richardson, Microservices Patterns, ch. 8 (API gateway); microSecEnD, rule 1 (single entry point)",
	Fires:  "FudanSELab/train-ticket@813dd01 deployment/kubernetes-manifests/k8s-with-istio/: ts-auth-service beside the gateway",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/",
	Check: func(c *review.Case, r *review.Reporter) {
		seen := map[arch.Ref]bool{}
		var ev []review.Evidence
		gateway := hasGateway(c)
		for _, o := range discover.Of[*kubernetes.Object](c.Documents) {
			s, ok := o.V.Typed.(*corev1.Service)
			if !ok || s.Spec.Type != corev1.ServiceTypeLoadBalancer && s.Spec.Type != corev1.ServiceTypeNodePort {
				continue
			}
			for _, ref := range selected(c, o.V.Namespace, s.Spec.Selector) {
				if domain(c, ref) && !seen[ref] && (!gateway || c.System.Services[ref.Name()].Role != arch.RoleUI) {
					seen[ref] = true
					ev = append(ev, review.Evidence{Source: o.At(arch.Config, "spec", "type"), Note: ref.Short() + " is open to the outside: " + string(s.Spec.Type)})
				}
			}
		}
		entries := len(seen)
		if gateway {
			entries++ // one that is open beside the gateway goes around it
		}
		if len(seen) == 0 || entries < int(r.Number("entries")) {
			return
		}
		of := refs(seen)
		f := review.Finding{Of: of, Evidence: ev}
		f.Title = fmt.Sprintf("requests enter at %d services: %s", len(of), list(of, 5))
		f.Fix = "Put a gateway in front and make these Services ClusterIP."
		if gateway {
			f.Title = fmt.Sprintf("requests go around the gateway, straight to %s", list(of, 5))
			f.Fix = "Route them through the gateway and make these Services ClusterIP."
		}
		r.Find(f)
	},
}

// hasGateway: there is a gateway that others could enter by, a page's own aside.
func hasGateway(c *review.Case) bool {
	if len(c.System.Gateways) > 0 {
		return true
	}
	for _, s := range c.System.Services {
		if s.Role == arch.RoleGateway {
			return true
		}
	}
	return false
}

// selected lists the services whose pods a selector fits.
func selected(c *review.Case, namespace string, selector map[string]string) []arch.Ref {
	var out []arch.Ref
	for _, o := range discover.Of[*kubernetes.Object](c.Documents) {
		w, ok := o.V.AsWorkload()
		if !ok || w.Pod == nil || o.V.Namespace != namespace || !kubernetes.Selects(selector, w.Pod.Labels) {
			continue
		}
		if ref, ok := workloadRef(c, o.V, w); ok {
			out = append(out, ref)
		}
	}
	return out
}

// workloadRef is the service that a workload is; versions of one service are one.
func workloadRef(c *review.Case, o *kubernetes.Object, w kubernetes.Workload) (arch.Ref, bool) {
	for _, name := range []string{o.Name, w.Pod.Labels["app"], w.Pod.Labels["app.kubernetes.io/name"]} {
		if ref, ok := serviceNamed(c, name); ok && name != "" {
			return ref, true
		}
	}
	return "", false
}
