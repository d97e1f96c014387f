package saga

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
)

// run is one saga that this process drives. Its own goroutine changes the
// state; mu guards it against those who look on.
type run struct {
	o     *Orchestrator
	d     *definition // nil: unknown here
	id    string
	input any
	keys  []string // semantic locks it holds

	locking    bool          // waits for semantic locks and may be superseded; guarded by o.mu
	superseded chan struct{} // closed when it was; nil: it has no locks

	durable  chan struct{} // closed when the claim is settled: driven, parked or dropped
	startErr error         // of a dropped claim; set before durable is closed
	over     chan struct{} // closed when this process is done with it
	err      error         // set before over is closed
	letGo    bool          // the saga goes on, elsewhere or after a sweep; set before over is closed

	lapses atomic.Int64 // of the lease, when the saga was last known to be ours

	mu      sync.Mutex
	st      state
	results map[string]any
	cause   error              // of the failure, as the step returned it
	waiting map[string]*waiter // steps being attempted
	force   *op
	problem error // why it is parked
}

func newRun(o *Orchestrator, d *definition, id string, in any) *run {
	r := &run{o: o, d: d, id: id, input: in, durable: make(chan struct{}), over: make(chan struct{}), results: map[string]any{}, waiting: map[string]*waiter{}}
	_, lapses, _ := o.tenure.look() // before its records are read or written
	r.lapses.Store(int64(lapses))
	return r
}

func (r *run) begun(err error) {
	r.startErr = err
	close(r.durable)
}

func (r *run) result(step string) any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.results[step]
}

var (
	errStopped = errors.New("stopped") // the orchestrator closes
	errReload  = errors.New("reload")  // the journal knows more than we do
)

// drive moves the saga to its end, or until this process stops.
func (r *run) drive() {
	r.finish(r.loop())
}

func (r *run) loop() error {
	for {
		select {
		case <-r.o.draining:
			if !r.st.phase.Ended() {
				return errStopped
			}
		default:
		}
		var err error
		switch r.st.phase {
		case Running:
			err = r.forward()
		case Compensating:
			err = r.backward()
		default:
			return nil
		}
		if errors.Is(err, errReload) {
			err = r.reload()
		}
		if err != nil {
			return err
		}
	}
}

func (r *run) finish(err error) {
	o, ended := r.o, r.st.phase.Ended()
	var misfit *unfit
	switch {
	case ended && r.st.phase == Compensated:
		cause := r.cause
		if cause == nil {
			cause = errors.New(r.st.cause)
		}
		r.err = &Error{ID: r.id, Definition: r.st.definition, Step: r.st.failedStep, Cause: cause}
	case errors.Is(err, errStopped):
		r.err = ErrClosed
	case errors.As(err, &misfit):
		r.err = err
		o.locks.release(r.keys, r.id)
		r.park(nil, err)
		close(r.over)
		return
	case errors.Is(err, ErrElsewhere):
		r.letGo = true
	case err != nil:
		r.letGo = true
		o.o.Logger.Error("saga: left alone until the next sweep", "saga", r.id, "definition", r.st.definition, "err", err)
	}
	if ended {
		o.o.Metrics.Ended(r.st.definition, r.st.phase, time.Since(r.st.started))
	}
	o.locks.release(r.keys, r.id)
	o.mu.Lock()
	delete(o.runs, r.id)
	if ended {
		o.ended.add(r.snapshot())
	}
	o.mu.Unlock()
	close(r.over)
}

// forward performs the steps that are intended and records what came of them.
func (r *run) forward() error {
	todo := make([]*step, 0, len(r.st.next))
	for _, name := range r.st.next {
		s := r.d.byName[name]
		if s == nil {
			return &unfit{fmt.Errorf("saga %q: step %q is not in version %d of %s; a definition changed without a new version", r.id, name, r.d.version, r.d.name)}
		}
		todo = append(todo, s)
	}
	if len(todo) == 0 {
		return &unfit{fmt.Errorf("saga %q: its records hold no intent", r.id)}
	}
	if len(todo) == 1 {
		return r.settle(todo[0].group, []outcome{r.perform(r.o.ctx, todo[0], Do)})
	}
	return r.fork(todo)
}

