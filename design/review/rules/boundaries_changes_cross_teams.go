package rules

import (
	"fmt"
	slash "path"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var changesCrossTeams = review.Rule{
	ID:    "boundaries/changes-cross-teams",
	Cure:  "split",
	Title: "Two teams' services change together and call each other",
	Why:   "A change that needs two teams waits for both: it is planned, reviewed and released twice. Where the services call each other as well, the line between the teams runs through one subject.",
	Bad:   "every fourth ticket changes order (sales) and invoice (money)",
	Good:  "a change of one subject stays with one team; what the other needs is a contract that seldom changes",
	Since: "0.1", Severity: review.Medium, Confidence: .75,
	Needs:   []review.Need{review.Code, review.History},
	Params:  []review.Param{{Name: "changes", Default: "5", About: "changes that touch both services, from which it counts"}, {Name: "share", Default: "0.2", About: "of the changes of the service that changes less often, from which it counts"}},
	Source:  "M. Conway, How Do Committees Invent?; A. Tornhill, Software Design X-Rays, ch. 8 (change coupling across services)",
	Untried: "the public histories at hand name no teams",
	Check: func(c *review.Case, r *review.Reporter) {
		dirs := map[string]arch.Ref{}
		for _, name := range arch.Sorted(c.Code.Modules) {
			if m := c.Code.Modules[name]; m.Service != "" {
				dirs[slash.Clean(m.Dir)] = m.Service
			}
		}
		each, both := map[arch.Ref]int{}, map[[2]arch.Ref][]string{}
		for _, ch := range c.Code.Changes {
			touched := map[arch.Ref]bool{}
			for _, f := range ch.Files {
				for d := slash.Dir(f); ; d = slash.Dir(d) {
					if s, ok := dirs[d]; ok {
						touched[s] = true
						break
					}
					if d == "." || d == "/" {
						break
					}
				}
			}
			list := refs(touched)
			for i, a := range list {
				each[a]++
				for _, b := range list[i+1:] {
					both[[2]arch.Ref{a, b}] = append(both[[2]arch.Ref{a, b}], ch.ID)
				}
			}
		}
		for _, a := range refs(boolKeys(each)) {
			for _, b := range refs(boolKeys(each)) {
				ids := both[[2]arch.Ref{a, b}]
				less := float64(min(each[a], each[b]))
				from, to := c.System.Services[a.Name()].Owner, c.System.Services[b.Name()].Owner
				if from == "" || to == "" || from == to || float64(len(ids)) < r.Number("changes") || float64(len(ids)) < r.Number("share")*less {
					continue
				}
				e, ok := between(c, a, b)
				if !ok {
					continue
				}
				f := review.Finding{Of: []arch.Ref{a, b}, Evidence: []review.Evidence{c.At(e.From.Short()+" calls "+e.Call.To.Short(), e.At("to"), e.At())}}
				f.Title = fmt.Sprintf("%s (%s) and %s (%s) changed together %d times", a.Short(), from, b.Short(), to, len(ids))
				f.Detail = fmt.Sprintf("%.0f %% of the changes of the one that changes less often, such as %s.", 100*float64(len(ids))/less, strings.Join(ids[:min(3, len(ids))], ", "))
				f.Fix = "Give both to one team, or move what changes together into one of them."
				r.Find(f)
			}
		}
	},
}

func boolKeys(m map[arch.Ref]int) map[arch.Ref]bool {
	out := map[arch.Ref]bool{}
	for k := range m {
		out[k] = true
	}
	return out
}

// between finds a call from one of two services to the other.
func between(c *review.Case, a, b arch.Ref) (arch.Edge, bool) {
	for _, e := range c.System.Edges() {
		from, to := e.From.Parent(), e.Call.To.Parent()
		if from == a && to == b || from == b && to == a {
			return e, true
		}
	}
	return arch.Edge{}, false
}
