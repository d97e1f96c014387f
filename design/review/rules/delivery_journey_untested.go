package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var journeyUntested = review.Rule{
	ID:    "delivery/journey-untested",
	Title: "A journey that matters has no test from end to end",
	Why:   "Each service's own tests pass, and the way that earns the money is broken between them: the first to go it through after a release is a customer.",
	Bad:   "journeys: { buy: { entry: order.Place, criticality: high } }",
	Good:  "journeys: { buy: { entry: order.Place, criticality: high, tests: [e2e/buy_test.go] } }   # few such tests, for the few journeys that matter",
	Since: "0.1", Severity: review.Low, Confidence: .85,
	Source:  "S. Newman, Building Microservices, 2nd ed., ch. 9 (end-to-end tests for journeys, not for stories); M. Cohn, Succeeding with Agile, ch. 16",
	Untried: "journeys and their tests are described by hand, which no public system does",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, name := range arch.Sorted(c.System.Journeys) {
			j, ref := c.System.Journeys[name], arch.NewRef(arch.KindJourney, name)
			if j.Criticality != "high" || len(j.Tests) > 0 {
				continue
			}
			f := review.Finding{Of: []arch.Ref{ref}, Evidence: []review.Evidence{c.At("no tests", arch.Fact{Of: ref, At: "/criticality"}, arch.Fact{Of: ref})}}
			if j.Entry != "" {
				f.Of = append(f.Of, j.Entry)
			}
			f.Title = fmt.Sprintf("the journey %s matters much, and no test goes through it", name)
			f.Fix = "Write one test that takes it from end to end against the real services, run it before and after each release, and name it under tests."
			r.Find(f)
		}
	},
}