// fork performs a group's steps at once and records each as it ends, so that a
// crash repeats none that is known to be done.
func (r *run) fork(todo []*step) error {
	ctx, cancel := context.WithCancel(r.o.ctx)
	defer cancel()
	ch := make(chan outcome, len(todo))
	for _, s := range todo {
		go func() { ch <- r.perform(ctx, s, Do) }()
	}
	var failed, done []outcome
	for left := len(todo); left > 0; {
		done = done[:0]
		for first := true; left > 0; first = false {
			var out outcome
			if first {
				out = <-ch
			} else {
				select {
				case out = <-ch:
				default:
				}
				if out.step == nil {
					break
				}
			}
			left--
			if out.err == nil {
				done = append(done, out)
			} else {
				failed = append(failed, out)
				cancel() // the others shall not begin what is to be undone
			}
		}
		if left > 0 && len(done) > 0 && len(failed) == 0 {
			var recs []note
			for _, out := range done {
				recs = append(recs, note{tDone, entry{Step: out.step.name, Result: out.raw, Operator: out.skipped, By: out.by}, out.value})
			}
			if err := r.append(recs...); err != nil {
				for ; left > 0; left-- {
					<-ch
				}
				return err
			}
			continue
		}
		failed = append(failed, done...)
		done = done[:0]
	}
	return r.settle(todo[0].group, failed)
}

// settle records the outcomes that end a group, and the intent that follows.
func (r *run) settle(group int, outs []outcome) error {
	notes := make([]note, 0, len(outs)+1)
	var failed *outcome
	var unknown []string
	for i := range outs {
		out := &outs[i]
		switch {
		case errors.Is(out.err, errStopped):
			return errStopped
		case errors.Is(out.err, ErrElsewhere):
			return out.err
		case errors.Is(out.err, ErrForced):
			return r.forced()
		case out.err == nil:
			notes = append(notes, note{tDone, entry{Step: out.step.name, Result: out.raw, Operator: out.skipped, By: out.by}, out.value})
			continue
		}
		if failed == nil || errors.Is(failed.err, context.Canceled) { // a cancelled branch is not the cause
			failed = out
		}
		if !Refused(out.err) && out.attempts > 0 {
			unknown = append(unknown, out.step.name)
		}
	}
	if failed != nil {
		return r.fail(notes, failed.step.name, failed.err, unknown, "")
	}
	last := &notes[len(notes)-1]
	if group+1 < len(r.d.groups) {
		last.entry.Next = names(r.d.groups[group+1])
	} else {
		notes = append(notes, note{kind: tCompleted})
	}
	return r.append(notes...)
}

// fail records the failure with the first compensation's intent.
func (r *run) fail(notes []note, step string, cause error, unknown []string, by string) error {
	r.cause = cause
	done := func(name string) bool {
		if _, ok := r.st.done[name]; ok {
			return true
		}
		return slices.ContainsFunc(notes, func(n note) bool { return n.kind == tDone && n.entry.Step == name })
	}
	next := r.undoBefore(len(r.d.steps), func(name string) bool { return done(name) || slices.Contains(unknown, name) })
	notes = append(notes, note{kind: tFailed, entry: entry{Step: step, Cause: cause.Error(), Unknown: unknown, Next: next, By: by, Operator: by != ""}})
	if len(next) == 0 {
		notes = append(notes, note{kind: tCompensated})
	}
	return r.append(notes...)
}

// undoBefore returns the last step below index i that happened, or may have, and
// can be undone.
func (r *run) undoBefore(i int, happened func(name string) bool) []string {
	for i--; i >= 0; i-- {
		if s := r.d.steps[i]; s.undo != nil && happened(s.name) {
			return []string{s.name}
		}
	}
	return nil
}

// backward undoes the intended step and records it with the next intent.
func (r *run) backward() error {
	if len(r.st.next) != 1 || r.d.byName[r.st.next[0]] == nil {
		return &unfit{fmt.Errorf("saga %q: its records intend to undo %v, which version %d of %s does not have", r.id, r.st.next, r.d.version, r.d.name)}
	}
	s := r.d.byName[r.st.next[0]]
	out := r.perform(r.o.ctx, s, Undo)
	switch {
	case errors.Is(out.err, ErrForced):
		return r.forced()
	case out.err != nil:
		return out.err // stopped: undoing has no other end
	}
	next := r.undoBefore(s.index, func(name string) bool {
		_, done := r.st.done[name]
		return done || r.st.unknown[name]
	})
	notes := []note{{kind: tUndone, entry: entry{Step: s.name, Next: next, Operator: out.skipped, By: out.by}}}
	if len(next) == 0 {
		notes = append(notes, note{kind: tCompensated})
	}
	return r.append(notes...)
}

