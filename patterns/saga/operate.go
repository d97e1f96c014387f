package saga

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
)

// Info is a saga as an operator sees it.
type Info struct {
	ID         string    `json:"id"`
	Definition string    `json:"definition"`
	Version    int       `json:"version"`
	State      State     `json:"state"`
	Step       string    `json:"step,omitempty"` // under way; of an ended saga the one that failed
	Attempt    int       `json:"attempt,omitempty"`
	Cause      string    `json:"cause,omitempty"` // of the last failed attempt, or of the failure
	Started    time.Time `json:"started"`
	Updated    time.Time `json:"updated"`           // by its last record
	Retry      time.Time `json:"retry,omitzero"`    // when the next attempt is due
	Node       string    `json:"node,omitempty"`    // process that drives it
	History    []Event   `json:"history,omitempty"` // only from Show
	Diagram    string    `json:"diagram,omitempty"` // Mermaid; only from Show
}

// Filter of List; the zero value selects all.
type Filter struct {
	State      State // Stuck among others
	Definition string
	After      string // id: only sagas that List shows after it
	Limit      int    // default 50, at most 1000
}

// List shows the sagas that this process drives, the stuck ones first, then the
// oldest, and after them those that ended last. Next is the Filter.After of the
// following page; "" when there is none.
func (o *Orchestrator) List(f Filter) (page []Info, next string) {
	if f.Limit <= 0 || f.Limit > 1000 {
		f.Limit = 50
	}
	o.mu.Lock()
	runs := make([]*run, 0, len(o.runs))
	for _, r := range o.runs {
		runs = append(runs, r)
	}
	ended := o.ended.newest()
	o.mu.Unlock()
	all := make([]Info, 0, len(runs)+len(ended))
	for _, r := range runs {
		switch i := r.snapshot(); {
		case i.Definition == "": // its start is not on the disk yet
		case i.State.Ended(): // and about to leave the list of those that run
			ended = append(ended, i)
		default:
			all = append(all, i)
		}
	}
	slices.SortStableFunc(ended, func(a, b Info) int { return b.Updated.Compare(a.Updated) })
	slices.SortFunc(all, func(a, b Info) int {
		if (a.State == Stuck) != (b.State == Stuck) {
			return map[bool]int{true: -1, false: 1}[a.State == Stuck]
		}
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID))
	})
	all = append(all, ended...)
	if f.After != "" {
		if i := slices.IndexFunc(all, func(i Info) bool { return i.ID == f.After }); i >= 0 {
			all = all[i+1:]
		}
	}
	for _, i := range all {
		if f.State != "" && i.State != f.State || f.Definition != "" && i.Definition != f.Definition {
			continue
		}
		if len(page) == f.Limit {
			return page, page[len(page)-1].ID
		}
		page = append(page, i)
	}
	return page, ""
}

// Show returns a saga with its history, whoever drives it; ErrNotFound.
func (o *Orchestrator) Show(ctx context.Context, id string) (Info, error) {
	st, err := o.load(ctx, id)
	if err != nil {
		return Info{}, err
	}
	o.mu.Lock()
	r := o.runs[id]
	o.mu.Unlock()
	i := st.info(id)
	if r != nil && !st.phase.Ended() {
		if s := r.snapshot(); r.parked() == nil || s.Node == i.Node { // else somebody else goes on with it
			i = s
		}
	}
	if i.History, err = o.history(ctx, id); err != nil {
		return Info{}, err
	}
	if d := o.defs[st.definition][st.version]; d != nil {
		i.Diagram = d.mermaid(st, i)
	}
	return i, nil
}

func (s *state) info(id string) Info {
	i := Info{ID: id, Definition: s.definition, Version: s.version, State: s.phase, Step: s.failedStep, Cause: s.cause, Started: s.started, Updated: s.updated, Node: s.node}
	if !s.phase.Ended() && len(s.next) > 0 {
		i.Step = s.next[0]
	}
	return i
}

func (r *run) snapshot() Info {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.st.info(r.id)
	if r.problem != nil {
		i.State, i.Cause = Stuck, r.problem.Error()
		return i
	}
	for name, w := range r.waiting {
		if i.Attempt > w.attempt {
			continue
		}
		i.Step, i.Attempt, i.Retry = name, w.attempt, w.next
		if w.cause != "" {
			i.Cause = w.cause
		}
		if w.stuck && !i.State.Ended() {
			i.State = Stuck
		}
	}
	return i
}

// Retry makes the next attempt now instead of after its pause.
func (o *Orchestrator) Retry(ctx context.Context, id string) error {
	r, err := o.driven(ctx, id)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	woken := 0
	for _, w := range r.waiting {
		if !w.next.IsZero() && w.tell(&op{what: "retry"}) {
			woken++
		}
	}
	if woken == 0 {
		return fmt.Errorf("saga %q: no step waits for its next attempt: %w", id, ErrNotNow)
	}
	return nil
}

