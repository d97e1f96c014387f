package saga

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// outcome of performing a step in one direction.
type outcome struct {
	step     *step
	value    any
	raw      json.RawMessage
	err      error // nil; refused; else unknown, or errStopped, ErrForced
	attempts int
	skipped  bool
	by       string // the operator's reason
}

// waiter is a step that is being attempted, for those who look on or step in.
type waiter struct {
	dir     Direction
	ops     chan *op
	attempt int
	cause   string
	since   time.Time // of its first attempt
	next    time.Time // of the coming attempt; zero: one is under way
	stuck   bool
}

// op is what an operator wants.
type op struct {
	what string // retry, skip, force
	to   State  // of force
	raw  json.RawMessage
	by   string
}

// perform attempts a step until it succeeds, is refused, runs out of attempts,
// or somebody steps in.
func (r *run) perform(ctx context.Context, s *step, dir Direction) outcome {
	w := &waiter{dir: dir, ops: make(chan *op, 1), since: now()}
	r.mu.Lock()
	if r.force != nil {
		r.mu.Unlock()
		return outcome{step: s, err: ErrForced}
	}
	r.waiting[s.name] = w
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.waiting, s.name)
		r.mu.Unlock()
	}()
	retry := s.retry
	if dir == Undo {
		retry = s.undoRetry
	}
	for attempt := 1; ; attempt++ {
		if err := r.mine(ctx); err != nil {
			return r.cutShort(ctx, outcome{step: s, err: err, attempts: attempt - 1})
		}
		out, o := r.attempt(ctx, s, w, attempt)
		if o != nil {
			if done, final := r.stepIn(s, w, o, attempt); final {
				return done
			}
			continue
		}
		if out.err == nil {
			return out
		}
		if errors.Is(out.err, errStopped) || ctx.Err() != nil && dir == Do {
			return r.cutShort(ctx, out)
		}
		if dir == Do && (Refused(out.err) && s.group <= r.d.pivot || retry.Attempts > 0 && attempt >= retry.Attempts || r.expired(s)) {
			return out
		}
		if done, final := r.wait(ctx, s, w, retry, attempt); final {
			return done
		}
	}
}

// attempt makes one call and waits for it, its timeout, an operator or the end.
func (r *run) attempt(ctx context.Context, s *step, w *waiter, attempt int) (outcome, *op) {
	r.mu.Lock()
	w.attempt, w.next = attempt, time.Time{}
	unknown := r.st.unknown[s.name]
	r.mu.Unlock()
	out := outcome{step: s, attempts: attempt}
	start := time.Now()
	cctx, cancel := context.WithTimeoutCause(ctx, r.budget(s, w.dir, start), ErrTimeout)
	defer cancel()
	type answer struct {
		value any
		err   error
	}
	ch := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				a = answer{err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
			}
			ch <- a
		}()
		if w.dir == Do {
			a.value, a.err = s.do(cctx, r, attempt)
		} else {
			a.err = s.undo(cctx, r, attempt, unknown)
		}
	}()
	select {
	case a := <-ch:
		out.value, out.err = a.value, a.err
	case <-cctx.Done():
		out.err = context.Cause(cctx)
		select {
		case a := <-ch: // both at once: the answer counts
			out.value, out.err = a.value, a.err
		default:
		}
	case o := <-w.ops:
		return out, o
	}
	if out.err == nil && w.dir == Do {
		out.raw, out.err = encode(out.value)
	}
	if out.err != nil && cctx.Err() != nil && errors.Is(context.Cause(cctx), ErrTimeout) && !errors.Is(out.err, ErrTimeout) {
		out.err = fmt.Errorf("%w: %w", ErrTimeout, out.err)
	}
	if out.err != nil && r.o.ctx.Err() != nil {
		out.err = errStopped
	}
	r.note(s, w, attempt, time.Since(start), out.err)
	return out, nil
}

// budget is the attempt's timeout, cut by the saga's before the pivot.
func (r *run) budget(s *step, dir Direction, start time.Time) time.Duration {
	d := s.timeout
	if left, ok := r.left(s, start); ok && dir == Do {
		d = min(d, max(left, 0))
	}
	return d
}

func (r *run) left(s *step, at time.Time) (time.Duration, bool) {
	if r.d.timeout == 0 || s.group >= r.d.pivot && r.d.pivot < len(r.d.groups) {
		return 0, false
	}
	return r.st.started.Add(r.d.timeout).Sub(at), true
}

