package rules

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/istio"
)

var istioSubset = review.Rule{
	ID:    "configuration/istio-subset",
	Title: "A route leads to a subset that does not exist",
	Why:   "Envoy has no cluster for it: every request that takes the route gets 503.",
	Bad:   "destination: {host: order, subset: v3}   # the DestinationRule has v1 and v2",
	Good:  "destination: {host: order, subset: v2}",
	Since: "0.1", Severity: review.Critical, Confidence: .95,
	Needs:  []review.Need{review.Routes},
	Source: "Istio documentation, Configuration Analysis Messages, IST0101 (referenced resource not found)",
	Silent: "istio/istio@86c9f01 samples/bookinfo/networking/",
	Fires:  "istio/istio@86c9f01 pkg/config/analysis/analyzers/testdata/virtualservice_destinationrules.yaml",
	Check: func(c *review.Case, r *review.Reporter) {
		defined := map[string][]string{}
		for _, o := range discover.Of[*istio.Object](c.Documents) {
			if d, ok := o.V.Spec.(*istio.DestinationRule); ok {
				host := fullHost(d.GetHost(), o.V.Namespace)
				defined[host] = append(defined[host], "")
				for _, s := range d.GetSubsets() {
					defined[host] = append(defined[host], s.GetName())
				}
			}
		}
		for _, h := range httpRoutes(c) {
			for k, d := range h.GetRoute() {
				subset, host := d.GetDestination().GetSubset(), d.GetDestination().GetHost()
				if subset == "" {
					continue
				}
				known, ok := defined[fullHost(host, h.V.Namespace)]
				if !ok {
					r.NotJudged("no DestinationRule for the host of the subset was read", serviceOfHost(c, host)...)
					continue
				}
				if slices.Contains(known, subset) {
					continue
				}
				f := review.Finding{Of: serviceOfHost(c, host), Evidence: []review.Evidence{h.at("subset "+subset, "route", strconv.Itoa(k), "destination", "subset")}}
				f.Title = fmt.Sprintf("%s sends requests to subset %s of %s, which no DestinationRule defines", h.V, subset, host)
				f.Fix = "Define the subset in the DestinationRule of the host."
				if near := doc.Nearest(subset, known); near != "" {
					f.Fix = fmt.Sprintf("Did you mean %s? Else define the subset in the DestinationRule of the host.", near)
				}
				r.Find(f, h.V.String(), subset)
			}
		}
	},
}
