package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	source "github.com/ashlar-dev/ashlar/design/discover/kong"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/kong"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

var kongRegex = review.Rule{
	ID:    "configuration/kong-regex-path",
	Title: "A regular expression that Kong takes for a plain path",
	Why:   "Since 3.0 a path is a regular expression only with a tilde before it. Without one Kong compares it letter by letter: the route never matches, and its requests get 404 or go to another.",
	Bad:   "paths: [\"/orders/\\\\d+\"]",
	Good:  "paths: [\"~/orders/\\\\d+\"]; in an Ingress, path: /~/orders/\\d+ with pathType: ImplementationSpecific",
	Since: "0.1", Severity: review.High, Confidence: .85,
	Needs:  []review.Need{review.Routes},
	Source: "Kong documentation, Route object (paths), breaking changes of 3.0; kong/db/schema/typedefs.lua (validate_path_with_regexes); Kong Ingress Controller, regex prefix /~",
	Silent: "Kong/kubernetes-ingress-controller@1fa68f8 examples/",
	Fires:  "Kong/deck@4657ee3 tests/integration/testdata/render/005-diagnostics/route-regex.yaml:8",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, d := range discover.Of[*kong.Config](c.Documents) {
			if d.V.Version == "1.1" || d.V.Version == "2.1" {
				continue // there the signs decide
			}
			for _, rt := range d.V.AllRoutes() {
				for i, p := range rt.Paths {
					if !kong.LooksRegex(p) {
						continue
					}
					f := review.Finding{Of: []arch.Ref{}, Evidence: []review.Evidence{{Source: d.At(arch.Config, append(slices.Clone(rt.Way), "paths", strconv.Itoa(i))...), Note: "no tilde"}}}
					name := cmp.Or(rt.Name, rt.ID, strings.Join(rt.Way, "."))
					f.Title = fmt.Sprintf("route %s never matches %s: without a tilde it is no regular expression", name, p)
					f.Fix = "Write ~" + p + "."
					r.Find(f, d.Name, name, p)
				}
			}
		}
		for _, o := range discover.Of[*kubernetes.Object](c.Documents) {
			in, ok := o.V.Typed.(*networkingv1.Ingress)
			if !ok || !source.Class(o.V, in) {
				continue
			}
			prefix := cmp.Or(o.V.Annotations[kong.AnnotationPrefix+"regex-prefix"], "/~")
			for i, rule := range in.Spec.Rules {
				if rule.HTTP == nil {
					continue
				}
				for j, p := range rule.HTTP.Paths {
					if strings.HasPrefix(p.Path, prefix) || !kong.LooksRegex(p.Path) {
						continue
					}
					f := review.Finding{Of: []arch.Ref{arch.NewRef(arch.KindGateway, o.V.Name)}, Evidence: []review.Evidence{{Source: o.At(arch.Config, "spec", "rules", strconv.Itoa(i), "http", "paths", strconv.Itoa(j), "path"), Note: "no " + prefix}}}
					f.Title = fmt.Sprintf("%s never matches %s: without %s before it, it is no regular expression", o.V, p.Path, prefix)
					f.Fix = fmt.Sprintf("Write %s%s, with pathType: ImplementationSpecific.", prefix, p.Path)
					r.Find(f, o.V.String(), p.Path)
				}
			}
		}
	},
}
