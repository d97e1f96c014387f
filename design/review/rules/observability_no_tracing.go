package rules

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/marks"
	"github.com/ashlar-dev/ashlar/design/review"
)

var noTracing = review.Rule{
	ID:    "observability/no-tracing",
	Title: "Nobody traces requests across services",
	Why:   "When a request is slow or fails, each service's log tells a part, and nothing says which parts belong together: people guess, by time of day, where it went.",
	Bad:   "six services that call one another, and no tracing library in any build",
	Good:  "OpenTelemetry in each, by its agent where the code should not change, and one place that the traces go to",
	Since: "0.1", Severity: review.Medium, Confidence: .8,
	Needs:  []review.Need{review.Calls},
	Params: []review.Param{{Name: "services", Default: "3", About: "services that call one another from which on traces are worth it"}},
	Source: "OpenTelemetry documentation, Observability primer; C. Richardson, Microservices Patterns, ch. 11 (distributed tracing)",
	Fires:  "ewolff/microservice@d1ccf50; fernandoabcampos/spring-netflix-oss-microservices@8668c4d",
	Silent: "sqshq/piggymetrics@6bb2cf9; open-telemetry/opentelemetry-demo@054282e",
	Check: func(c *review.Case, r *review.Reporter) {
		if c.Has(review.Traces) {
			return
		}
		for _, d := range c.Documents {
			if strings.HasPrefix(d.Kind, "istio ") || strings.HasPrefix(d.Kind, "linkerd ") || strings.HasPrefix(d.Kind, "otelcol") {
				return // proxies trace, or somebody takes traces
			}
		}
		if len(marksOf(c, marks.Tracing)) > 0 || len(collectors(c)) > 0 {
			return
		}
		for _, w := range workloads(c) {
			if exports(w.Pod) {
				return
			}
		}
		for _, n := range arch.Sorted(c.System.Services) {
			if s := c.System.Services[n]; s.Role == arch.RoleTelemetry && tracer(n+" "+s.Run.Image) {
				return
			}
		}
		home, built := homes(c), map[arch.Ref]review.Evidence{}
		for _, d := range discover.Of[*marks.File](c.Documents) {
			if of := home(d.V.Path); d.V.Build && of != "" && domain(c, of) {
				if _, seen := built[of]; !seen {
					built[of] = review.Evidence{Source: arch.Source{Origin: arch.Code, By: marks.Name, File: d.V.Path, Line: 1, Col: 1}, Note: "no tracing library"}
				}
			}
		}
		g := c.Graph()
		var bare []arch.Ref
		f := review.Finding{}
		for _, of := range apps(c) {
			if len(g.Sync[of])+len(g.In[of]) == 0 {
				continue
			}
			ev, ok := built[of]
			if !ok {
				r.NotJudged("what it is built with was not read", of)
				return
			}
			bare = append(bare, of)
			f.Evidence = append(f.Evidence, ev)
		}
		if len(bare) < int(r.Number("services")) {
			return
		}
		f.Of = bare
		f.Title = fmt.Sprintf("none of %d services that call one another traces its requests", len(bare))
		f.Fix = "Start with OpenTelemetry's agent or library in each service, W3C's traceparent between them, and one backend."
		f.Key = "all"
		r.Find(f)
	},
}

// tracer: a place that traces go to.
func tracer(name string) bool {
	for _, w := range []string{"zipkin", "jaeger", "tempo", "otel", "collector", "skywalking", "pinpoint", "apm", "datadog", "instana", "honeycomb", "signoz"} {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}
