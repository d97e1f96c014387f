package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover/marks"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/otelcol"
)

var headSampling = review.Rule{
	ID:    "observability/head-sampling",
	Title: "Which traces are kept is decided before anybody knows how they end",
	Why:   "Of the traces of failed and slow requests, too, only that share is kept: of 100 failures at 1 % one is left to look at, and mostly not the one that the customer asks about.",
	Bad:   "OTEL_TRACES_SAMPLER=parentbased_traceidratio, OTEL_TRACES_SAMPLER_ARG=0.01",
	Good:  "keep all at the source, and let the Collector's tail_sampling keep every error, every slow trace and 1 % of the rest",
	Since: "0.1", Severity: review.Low, Confidence: .8,
	Params: []review.Param{{Name: "share", Default: "1", About: "share of traces from which on a sampler is fine"}},
	Source: "OpenTelemetry documentation, Sampling (head and tail sampling); B. Sigelman et al., Dapper, 2010",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 (AlwaysSample)",
	Fires:  "open-telemetry/opentelemetry-operator@be89444 tests/e2e-instrumentation/instrumentation-sdk/01-assert.yaml",
	Check: func(c *review.Case, r *review.Reporter) {
		enough := r.Number("share")
		type kept struct {
			of    []arch.Ref
			share float64
			ev    review.Evidence
		}
		var all []kept
		add := func(of []arch.Ref, text string, ev review.Evidence) {
			if v, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil && v > 0 && v < enough {
				all = append(all, kept{of, v, ev})
			}
		}
		for _, m := range marksOf(c, marks.Sampler) {
			add(m.refs(), m.Value, m.evidence("keeps "+m.Value))
		}
		for _, s := range settingsOf(c, "management.tracing.sampling.probability", "spring.sleuth.sampler.probability", "spring.sleuth.sampler.percentage") {
			add(marked{of: s.of}.refs(), s.Value, s.evidence())
		}
		for _, w := range workloads(c) {
			name, _, ok := w.variable("OTEL_TRACES_SAMPLER")
			arg, ev, known := w.variable("OTEL_TRACES_SAMPLER_ARG")
			if ok && known && strings.HasSuffix(name, "traceidratio") {
				add(w.of(), arg, ev)
			}
		}
		for _, x := range collectors(c) {
			for _, id := range arch.Sorted(x.V.Service.Pipelines) {
				ps := x.V.Service.Pipelines[id].Processors
				i := slices.IndexFunc(ps, func(p string) bool { return otelcol.Type(p) == "probabilistic_sampler" })
				if otelcol.Type(id) != "traces" || i < 0 || slices.ContainsFunc(ps[:i], func(p string) bool { return otelcol.Type(p) == "tail_sampling" }) {
					continue
				}
				if n := x.V.Processors[ps[i]]; n != nil && n.Get("sampling_percentage") != nil {
					if v, err := strconv.ParseFloat(n.Str("sampling_percentage"), 64); err == nil {
						add(x.of(c), fmt.Sprint(v/100), x.at("keeps "+n.Str("sampling_percentage")+" %", "processors", ps[i], "sampling_percentage"))
					}
				}
			}
		}
		if len(all) == 0 {
			return
		}
		least, of := all[0].share, map[arch.Ref]bool{}
		f := review.Finding{}
		for _, k := range all {
			least = min(least, k.share)
			for _, ref := range k.of {
				of[ref] = true
			}
			f.Evidence = append(f.Evidence, k.ev)
		}
		f.Of = append([]arch.Ref{}, refs(of)...)
		where := "a sampler"
		if len(f.Of) > 0 {
			where = list(f.Of, 3)
		}
		f.Title = fmt.Sprintf("%s keeps %s of the traces, failures no more than the rest", where, percent(least))
		if len(f.Of) > 1 {
			f.Title = strings.Replace(f.Title, " keeps ", " keep ", 1)
		}
		f.Fix = "Keep all at the source, and sample in the Collector by tail_sampling, whose policies see status and duration; or take the loss on purpose, and say so here."
		f.Key = "all"
		r.Find(f)
	},
}
