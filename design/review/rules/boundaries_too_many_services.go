package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var tooManyServices = review.Rule{
	ID:    "boundaries/too-many-services",
	Cure:  "advise decomposition",
	Title: "More services than the teams can run",
	Why:   "Each service wants updates, alerts, a pipeline and somebody who understands it. Beyond a handful for each team they are left alone, and age.",
	Bad:   "40 services, 12 people",
	Good:  "services that one team changes together are one service with modules",
	Since: "0.1", Severity: review.Medium, Confidence: .7,
	Params: []review.Param{{Name: "per-person", Default: "1", About: "services for each person of all teams from which it counts, where sizes are known"},
		{Name: "per-team", Default: "9", About: "services of one team from which it counts, where its size is not known"}},
	Source:  "M. Skelton and M. Pais, Team Topologies, ch. 3 (cognitive load); the limits are this project's own and a parameter",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 (a list of approvers says nothing of the team, which is not judged)",
	Untried: "the public files at hand do not say how large teams are",
	Check: func(c *review.Case, r *review.Reporter) {
		owned := map[string][]arch.Ref{}
		for _, of := range append(apps(c), pages(c)...) {
			if o := c.System.Services[of.Name()].Owner; o != "" {
				owned[o] = append(owned[o], of)
			}
		}
		for _, team := range arch.Sorted(owned) {
			ref, n := arch.NewRef(arch.KindTeam, team), float64(len(owned[team]))
			size, known := c.System.Teams[team].Size.Get()
			if !known && !c.System.Covered(arch.Hand, ref) { // a list of approvers is not the team that gets up at night
				r.NotJudged("how large the team is, is not known", ref)
				continue
			}
			limit, who := r.Number("per-team"), "team "+team
			if known {
				limit = max(r.Number("per-person")*float64(size), 1)
				who = fmt.Sprintf("team %s of %d", team, size)
			}
			if n <= limit {
				continue
			}
			f := review.Finding{Of: append([]arch.Ref{ref}, owned[team]...), Evidence: []review.Evidence{c.At(who, arch.Fact{Of: ref, At: "/size"}, arch.Fact{Of: ref})}}
			for _, of := range owned[team] {
				f.Evidence = append(f.Evidence, c.At(of.Short(), arch.Fact{Of: of, At: "/owner"}))
			}
			f.Title = fmt.Sprintf("%s runs %d services", who, len(owned[team]))
			f.Fix = "Join those that change together; `ashlar split` and `ashlar advise` weigh it."
			r.Find(f)
		}
	},
}
