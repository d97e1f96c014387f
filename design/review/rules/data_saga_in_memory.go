package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/design/discover/marks"
	"github.com/ashlar-dev/ashlar/design/review"
)

var sagaInMemory = review.Rule{
	ID:    "data/saga-in-memory",
	Cure:  "advise transactions",
	Title: "Sagas whose state is kept in memory",
	Why:   "Each restart and each release forgets every saga on its way: what their steps did stays, and nobody undoes or finishes it. A second instance knows nothing of them at all.",
	Bad:   "x.AddSagaStateMachine<OrderMachine, OrderState>().InMemoryRepository();",
	Good:  "the state in a database, with each step's outcome written before the next step: patterns/saga on PostgreSQL",
	Since: "0.1", Severity: review.High, Confidence: .9,
	Source:  "C. Richardson, Microservices Patterns, ch. 4; MassTransit documentation, Saga persistence (in-memory is for tests); Axon reference, Saga infrastructure",
	Untried: "no public system at hand has sagas",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, m := range marksOf(c, marks.MemorySaga) {
			f := review.Finding{Of: m.refs(), Evidence: []review.Evidence{m.evidence(m.Value)}}
			f.Title = fmt.Sprintf("a restart of %s forgets its sagas: %s", m.owner(), m.Value)
			f.Fix = "Keep the state of sagas in the service's database."
			r.Find(f, m.owner())
		}
	},
}
