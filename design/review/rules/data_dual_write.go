package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var dualWrite = review.Rule{
	ID:    "data/dual-write",
	Cure:  "advise publishing",
	Title: "A change and its event, or two stores, are written without an outbox",
	Why:   "A crash between the two leaves one without the other: an order that nobody hears of, or news of an order that does not exist. It happens at each deployment, a few times in ten thousand.",
	Bad:   "insert order; producer.Send(OrderPlaced)",
	Good:  "insert order and an outbox row in one transaction; a relay publishes the row",
	Since: "0.1", Severity: review.High, Confidence: .75,
	Needs:  []review.Need{review.Calls},
	Source: "C. Richardson, Microservices Patterns, ch. 3 (transactional outbox); M. Kleppmann, Designing Data-Intensive Applications, ch. 11 (dual writes)",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 src/",
	Fires:  "mudigal-technologies/microservices-sample@1e9ec03 service-one (MongoDB and RabbitMQ)",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, from := range c.System.Refs(arch.KindOp) {
			op := c.System.Services[from.Name()].Operations[from.Member()]
			var writes, publishes []arch.Edge
			for _, id := range arch.Sorted(op.Calls) {
				e := arch.Edge{From: from, ID: id, Call: op.Calls[id]}
				switch to := e.Call.To.Parent(); {
				case to.Kind() == arch.KindTopic && e.Call.Access == arch.AccessPublish:
					publishes = append(publishes, e)
				case to.Kind() == arch.KindStore && e.Call.Access == arch.AccessWrite && !cache(c.System.Stores[to.Name()].Kind):
					writes = append(writes, e)
				}
			}
			for _, p := range publishes {
				if i := apart(writes, p); i >= 0 {
					dual(c, r, writes[i], p, "publishes to "+p.Call.To.Short())
					break // the others have the same cure
				}
			}
			for i, w := range writes {
				if j := apart(writes[:i], w); j >= 0 && writes[j].Call.To.Parent() != w.Call.To.Parent() {
					dual(c, r, writes[j], w, "writes "+w.Call.To.Short())
					break
				}
			}
		}
	},
}

// apart finds a write that does not share a transaction with e; -1 when any does.
func apart(writes []arch.Edge, e arch.Edge) int {
	for _, w := range writes {
		if e.Call.Tx != "" && w.Call.Tx == e.Call.Tx || w.Call.To.Parent() == e.Call.To.Parent() {
			return -1
		}
	}
	return len(writes) - 1
}

func dual(c *review.Case, r *review.Reporter, w, e arch.Edge, what string) {
	f := review.Finding{Of: []arch.Ref{w.From, w.Call.To, e.Call.To}, Evidence: []review.Evidence{c.At("writes "+w.Call.To.Short(), w.At("access"), w.At()), c.At(what, e.At("access"), e.At())}}
	f.Title = fmt.Sprintf("%s writes %s and %s, and a crash in between loses one", w.From.Short(), w.Call.To.Short(), what)
	if src := c.System.Ledger.Where(e.At()); src.Origin == arch.Trace { // transactions don't show in traces
		f.Confidence = .5
	}
	f.Fix = "Write an outbox row in the same transaction and let a relay carry it on (patterns/outbox)."
	r.Find(f)
}
