package rules

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var teamsWait = review.Rule{
	ID:    "boundaries/teams-wait",
	Cure:  "split",
	Title: "Two teams' services wait for each other",
	Why:   "When requests go both ways between two teams, each needs the other for most changes: the line between the teams runs through one subject.",
	Bad:   "order (sales) calls credit (money), invoice (money) calls customer (sales)",
	Good:  "calls go one way; the other way goes by events, or the services change teams",
	Since: "0.1", Severity: review.Low, Confidence: .7,
	Needs:   []review.Need{review.Calls},
	Source:  "M. Conway, How Do Committees Invent?; M. Skelton and M. Pais, Team Topologies, ch. 7",
	Untried: "the public files at hand name no owners",
	Check: func(c *review.Case, r *review.Reporter) {
		between := map[[2]string][]arch.Edge{}
		for _, e := range c.System.Edges() {
			from, to := c.System.Services[e.From.Name()].Owner, c.System.Services[e.Call.To.Name()].Owner
			if request(e) && domain(c, e.From) && domain(c, e.Call.To) && from != "" && to != "" && from != to {
				between[[2]string{from, to}] = append(between[[2]string{from, to}], e)
			}
		}
		var keys [][2]string
		for k := range between {
			if k[0] < k[1] && len(between[[2]string{k[1], k[0]}]) > 0 {
				keys = append(keys, k)
			}
		}
		slices.SortFunc(keys, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
		for _, k := range keys {
			there, back := between[k], between[[2]string{k[1], k[0]}]
			f := review.Finding{Of: []arch.Ref{arch.NewRef(arch.KindTeam, k[0]), arch.NewRef(arch.KindTeam, k[1])}}
			for _, e := range append(slices.Clone(there), back...) {
				f.Evidence = append(f.Evidence, c.At(e.From.Short()+" waits for "+e.Call.To.Short(), e.At("to"), e.At()))
			}
			f.Title = fmt.Sprintf("%s and %s wait for each other: %d call%s one way, %d the other", k[0], k[1], len(there), map[bool]string{true: "s"}[len(there) > 1], len(back))
			f.Fix = "Move the service that makes the fewer calls to the other team, or turn those calls into events."
			r.Find(f)
		}
	},
}
