package rules

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover/marks"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/otelcol"
)

var mixedLogs = review.Rule{
	ID:    "standards/mixed-logs",
	Title: "Services write their logs in different forms",
	Why:   "A search by level, customer or trace finds the lines of some services only; the others are loose text, and whoever is on call at night learns which are which.",
	Bad:   "order: LogstashEncoder, stock: <pattern>%d %-5level %msg%n</pattern>",
	Good:  "one form with one set of names everywhere: JSON with time, level, message, service, trace id",
	Since: "0.1", Severity: review.Low, Confidence: .75,
	Source:  "OpenTelemetry specification, Logs data model; A. Wiggins, The Twelve-Factor App, XI; C. Richardson, Microservices Patterns, ch. 11 (log aggregation)",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 src/ (JSON where it is known)",
	Untried: "no public system at hand on which it fires",
	Check: func(c *review.Case, r *review.Reporter) {
		type said struct {
			form string
			ev   review.Evidence
		}
		by := map[arch.Ref][]said{}
		for _, m := range marksOf(c, marks.LogForm) {
			by[m.of] = append(by[m.of], said{m.Value, m.evidence(m.Value)})
		}
		for _, s := range settingsOf(c, "logging.structured.format.console") {
			by[s.of] = append(by[s.of], said{"json", s.evidence()})
		}
		for _, s := range settingsOf(c, "logging.pattern.console") {
			by[s.of] = append(by[s.of], said{"text", s.evidence()})
		}
		for _, x := range collectors(c) {
			for _, id := range arch.Sorted(x.V.Service.Pipelines) {
				if otelcol.Type(id) == "logs" && slices.ContainsFunc(x.V.Service.Pipelines[id].Receivers, func(n string) bool { return otelcol.Type(n) == "otlp" }) {
					r.NotJudged("logs go to a Collector in one form, whatever their lines look like")
					return
				}
			}
		}
		sides := map[string][]arch.Ref{}
		ev := map[string]review.Evidence{}
		for _, of := range arch.Sorted(by) {
			if of == "" || !domain(c, of) {
				continue
			}
			one := by[of][0].form
			for _, s := range by[of] {
				if s.form != one { // what is meant for a terminal, and what runs elsewhere
					one = ""
				}
			}
			if one == "" {
				r.NotJudged("its code knows several forms, and which one runs is not known", of)
				continue
			}
			sides[one] = append(sides[one], of)
			if _, ok := ev[one]; !ok {
				ev[one] = by[of][0].ev
			}
		}
		if len(sides["json"]) == 0 || len(sides["text"]) == 0 {
			return
		}
		f := review.Finding{Of: append(append([]arch.Ref{}, sides["json"]...), sides["text"]...), Evidence: []review.Evidence{ev["json"], ev["text"]}}
		f.Title = fmt.Sprintf("%s log JSON, %s text", list(sides["json"], 3), list(sides["text"], 3))
		if len(sides["json"]) == 1 {
			f.Title = fmt.Sprintf("%s logs JSON, %s text", list(sides["json"], 3), list(sides["text"], 3))
		}
		f.Fix = "Agree on JSON with the same names everywhere, best from one small library or the collector's parser, and put the trace id in."
		f.Key = "all"
		r.Find(f)
	},
}
