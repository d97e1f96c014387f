package rules

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
	"github.com/ashlar-dev/ashlar/formats/monitoring"
)

var partialMetrics = review.Rule{
	ID:    "observability/partial-metrics",
	Title: "Some services are measured, some are not",
	Why:   "The one without metrics is the one whose slowness shows only in others, and whose alert does not exist.",
	Bad:   "prometheus.io/scrape: \"true\" on order and price, nothing on stock",
	Good:  "the same annotation, or a PodMonitor, for all",
	Since: "0.1", Severity: review.Low, Confidence: .6,
	Needs:   []review.Need{review.Manifests},
	Source:  "Google SRE Book, ch. 6 (the four golden signals)",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/ (none is, which is not judged)",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		monitors := discover.Of[*monitoring.Monitor](c.Documents)
		scraped := scrapedServices(c)
		measured := 0
		var bare []arch.Ref
		var ev []review.Evidence
		seen := map[arch.Ref]bool{}
		for _, w := range workloads(c) {
			switch {
			case w.ref == "" || !domain(c, w.ref) || seen[w.ref] || w.Workload.Kind == "Job" || w.Workload.Kind == "CronJob":
			case w.Pod.Annotations["prometheus.io/scrape"] == "true" || scraped[w.ref] || monitored(monitors, "PodMonitor", w.V.Namespace, w.Pod.Labels):
				seen[w.ref] = true
				measured++
			default:
				seen[w.ref] = true
				bare = append(bare, w.ref)
				ev = append(ev, w.at("no prometheus.io/scrape", "metadata"))
			}
		}
		if measured < 2 || len(bare) == 0 || len(bare) > measured {
			return
		}
		f := review.Finding{Of: bare, Evidence: ev}
		f.Title = fmt.Sprintf("%d services are scraped for metrics, %s not", measured, list(bare, 4))
		f.Fix = "Annotate them as the others are, and serve request counts, errors and latencies."
		r.Find(f)
	},
}

// monitored reports whether a monitor of this kind selects the labels.
func monitored(ms []discover.Typed[*monitoring.Monitor], kind, namespace string, labels map[string]string) bool {
	return slices.ContainsFunc(ms, func(m discover.Typed[*monitoring.Monitor]) bool {
		return m.V.Kind == kind && m.V.Selects(namespace, labels)
	})
}

// scrapedServices are those whose Service carries the annotation, or that a
// ServiceMonitor selects.
func scrapedServices(c *review.Case) map[arch.Ref]bool {
	m := map[arch.Ref]bool{}
	monitors := discover.Of[*monitoring.Monitor](c.Documents)
	for _, o := range discover.Of[*kubernetes.Object](c.Documents) {
		if o.V.Kind == "Service" && (o.V.Annotations["prometheus.io/scrape"] == "true" || monitored(monitors, "ServiceMonitor", o.V.Namespace, o.V.Labels)) {
			if ref, ok := serviceNamed(c, o.V.Name); ok {
				m[ref] = true
			}
		}
	}
	return m
}