// note is a record to be.
type note struct {
	kind  string
	entry entry
	value any // of a step that is done
}

// append commits the notes as one unit and applies them to the state. It goes
// on trying while the store is unavailable; a step that was done must not be
// called again because its record met a full disk.
func (r *run) append(notes ...note) error {
	u := journal.Unit{Stream: prefix + r.id, Expected: r.st.at, Records: make([]journal.Record, len(notes))}
	for i := range notes {
		u.Records[i] = notes[i].entry.record(notes[i].kind)
	}
	for attempt := 1; ; attempt++ {
		_, err := r.o.j.Append(r.o.ctx, u)
		if err == nil {
			break
		}
		var conflict *journal.ConflictError
		var size *journal.SizeError
		switch {
		case errors.As(err, &conflict):
			return errReload
		case errors.Is(err, journal.ErrClosed):
			return errStopped
		case errors.As(err, &size):
			return &unfit{fmt.Errorf("saga %q: recording %s: %w", r.id, notes[0].kind, err)}
		case !errors.Is(err, journal.ErrUnavailable) && !errors.Is(err, journal.ErrUnknown) && r.o.ctx.Err() == nil:
			return fmt.Errorf("saga %q: recording %s: %w", r.id, notes[0].kind, err)
		}
		if err := r.pause(attempt, err); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range notes {
		n := &notes[i]
		if n.kind == tDone {
			r.results[n.entry.Step] = n.value
		}
		r.st.apply(n.kind, &n.entry)
		r.st.at++
	}
	r.st.updated = now()
	return nil
}

// pause waits before the journal is tried again.
func (r *run) pause(attempt int, err error) error {
	if r.o.ctx.Err() == nil {
		r.o.o.Logger.Warn("saga: journal unavailable, trying again", "saga", r.id, "definition", r.d.name, "attempt", attempt, "err", err)
	}
	select {
	case <-time.After(journalPace.pause(attempt)):
		return nil
	case <-r.o.ctx.Done():
		return errStopped
	}
}

var journalPace = Retry{First: 20 * time.Millisecond, Max: 2 * time.Second}

// reload takes the journal's word after a conflict: a record whose commit was
// unknown may be there, or another process may have taken over.
func (r *run) reload() error {
	var st *state
	for attempt := 1; ; attempt++ {
		var err error
		if st, err = r.o.load(r.o.ctx, r.id); err == nil {
			break
		}
		var misfit *unfit
		switch {
		case errors.As(err, &misfit) || errors.Is(err, ErrNotFound):
			return err
		case errors.Is(err, journal.ErrClosed):
			return errStopped
		}
		if err := r.pause(attempt, err); err != nil {
			return err
		}
	}
	if st.node != r.o.o.Node {
		r.o.o.Logger.Warn("saga: another process took over", "saga", r.id, "node", st.node)
		return ErrElsewhere
	}
	return r.adopt(st)
}

// adopt replaces the state by one that was read.
func (r *run) adopt(st *state) error {
	results := make(map[string]any, len(st.done))
	for name, raw := range st.done {
		s := r.d.byName[name]
		if s == nil {
			return &unfit{fmt.Errorf("saga %q: step %q is not in version %d of %s; a definition changed without a new version", r.id, name, st.version, st.definition)}
		}
		v, err := s.decode(raw)
		if err != nil {
			return &unfit{fmt.Errorf("saga %q: the recorded result of step %q does not fit its type in version %d of %s: %w", r.id, name, st.version, st.definition, err)}
		}
		results[name] = v
	}
	r.mu.Lock()
	r.st, r.results = *st, results
	r.mu.Unlock()
	return nil
}

func encode(v any) (json.RawMessage, error) {
	if _, none := v.(None); none {
		return nil, nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, Refuse(fmt.Errorf("its result %w: %w", errNotJSON, err))
	}
	return raw, nil
}
