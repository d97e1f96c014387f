// Package report prints what package split found: for a terminal, as Markdown, as
// JSON, and as one HTML page in which moving a type changes the figures.
package report

import (
	"github.com/ashlar-dev/ashlar/design/split"
	"github.com/ashlar-dev/ashlar/design/split/plan"
)

// Report is what to print.
type Report struct {
	System string // its name, "" when unknown
	Result *split.Result
	Plan   plan.Plan
	Paths  []string // that were read, for the hints
	// Verbose prints everything.
	Verbose bool
	Color   bool
}

// chosen is the recommended candidate.
func (r *Report) chosen() *split.Candidate {
	if len(r.Result.Candidates) == 0 {
		return nil
	}
	return &r.Result.Candidates[0]
}
