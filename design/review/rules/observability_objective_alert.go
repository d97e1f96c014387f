package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var objectiveAlert = review.Rule{
	ID:    "observability/objective-without-alert",
	Title: "An objective that no alert watches",
	Why:   "The promise is broken and users are the first to notice: of the alerts that there are, none looks at how the requests of this service fare, or the one that does tells nobody.",
	Bad:   "objectives: [{availability: 99.9%}], and alerts on disks and memory only",
	Good:  "alert: sum(rate(http_requests_total{service=\"order\", code=~\"5..\"}[1h])) / sum(rate(http_requests_total{service=\"order\"}[1h])) > 14.4 * 0.001",
	Since: "0.1", Severity: review.Medium, Confidence: .75,
	Source:  "Google SRE Workbook, ch. 5 (alerting on SLOs)",
	Untried: "no public file at hand names objectives",
	Check: func(c *review.Case, r *review.Reporter) {
		type promise struct {
			of, service arch.Ref
			objective   arch.Objective
		}
		var ps []promise
		for _, n := range arch.Sorted(c.System.Services) {
			for _, o := range c.System.Services[n].Objectives {
				ref := arch.NewRef(arch.KindService, n)
				ps = append(ps, promise{ref, ref, o})
			}
		}
		for _, n := range arch.Sorted(c.System.Journeys) {
			j := c.System.Journeys[n]
			if j.Entry.Kind() == arch.KindOp && len(c.System.Services[j.Entry.Name()].Objectives) == 0 {
				for _, o := range j.Objectives {
					ps = append(ps, promise{arch.NewRef(arch.KindJourney, n), j.Entry.Parent(), o})
				}
			}
		}
		all := alerts(c)
		if len(ps) > 0 && len(all) == 0 {
			r.NotJudged("no alerting rules of Prometheus were read", ps[0].of)
			return
		}
		done := map[arch.Ref]bool{}
		for _, p := range ps {
			if done[p.of] {
				continue
			}
			done[p.of] = true
			names := append([]string{p.service.Name()}, c.System.Services[p.service.Name()].Aliases...)
			if slices.ContainsFunc(all, func(a alert) bool { return a.watches(names) && (!unheard(c, a)) }) {
				continue
			}
			f := review.Finding{Of: []arch.Ref{p.of}, Evidence: []review.Evidence{c.At(promised(p.objective), arch.Fact{Of: p.of, At: arch.Field("").Join("objectives", p.objective.Key())}, arch.Fact{Of: p.of}), all[0].at("the alerts that there are")}}
			f.Title = fmt.Sprintf("%s promises %s, and none of %d alerts watches %s", strings.TrimPrefix(p.of.Short(), "journey/"), promised(p.objective), len(all), p.service.Short())
			f.Fix = "Add an alert on the share of failed or slow requests, at 14.4 times the rate that uses the budget up (over 1 h and 5 min), to somebody who is on call."
			r.Find(f)
		}
	},
}

// unheard: it is certain that the alert tells nobody.
func unheard(c *review.Case, a alert) bool {
	somebody, receivers, sure := a.reaches(c)
	return sure && !somebody && len(receivers) > 0
}

func promised(o arch.Objective) string {
	if a, ok := o.Availability.Get(); ok {
		return percent(a)
	}
	return fmt.Sprintf("%s within %v", o.Key(), o.Latency.V)
}
