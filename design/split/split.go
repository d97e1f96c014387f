// Package split finds where to cut a system of code: which types and tables
// belong to which bounded context, what crosses the cuts, and whether cutting
// pays at all.
//
// # How it works
//
//  1. Types become [Atom]s. A type that does several jobs, such as a data access
//     object over six tables, falls into one atom for each group of methods that
//     share state, callers or tables.
//  2. What is known about two atoms, or an atom and a table, is fused into one
//     weight: calls, reads and writes, common transactions, inheritance, use cases,
//     words, folders, common changes. Each kind of evidence says at most 1 about a
//     pair, times its weight ([Weights]).
//  3. Communities of that graph (package leiden) at several grains and under noise
//     are candidates; each is improved by moves that lower the cost of the cut
//     ([Cost]). What comes out the same under noise is stable.
//  4. Each [Candidate] says what the cut does: who owns which table, what calls,
//     joins, foreign keys and transactions cross it, and what replaces each.
//  5. The [Answer] weighs that against what cutting brings, and may be: don't.
//
// The same input, options and seed give the same result.
package split

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
)

// ErrNoCode is wrapped by [Run] when there is nothing to cut.
var ErrNoCode = errors.New("no source code was read")

// Options of [Run]; nil and the zero value are the defaults.
type Options struct {
	// Seed of everything that is random. Default 0.
	Seed uint64
	// Seeds is how many times each grain is tried under noise; default 12, 4 above
	// 3,000 atoms.
	Seeds int
	// Grains are the resolutions of the community search, fine is large. Default
	// eight values from .25 to 4.
	Grains []float64
	// Contexts, if set, is how many contexts the user wants.
	Contexts int
	// Weights of the kinds of evidence; nil for [DefaultWeights].
	Weights *Weights
	// IgnoreFolders leaves package and folder names out of the evidence.
	IgnoreFolders bool
	// UseCases are observed ones: name -> types that took part. Those found from
	// entry points are used where none are given.
	UseCases map[string][]code.TypeID
	// System, if there is one, gives teams, contexts with their terms, journeys.
	System *arch.System
	Pins   Pins
	// Owner says which team owns a file, by the path in [code.Pos]; "" when nobody
	// is known to. nil: unknown for all.
	Owner func(file string) string
	// Extract names contexts of the recommended cut that the user wants as services,
	// whatever the answer is.
	Extract []string
	// Progress is told what is being done and how far it is, from 0 to 1.
	Progress func(what string, done float64)
}

// Pins are the user's word: they hold in every candidate. Members are types, by ID
// or by name where that is unique, or tables, as "table/..." or by name.
type Pins struct {
	Together [][]string        // each list stays in one context
	Apart    [][]string        // no two of a list are in one context
	Names    map[string]string // member -> the name of its context
}

// Result of [Run].
type Result struct {
	Answer     Answer
	Candidates []Candidate // the recommended one first, then by cost
	Baselines  []Baseline
	Decided    []Decision // types that no context should own alone, and those left out
	Broken     []Broken   // types of several jobs that the recommended cut takes apart
	Facts      Facts

	model *model
	graph *graph
	opts  Options
}

// apart keeps the types of several jobs that the recommended cut takes apart.
func (r *Result) apart() []Broken {
	if len(r.Candidates) == 0 {
		return nil
	}
	part := r.Candidates[0].part
	return slices.DeleteFunc(r.Broken, func(b Broken) bool {
		return r.model.whole(b.Type, part[r.model.of[b.Type][0]], part)
	})
}

// Facts say what the result rests on.
type Facts struct {
	Types            int   `json:"types"`
	Methods          int   `json:"methods"`
	Atoms            int   `json:"atoms"`
	Tables           int   `json:"tables"`
	Lines            int64 `json:"lines"`
	Calls            int   `json:"calls"`
	Accesses         int   `json:"accesses"`
	Transactions     int   `json:"transactions"`
	UseCases         int   `json:"useCases"`
	Changes          int   `json:"changes"`
	Authors          int   `json:"authors"`
	ObservedCalls    bool  `json:"observedCalls"`
	ObservedUseCases bool  `json:"observedUseCases"`
	Skipped          int   `json:"skipped"`
	// Missing are kinds of evidence that the input does not have.
	Missing []string `json:"missing"`
}

// Run cuts a system. It returns an error wrapping [ErrNoCode] if g is empty, and
// one that names the pin if a pin contradicts another or matches nothing.
func Run(ctx context.Context, g *code.Graph, opts *Options) (*Result, error) {
	o := Options{}
	if opts != nil {
		o = *opts
	}
	if g.Empty() {
		return nil, fmt.Errorf("%w: point at a folder with source files", ErrNoCode)
	}
	if o.Weights == nil {
		o.Weights = DefaultWeights()
	}
	if o.Progress == nil {
		o.Progress = func(string, float64) {}
	}
	o.Progress("finding atoms", 0)
	m := newModel(g, o)
	if len(m.atoms) == 0 {
		return nil, fmt.Errorf("%w: all %d types are tests, generated or libraries", ErrNoCode, len(g.Types))
	}
	pins, err := m.pins(o.Pins)
	if err != nil {
		return nil, err
	}
	o.Progress("fusing evidence", .05)
	fused := m.fuse(o)
	if o.Seeds == 0 {
		if o.Seeds = 12; len(m.atoms) > 3000 {
			o.Seeds = 4
		}
	}
	if len(o.Grains) == 0 {
		o.Grains = []float64{.25, .4, .6, .85, 1.2, 1.7, 2.5, 4}
	}
	r := &Result{model: m, graph: fused, opts: o, Decided: m.decided, Broken: m.broken, Facts: m.facts()}
	found, err := search(ctx, m, fused, pins, o, runtime.GOMAXPROCS(0))
	if err != nil {
		return nil, err
	}
	for i, f := range found {
		o.Progress("measuring candidates", .9+.08*float64(i)/float64(len(found)))
		r.Candidates = append(r.Candidates, r.candidate(f))
	}
	r.Broken = r.apart()
	r.Baselines = r.baselines(ctx, pins)
	r.Answer = r.answer()
	if err := r.extractAsked(); err != nil {
		return nil, err
	}
	o.Progress("done", 1)
	return r, ctx.Err()
}
