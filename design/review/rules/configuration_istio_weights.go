package rules

import (
	"fmt"
	"strconv"

	"github.com/ashlar-dev/ashlar/design/review"
)

var istioWeights = review.Rule{
	ID:    "configuration/istio-weights",
	Title: "The weights of a route are not the shares that they look like",
	Why:   "Istio divides each weight by their sum, and a destination without a weight beside others gets nothing: the split is another one than the file seems to say.",
	Bad:   "route: [{destination: v1, weight: 80}, {destination: v2, weight: 10}]   # 89 % and 11 %",
	Good:  "route: [{destination: v1, weight: 90}, {destination: v2, weight: 10}]",
	Since: "0.1", Severity: review.Medium, Confidence: .9,
	Needs:   []review.Need{review.Routes},
	Source:  "Istio documentation, HTTPRouteDestination.weight",
	Silent:  "FudanSELab/train-ticket@813dd01 deployment/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, h := range httpRoutes(c) {
			if len(h.GetRoute()) < 2 {
				continue
			}
			sum, starved := 0, -1
			for k, d := range h.GetRoute() {
				sum += int(d.GetWeight())
				if h.V.Node.Find("spec", "http", strconv.Itoa(h.index), "route", strconv.Itoa(k), "weight") == nil {
					starved = k
				}
			}
			f := review.Finding{Of: serviceOfHost(c, h.GetRoute()[0].GetDestination().GetHost())}
			switch {
			case starved >= 0 && sum > 0:
				f.Severity = review.High
				f.Evidence = []review.Evidence{h.at("no weight", "route", strconv.Itoa(starved))}
				f.Title = fmt.Sprintf("%s: destination %d of route %d has no weight, so it gets no request", h.V, starved+1, h.index+1)
				f.Fix = "Give every destination a weight; 0 says that it is meant."
			case sum != 100 && sum > 0:
				f.Evidence = []review.Evidence{h.at(fmt.Sprintf("the sum is %d", sum), "route")}
				f.Title = fmt.Sprintf("%s: the weights of route %d add up to %d, so the first gets %.3g %%, not %d %%", h.V, h.index+1, sum, 100*float64(h.GetRoute()[0].GetWeight())/float64(sum), h.GetRoute()[0].GetWeight())
				f.Fix = "Let the weights add up to 100."
			default:
				continue
			}
			r.Find(f, h.V.String(), strconv.Itoa(h.index))
		}
	},
}
