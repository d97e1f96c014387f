package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var consumerNotIdempotent = review.Rule{
	ID:    "data/consumer-not-idempotent",
	Cure:  "advise publishing",
	Title: "A consumer must not see a message twice, and it will",
	Why:   "Brokers deliver at least once: after a crash, a rebalance or a slow acknowledgement the same message comes again, and the consumer does its work a second time.",
	Bad:   "OnOrderPlaced: { trigger: topic order-events, idempotent: false }",
	Good:  "keep the ID of each handled message in the transaction of its effect (patterns/outbox, inbox)",
	Since: "0.1", Severity: review.High, Confidence: .9,
	Source:  "C. Richardson, Microservices Patterns, ch. 3 (handling duplicate messages); Apache Kafka documentation, Message Delivery Semantics",
	Untried: "no public file says which consumers are idempotent; the readers of source code will",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, op := range c.System.Refs(arch.KindOp) {
			topic, ok := consumes(c, op)
			idem, known := c.System.Services[op.Name()].Operations[op.Member()].Idempotent.Get()
			if !ok || idem {
				continue
			}
			if !known {
				r.NotJudged("whether a consumer may see a message twice is not known", op)
				continue
			}
			f := review.Finding{Of: []arch.Ref{op, topic}, Evidence: []review.Evidence{c.At("not idempotent", arch.Fact{Of: op, At: "/idempotent"}, arch.Fact{Of: op})}}
			f.Title = fmt.Sprintf("%s does its work twice when a message of %s comes twice", op.Short(), topic.Short())
			f.Fix = "Keep the IDs of handled messages in the same transaction as the effect, or make the effect one that may be repeated."
			r.Find(f)
		}
	},
}
