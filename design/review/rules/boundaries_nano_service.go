package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var nanoService = review.Rule{
	ID:    "boundaries/nano-service",
	Cure:  "split",
	Title: "A service that is a function of its only caller",
	Why:   "It has one caller, keeps no data and calls nobody: it costs a deployment, a network hop and a pager entry, and buys no independence.",
	Bad:   "unique-id: one operation, called by compose-post alone, without a store",
	Good:  "a function in compose-post",
	Since: "0.1", Severity: review.Low, Confidence: .6,
	Needs:   []review.Need{review.Calls},
	Params:  []review.Param{{Name: "operations", Default: "1", About: "operations up to which a service counts as a function"}},
	Source:  "A. Rotem-Gal-Oz, SOA Patterns (nanoservice antipattern); D. Taibi and V. Lenarduzzi, On the Definition of Microservice Bad Smells",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/ (no operations are known); delimitrou/DeathStarBench@6ecb097 socialNetwork Jaeger traces (not judged: traces do not say who keeps data)",
	Untried: "no public source code on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		g := c.Graph()
		for _, of := range apps(c) {
			svc := c.System.Services[of.Name()]
			if len(svc.Operations) == 0 || len(svc.Operations) > int(r.Number("operations")) || len(g.In[of]) != 1 || len(g.Out[of]) != 0 || entered(c, of) {
				continue
			}
			if !seenAtWork(c, of) {
				r.NotJudged("a contract or a trace says what it is asked for, and nothing that was read whether it keeps data", of)
				continue
			}
			caller := g.In[of][0]
			other := c.System.Services[caller.Name()]
			if !domain(c, caller) || svc.Owner != other.Owner || svc.Lang != "" && other.Lang != "" && svc.Lang != other.Lang {
				continue // another team or another language is a reason
			}
			op := arch.Sorted(svc.Operations)[0]
			ref := arch.NewRef(arch.KindOp, of.Name(), op)
			f := review.Finding{Of: []arch.Ref{of, caller}, Evidence: []review.Evidence{c.At("all that it does: "+op, arch.Fact{Of: ref}, arch.Fact{Of: of})}}
			f.Title = fmt.Sprintf("%s does one thing (%s) for %s alone, and keeps no data", of.Short(), op, caller.Short())
			f.Detail = "As far as was seen; a scale or a release rhythm of its own would be a reason for it."
			f.Fix = fmt.Sprintf("Make it a function or a library of %s.", caller.Short())
			r.Find(f)
		}
	},
}

// seenAtWork: code or a hand tell all that the service does. A contract tells only
// what may be asked of it, and traces what was asked while somebody looked: that a
// request wrote nothing does not say that another one reads nothing.
func seenAtWork(c *review.Case, of arch.Ref) bool {
	return c.System.Covered(arch.Code, of) || c.System.Covered(arch.Hand, of)
}

// entered: a route, a journey or a topic leads to it from outside.
func entered(c *review.Case, of arch.Ref) bool {
	for _, gw := range c.System.Gateways {
		for _, rt := range gw.Routes {
			if rt.To.Parent() == of {
				return true
			}
		}
	}
	for _, j := range c.System.Journeys {
		if j.Entry.Parent() == of {
			return true
		}
	}
	for name := range c.System.Services[of.Name()].Operations {
		if _, ok := consumes(c, arch.NewRef(arch.KindOp, of.Name(), name)); ok {
			return true
		}
	}
	return false
}
