package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/otelcol"
)

var collectorMemory = review.Rule{
	ID:    "configuration/collector-no-memory-limiter",
	Title: "A pipeline of the Collector takes data without a limit on memory",
	Why:   "When a backend is slow, queues grow until the kernel kills the Collector, with all that it held. The memory limiter refuses data before that, so that senders wait and try again.",
	Bad:   "traces: {receivers: [otlp], processors: [batch], exporters: [otlp]}",
	Good:  "traces: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp]}",
	Since: "0.1", Severity: review.Medium, Confidence: .8,
	Source: "opentelemetry-collector processor/memorylimiterprocessor/README.md, Best Practices (on every collector, first in the pipeline)",
	Fires:  "open-telemetry/opentelemetry-operator@be89444 tests/e2e-openshift/otlp-metrics-traces/02-otel-metrics-collector.yaml:34",
	Silent: "open-telemetry/opentelemetry-demo@054282e src/otel-collector/",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, x := range collectors(c) {
			if !x.whole() {
				r.NotJudged("the Collector's configuration is a layer over one that was not read", x.of(c)...)
				continue
			}
			var bare []string
			var ev []review.Evidence
			for _, id := range arch.Sorted(x.V.Service.Pipelines) {
				if p := x.V.Service.Pipelines[id]; enters(x, p) && !x.limited(id) {
					bare = append(bare, id)
					ev = append(ev, x.at("no memory_limiter", "service", "pipelines", id))
				}
			}
			if len(bare) == 0 {
				continue
			}
			f := review.Finding{Of: x.of(c), Evidence: ev}
			f.Title = fmt.Sprintf("%s: no memory limit for %s", x.Name, strings.Join(bare, ", "))
			f.Fix = "Define memory_limiter (check_interval: 1s, limit_percentage: 80, spike_limit_percentage: 20) and name it as the first processor; set GOMEMLIMIT to 80 % of the container's limit."
			r.Find(f, x.Name)
		}
	},
}

// enters reports whether a pipeline takes data from outside, not only from other
// pipelines, whose own limiter stands before it.
func enters(x collector, p otelcol.Pipeline) bool {
	return slices.ContainsFunc(p.Receivers, func(id string) bool { return !x.defines(otelcol.Connectors, id) })
}

// limited reports whether the pipeline has a limiter in any layer, or its
// receivers ask an extension of that kind, or the data only comes at its own pace.
func (x collector) limited(pipeline string) bool {
	for _, p := range x.pipelines(pipeline) {
		if slices.ContainsFunc(p.Processors, func(id string) bool { return otelcol.Type(id) == "memory_limiter" }) {
			return true
		}
	}
	return slices.ContainsFunc(x.V.Service.Extensions, func(id string) bool { return otelcol.Type(id) == "memory_limiter" })
}
