package cqrs

import (
	"context"
	"fmt"
	"time"
)

// Lag is how far a read model is behind its source.
type Lag struct {
	Position, Head int64
	Events         int64         // positions between the two
	Age            time.Duration // of the oldest event not applied; 0 without Projection.Time
	Err            error         // that keeps the projector in this process from going on
}

// Lag measures it now.
func (r *Projector[Tx, E]) Lag(ctx context.Context) (l Lag, err error) {
	live, err := r.ensure(ctx)
	if err != nil {
		return l, err
	}
	if l.Head, err = r.source.Head(ctx); err != nil {
		return l, r.wrap("read head", err)
	}
	r.mu.Lock()
	l.Err = r.lastErr
	r.mu.Unlock()
	l.Position = live.position
	l.Events = max(0, l.Head-l.Position)
	if l.Events > 0 && r.p.Time != nil {
		oldest, err := r.source.Read(ctx, l.Position, 1)
		if err != nil {
			return l, r.wrap("read events", err)
		}
		if len(oldest) > 0 {
			l.Age = max(0, time.Since(r.p.Time(oldest[0])))
		}
	}
	return l, nil
}

// StaleError says that a read model did not come as far as was waited for.
type StaleError struct {
	Name     string
	Want, At int64
	Err      error // why the wait ended
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("cqrs: projection %s is at %d, waited for %d: %v; answer from it with a note that it is stale, or ask the caller to come again", e.Name, e.At, e.Want, e.Err)
}

func (e *StaleError) Unwrap() error { return e.Err }

// How often Wait looks whether another process has moved the checkpoint.
const (
	minLook = 5 * time.Millisecond
	maxLook = 200 * time.Millisecond
)

// Wait returns once the live generation shows the event at position, which the
// caller got for its own write: so it reads what it wrote. Give ctx a deadline;
// when it passes, the error is a *StaleError.
func (r *Projector[Tx, E]) Wait(ctx context.Context, position int64) error {
	for look := minLook; ; look = min(2*look, maxLook) {
		r.mu.Lock()
		at, moved := r.at, r.moved
		r.mu.Unlock()
		if at >= position {
			return nil
		}
		t := time.NewTimer(look)
		select {
		case <-moved:
			t.Stop()
			continue
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return &StaleError{Name: r.p.Name, Want: position, At: at, Err: context.Cause(ctx)}
		}
		if _, err := r.ensure(ctx); err != nil {
			return &StaleError{Name: r.p.Name, Want: position, At: at, Err: err}
		}
	}
}

// advance tells those who wait.
func (r *Projector[Tx, E]) advance(at int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at > r.at {
		r.at = at
		close(r.moved)
		r.moved = make(chan struct{})
	}
}
