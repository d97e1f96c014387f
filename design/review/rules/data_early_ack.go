package rules

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/marks"
	"github.com/ashlar-dev/ashlar/design/review"
)

var earlyAck = review.Rule{
	ID:    "data/early-ack",
	Cure:  "fix",
	Title: "A message counts as done before its effect",
	Why:   "When the consumer dies between the two, by a crash or a release, the message is gone and its effect never comes: an order without an invoice, and nothing in any log.",
	Bad:   `ch.Consume("orders", "", true /* autoAck */, false, false, false, nil)`,
	Good:  `ch.Consume("orders", "", false, ...), and d.Ack(false) after the effect is stored; with Kafka enable.auto.offset.store=false and a commit after the effect`,
	Since: "0.1", Severity: review.Medium, Confidence: .85,
	Source: "RabbitMQ documentation, Consumer Acknowledgements and Publisher Confirms (automatic acknowledgement is unsafe); librdkafka, INTRODUCTION.md (enable.auto.offset.store); segmentio/kafka-go, Reader.ReadMessage",
	Fires:  "open-telemetry/opentelemetry-demo@054282e src/accounting/Consumer.cs; instana/robot-shop@55292e2 dispatch/main.go",
	Silent: "sqshq/piggymetrics@6bb2cf9 (it consumes nothing)",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, m := range marksOf(c, marks.EarlyAck) {
			f := review.Finding{Of: m.refs(), Evidence: []review.Evidence{m.evidence(m.Value)}}
			f.Title = fmt.Sprintf("%s loses the messages that it works on when it dies: %s", m.owner(), m.Value)
			f.Fix = "Acknowledge, or store the offset, after the effect; make the effect idempotent, since the message may then come twice."
			r.Find(f, m.owner())
		}
		for _, s := range settingsOf(c, "spring.rabbitmq.listener.simple.acknowledge-mode", "spring.rabbitmq.listener.direct.acknowledge-mode") {
			if !strings.EqualFold(s.Value, "none") {
				continue
			}
			m := marked{of: s.of}
			m.Pos.File = s.Pos.File
			f := review.Finding{Of: m.refs(), Evidence: []review.Evidence{s.evidence()}}
			f.Title = fmt.Sprintf("%s loses the messages that it works on when it dies: the broker forgets a message when it has sent it", m.owner())
			f.Fix = "Set acknowledge-mode to auto: Spring then acknowledges when the listener has returned."
			f.Edits = review.EditAt(f.Evidence[0].Source, review.Set, "auto")
			r.Find(f, m.owner())
		}
	},
}