func (r *run) expired(s *step) bool {
	left, ok := r.left(s, time.Now())
	return ok && left <= 0
}

// note counts and logs an attempt.
func (r *run) note(s *step, w *waiter, attempt int, took time.Duration, err error) {
	if errors.Is(err, errStopped) {
		return
	}
	r.o.o.Metrics.Attempt(r.d.name, s.name, w.dir, took, err)
	if err == nil {
		return
	}
	r.mu.Lock()
	w.cause = err.Error()
	newly := !w.stuck && attempt >= r.o.o.StuckAfter
	w.stuck = w.stuck || newly
	r.mu.Unlock()
	level := r.o.o.Logger.Warn
	if newly {
		r.o.o.Metrics.Stuck(r.d.name, s.name, w.dir)
		level = r.o.o.Logger.Error
	}
	level("saga: attempt failed", "saga", r.id, "definition", r.d.name, "step", s.name, "direction", string(w.dir), "attempt", attempt, "stuck", newly, "refused", Refused(err), "cause", err)
}

// wait pauses before the next attempt.
func (r *run) wait(ctx context.Context, s *step, w *waiter, retry Retry, attempt int) (outcome, bool) {
	pause := retry.pause(attempt)
	if left, ok := r.left(s, time.Now()); ok && w.dir == Do {
		pause = min(pause, max(left, 0))
	}
	r.mu.Lock()
	w.next = now().Add(pause)
	r.mu.Unlock()
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return outcome{}, false
	case o := <-w.ops:
		return r.stepIn(s, w, o, attempt)
	case <-r.o.draining:
		return outcome{step: s, err: errStopped, attempts: attempt}, true
	case <-ctx.Done():
		return r.cutShort(ctx, outcome{step: s, err: context.Cause(ctx), attempts: attempt}), true
	}
}

// cutShort tells a closing orchestrator from a cancelled branch of a group.
func (r *run) cutShort(ctx context.Context, out outcome) outcome {
	if r.o.ctx.Err() != nil || errors.Is(out.err, errStopped) {
		out.err = errStopped
	} else if errors.Is(out.err, ErrElsewhere) {
		return out
	} else if out.err != nil && !Refused(out.err) {
		out.err = fmt.Errorf("%w: another step of the group failed", context.Canceled)
	}
	return out
}

// stepIn applies what an operator wants to a step; final when that ends it.
func (r *run) stepIn(s *step, w *waiter, o *op, attempt int) (outcome, bool) {
	switch o.what {
	case "skip":
		out := outcome{step: s, attempts: attempt, skipped: true, by: o.by, raw: o.raw}
		if w.dir == Do {
			out.value, out.err = s.decode(o.raw)
		}
		r.o.o.Logger.Warn("saga: step skipped by an operator", "saga", r.id, "definition", r.d.name, "step", s.name, "direction", string(w.dir), "by", o.by)
		return out, true
	case "force":
		return outcome{step: s, err: ErrForced, attempts: attempt}, true
	}
	return outcome{}, false // retry now
}

// forced ends or turns the saga as an operator wants it.
func (r *run) forced() error {
	r.mu.Lock()
	f := r.force
	r.force = nil
	r.mu.Unlock()
	if f == nil {
		return errReload
	}
	r.o.o.Logger.Warn("saga: forced by an operator", "saga", r.id, "definition", r.d.name, "to", string(f.to), "by", f.by)
	cause := fmt.Errorf("%w: %s", ErrForced, f.by)
	at := ""
	if len(r.st.next) > 0 {
		at = r.st.next[0]
	}
	switch {
	case f.to == Completed:
		return r.append(note{kind: tCompleted, entry: entry{Operator: true, By: f.by}})
	case f.to == Compensated && r.st.phase == Running:
		r.cause = cause
		return r.append(note{kind: tFailed, entry: entry{Step: at, Cause: cause.Error(), Operator: true, By: f.by}}, note{kind: tCompensated, entry: entry{Operator: true, By: f.by}})
	case f.to == Compensated:
		return r.append(note{kind: tCompensated, entry: entry{Operator: true, By: f.by}})
	case r.st.phase == Running: // to Compensating: steps under way may have happened
		return r.fail(nil, at, cause, r.st.next, f.by)
	}
	return nil
}
