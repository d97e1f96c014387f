package rules

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var contractUntested = review.Rule{
	ID:    "delivery/contract-untested",
	Cure:  "advise protocol",
	Title: "Others rely on an interface that no test holds",
	Why:   "The provider learns of a break when a consumer fails in production, and dares not release on its own.",
	Bad:   "contracts: { orders-api: { provider: order, consumers: [billing] } }",
	Good:  "contracts: { orders-api: { provider: order, consumers: [billing], tests: [billing/orders_contract_test.go] } }",
	Since: "0.1", Severity: review.Low, Confidence: .8,
	Source:  "I. Robinson, Consumer-Driven Contracts; S. Newman, Building Microservices, 2nd ed., ch. 9",
	Untried: "no public file at hand names contracts and their tests in a form that this version reads",
	Check: func(c *review.Case, r *review.Reporter) {
		tested := false
		for _, ct := range c.System.Contracts {
			tested = tested || len(ct.Tests) > 0
		}
		for _, name := range arch.Sorted(c.System.Contracts) {
			ct, ref := c.System.Contracts[name], arch.NewRef(arch.KindContract, name)
			if !c.System.Covered(arch.Hand, ref) { // nobody who would name the tests described it
				ct.Consumers = append(slices.Clone(ct.Consumers), consumersOf(c, name)...)
				slices.Sort(ct.Consumers)
				ct.Consumers = slices.Compact(ct.Consumers)
				if len(ct.Consumers) > 0 && len(ct.Tests) == 0 && !tested {
					r.NotJudged("no contract test (pact) of any contract was seen", ref)
					continue
				}
			}
			if len(ct.Consumers) == 0 || len(ct.Tests) > 0 {
				continue
			}
			f := review.Finding{Of: append([]arch.Ref{ref}, ct.Consumers...), Evidence: []review.Evidence{c.At("no tests", arch.Fact{Of: ref, At: "/consumers"}, arch.Fact{Of: ref})}}
			f.Title = fmt.Sprintf("%s rely on %s, and no test holds it", list(ct.Consumers, 3), name)
			if len(ct.Consumers) == 1 {
				f.Title = fmt.Sprintf("%s relies on %s, and no test holds it", list(ct.Consumers, 1), name)
			}
			f.Fix = "Let each consumer state what it uses as a test that the provider's pipeline runs."
			r.Find(f)
		}
	},
}

// consumersOf are the services that are known to call an operation of a contract.
func consumersOf(c *review.Case, name string) []arch.Ref {
	ct := c.System.Contracts[name]
	if ct.Provider == "" {
		return nil
	}
	var out []arch.Ref
	for _, e := range c.System.Edges() {
		if request(e) && e.Call.To.Parent() == ct.Provider && e.From.Parent() != ct.Provider {
			out = append(out, e.From.Parent())
		}
	}
	return out
}
