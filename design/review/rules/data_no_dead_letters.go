package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var noDeadLetters = review.Rule{
	ID:    "data/no-dead-letters",
	Cure:  "advise broker",
	Title: "A message that cannot be handled has nowhere to go",
	Why:   "One message that always fails either blocks all behind it, is tried for ever, or is dropped without a trace.",
	Bad:   "topics: { order-events: { broker: rabbitmq } }   # read by billing",
	Good:  "topics: { order-events: { broker: rabbitmq, dead-letter: order-events.dead } }",
	Since: "0.1", Severity: review.Medium, Confidence: .75,
	Source:  "G. Hohpe and B. Woolf, Enterprise Integration Patterns (dead letter channel)",
	Untried: "no public file at hand describes topics in a form that this version reads",
	Check: func(c *review.Case, r *review.Reporter) {
		readers := map[arch.Ref][]arch.Ref{}
		for _, e := range c.System.Edges() {
			if e.Call.To.Kind() == arch.KindTopic && e.Call.Access == arch.AccessSubscribe {
				readers[e.Call.To] = append(readers[e.Call.To], e.From)
			}
		}
		for _, op := range c.System.Refs(arch.KindOp) {
			if topic, ok := consumes(c, op); ok {
				readers[topic] = append(readers[topic], op)
			}
		}
		dead := map[string]bool{}
		for _, t := range c.System.Topics {
			dead[t.DeadLetter] = true
		}
		for _, ref := range arch.Sorted(readers) {
			t, ok := c.System.Topics[ref.Name()]
			if !ok || t.DeadLetter != "" || dead[ref.Name()] {
				continue
			}
			if !c.System.Covered(arch.Hand, ref) && !c.System.Covered(arch.Config, ref) {
				r.NotJudged("how the topic is set up was not read", ref)
				continue
			}
			f := review.Finding{Of: []arch.Ref{ref}, Evidence: []review.Evidence{c.At("no dead-letter", arch.Fact{Of: ref})}}
			f.Title = fmt.Sprintf("messages of %s that %s cannot handle have nowhere to go", ref.Short(), list(readers[ref], 2))
			f.Fix = "Name a dead letter topic, alert on its first message, and say who looks into it."
			r.Find(f)
		}
	},
}

// consumes is the topic whose messages trigger an operation.
func consumes(c *review.Case, op arch.Ref) (arch.Ref, bool) {
	const word = "topic "
	trigger := c.System.Services[op.Name()].Operations[op.Member()].Trigger
	if len(trigger) <= len(word) || trigger[:len(word)] != word {
		return "", false
	}
	return arch.NewRef(arch.KindTopic, trigger[len(word):]), true
}
