package rules

import (
	"strings"

	"github.com/ashlar-dev/ashlar/design/review"
)

var collectorAction = review.Rule{
	ID:    "configuration/collector-attribute-action",
	Title: "An action on attributes that says too little",
	Why:   "The Collector refuses to start when an action is missing, unknown, or lacks the key or the value that it works with.",
	Bad:   "attributes: {actions: [{key: env, value: prod}]}",
	Good:  "attributes: {actions: [{key: env, value: prod, action: upsert}]}",
	Since: "0.1", Severity: review.High, Confidence: .95,
	Source:  "opentelemetry-collector-contrib processor/attributesprocessor/README.md, processor/resourceprocessor/README.md",
	Silent:  "open-telemetry/opentelemetry-demo@054282e src/otel-collector/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, x := range collectors(c) {
			for _, a := range x.V.ActionFaults() {
				f := review.Finding{Of: x.of(c), Evidence: []review.Evidence{x.at("", a.Path...)}, Fix: a.Fix}
				f.Title = x.Name + ": " + a.What
				r.Find(f, x.Name, strings.Join(a.Path, "/"))
			}
		}
	},
}
