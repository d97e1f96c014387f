package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var severalWriters = review.Rule{
	ID:    "data/several-writers",
	Cure:  "advise data",
	Title: "Several services write one table",
	Why:   "No service can keep a rule about rows that another changes behind its back; a lock or a slow statement of one stops the other, and a change of the table needs both.",
	Bad:   "order and billing both write orders.invoice",
	Good:  "billing owns orders.invoice; order asks it, or tells it by an event",
	Since: "0.1", Severity: review.High, Confidence: .9,
	Needs:   []review.Need{review.Calls},
	Source:  "S. Newman, Monolith to Microservices, ch. 4 (change data ownership); C. Richardson, Microservices Patterns, ch. 2",
	Silent:  "delimitrou/DeathStarBench@6ecb097 socialNetwork Jaeger traces",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		writers := map[arch.Ref]map[arch.Ref]arch.Edge{}
		for _, e := range c.System.Edges() {
			if e.Call.To.Kind() != arch.KindTable || e.Call.Access != arch.AccessWrite {
				continue
			}
			if writers[e.Call.To] == nil {
				writers[e.Call.To] = map[arch.Ref]arch.Edge{}
			}
			if _, seen := writers[e.Call.To][e.From.Parent()]; !seen {
				writers[e.Call.To][e.From.Parent()] = e
			}
		}
		for _, table := range arch.Sorted(writers) {
			who := arch.Sorted(writers[table])
			if len(who) < 2 {
				continue
			}
			f := review.Finding{Of: append([]arch.Ref{table}, who...)}
			for _, w := range who {
				e := writers[table][w]
				f.Evidence = append(f.Evidence, c.At(e.From.Short()+" writes it", e.At("access"), e.At()))
			}
			f.Title = fmt.Sprintf("%d services write %s: %s", len(who), table.Short(), list(who, 4))
			f.Fix = "Give the table to one of them; the others call it or send it events."
			r.Find(f)
		}
	},
}
