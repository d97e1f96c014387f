package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var modularMonolith = review.Rule{
	ID:    "boundaries/modular-monolith",
	Cure:  "advise decomposition",
	Title: "A modular monolith would do",
	Why:   "Services pay off through teams that release on their own and parts that scale on their own. With one team and one scale they cost a network between modules and buy neither.",
	Bad:   "seven services of one team, each with two replicas, at 20 requests a second",
	Good:  "one deployment with seven modules and guarded borders; cut out the first that needs a scale or a rhythm of its own",
	Since: "0.1", Severity: review.Info, Confidence: .6,
	Params: []review.Param{{Name: "services", Default: "4", About: "services from which it counts"},
		{Name: "peak", Default: "200", About: "requests a second of all journeys together up to which one process is enough by far"}},
	Source:  "M. Fowler, MonolithFirst; S. Newman, Monolith to Microservices, ch. 1 and 2",
	Untried: "the public files at hand name neither teams nor load",
	Check: func(c *review.Case, r *review.Reporter) {
		teams, scales := map[string]bool{}, map[int]bool{}
		all := append(apps(c), pages(c)...)
		for _, of := range all {
			teams[c.System.Services[of.Name()].Owner] = true
			d := c.System.Deployments[arch.DeploymentKey("", of.Name())]
			scales[max(d.Replicas.Or(0), d.Max.Or(0))] = true
		}
		peak, known := 0., len(c.System.Journeys) > 0
		for _, j := range c.System.Journeys {
			p, ok := j.Peak.Get()
			if !ok {
				p, ok = j.Rate.Get()
			}
			known = known && ok
			peak += p
		}
		if len(all) < int(r.Number("services")) || len(teams) != 1 || teams[""] || len(scales) != 1 || !known || peak > r.Number("peak") {
			return
		}
		team := arch.Sorted(teams)[0]
		ref := arch.NewRef(arch.KindTeam, team)
		f := review.Finding{Of: append([]arch.Ref{ref}, all...), Evidence: []review.Evidence{c.At("one team", arch.Fact{Of: ref}, arch.Fact{Of: all[0], At: "/owner"})}}
		for _, name := range arch.Sorted(c.System.Journeys) {
			j := arch.NewRef(arch.KindJourney, name)
			f.Evidence = append(f.Evidence, c.At("load of "+name, arch.Fact{Of: j, At: "/peak"}, arch.Fact{Of: j, At: "/rate"}, arch.Fact{Of: j}))
		}
		f.Title = fmt.Sprintf("%d services of one team (%s), one scale, %.4g requests a second at the peak: one deployment with modules would do", len(all), team, peak)
		f.Fix = "Keep the modules and their borders, drop the network between them; cut out what comes to need its own scale or rhythm."
		r.Find(f)
	},
}
