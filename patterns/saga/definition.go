package saga

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Step is one step of a saga over In: Do, and Undo which takes it back.
//
// Do and Undo may be called more than once with the same [Call.ID] and step (a
// retry, or a crash before the result was recorded) and must have one effect:
// guard them with package saga/barrier, or pass the id on as idempotency key.
type Step[In, Out any] struct {
	Name string
	// Do performs the step. Its result is recorded as JSON and handed to Undo
	// and to later steps. Errors are retried unless marked by Refuse.
	Do func(ctx context.Context, c *Call[In]) (Out, error)
	// Undo takes the step back. It is retried until it succeeds. When Do's
	// outcome is unknown, out is zero and c.Unknown is true. Required before the
	// pivot unless Harmless says why not.
	Undo func(ctx context.Context, c *Call[In], out Out) error
	// Harmless says why a step before the pivot needs no Undo: "reads only".
	Harmless string
	// Pivot marks the point of no return: once done, the saga goes on to its end.
	// At most one step. Without Undo it is retried until it succeeds or refuses,
	// since an unknown outcome could neither be built on nor taken back.
	Pivot bool
	// Retry of Do; default before the pivot 3 attempts, after it without end.
	Retry Retry
	// UndoRetry is the pace of Undo's attempts; they never end.
	UndoRetry Retry
	// Timeout of one attempt, of Do or Undo; default 30 s. A call that ignores its
	// context is left behind, and what it answers later is dropped.
	Timeout time.Duration
}

// Retry says how often and how fast an attempt follows a failed one.
type Retry struct {
	Attempts int           // in all; 0: the default; negative: without end
	First    time.Duration // pause after the first failure; default 100 ms
	Max      time.Duration // pauses double up to it; default 1 minute
}

// pause after the given failed attempt (from 1): doubling, with full jitter in
// the upper half, so that sagas that failed together do not come back together.
func (r Retry) pause(attempt int) time.Duration {
	first, limit := r.First, r.Max
	if first <= 0 {
		first = 100 * time.Millisecond
	}
	if limit <= 0 {
		limit = time.Minute
	}
	d := float64(first) * math.Pow(2, float64(min(attempt-1, 40)))
	d = min(d, float64(limit))
	return time.Duration(d/2 + rand.Float64()*d/2)
}

// DefinitionOptions of [New]; nil and the zero value are the defaults.
type DefinitionOptions[In any] struct {
	// Timeout of the whole saga up to its pivot, from its start; 0: none. When it
	// passes, the saga fails and is compensated.
	Timeout time.Duration
	// Locks names what the saga must have to itself from its start to its end, a
	// crash included: "account/7". Start waits while another saga of this
	// orchestrator has one of them. Where several processes drive sagas, use
	// barrier.Lock in the participant as well.
	Locks func(in In) []string
}

// Definition is a declared saga over inputs of type In.
type Definition[In any] struct{ d *definition }

// Node is a *Step or a Parallel group.
type Node[In any] interface {
	compile(d *definition, group int)
}

// Parallel is a group of steps that run at once. The group is done when all are;
// when one fails, the others are cancelled, and compensated as far as they came.
func Parallel[In any](steps ...Node[In]) Node[In] { return parallel[In](steps) }

type parallel[In any] []Node[In]

func (p parallel[In]) compile(d *definition, group int) {
	if len(p) < 2 {
		d.fault("a Parallel group has %d steps; want at least 2", len(p))
	}
	for _, n := range p {
		if _, nested := n.(parallel[In]); nested {
			d.fault("a Parallel group stands inside another; put their steps side by side")
		}
		n.compile(d, group)
	}
}

// definition is what Definition[In] is without its type.
type definition struct {
	name    string
	version int
	timeout time.Duration
	steps   []*step // in order; steps of one group lie together
	groups  [][]*step
	byName  map[string]*step
	pivot   int // group of the pivot; len(groups) when there is none
	decode  func(json.RawMessage) (any, error)
	locks   func(in any) []string
	faults  []error
}

type step struct {
	name, harmless   string
	index, group     int
	pivot            bool
	retry, undoRetry Retry
	timeout          time.Duration
	do               func(ctx context.Context, r *run, attempt int) (any, error)
	undo             func(ctx context.Context, r *run, attempt int, unknown bool) error // nil: none
	decode           func(json.RawMessage) (any, error)
}

func (d *definition) fault(format string, args ...any) {
	d.faults = append(d.faults, fmt.Errorf(format, args...))
}

// New checks a definition; a *DefinitionError lists all its faults. Raise the
// version with every change of the steps, and keep the old one in Open until
// its sagas have ended.
func New[In any](name string, version int, opts *DefinitionOptions[In], nodes ...Node[In]) (*Definition[In], error) {
	d := &definition{name: name, version: version, byName: map[string]*step{}}
	if err := checkName("saga", name); err != nil {
		d.faults = append(d.faults, err)
	}
	if version < 1 {
		d.fault("version %d; want 1 or more", version)
	}
	if opts != nil {
		if d.timeout = opts.Timeout; d.timeout < 0 {
			d.fault("timeout %s; want 0 (none) or more", d.timeout)
		}
		if opts.Locks != nil {
			d.locks = func(in any) []string { return opts.Locks(in.(In)) }
		}
	}
	d.decode = func(raw json.RawMessage) (any, error) {
		var in In
		err := json.Unmarshal(raw, &in)
		return in, err
	}
	for i, n := range nodes {
		n.compile(d, i)
	}
	d.arrange(len(nodes))
	if len(d.faults) > 0 {
		return nil, &DefinitionError{Definition: name, Faults: d.faults}
	}
	return &Definition[In]{d}, nil
}

