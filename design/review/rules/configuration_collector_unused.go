package rules

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/otelcol"
)

var collectorUnused = review.Rule{
	ID:    "configuration/collector-unused",
	Title: "A component is defined and never runs",
	Why:   "The Collector starts only what a pipeline, or service.extensions, names: what looks configured (a filter for secrets, a second backend) does nothing. A connector that has one end only stops the start.",
	Bad:   "processors: {memory_limiter: {...}}, pipelines: {traces: {receivers: [otlp], exporters: [debug]}}",
	Good:  "pipelines: {traces: {receivers: [otlp], processors: [memory_limiter], exporters: [debug]}}",
	Since: "0.1", Severity: review.Low, Confidence: .95,
	Source: "OpenTelemetry documentation, Collector configuration: configuring a component does not enable it; opentelemetry-collector service/internal/graph (a connector needs both ends)",
	Silent: "open-telemetry/opentelemetry-demo@054282e src/otel-collector/ (four layers)",
	Fires:  "istio/istio@86c9f01 samples/open-telemetry/loki/otel.yaml:15 (in a ConfigMap)",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, x := range collectors(c) {
			if !x.whole() {
				r.NotJudged("the Collector's configuration is a layer over one that was not read", x.of(c)...)
				continue
			}
			in, out, use := ends(x)
			if len(in)+len(out) == 0 {
				continue // no pipelines at all is a finding of its own
			}
			for _, section := range otelcol.Sections() {
				for _, id := range arch.Sorted(x.V.In(section)) {
					if section == otelcol.Connectors && in[id] != out[id] {
						half(c, r, x, id, in[id])
						continue
					}
					if in[id] && (section == otelcol.Receivers || section == otelcol.Connectors) || out[id] && section == otelcol.Exporters || use[id] && (section == otelcol.Processors || section == otelcol.Extensions) {
						continue
					}
					f := review.Finding{Of: x.of(c), Evidence: []review.Evidence{x.at("nothing names it", section, id)}}
					f.Title = fmt.Sprintf("%s: the %s %s is defined and never runs", x.Name, strings.TrimSuffix(section, "s"), id)
					f.Fix = "Name it in a pipeline, or take it out."
					if section == otelcol.Extensions {
						f.Fix = "Name it in service.extensions, or take it out."
					}
					r.Find(f, x.Name, section, id)
				}
			}
		}
	},
}

// half reports a connector with one end.
func half(c *review.Case, r *review.Reporter, x collector, id string, in bool) {
	f := review.Finding{Severity: review.High, Of: x.of(c), Evidence: []review.Evidence{x.at("one end only", otelcol.Connectors, id)}}
	has, lacks := "an exporter", "a receiver"
	if in {
		has, lacks = lacks, has
	}
	f.Title = fmt.Sprintf("%s: the connector %s is %s of a pipeline and %s of none, so the Collector does not start", x.Name, id, has, lacks)
	f.Fix = fmt.Sprintf("Name it as %s of the pipeline that it leads from or to.", lacks)
	r.Find(f, x.Name, otelcol.Connectors, id)
}

// ends are what the pipelines of all layers name: as receivers, as exporters, and
// as processors or extensions (or as extensions that other components name: a
// storage, an authenticator).
func ends(x collector) (in, out, use map[string]bool) {
	in, out, use = map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, l := range x.layers {
		for _, p := range l.Service.Pipelines {
			for _, id := range p.Receivers {
				in[id] = true
			}
			for _, id := range p.Exporters {
				out[id] = true
			}
			for _, id := range p.Processors {
				use[id] = true
			}
		}
		for _, id := range l.Service.Extensions {
			use[id] = true
		}
		// A receiver_creator and its like start receivers that no pipeline names.
		for _, id := range arch.Sorted(l.Receivers) {
			for _, e := range l.Receivers[id].Entries {
				if e.Key.Text == "receivers" {
					for _, sub := range e.Value.Entries {
						in[sub.Key.Text] = true
					}
				}
			}
		}
	}
	return in, out, use
}
