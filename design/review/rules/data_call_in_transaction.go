package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var callInTransaction = review.Rule{
	ID:    "data/call-in-transaction",
	Cure:  "advise transactions",
	Title: "A remote call stands inside a database transaction",
	Why:   "While the call waits, the transaction holds its locks and its connection: a slow callee empties the pool of the caller. And what the callee did stays when the transaction rolls back.",
	Bad:   "begin; insert order; POST payment/charges; commit",
	Good:  "POST payment/charges with an idempotency key, outside; or a saga step",
	Since: "0.1", Severity: review.High, Confidence: .9,
	Needs:   []review.Need{review.Calls},
	Source:  "C. Richardson, Microservices Patterns, ch. 3 and 4; M. Nygard, Release It!, 2nd ed., ch. 4 (blocked threads)",
	Untried: "no public file at hand says which calls share a transaction; the readers of source code will",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, from := range c.System.Refs(arch.KindOp) {
			op := c.System.Services[from.Name()].Operations[from.Member()]
			stores := map[string]arch.Ref{}
			for _, call := range op.Calls {
				if call.Tx != "" && call.To.Parent().Kind() == arch.KindStore && (stores[call.Tx] == "" || call.To < stores[call.Tx]) {
					stores[call.Tx] = call.To
				}
			}
			for _, id := range arch.Sorted(op.Calls) {
				e := arch.Edge{From: from, ID: id, Call: op.Calls[id]}
				st, ok := stores[e.Call.Tx]
				if e.Call.Tx == "" || !ok || !request(e) {
					continue
				}
				f := review.Finding{Of: []arch.Ref{from, e.Call.To}, Evidence: []review.Evidence{c.At("in the transaction on "+st.Short(), e.At("tx"), e.At())}}
				f.Title = fmt.Sprintf("%s calls %s while its transaction on %s is open", from.Short(), e.Call.To.Short(), st.Short())
				if p99, ok := e.Call.Latency.Time(.99); ok {
					f.Detail = fmt.Sprintf("It holds a connection and its locks for up to %s more (p99 of the call).", round(p99))
				}
				f.Fix = "Call before or after the transaction, with an idempotency key; where both must happen, write an outbox row and let a saga call."
				r.Find(f)
			}
		}
	},
}
