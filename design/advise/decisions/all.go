// Package decisions is the catalogue of the decisions that `ashlar advise`
// makes, one file each. A new one is a new file with a [decide.Decision], and a
// line in [All]; its prices go into decide's prices.yaml.
package decisions

import (
	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
)

// All are the decisions in the order in which one makes them.
func All() []decide.Decision {
	return []decide.Decision{
		decomposition, communication, protocol, data, transactions, queries, publishing,
		broker, gateway, mesh, discovery, deployment,
	}
}

// cores enters the cores of something that runs.
func cores(s *decide.Sheet, what string, n decide.Num) {
	s.Money(decide.Cost, what, n.Times(s.P("core")))
}

// learned enters what it takes to run something for the first time, unless a
// team is strong in it.
func learned(s *decide.Sheet, what string, names ...string) {
	if !s.Case.Expert(names...) {
		s.Change(decide.Operations, "learning "+what, s.P("learn"))
	}
}

func has(all []string, any ...string) bool {
	for _, a := range all {
		for _, b := range any {
			if a == b {
				return true
			}
		}
	}
	return false
}

// demanded is what compliance constraints leave open: they are known to demand
// nothing only when somebody wrote some down.
func demanded(c *decide.Case, question, example string) decide.Fact {
	if len(c.Compliance()) > 0 {
		return decide.Known(0, "the compliance constraints do not speak of it")
	}
	return decide.Ask("constraints", "{rules: {kind: compliance, value: "+example+"}}", question)
}

func local(c *decide.Case, current string, facts map[string]decide.Fact, of ...arch.Ref) []decide.Subject {
	return []decide.Subject{{Current: current, Facts: facts, Of: of}}
}
