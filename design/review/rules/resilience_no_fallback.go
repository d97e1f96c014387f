package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var noFallback = review.Rule{
	ID:    "resilience/no-fallback",
	Title: "A call that the answer could do without has no fallback",
	Why:   "What is optional on paper is necessary in fact: without an answer for when it fails, its outage is the caller's.",
	Bad:   "{ call: recommendations.List, optional: true, timeout: 200ms }",
	Good:  "{ call: recommendations.List, optional: true, timeout: 200ms, fallback: true }",
	Since: "0.1", Severity: review.Low, Confidence: .8,
	Source:  "M. Nygard, Release It!, 2nd ed., ch. 5; Netflix, Fault Tolerance in a High Volume, Distributed System",
	Advice:  "resilience",
	Silent:  "sqshq/piggymetrics@6bb2cf9 (StatisticsServiceClient and ExchangeRatesClient have fallbacks)",
	Untried: "no public file on which it fires says which calls are optional",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, e := range c.System.Edges() {
			if !request(e) || !e.Call.Optional.Or(false) || !written(c, e) {
				continue
			}
			if src := c.System.Ledger.Where(e.At("optional")); src.Origin == arch.Trace || src.Origin == arch.Code { // it was seen to live without it, or read to have an answer
				continue
			}
			covered := false
			for _, p := range holding(c, e.Call.Layers) {
				covered = covered || p.Fallback.Or(false)
			}
			if covered {
				continue
			}
			f := review.Finding{Of: []arch.Ref{e.From, e.Call.To}, Evidence: []review.Evidence{c.At("optional, without a fallback", e.At("optional"), e.At())}}
			f.Title = fmt.Sprintf("%s could do without %s, and has no answer for when it fails", e.From.Short(), e.Call.To.Short())
			f.Fix = "Answer with a default, an older value or nothing, within a short time limit."
			r.Find(f)
		}
	},
}
