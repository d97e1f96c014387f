package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var noOwner = review.Rule{
	ID:    "boundaries/no-owner",
	Title: "A service that belongs to nobody",
	Why:   "Nobody is called when it fails, nobody updates it, and everybody changes it a little.",
	Bad:   "services: { stock: {} }   # others have owner: sales",
	Good:  "services: { stock: { owner: sales } }",
	Since: "0.1", Severity: review.Low, Confidence: .9,
	Source:  "M. Skelton and M. Pais, Team Topologies, ch. 3; S. Newman, Building Microservices, 2nd ed., ch. 15",
	Untried: "the public files at hand name no owners at all, which is not judged",
	Check: func(c *review.Case, r *review.Reporter) {
		var bare, unknown []arch.Ref
		var ev []review.Evidence
		owned := 0
		for _, of := range append(apps(c), pages(c)...) {
			switch {
			case c.System.Services[of.Name()].Owner != "":
				owned++
			case !c.System.Covered(arch.Hand, of):
				unknown = append(unknown, of)
			default:
				bare = append(bare, of)
				ev = append(ev, c.At("no owner", arch.Fact{Of: of}))
			}
		}
		if owned > 0 && len(unknown) > 0 {
			r.NotJudged("nobody who names owners described it", unknown...)
		}
		if owned == 0 || len(bare) == 0 { // where no service has one, the file is about something else
			return
		}
		f := review.Finding{Of: bare, Evidence: ev}
		f.Title = fmt.Sprintf("%s %s no owner, while %d other%s", list(bare, 4), map[bool]string{true: "has", false: "have"}[len(bare) == 1], owned, map[bool]string{true: " has", false: "s have"}[owned == 1])
		f.Fix = "Name the team that is called when it fails."
		r.Find(f)
	},
}

// pages are the services that show pages.
func pages(c *review.Case) []arch.Ref {
	var out []arch.Ref
	for _, name := range arch.Sorted(c.System.Services) {
		if c.System.Services[name].Role == arch.RoleUI {
			out = append(out, arch.NewRef(arch.KindService, name))
		}
	}
	return out
}
