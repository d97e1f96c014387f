package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/kong"
)

var kongFormat = review.Rule{
	ID:    "configuration/kong-format-version",
	Title: "The file is in a format of Kong 2, and Kong 3 runs",
	Why:   "Since 3.0 a path is a regular expression only with a tilde before it. A file of an older format is read by the old rule, so the next path that somebody adds from today's documentation means something else.",
	Bad:   "_format_version: \"1.1\", with the image kong:3.4",
	Good:  "_format_version: \"3.0\", and a tilde before every regular expression",
	Since: "0.1", Severity: review.Low, Confidence: .85,
	Needs:   []review.Need{review.Routes},
	Source:  "Kong documentation, breaking changes of 3.0 (router, regex paths); decK, `deck file convert`",
	Silent:  "Kong/deck@4657ee3 tests/integration/testdata/ (no image is named)",
	Untried: "no public file at hand names the image beside it",
	Check: func(c *review.Case, r *review.Reporter) {
		image := ""
		for _, n := range arch.Sorted(c.System.Services) {
			name, tag, _ := strings.Cut(c.System.Services[n].Run.Image[strings.LastIndexByte(c.System.Services[n].Run.Image, '/')+1:], ":")
			if (name == "kong" || name == "kong-gateway") && strings.HasPrefix(tag, "3") {
				image = c.System.Services[n].Run.Image
			}
		}
		for _, d := range discover.Of[*kong.Config](c.Documents) {
			if d.V.Version != "1.1" && d.V.Version != "2.1" {
				continue
			}
			if image == "" {
				r.NotJudged("which version of Kong runs is not known")
				continue
			}
			n := 0
			for _, rt := range d.V.AllRoutes() {
				if slices.ContainsFunc(rt.Paths, func(p string) bool { return strings.HasPrefix(d.V.Pattern(p), "~") && !strings.HasPrefix(p, "~") }) {
					n++
				}
			}
			f := review.Finding{Of: []arch.Ref{}, Evidence: []review.Evidence{{Source: d.At(arch.Config, "_format_version"), Note: "with " + image}}}
			f.Title = fmt.Sprintf("%s is in format %s, and %s runs", d.Name, d.V.Version, image)
			f.Fix = "Convert it (deck file convert --from kong-gateway --to kong-gateway-3.x)."
			if n > 0 {
				f.Title += fmt.Sprintf(": %d of its routes have regular expressions without a tilde", n)
			}
			r.Find(f, d.Name)
		}
	},
}
