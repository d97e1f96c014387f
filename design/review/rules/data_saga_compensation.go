package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var sagaCompensation = review.Rule{
	ID:    "data/saga-compensation",
	Cure:  "advise transactions",
	Title: "A saga step before the point of no return cannot be undone",
	Why:   "When a later step fails, what this one did stays: stock reserved for nobody, money taken for nothing, and a person who has to clean up.",
	Bad:   "steps: [ {do: stock.Reserve}, {do: payment.Charge, pivot: true} ]",
	Good:  "steps: [ {do: stock.Reserve, undo: stock.Release}, {do: payment.Charge, pivot: true} ]",
	Since: "0.1", Severity: review.High, Confidence: .9,
	Source:  "H. Garcia-Molina and K. Salem, Sagas, SIGMOD 1987; C. Richardson, Microservices Patterns, ch. 4 (compensatable, pivot, retriable)",
	Untried: "no public file describes sagas in a form that this version reads",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, name := range arch.Sorted(c.System.Sagas) {
			sg, ref := c.System.Sagas[name], arch.NewRef(arch.KindSaga, name)
			for i, st := range sg.Steps[:pivot(sg)] {
				if st.Compensation != "" || onlyReads(c, st.Action) {
					continue
				}
				at := arch.Field("").Join("steps", st.Name)
				f := review.Finding{Of: []arch.Ref{ref, st.Action}, Evidence: []review.Evidence{c.At("no undo", arch.Fact{Of: ref, At: at + "/action"}, arch.Fact{Of: ref, At: at}, arch.Fact{Of: ref})}}
				f.Title = fmt.Sprintf("saga %s cannot undo %s when %s fails", name, st.Action.Short(), sg.Steps[min(i+1, len(sg.Steps)-1)].Action.Short())
				f.Fix = "Give it an undo, or move it behind the pivot and make it retriable."
				r.Find(f, st.Name)
			}
		}
	},
}

// pivot is the index of the step after which there is no way back: the one that
// is marked, else the last.
func pivot(sg arch.Saga) int {
	for i, st := range sg.Steps {
		if st.Pivot {
			return i
		}
	}
	return max(0, len(sg.Steps)-1)
}

// onlyReads reports whether an operation is known to change nothing.
func onlyReads(c *review.Case, op arch.Ref) bool {
	return reads(c, arch.Call{To: op})
}
