// Package advise answers questions about a system with numbers that were
// computed for it. A number carries its formula with the values put in, the
// inputs with the place each is known from, and the source of the formula. What
// is not known becomes a question; it is never made up.
package advise

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
)

// Options of [Resilience]; nil and zero mean the defaults.
type Options struct {
	Env    string        // environment whose layers count; "": those of all
	Detect time.Duration // a dead callee is noticed within this; default 10 s
	// Amplification is how many tries at the callee one request at the entry may
	// become, with the tries of every hop on the way; default 3.
	Amplification int
	// Extra is the load that all retry budgets of a path together may add when
	// everything fails, as a factor; default 1.25.
	Extra float64
}

func (o *Options) defaults() Options {
	d := Options{Detect: 10 * time.Second, Amplification: 3, Extra: 1.25}
	if o == nil {
		return d
	}
	d.Env = o.Env
	if o.Detect != 0 {
		d.Detect = o.Detect
	}
	if o.Amplification != 0 {
		d.Amplification = o.Amplification
	}
	if o.Extra != 0 {
		d.Extra = o.Extra
	}
	return d
}

// Validate joins everything that is wrong with o.
func (o *Options) Validate() error {
	d := o.defaults()
	var errs []error
	if d.Detect < 0 {
		errs = append(errs, fmt.Errorf("advise: Detect %s is negative", d.Detect))
	}
	if d.Amplification < 1 {
		errs = append(errs, fmt.Errorf("advise: Amplification %d is below 1", d.Amplification))
	}
	if !(d.Extra > 1) {
		errs = append(errs, fmt.Errorf("advise: Extra %g is not above 1", d.Extra))
	}
	return errors.Join(errs...)
}

// Verdict is what an answer amounts to.
type Verdict string

const (
	Settings   Verdict = "settings"     // the numbers below
	Infeasible Verdict = "infeasible"   // no settings keep the goal
	Async      Verdict = "asynchronous" // the caller should not wait for it
	NotSeen    Verdict = "not seen"     // there is no such call
	Unknown    Verdict = "unknown"      // too little is known for any number
)

// Input is a value that went into a number, and where it is known from.
type Input struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Where string `json:"where"`
}

// Number is one setting. Times are in seconds.
type Number struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Text    string  `json:"text"`
	Formula string  `json:"formula"`
	Source  string  `json:"source"`
	Inputs  []Input `json:"inputs,omitempty"`
}

// Names of the numbers.
const (
	Timeout     = "timeout"
	Tries       = "tries"
	PerTry      = "per try"
	Wait        = "first wait"
	RetryBudget = "retry budget"
	Threshold   = "breaker threshold"
	InARow      = "breaker in a row" // instead of a share, at little traffic
	Window      = "breaker window"
	MinCalls    = "breaker calls"
	SlowAfter   = "breaker slow after"
	StallCalls  = "breaker stall calls"
	Bulkhead    = "bulkhead"
	Hedge       = "hedge delay"
)

// Answer is the advice on one call.
type Answer struct {
	From      arch.Ref   `json:"from"`
	To        arch.Ref   `json:"to"`
	ID        string     `json:"id,omitempty"`
	Verdict   Verdict    `json:"verdict"`
	Because   []string   `json:"because,omitempty"`
	Numbers   []Number   `json:"numbers,omitempty"`
	Fallback  string     `json:"fallback,omitempty"`
	Notes     []string   `json:"notes,omitempty"`     // why a number is missing or stays as it is
	Questions []Question `json:"questions,omitempty"` // what to write down to get more
}

// Number returns the number of that name.
func (a *Answer) Number(name string) (Number, bool) {
	for _, n := range a.Numbers {
		if n.Name == name {
			return n, true
		}
	}
	return Number{}, false
}

func (a *Answer) add(name string, v float64, text, formula, source string, in ...Input) {
	a.Numbers = append(a.Numbers, Number{name, v, text, formula, source, in})
}

func (a *Answer) ask(q Question) {
	if !slices.Contains(a.Questions, q) {
		a.Questions = append(a.Questions, q)
	}
}

func (a *Answer) note(format string, args ...any) {
	a.Notes = append(a.Notes, fmt.Sprintf(format, args...))
}

// Resilience advises on the calls from one element to another, each a service,
// a store or an external by name, or an operation as service.operation. With
// both empty it advises on every call. It fails when a name is not known.
func Resilience(s arch.System, from, to string, opts *Options) ([]Answer, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	m := &model{s: s, o: opts.defaults(), edges: s.Edges()}
	all := from == "" && to == ""
	var f, t arch.Ref
	if !all {
		var ferr, terr error
		f, ferr = m.find(from)
		t, terr = m.find(to)
		if err := errors.Join(ferr, terr); err != nil {
			return nil, err
		}
	}
	var out []Answer
	for _, e := range m.edges {
		if !all && !(covers(f, e.From) && covers(t, e.Call.To)) {
			continue
		}
		if m.doubled(e) {
			continue
		}
		out = append(out, m.answer(e))
	}
	if len(out) == 0 && !all {
		out = append(out, m.notSeen(f, t))
	}
	return out, nil
}