// Skip records a step (of an action or a compensation) as done without calling
// it again. Of an action, result is what Do would have returned, as JSON; empty
// for its zero value. By says who decided it and why; it is kept in the history.
func (o *Orchestrator) Skip(ctx context.Context, id, step string, result json.RawMessage, by string) error {
	r, err := o.driven(ctx, id)
	if err != nil {
		return err
	}
	s := r.d.byName[step]
	if s == nil {
		return fmt.Errorf("saga %q has no step %q; it has %v: %w", id, step, names(r.d.steps), ErrNotFound)
	}
	if _, err := s.decode(result); err != nil {
		return &InvalidError{ID: id, Reason: fmt.Sprintf("the result given for step %q does not fit its type: %v", step, err)}
	}
	if by == "" {
		return &InvalidError{ID: id, Reason: "skipping a step needs a word on who does it and why"}
	}
	return r.stepWith(step, &op{what: "skip", raw: result, by: by})
}

// Force turns a saga that is not past its pivot to compensating, or ends it as
// completed or compensated without another call. By says who decided it and why.
func (o *Orchestrator) Force(ctx context.Context, id string, to State, by string) error {
	switch {
	case by == "":
		return &InvalidError{ID: id, Reason: "forcing a saga needs a word on who does it and why"}
	case to != Completed && to != Compensated && to != Compensating:
		return &InvalidError{ID: id, Reason: fmt.Sprintf("cannot be forced to %q; want compensating, compensated or completed", to)}
	}
	idle, err := o.settled(ctx, id)
	if err != nil {
		return err
	}
	if idle != nil && idle.parked() != nil && to != Compensating {
		return o.bury(ctx, idle, to, by)
	}
	r, err := o.driven(ctx, id)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case to == Compensating && r.st.phase != Running:
		return fmt.Errorf("saga %q is %s: %w", id, r.st.phase, ErrNotNow)
	case to == Compensating && r.d.past(&r.st):
		return fmt.Errorf("saga %q is past its pivot, where nothing is taken back: %w", id, ErrNotNow)
	}
	r.force = &op{what: "force", to: to, by: by}
	for _, w := range r.waiting {
		w.tell(r.force)
	}
	return nil
}

// bury ends a saga that cannot be driven here, such as one of an unknown version.
func (o *Orchestrator) bury(ctx context.Context, r *run, to State, by string) error {
	kind := tCompleted
	if to == Compensated {
		kind = tCompensated
	}
	e := entry{Operator: true, By: by}
	if _, err := o.j.Append(ctx, journal.Unit{Stream: prefix + r.id, Expected: r.st.at, Records: []journal.Record{e.record(kind)}}); err != nil {
		return fmt.Errorf("saga %q: recording its end: %w", r.id, err)
	}
	o.o.Logger.Warn("saga: forced by an operator", "saga", r.id, "definition", r.st.definition, "to", string(to), "by", by)
	o.forget(r)
	return nil
}

// past reports whether the pivot is done.
func (d *definition) past(s *state) bool {
	if d.pivot == len(d.groups) {
		return false
	}
	_, done := s.done[d.groups[d.pivot][0].name]
	return done
}

func (w *waiter) tell(o *op) bool {
	select {
	case w.ops <- o:
		return true
	default:
		return false // an earlier word is not heard yet
	}
}

func (r *run) stepWith(step string, o *op) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.waiting[step]
	if w == nil {
		return fmt.Errorf("saga %q: step %q is not under way: %w", r.id, step, ErrNotNow)
	}
	if !w.tell(o) {
		return fmt.Errorf("saga %q: step %q has an order already: %w", r.id, step, ErrNotNow)
	}
	return nil
}

// driven returns a saga that this process drives.
func (o *Orchestrator) driven(ctx context.Context, id string) (*run, error) {
	r, err := o.settled(ctx, id)
	if err != nil {
		return nil, err
	}
	if r != nil {
		if err := r.parked(); err != nil {
			return nil, fmt.Errorf("saga %q: %w: %w", id, ErrNotNow, err)
		}
		return r, nil
	}
	st, err := o.load(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case st.phase.Ended():
		return nil, fmt.Errorf("saga %q is %s: %w", id, st.phase, ErrNotNow)
	}
	return nil, fmt.Errorf("saga %q: %w: %s", id, errors.Join(ErrElsewhere, ErrNotNow), st.node)
}

// settled returns the run of a claim once it is known what became of it; nil
// when there is none.
func (o *Orchestrator) settled(ctx context.Context, id string) (*run, error) {
	for {
		o.mu.Lock()
		r := o.runs[id]
		o.mu.Unlock()
		if r == nil {
			return nil, nil
		}
		select {
		case <-r.durable:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if r.startErr == nil {
			return r, nil
		}
	}
}

// ring keeps the last ended sagas.
type ring struct {
	cap  int
	list []Info
	next int
}

func (g *ring) add(i Info) {
	if len(g.list) < g.cap {
		g.list = append(g.list, i)
		return
	}
	g.list[g.next] = i
	g.next = (g.next + 1) % g.cap
}

func (g *ring) newest() []Info {
	out := make([]Info, 0, len(g.list))
	for i := range g.list {
		out = append(out, g.list[(g.next+len(g.list)-1-i+len(g.list))%len(g.list)])
	}
	return out
}
