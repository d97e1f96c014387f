package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var serialCalls = review.Rule{
	ID:    "communication/serial-calls",
	Cure:  "advise queries",
	Title: "Questions to different services are asked one after the other",
	Why:   "Calls that read from different services and wait for each other add up their latencies; made at the same time they cost only the slowest.",
	Bad:   "do: [ call: price.Get, call: stock.Get, call: reviews.List ]",
	Good:  "do: [ [ call: price.Get, call: stock.Get, call: reviews.List ] ]   # a list in the list: at the same time",
	Since: "0.1", Severity: review.Low, Confidence: .5,
	Needs:   []review.Need{review.Calls},
	Params:  []review.Param{{Name: "calls", Default: "3", About: "reading calls in a row from which it counts"}, {Name: "saves", Default: "5ms", About: "time that must be won at the median, where it is known"}},
	Source:  "C. Smith and L. Williams, Performance Solutions, ch. 10 (parallel processing principle)",
	Untried: "the traces at hand name no verbs, so that reading calls cannot be told",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, from := range c.System.Refs(arch.KindOp) {
			op := c.System.Services[from.Name()].Operations[from.Member()]
			op.Body.Walk(func(s arch.Step) bool {
				if s.Kind == arch.Seq {
					for _, row := range rows(c, op, s.Steps) {
						serial(c, r, from, op, row)
					}
				}
				return true
			})
		}
	},
}

// rows cuts steps into stretches of calls that only read.
func rows(c *review.Case, op arch.Operation, steps []arch.Step) [][]string {
	var out [][]string
	var row []string
	for _, s := range steps {
		if s.Kind == arch.Do && reads(c, op.Calls[s.Call]) && domain(c, op.Calls[s.Call].To) {
			row = append(row, s.Call)
			continue
		}
		out, row = append(out, row), nil
	}
	return append(out, row)
}

func serial(c *review.Case, r *review.Reporter, from arch.Ref, op arch.Operation, row []string) {
	var to []arch.Ref
	var ev []review.Evidence
	var sum, slowest time.Duration
	known := true
	for _, id := range row {
		e := arch.Edge{From: from, ID: id, Call: op.Calls[id]}
		if svc := e.Call.To.Parent(); !slices.Contains(to, svc) {
			to = append(to, svc)
		}
		ev = append(ev, c.At(e.Call.To.Short(), e.At(), e.At("to")))
		d, ok := e.Call.Latency.Time(.5)
		known = known && ok
		sum, slowest = sum+d, max(slowest, d)
	}
	least := r.Duration("saves")
	if len(to) < int(r.Number("calls")) || known && sum-slowest < least {
		return
	}
	f := review.Finding{Of: append([]arch.Ref{from}, to...), Evidence: ev}
	f.Title = fmt.Sprintf("%s asks %s one after the other", from.Short(), list(to, 4))
	if known {
		f.Title += fmt.Sprintf(": %s that could be %s", round(sum), round(slowest))
		f.Confidence, f.Severity = .7, review.Medium
	}
	f.Detail = "Unless a later question needs an earlier answer."
	f.Fix = "Ask them at the same time, under one time limit for all."
	r.Find(f)
}
