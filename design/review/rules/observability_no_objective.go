package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var noObjective = review.Rule{
	ID:    "observability/no-objective",
	Title: "Nobody said how good is good enough",
	Why:   "Without an objective nobody can tell whether a journey is slow, which alert is worth a night, or whether a timeout is right.",
	Bad:   "journeys: { buy: { entry: order.Place } }",
	Good:  "journeys: { buy: { entry: order.Place, objectives: [ {p99: 300ms}, {availability: 99.9%, window: 30d} ] } }",
	Since: "0.1", Severity: review.Low, Confidence: .9,
	Source:  "Google SRE Book, ch. 4 (service level objectives)",
	Untried: "no public file at hand names journeys",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, name := range arch.Sorted(c.System.Journeys) {
			j, ref := c.System.Journeys[name], arch.NewRef(arch.KindJourney, name)
			if len(j.Objectives) > 0 || len(c.System.Services[j.Entry.Name()].Objectives) > 0 {
				continue
			}
			f := review.Finding{Of: []arch.Ref{ref}, Evidence: []review.Evidence{c.At("no objectives", arch.Fact{Of: ref})}}
			f.Title = fmt.Sprintf("the journey %s has no objective", name)
			if j.Criticality == "high" {
				f.Severity = review.Medium
			}
			f.Fix = "State a latency and an availability that users would still call fine; what is measured now is a start."
			r.Find(f)
		}
	},
}
