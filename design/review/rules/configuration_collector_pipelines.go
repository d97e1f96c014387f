package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/otelcol"
)

var collectorPipelines = review.Rule{
	ID:    "configuration/collector-no-pipeline",
	Title: "The Collector has no pipeline, or one without an end",
	Why:   "It refuses to start: there must be a pipeline, and each needs a receiver and an exporter.",
	Bad:   "service: {pipelines: {traces: {receivers: [otlp]}}}",
	Good:  "service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}",
	Since: "0.1", Severity: review.Critical, Confidence: .95,
	Source:  "opentelemetry-collector service/pipelines/config.go (must have at least one pipeline, receiver, exporter)",
	Silent:  "open-telemetry/opentelemetry-demo@054282e src/otel-collector/ (four layers)",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, x := range collectors(c) {
			if !x.whole() {
				r.NotJudged("the Collector's configuration is a layer over one that was not read", x.of(c)...)
				continue
			}
			some := false
			for _, l := range x.layers {
				some = some || len(l.Service.Pipelines) > 0
			}
			if !some && len(x.layers) == 1 { // of several, none of which has pipelines, the one that has was not read
				f := review.Finding{Of: x.of(c), Evidence: []review.Evidence{x.at("no pipelines", "service", "pipelines")}}
				f.Title = fmt.Sprintf("%s has no pipelines, so the Collector does not start", x.Name)
				f.Fix = "Add service.pipelines with a receiver and an exporter for each signal."
				r.Find(f, x.Name)
			}
			for _, id := range arch.Sorted(x.V.Service.Pipelines) {
				for _, list := range []string{otelcol.Receivers, otelcol.Exporters} {
					if ended(x, id, list) {
						continue
					}
					f := review.Finding{Of: x.of(c), Evidence: []review.Evidence{x.at("no "+list, "service", "pipelines", id)}}
					f.Title = fmt.Sprintf("%s: the pipeline %s has no %s, so the Collector does not start", x.Name, id, list)
					f.Fix = fmt.Sprintf("Name its %s, or take the pipeline out.", list)
					r.Find(f, x.Name, id, list)
				}
			}
		}
	},
}

// ended reports whether any layer gives a pipeline its receivers, or exporters.
func ended(x collector, id, list string) bool {
	for _, p := range x.pipelines(id) {
		if list == otelcol.Receivers && len(p.Receivers) > 0 || list == otelcol.Exporters && len(p.Exporters) > 0 {
			return true
		}
	}
	return false
}
