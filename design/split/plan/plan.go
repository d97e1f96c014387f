// Package plan turns a recommended cut into an ordered migration: from a monolith
// to modules, and for the contexts that are worth it to services, without an
// outage. Every step can be rolled back until its last action, and says how.
package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/split"
)

// Plan is an ordered list of steps; a later one relies on the earlier ones.
type Plan struct {
	Goal  string `json:"goal"`
	Steps []Step `json:"steps"`
	// Days is the sum of the steps' efforts.
	Days Effort `json:"days"`
}

// Kind of a step.
type Kind string

const (
	Tests   Kind = "tests"   // pin down today's behaviour
	Border  Kind = "border"  // a module with an interface that the build enforces
	Data    Kind = "data"    // tables get one owner
	Saga    Kind = "saga"    // a transaction becomes steps
	Extract Kind = "extract" // a module becomes a service
	Clean   Kind = "clean"   // what the old way needed goes
)

// Step is one change that can be released alone.
type Step struct {
	ID       string   `json:"id"` // "1.2"
	Kind     Kind     `json:"kind"`
	Context  string   `json:"context"`
	Title    string   `json:"title"`
	Why      string   `json:"why"`
	Do       []string `json:"do"`     // in order
	Cites    []Cite   `json:"cites"`  // the places that it changes
	Tests    []string `json:"tests"`  // to write first
	Routes   []Route  `json:"routes"` // for the strangler, when it extracts
	Flag     string   `json:"flag"`   // that switches old and new, ""
	Risks    []Risk   `json:"risks"`
	Rollback string   `json:"rollback"` // a command or an action
	Done     string   `json:"done"`     // how to see that it is done
	Days     Effort   `json:"days"`
}

// Cite is a place in the source with what happens to it.
type Cite struct {
	Pos  code.Pos `json:"pos"`
	What string   `json:"what"`
}

func (c Cite) String() string { return fmt.Sprintf("%s:%d %s", c.Pos.File, c.Pos.Line, c.What) }

// Risk has an owner: the team, or the context's when teams are unknown.
type Risk struct {
	Trigger    string `json:"trigger"`
	Owner      string `json:"owner"`
	Mitigation string `json:"mitigation"`
	Rollback   string `json:"rollback"`
}

// Route is a path that the strangler sends to the new service.
type Route struct {
	Method  string `json:"method"`
	Path    string `json:"path"`
	To      string `json:"to"`
	Flag    string `json:"flag"`
	Percent []int  `json:"percent"` // of the traffic, step by step
}

// Effort is a range of person-days, counted from the places that must change. It is
// a guess at best: compare steps by it, do not
// promise dates.
type Effort struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

func (e Effort) String() string { return fmt.Sprintf("%.0f-%.0f days", e.Low, math.Ceil(e.High)) }

func (e Effort) plus(o Effort) Effort { return Effort{e.Low + o.Low, e.High + o.High} }

// work counts n things of so many days each; the upper end is twice the lower,
// which is about how far apart estimates and outcomes of such changes lie.
func work(parts ...float64) Effort {
	low := 0.
	for _, p := range parts {
		low += p
	}
	return Effort{low, 2*low + .5}
}

// Make plans a candidate of a result. Contexts that the answer extracts become
// services in its order; the others become modules.
func Make(r *split.Result, c *split.Candidate) Plan {
	p := Plan{Goal: r.Answer.Sentence}
	b := &builder{r: r, c: c}
	order := b.order()
	for i, x := range order {
		extract := slices.Contains(r.Answer.Extract, x.Name)
		var steps []Step
		steps = append(steps, b.tests(x), b.border(x))
		if s, ok := b.data(x); ok {
			steps = append(steps, s)
		}
		for _, t := range c.Tx {
			if len(t.Contexts) > 1 && b.startsIn(t, x, order[:i]) {
				steps = append(steps, b.saga(t, extract))
			}
		}
		if extract {
			steps = append(steps, b.extract(x), b.clean(x))
		}
		for j := range steps {
			steps[j].ID = fmt.Sprintf("%d.%d", i+1, j+1)
			steps[j].Context = x.Name
			p.Days = p.Days.plus(steps[j].Days)
		}
		p.Steps = append(p.Steps, steps...)
	}
	return p
}

type builder struct {
	r *split.Result
	c *split.Candidate
}

// order: what is to be extracted first and in the answer's order, then by what it
// brings over what it takes.
func (b *builder) order() []split.Context {
	out := b.c.Own()
	rank := func(x split.Context) float64 {
		if i := slices.Index(b.r.Answer.Extract, x.Name); i >= 0 {
			return 100 - float64(i)
		}
		return x.Extract.Value - x.Extract.Price
	}
	slices.SortStableFunc(out, func(x, y split.Context) int {
		switch d := rank(y) - rank(x); {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return strings.Compare(x.Name, y.Name)
	})
	return slices.DeleteFunc(out, func(x split.Context) bool {
		asked := slices.Contains(b.r.Answer.Extract, x.Name)
		return !asked && len(x.Members) < 2 && len(x.Tables) == 0 && len(x.Entries) == 0
	})
}

// startsIn puts a transaction with the first of its contexts that is done.
func (b *builder) startsIn(t split.TransactionCut, x split.Context, before []split.Context) bool {
	for _, o := range before {
		if slices.Contains(t.Contexts, o.Name) {
			return false
		}
	}
	return slices.Contains(t.Contexts, x.Name)
}

func (b *builder) owner(x string) string { return "the team of " + x }
