package rules

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/istio"
)

var istioIgnored = review.Rule{
	ID:    "configuration/istio-ignored-field",
	Cure:  "fix",
	Title: "Istio accepts the field and does not use it",
	Why:   "The setting looks as if it were in force, and another one is: a protection that exists on paper only.",
	Bad:   "outlierDetection: {consecutiveErrors: 3}",
	Good:  "outlierDetection: {consecutive5xxErrors: 3}",
	Since: "0.1", Severity: review.High, Confidence: 1,
	Needs:   []review.Need{review.Routes},
	Source:  "Istio's API: OutlierDetection.consecutive_errors is deprecated, and the control plane reads consecutive_5xx_errors only",
	Silent:  "FudanSELab/train-ticket@813dd01 deployment/",
	Untried: "the firing side has no public file yet",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, o := range discover.Of[*istio.Object](c.Documents) {
			for _, ig := range o.V.Ignored() {
				of := arch.NewRef(arch.KindService, o.V.Name)
				if d, ok := o.V.Spec.(*istio.DestinationRule); ok {
					host, _, _ := strings.Cut(d.GetHost(), ".")
					of = arch.NewRef(arch.KindService, host)
				}
				p := o.Doc.Pos(ig.Node)
				f := review.Finding{Of: []arch.Ref{of}, Evidence: []review.Evidence{{Source: arch.Source{Origin: arch.Config, By: o.Source, File: p.File, Line: p.Line, Col: p.Col}, Note: "has no effect"}}}
				f.Title = fmt.Sprintf("%s: %s has no effect", o.V, ig.Path[len(ig.Path)-1])
				f.Detail = strings.ToUpper(ig.Why[:1]) + ig.Why[1:] + "."
				f.Fix = "Write consecutive5xxErrors."
				f.Edits = review.EditAt(f.Evidence[0].Source, review.Rename, "consecutive5xxErrors")
				r.Find(f, o.V.String(), strings.Join(ig.Path, "/"))
			}
		}
	},
}
