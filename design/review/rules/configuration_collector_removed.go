package rules

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/otelcol"
)

var collectorRemoved = review.Rule{
	ID:    "configuration/collector-removed-component",
	Title: "The Collector no longer has the component",
	Why:   "A release without it refuses to start (`unknown type`), so the next update of the image ends all telemetry.",
	Bad:   "exporters: {jaeger: {endpoint: \"jaeger:14250\"}, logging: {}}",
	Good:  "exporters: {otlp/jaeger: {endpoint: \"jaeger:4317\"}, debug: {}}",
	Since: "0.1", Severity: review.High, Confidence: .9,
	Source: "changelogs of opentelemetry-collector (#11037 logging, #10671 memory_ballast) and opentelemetry-collector-contrib (#26546 jaeger, #31508 spanmetrics)",
	Silent: "open-telemetry/opentelemetry-demo@054282e src/otel-collector/",
	Fires:  "istio/istio@86c9f01 samples/open-telemetry/loki/otel.yaml:24 (in a ConfigMap)",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, x := range collectors(c) {
			for _, section := range otelcol.Sections() {
				for _, id := range arch.Sorted(x.V.In(section)) {
					g, ok := otelcol.Removed(section, id)
					if !ok {
						continue
					}
					f := review.Finding{Of: x.of(c), Evidence: []review.Evidence{x.at("gone since "+g.Since, section, id)}}
					f.Title = fmt.Sprintf("%s: the %s %s is gone since release %s", x.Name, strings.TrimSuffix(section, "s"), id, g.Since)
					f.Detail = "Decided in " + g.Because + "."
					f.Fix = "Use " + g.Instead + "."
					r.Find(f, x.Name, section, id)
				}
			}
		}
	},
}