// Must is for definitions that are package variables: it panics on a fault.
func Must[In any](d *Definition[In], err error) *Definition[In] {
	if err != nil {
		panic(err)
	}
	return d
}

// arrange groups the steps and checks what concerns several.
func (d *definition) arrange(groups int) {
	if len(d.steps) == 0 {
		d.fault("no steps")
	}
	d.groups, d.pivot = make([][]*step, groups), groups
	for i, s := range d.steps {
		s.index = i
		d.groups[s.group] = append(d.groups[s.group], s)
		if s.pivot {
			if d.pivot < groups {
				d.fault("step %q is a second pivot; there is one point of no return", s.name)
			}
			d.pivot = s.group
		}
	}
	for _, s := range d.steps {
		switch {
		case s.pivot && len(d.groups[s.group]) > 1:
			d.fault("step %q is the pivot and stands in a Parallel group; its group could neither go on nor go back when it half succeeds", s.name)
		case s.group < d.pivot && s.undo == nil && s.harmless == "":
			d.fault("step %q has no Undo and stands before the pivot; give it one, mark the pivot before it, or say in Harmless why nothing needs to be taken back", s.name)
		case s.group > d.pivot && s.undo != nil:
			d.fault("step %q has an Undo and stands after the pivot, where nothing is taken back; it would never be called", s.name)
		case s.group > d.pivot && s.retry.Attempts > 0:
			d.fault("step %q stands after the pivot and is retried only %d times; after the point of no return a step is retried until it succeeds", s.name, s.retry.Attempts)
		case s.pivot && s.undo == nil && s.retry.Attempts > 0:
			d.fault("step %q is the pivot, has no Undo and is retried only %d times; its outcome could stay unknown", s.name, s.retry.Attempts)
		}
		if s.retry.Attempts == 0 {
			s.retry.Attempts = 3
			if s.group > d.pivot || s.pivot && s.undo == nil {
				s.retry.Attempts = -1
			}
		}
		s.undoRetry.Attempts = -1
	}
}

func (s *Step[In, Out]) compile(d *definition, group int) {
	if err := checkName("step", s.Name); err != nil {
		d.faults = append(d.faults, err)
	}
	if d.byName[s.Name] != nil {
		d.fault("two steps are named %q", s.Name)
	}
	if s.Do == nil {
		d.fault("step %q has no Do", s.Name)
	}
	for _, t := range []time.Duration{s.Timeout, s.Retry.First, s.Retry.Max, s.UndoRetry.First, s.UndoRetry.Max} {
		if t < 0 {
			d.fault("step %q: negative duration %s", s.Name, t)
		}
	}
	c := &step{name: s.Name, harmless: s.Harmless, group: group, pivot: s.Pivot, retry: s.Retry, undoRetry: s.UndoRetry, timeout: s.Timeout}
	if c.timeout == 0 {
		c.timeout = 30 * time.Second
	}
	c.do = func(ctx context.Context, r *run, attempt int) (any, error) {
		return s.Do(ctx, newCall[In](r, s.Name, Do, attempt, false))
	}
	if s.Undo != nil {
		c.undo = func(ctx context.Context, r *run, attempt int, unknown bool) error {
			out, _ := r.result(s.Name).(Out)
			return s.Undo(ctx, newCall[In](r, s.Name, Undo, attempt, unknown), out)
		}
	}
	c.decode = func(raw json.RawMessage) (any, error) {
		var out Out
		if len(raw) == 0 {
			return out, nil
		}
		err := json.Unmarshal(raw, &out)
		return out, err
	}
	d.steps = append(d.steps, c)
	d.byName[s.Name] = c
}

// Call is what an action or compensation is told.
type Call[In any] struct {
	ID        string // of the saga: the idempotency key, together with Step and Direction
	Step      string
	Direction Direction
	Attempt   int // from 1, since this process began with the step
	Input     In
	Unknown   bool // in Undo: whether Do happened is not known
	run       *run
}

func newCall[In any](r *run, step string, dir Direction, attempt int, unknown bool) *Call[In] {
	in, _ := r.input.(In)
	return &Call[In]{ID: r.id, Step: step, Direction: dir, Attempt: attempt, Input: in, Unknown: unknown, run: r}
}

// Result returns what the step recorded earlier in the saga of c; false when it
// has no result yet, or none is known.
func (s *Step[In, Out]) Result(c *Call[In]) (Out, bool) {
	out, ok := c.run.result(s.Name).(Out)
	return out, ok
}

var errNotJSON = errors.New("cannot be recorded as JSON")
