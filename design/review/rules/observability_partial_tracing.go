package rules

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var partialTracing = review.Rule{
	ID:    "observability/partial-tracing",
	Title: "A service in the middle of traced ones is not traced",
	Why:   "It hands no trace on, so each trace is cut in two at its place, and the time that it takes is nobody's.",
	Bad:   "order and price export traces, stock between them does not",
	Good:  "the same OTEL_EXPORTER_OTLP_ENDPOINT on every workload",
	Since: "0.1", Severity: review.Low, Confidence: .6,
	Needs:   []review.Need{review.Manifests, review.Calls},
	Source:  "OpenTelemetry documentation, Context propagation",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/ (none is)",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		traced, plain := map[arch.Ref]bool{}, map[arch.Ref]workload{}
		for _, w := range workloads(c) {
			switch {
			case w.ref == "" || !domain(c, w.ref):
			case exports(w.Pod):
				traced[w.ref] = true
			default:
				plain[w.ref] = w
			}
		}
		g := c.Graph()
		for _, of := range arch.Sorted(plain) {
			isTraced := func(x arch.Ref) bool { return traced[x] }
			if traced[of] || !slices.ContainsFunc(g.In[of], isTraced) || !slices.ContainsFunc(g.Out[of], isTraced) {
				continue
			}
			if envFrom(plain[of].Pod) {
				r.NotJudged("variables that come from elsewhere may switch tracing on", of)
				continue
			}
			f := review.Finding{Of: []arch.Ref{of}, Evidence: []review.Evidence{plain[of].at("no exporter of traces", "spec", "containers", "0")}}
			f.Title = fmt.Sprintf("%s is not traced, between services that are", of.Short())
			f.Fix = "Instrument it, or let it at least pass the traceparent header on."
			r.Find(f)
		}
	},
}

// exports reports whether any container is told where traces go, or an operator
// injects an agent.
func exports(pod *corev1.PodTemplateSpec) bool {
	for k := range pod.Annotations {
		if strings.HasPrefix(k, "instrumentation.opentelemetry.io/") {
			return true
		}
	}
	for _, ct := range pod.Spec.Containers {
		for _, e := range ct.Env {
			if strings.HasPrefix(e.Name, "OTEL_EXPORTER_") || strings.HasPrefix(e.Name, "JAEGER_") || strings.Contains(e.Name, "ZIPKIN") || e.Name == "COLLECTOR_SERVICE_ADDR" {
				return true
			}
		}
	}
	return false
}

func envFrom(pod *corev1.PodTemplateSpec) bool {
	return slices.ContainsFunc(pod.Spec.Containers, func(ct corev1.Container) bool { return len(ct.EnvFrom) > 0 })
}
