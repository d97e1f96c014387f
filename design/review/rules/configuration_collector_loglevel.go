package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/otelcol"
)

var collectorLoglevel = review.Rule{
	ID:    "configuration/collector-loglevel",
	Cure:  "fix",
	Title: "loglevel is no setting of the debug exporter",
	Why:   "The Collector refuses to start: the debug exporter never had `loglevel`, which its predecessor deprecated for `verbosity`.",
	Bad:   "exporters: {debug: {loglevel: debug}}",
	Good:  "exporters: {debug: {verbosity: detailed}}",
	Since: "0.1", Severity: review.High, Confidence: .95,
	Source: "opentelemetry-collector#5878 (loglevel deprecated) and exporter/debugexporter/config.go",
	Silent: "open-telemetry/opentelemetry-demo@054282e src/otel-collector/",
	Fires:  "istio/istio@86c9f01 samples/open-telemetry/loki/otel.yaml:25 (in a ConfigMap)",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, x := range collectors(c) {
			for _, id := range arch.Sorted(x.V.Exporters) {
				n := x.V.Exporters[id]
				if t := otelcol.Type(id); t != "debug" && t != "logging" || n.Get("loglevel") == nil {
					continue
				}
				level := n.Str("loglevel")
				f := review.Finding{Of: x.of(c), Evidence: []review.Evidence{x.at("loglevel: "+level, otelcol.Exporters, id, "loglevel")}}
				f.Title = fmt.Sprintf("%s: the exporter %s has loglevel, which is now verbosity", x.Name, id)
				f.Fix = fmt.Sprintf("Write verbosity: %s, which does what loglevel: %s did.", otelcol.Verbosity(level), level)
				if x.editable() && n.Get("verbosity") == nil {
					value := x.At(arch.Config, otelcol.Exporters, id, "loglevel")
					f.Edits = append(review.EditAt(f.Evidence[0].Source, review.Rename, "verbosity"), review.EditAt(value, review.Set, otelcol.Verbosity(level))...)
				}
				r.Find(f, x.Name, id)
			}
		}
	},
}
