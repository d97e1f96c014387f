package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/design/review"
)

var ownSampling = review.Rule{
	ID:    "observability/own-sampling",
	Cure:  "fix",
	Title: "A service throws its own dice over which traces to keep",
	Why:   "Unless each service follows its caller's decision, most traces lack some of their services: of a chain of four with 10 % each, one in ten thousand is whole.",
	Bad:   "OTEL_TRACES_SAMPLER=traceidratio",
	Good:  "OTEL_TRACES_SAMPLER=parentbased_traceidratio",
	Since: "0.1", Severity: review.Medium, Confidence: .85,
	Needs:   []review.Need{review.Manifests},
	Source:  "OpenTelemetry specification, Trace SDK (ParentBased, TraceIdRatioBased)",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, w := range workloads(c) {
			v, ev, ok := w.variable("OTEL_TRACES_SAMPLER")
			if !ok || v != "traceidratio" {
				continue
			}
			value := w.valueOf("OTEL_TRACES_SAMPLER")
			f := review.Finding{Of: w.of(), Evidence: []review.Evidence{ev}}
			f.Title = fmt.Sprintf("%s decides by itself which traces to keep", w.V)
			f.Detail = "The ratio sampler does not look at the caller's decision; services with different ratios, or SDKs that hash differently, cut traces apart."
			f.Fix = "Set OTEL_TRACES_SAMPLER=parentbased_traceidratio."
			f.Edits = review.EditAt(value.Source, review.Set, "parentbased_traceidratio")
			r.Find(f, w.V.String())
		}
	},
}
