package rules

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/otelcol"
)

var collectorUndefined = review.Rule{
	ID:    "configuration/collector-undefined",
	Title: "A pipeline names a component that is not defined",
	Why:   "The Collector refuses to start; in a rolling update the old one keeps running until it is gone too.",
	Bad:   "exporters: {otlp/a: {}}, pipelines: {traces: {exporters: [otlp]}}",
	Good:  "pipelines: {traces: {exporters: [otlp/a]}}",
	Since: "0.1", Severity: review.Critical, Confidence: .95,
	Source: "opentelemetry-collector otelcol/config.go (Config.Validate)",
	Silent: "open-telemetry/opentelemetry-demo@054282e src/otel-collector/",
	Fires:  "open-telemetry/opentelemetry-helm-charts@dd5665c charts/opentelemetry-collector/examples/kubernetesAttributes/rendered/configmap.yaml (resource)",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, x := range collectors(c) {
			if !x.whole() {
				r.NotJudged("the Collector's configuration is a layer over one that was not read", x.of(c)...)
				continue
			}
			for _, id := range arch.Sorted(x.V.Service.Pipelines) {
				p := x.V.Service.Pipelines[id]
				for _, l := range []struct {
					list  string
					ids   []string
					among []string
				}{{otelcol.Receivers, p.Receivers, []string{otelcol.Receivers, otelcol.Connectors}}, {otelcol.Processors, p.Processors, []string{otelcol.Processors}}, {otelcol.Exporters, p.Exporters, []string{otelcol.Exporters, otelcol.Connectors}}} {
					for _, part := range l.ids {
						undefined(c, r, x, "the pipeline "+id, part, l.among, x.V.Place(id, l.list, part))
					}
				}
			}
			for i, part := range x.V.Service.Extensions {
				undefined(c, r, x, "service.extensions", part, []string{otelcol.Extensions}, []string{"service", "extensions", fmt.Sprint(i)})
			}
		}
	},
}

func undefined(c *review.Case, r *review.Reporter, x collector, user, id string, among, place []string) {
	var known []string
	for _, section := range among {
		if x.defines(section, id) {
			return
		}
		for _, l := range x.layers {
			known = append(known, arch.Sorted(l.In(section))...)
		}
	}
	f := review.Finding{Of: x.of(c), Evidence: []review.Evidence{x.at(id, place...)}}
	f.Title = fmt.Sprintf("%s: %s names %s, which is not defined", x.Name, user, id)
	f.Fix = fmt.Sprintf("Define it under %s, or take it out.", strings.Join(among, " or "))
	if near := doc.Nearest(id, known); near != "" {
		f.Fix = fmt.Sprintf("Did you mean %s?", near)
	}
	r.Find(f, x.Name, user, id)
}
