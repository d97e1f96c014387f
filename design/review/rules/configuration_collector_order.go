package rules

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/otelcol"
)

var collectorOrder = review.Rule{
	ID:    "configuration/collector-order",
	Title: "Processors stand in an order that undoes one of them",
	Why:   "A batch that is sampled afterwards goes out nearly empty. A limiter behind a processor that answers at once refuses data that the sender already takes for delivered: it is lost instead of sent again.",
	Bad:   "processors: [batch, tail_sampling, memory_limiter]",
	Good:  "processors: [memory_limiter, tail_sampling, batch]",
	Since: "0.1", Severity: review.Medium, Confidence: .9,
	Source:  "opentelemetry-collector processor/README.md (recommended order), processor/batchprocessor/README.md (after memory_limiter and any sampling), processor/memorylimiterprocessor/README.md (first)",
	Silent:  "open-telemetry/opentelemetry-demo@054282e src/otel-collector/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, x := range collectors(c) {
			for _, id := range arch.Sorted(x.V.Service.Pipelines) {
				ps := x.V.Service.Pipelines[id].Processors
				first := func(types ...string) (int, string) {
					i := slices.IndexFunc(ps, func(p string) bool { return slices.Contains(types, otelcol.Type(p)) })
					if i < 0 {
						return -1, ""
					}
					return i, ps[i]
				}
				say := func(early, late, why, fix string) {
					f := review.Finding{Of: x.of(c), Fix: fix, Evidence: []review.Evidence{
						x.at(early, x.V.Place(id, otelcol.Processors, early)...), x.at(late, x.V.Place(id, otelcol.Processors, late)...)}}
					f.Title = fmt.Sprintf("%s: in %s, %s stands before %s%s", x.Name, id, early, late, why)
					r.Find(f, x.Name, id, early, late)
				}
				b, batch := first("batch")
				s, sampler := first(otelcol.Samplers...)
				m, limiter := first("memory_limiter")
				d, detached := first(otelcol.Detached...)
				if b >= 0 && s > b {
					say(batch, sampler, ", so batches are made and then emptied", fmt.Sprintf("Move %s behind %s.", batch, sampler))
				}
				if d >= 0 && m > d {
					say(detached, limiter, ", so what is refused is lost and not sent again", fmt.Sprintf("Make %s the first processor.", limiter))
				}
			}
		}
	},
}
