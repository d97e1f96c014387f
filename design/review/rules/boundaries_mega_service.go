package rules

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var megaService = review.Rule{
	ID:    "boundaries/mega-service",
	Cure:  "split",
	Title: "A service that does several services' work",
	Why:   "It has many times the operations of the others: most changes meet there, its releases wait for each other, and one slow part of it takes the rest down.",
	Bad:   "core: 60 operations, while the median of the others is 5",
	Good:  "the parts that change for different reasons are services of their own, or modules with a guarded border",
	Since: "0.1", Severity: review.Low, Confidence: .6,
	Needs: []review.Need{review.Calls},
	Params: []review.Param{{Name: "operations", Default: "25", About: "operations from which a service may count as too large"},
		{Name: "times", Default: "4", About: "times the median of the system that it must have as well"}},
	Source:  "D. Taibi, V. Lenarduzzi, C. Pahl, Microservices Anti-Patterns: A Taxonomy (megaservice)",
	Silent:  "delimitrou/DeathStarBench@6ecb097 socialNetwork Jaeger traces",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		var sizes []int
		for _, of := range apps(c) {
			if n := len(c.System.Services[of.Name()].Operations); n > 0 {
				sizes = append(sizes, n)
			}
		}
		if len(sizes) < 3 {
			return
		}
		slices.Sort(sizes)
		median := sizes[len(sizes)/2]
		for _, of := range apps(c) {
			ops := c.System.Services[of.Name()].Operations
			if n := float64(len(ops)); n < r.Number("operations") || n < r.Number("times")*float64(median) {
				continue
			}
			f := review.Finding{Of: []arch.Ref{of}, Evidence: []review.Evidence{c.At(fmt.Sprintf("%d operations", len(ops)), arch.Fact{Of: of})}}
			f.Title = fmt.Sprintf("%s has %d operations, the median service %d", of.Short(), len(ops), median)
			f.Fix = "Look for parts that share no tables: `ashlar split` finds them. Where there are none, it is one service, and a large one is fine."
			r.Find(f)
		}
	},
}
