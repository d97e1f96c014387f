package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/marks"
	"github.com/ashlar-dev/ashlar/design/review"
)

var noCanary = review.Rule{
	ID:    "delivery/no-canary",
	Cure:  "advise deployment",
	Title: "Each release of what matters most meets all users at once",
	Why:   "A fault that no test found hits everybody within minutes, and the way back is another release. With a canary or a flag it hits one in a hundred, and going back takes seconds.",
	Bad:   "a journey of high criticality through services that are plain Deployments, with neither weighted routes nor flags",
	Good:  "weights 95 and 5 on two subsets, an Argo Rollout or a Flagger Canary; or new code behind a flag",
	Since: "0.1", Severity: review.Low, Confidence: .7,
	Needs:   []review.Need{review.Manifests},
	Source:  "Google SRE Workbook, ch. 16 (canarying releases); J. Humble and D. Farley, Continuous Delivery, ch. 10; P. Hodgson, Feature Toggles",
	Untried: "which journeys matter is described by hand, which no public system does",
	Check: func(c *review.Case, r *review.Reporter) {
		if len(marksOf(c, marks.Canary)) > 0 {
			return // which services they are for was not read
		}
		home, built, flagged := homes(c), map[arch.Ref]bool{}, map[arch.Ref]bool{}
		for _, d := range discover.Of[*marks.File](c.Documents) {
			of := home(d.V.Path)
			built[of] = built[of] || d.V.Build
			for _, m := range d.V.Marks {
				flagged[of] = flagged[of] || m.Kind == marks.FeatureFlags
			}
		}
		split := splitTraffic(c)
		for _, name := range arch.Sorted(c.System.Journeys) {
			j, ref := c.System.Journeys[name], arch.NewRef(arch.KindJourney, name)
			if j.Criticality != "high" || j.Entry == "" {
				continue
			}
			var bare []arch.Ref
			f := review.Finding{Evidence: []review.Evidence{c.At("it matters much", arch.Fact{Of: ref, At: "/criticality"}, arch.Fact{Of: ref})}}
			for _, of := range along(c, j.Entry.Parent()) {
				switch {
				case split[of] || flagged[of] || !deployed(c, of):
				case !built[of]:
					r.NotJudged("whether it has flags is not known: what it is built with was not read", of)
				default:
					bare = append(bare, of)
					f.Evidence = append(f.Evidence, c.At(of.Short()+" is replaced as a whole", arch.Fact{Of: arch.DeploymentRef("", of.Name())}, arch.Fact{Of: of}))
				}
			}
			if len(bare) == 0 {
				continue
			}
			f.Of = append([]arch.Ref{ref}, bare...)
			f.Title = fmt.Sprintf("each release of %s meets all users of %s at once", list(bare, 3), name)
			f.Fix = "Send a few percent to the new version first and watch errors and latency before the rest follows; put changes of behaviour behind a flag."
			r.Find(f)
		}
	},
}

// splitTraffic are the services of which some route sends a share only.
func splitTraffic(c *review.Case) map[arch.Ref]bool {
	out := map[arch.Ref]bool{}
	for _, gw := range c.System.Gateways {
		for _, rt := range gw.Routes {
			if w, ok := rt.Weight.Get(); ok && w > 0 && w < 1 {
				out[rt.To.Parent()] = true
			}
		}
	}
	return out
}

// along are the services of the domain that a request which enters at one of them
// may come through, itself first.
func along(c *review.Case, entry arch.Ref) []arch.Ref {
	g := c.Graph()
	todo, seen := []arch.Ref{entry}, map[arch.Ref]bool{entry: true}
	var out []arch.Ref
	for len(todo) > 0 {
		x := todo[0]
		todo = todo[1:]
		if domain(c, x) {
			out = append(out, x)
		}
		for _, to := range g.Sync[x] {
			if !seen[to] {
				seen[to] = true
				todo = append(todo, to)
			}
		}
	}
	return out
}
