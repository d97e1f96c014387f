package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var contextCut = review.Rule{
	ID:    "boundaries/context-cut",
	Cure:  "split",
	Title: "What changes together is cut across services",
	Why:   "An aggregate is what one transaction keeps consistent. With its tables in stores of different owners no transaction can, and every rule about it becomes a protocol between services.",
	Bad:   "aggregate order: tables orders.order and billing.line",
	Good:  "aggregate order: tables orders.order and orders.line",
	Since: "0.1", Severity: review.High, Confidence: .85,
	Source:  "E. Evans, Domain-Driven Design, ch. 6 (aggregates); V. Vernon, Effective Aggregate Design",
	Untried: "no public file at hand names aggregates in a form that this version reads",
	Check: func(c *review.Case, r *review.Reporter) {
		owners := storeOwners(c)
		for _, name := range arch.Sorted(c.System.Contexts) {
			ref := arch.NewRef(arch.KindContext, name)
			for _, ag := range arch.Sorted(c.System.Contexts[name].Aggregates) {
				parts := map[arch.Ref]arch.Ref{} // who holds it -> a table
				for _, t := range c.System.Contexts[name].Aggregates[ag].Tables {
					holder := ownerOf(owners, t)
					if holder == "" {
						holder = t.Parent()
					}
					if _, seen := parts[holder]; !seen {
						parts[holder] = t
					}
				}
				if len(parts) < 2 {
					continue
				}
				of := arch.Sorted(parts)
				at := arch.Field("").Join("aggregates", ag)
				f := review.Finding{Of: append([]arch.Ref{ref}, of...), Evidence: []review.Evidence{c.At("its tables", arch.Fact{Of: ref, At: at + "/tables"}, arch.Fact{Of: ref, At: at}, arch.Fact{Of: ref})}}
				f.Title = fmt.Sprintf("the aggregate %s of %s lies with %s", ag, name, list(of, 3))
				f.Fix = "Move its tables to one owner, or make two aggregates that refer to each other by ID and agree by events."
				r.Find(f, ag)
			}
		}
	},
}
