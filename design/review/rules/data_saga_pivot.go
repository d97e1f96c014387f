package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var sagaPivot = review.Rule{
	ID:    "data/saga-pivot",
	Cure:  "advise transactions",
	Title: "A saga step behind the point of no return may fail for good",
	Why:   "After the pivot there is no way back, so every later step must succeed in the end. One that is not retriable leaves the saga stuck half way.",
	Bad:   "steps: [ {do: payment.Charge, pivot: true}, {do: shipping.Ship} ]",
	Good:  "steps: [ {do: payment.Charge, pivot: true}, {do: shipping.Ship, retriable: true} ]",
	Since: "0.1", Severity: review.High, Confidence: .9,
	Source:  "C. Richardson, Microservices Patterns, ch. 4 (compensatable, pivot, retriable)",
	Untried: "no public file describes sagas in a form that this version reads",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, name := range arch.Sorted(c.System.Sagas) {
			sg, ref := c.System.Sagas[name], arch.NewRef(arch.KindSaga, name)
			p := pivot(sg)
			if p >= len(sg.Steps) || !sg.Steps[p].Pivot {
				continue // every step before the last is the compensation rule's business
			}
			for _, st := range sg.Steps[p+1:] {
				if st.Retriable || st.Group != "" && st.Group == sg.Steps[p].Group {
					continue
				}
				at := arch.Field("").Join("steps", st.Name)
				f := review.Finding{Of: []arch.Ref{ref, st.Action}, Evidence: []review.Evidence{
					c.At("behind the pivot, not retriable", arch.Fact{Of: ref, At: at + "/action"}, arch.Fact{Of: ref, At: at}, arch.Fact{Of: ref}),
					c.At("the pivot", arch.Fact{Of: ref, At: arch.Field("").Join("steps", sg.Steps[p].Name, "pivot")}, arch.Fact{Of: ref})}}
				f.Title = fmt.Sprintf("saga %s is stuck when %s fails: %s cannot be taken back", name, st.Action.Short(), sg.Steps[p].Action.Short())
				f.Fix = "Make the step idempotent and retriable, or move the pivot behind it."
				r.Find(f, st.Name)
			}
		}
	},
}
