package report

import (
	"encoding/json"
	"io"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/split"
	"github.com/ashlar-dev/ashlar/design/split/plan"
)

// FormatVersion of the JSON; it grows by adding.
const FormatVersion = 1

type document struct {
	Format     int               `json:"format"`
	System     string            `json:"system,omitempty"`
	Answer     split.Answer      `json:"answer"`
	Facts      split.Facts       `json:"facts"`
	Candidates []split.Candidate `json:"candidates"`
	Baselines  []split.Baseline  `json:"baselines"`
	Decided    []split.Decision  `json:"decided"`
	Broken     []split.Broken    `json:"severalJobs"`
	Plan       plan.Plan         `json:"plan"`
}

// JSON writes everything.
func JSON(w io.Writer, r *Report) error {
	d := document{Format: FormatVersion, System: r.System, Answer: r.Result.Answer, Facts: r.Result.Facts, Candidates: r.Result.Candidates,
		Baselines: r.Result.Baselines, Decided: r.Result.Decided, Broken: r.Result.Broken, Plan: r.Plan}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// Partition is a candidate as `--score` reads it: context -> members.
func Partition(c *split.Candidate) map[string][]string {
	out := map[string][]string{}
	for _, x := range c.Contexts {
		for _, m := range x.Members {
			out[x.Name] = append(out[x.Name], m.Name)
		}
	}
	return out
}

// Apply writes a candidate's contexts into a system: terms, aggregates, tables.
// What the system has already stays.
func Apply(s *arch.System, c *split.Candidate, types map[code.TypeID]code.Type) {
	if s.Contexts == nil {
		s.Contexts = map[string]arch.Context{}
	}
	for _, x := range c.Contexts {
		ctx := s.Contexts[x.Name]
		if ctx.Aggregates == nil {
			ctx.Aggregates = map[string]arch.Aggregate{}
		}
		for _, m := range x.Members {
			if !m.Aggregate {
				continue
			}
			t := types[m.Type]
			if _, ok := ctx.Aggregates[t.Name]; ok || t.Name == "" {
				continue
			}
			a := arch.Aggregate{Root: t.Name}
			if t.Table != "" {
				if _, ok := s.Stores[t.Table.Name()]; ok {
					a.Tables = []arch.Ref{t.Table}
				}
			}
			ctx.Aggregates[t.Name] = a
		}
		if len(ctx.Aggregates) == 0 {
			ctx.Aggregates = nil
		}
		s.Contexts[x.Name] = ctx
	}
}
