package rules

import (
	"fmt"
	"strconv"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var kongIdleLimit = review.Rule{
	ID:    "configuration/kong-idle-limit",
	Title: "A rate limit that a shorter one makes idle",
	Why:   "Who keeps to the shorter limit can never reach the longer one: it protects nothing, and each request pays for counting it.",
	Bad:   "rate-limiting: {minute: 10, hour: 600}",
	Good:  "rate-limiting: {minute: 10, hour: 100}",
	Since: "0.1", Severity: review.Low, Confidence: .95,
	Source:  "arithmetic: limit of the shorter span x spans in the longer one",
	Silent:  "Kong/kubernetes-ingress-controller@1fa68f8 examples/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, p := range kongPlugins(c) {
			limits := p.Limits()
			for _, l := range limits {
				by, most, ok := l.Idle(limits)
				if !ok {
					continue
				}
				f := review.Finding{Of: []arch.Ref{}, Evidence: []review.Evidence{p.at("never reached", l.Unit), p.at("binds before", by.Unit)}}
				f.Title = fmt.Sprintf("%s: %s a %s never binds, %s a %s lets %s through", p.where, plainNumber(l.N), l.Unit, plainNumber(by.N), by.Unit, plainNumber(most))
				f.Fix = fmt.Sprintf("Take %s out, or set it below %s.", l.Unit, plainNumber(most))
				r.Find(f, p.doc.Name, p.where, l.Unit)
			}
		}
	},
}

func plainNumber(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
