package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/monitoring"
	"github.com/ashlar-dev/ashlar/formats/prometheus"
)

var noMetrics = review.Rule{
	ID:    "observability/no-metrics",
	Title: "A service whose metrics nobody collects",
	Why:   "Its slowness shows only in others, and no alert can be about it: Prometheus asks the services beside it, and not this one.",
	Bad:   "targets: [order:8080, price:8080]   # stock is not there",
	Good:  "targets: [order:8080, price:8080, stock:8080]",
	Since: "0.1", Severity: review.Low, Confidence: .7,
	Needs:   []review.Need{review.Manifests},
	Source:  "Google SRE Book, ch. 6 (the four golden signals)",
	Silent:  "open-telemetry/opentelemetry-demo@054282e (services push their metrics, which is not judged)",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		var asked []review.Evidence
		for _, d := range discover.Of[*prometheus.Config](c.Documents) {
			if len(d.V.ScrapeFiles) > 0 || slices.ContainsFunc(d.V.Scrapes, func(s prometheus.Scrape) bool { return len(s.Discovery) > 0 }) {
				r.NotJudged("targets are discovered at run time")
				return
			}
			if len(d.V.Scrapes) > 0 {
				asked = append(asked, review.Evidence{Source: d.At(arch.Config, "scrape_configs"), Note: "who is asked"})
			}
		}
		if len(asked) == 0 {
			return
		}
		if len(collectors(c)) == 0 && collectorRuns(c) {
			r.NotJudged("a Collector runs, and whom it asks was not read")
			return
		}
		measured := map[arch.Ref]bool{}
		for _, e := range c.System.Edges() {
			from, to := e.From.Parent(), e.Call.To.Parent()
			switch {
			case c.System.Services[from.Name()].Role == arch.RoleTelemetry && e.Call.Access == arch.AccessRead:
				measured[to] = true
			case c.System.Services[to.Name()].Role == arch.RoleTelemetry: // it may push
				measured[from] = true
			}
		}
		for ref := range scrapedServices(c) {
			measured[ref] = true
		}
		monitors := discover.Of[*monitoring.Monitor](c.Documents)
		for _, w := range workloads(c) {
			if w.ref != "" && monitored(monitors, "PodMonitor", w.V.Namespace, w.Pod.Labels) {
				measured[w.ref] = true
			}
		}
		var bare []arch.Ref
		n := 0
		for _, ref := range apps(c) {
			switch {
			case measured[ref]:
				n++
			case deployed(c, ref):
				bare = append(bare, ref)
			}
		}
		if n < 2 || len(bare) == 0 || len(bare) > n {
			return // the services are measured in another way, or not at all
		}
		f := review.Finding{Of: bare, Evidence: asked}
		f.Title = fmt.Sprintf("%d services are asked for metrics, %s not", n, list(bare, 4))
		f.Fix = "Serve request counts, errors and latencies, and add the target."
		r.Find(f)
	},
}

// collectorRuns reports whether something that gathers telemetry for others is
// among the services.
func collectorRuns(c *review.Case) bool {
	for n, s := range c.System.Services {
		if s.Role == arch.RoleTelemetry && (strings.Contains(s.Run.Image+n, "otel") || strings.Contains(s.Run.Image+n, "collector") || strings.Contains(s.Run.Image+n, "alloy") || strings.Contains(s.Run.Image+n, "agent")) {
			return true
		}
	}
	return false
}

// deployed reports whether the case knows how the service runs.
func deployed(c *review.Case, ref arch.Ref) bool {
	for _, d := range c.System.Deployments {
		if d.Of == ref {
			return true
		}
	}
	return false
}
