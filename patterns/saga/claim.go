package saga

import (
	"context"
	"errors"
)

// A run in Orchestrator.runs is a claim: whoever put it there, a Start or a
// sweep, is the only one of this process who may read the saga's records in
// order to drive it. Without that, two could find the same saga idle, and the
// second drive it from where the first had found it.
//
// A claim ends in one of three ways: the saga is driven until this process is
// done with it, it is parked (shown as stuck, with the reason), or the claim is
// dropped. Others wait for run.durable to learn which.

var (
	errDropped    = errors.New("dropped")    // by a sweep: there is nothing to drive
	errSuperseded = errors.New("superseded") // a start that waits for locks, by a sweep
)

// claim takes the saga for r. Otherwise it returns who has it; ErrClosed.
func (o *Orchestrator) claim(r *run) (holder *run, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, ErrClosed
	}
	// A start may wait long for its semantic locks. That must not keep a saga
	// of a dead process waiting that has the same id.
	if old := o.runs[r.id]; old != nil {
		if !old.locking || r.locking {
			return old, nil
		}
		delete(o.runs, r.id)
		close(old.superseded)
	}
	o.runs[r.id] = r
	o.loops.Add(1) // under mu, so that Close does not miss it
	return nil, nil
}

// lock takes the saga's semantic locks. While it waits the claim can be
// superseded, not afterwards.
func (o *Orchestrator) lock(ctx context.Context, r *run) error {
	if r.superseded == nil {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-r.superseded:
			cancel(errSuperseded)
		case <-ctx.Done():
		}
	}()
	if err := r.lock(ctx); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.runs[r.id] != r {
		return errSuperseded // keys are released with the claim
	}
	r.locking = false
	return nil
}

// drop gives a claim up that was never driven.
func (o *Orchestrator) drop(r *run, err error) {
	o.locks.release(r.keys, r.id)
	r.keys = nil
	o.forget(r)
	r.begun(err)
	o.loops.Done()
}

// forget takes a run off the list.
func (o *Orchestrator) forget(r *run) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.runs[r.id] == r {
		delete(o.runs, r.id)
	}
}

// attach waits until it is known what becomes of the claim and hands the run to
// a second starter. Again: the claim was dropped, try for yourself.
func (r *run) attach(ctx context.Context, definition string) (h *Handle, again bool, err error) {
	select {
	case <-r.durable:
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	}
	if r.startErr != nil {
		return nil, true, nil
	}
	if err := r.parked(); err != nil {
		return nil, false, err
	}
	if r.d.name != definition {
		return nil, false, &ExistsError{ID: r.id, Definition: r.d.name, Wanted: definition}
	}
	return &Handle{r: r}, false, nil
}

// takeUp goes on with a claimed saga, or parks it when it did not fit.
func (r *run) takeUp(st *state, misfit error, free func()) {
	o := r.o
	if misfit != nil {
		r.park(st, misfit)
		r.begun(nil)
		free()
		o.loops.Done()
		return
	}
	r.retake()
	r.begun(nil)
	r.launch(free)
}

// fit makes the run one of the definition that the saga began with, in the state
// that its records add up to.
func (r *run) fit(st *state) (err error) {
	d := r.o.defs[st.definition][st.version]
	if d == nil {
		return &VersionError{ID: r.id, Definition: st.definition, Version: st.version, Known: r.o.versionsOf(st.definition)}
	}
	r.d = d
	if r.input, err = d.decode(st.input); err != nil {
		return &unfit{err}
	}
	return r.adopt(st)
}

// launch drives the saga in a goroutine of its own.
func (r *run) launch(free func()) {
	go func() {
		defer r.o.loops.Done()
		defer free()
		r.drive()
	}()
}

// park leaves a saga that this process cannot drive on the list, for people to
// see why; st is nil when the run has it already.
func (r *run) park(st *state, err error) {
	r.mu.Lock()
	if st != nil {
		r.st = *st
	}
	r.problem = err
	definition, version := r.st.definition, r.st.version
	r.mu.Unlock()
	r.o.o.Logger.Error("saga: cannot go on", "saga", r.id, "definition", definition, "version", version, "err", err)
}

// parked returns why the saga cannot be driven here; nil when it can.
func (r *run) parked() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.problem
}

// unfit marks an error that trying again in this process does not mend: the
// saga's records and the program do not fit together.
type unfit struct{ error }

func (u *unfit) Unwrap() error { return u.error }
