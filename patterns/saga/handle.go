package saga

import (
	"context"
	"errors"
	"time"
)

// Handle is a saga that was started.
type Handle struct {
	r *run

	// Of a saga that this process does not drive:
	o  *Orchestrator
	id string
	st *state
}

// ID of the saga.
func (h *Handle) ID() string {
	if h.r != nil {
		return h.r.id
	}
	return h.id
}

// Wait returns when the saga has ended: nil when it completed, a *Error when it
// was compensated. When ctx or the orchestrator ends first, the error is theirs
// and the saga goes on, after the next Open or in another process.
func (h *Handle) Wait(ctx context.Context) error {
	if h.r == nil {
		return h.poll(ctx)
	}
	select {
	case <-h.r.over:
		if h.r.letGo {
			return (&Handle{o: h.r.o, id: h.r.id}).poll(ctx)
		}
		return h.r.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// poll follows the journal for a saga that another process drives, or this one
// again after a sweep.
func (h *Handle) poll(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(h.o.ctx, func() { cancel(ErrClosed) })()
	for {
		// The head first: whatever is committed after it ends the wait below,
		// the saga's last record, too.
		head, err := h.o.j.Head(ctx)
		if err != nil {
			return h.gone(ctx, err)
		}
		st, err := h.o.load(ctx, h.id)
		if err != nil {
			return h.gone(ctx, err)
		}
		if st.phase.Ended() {
			return st.failure(h.id)
		}
		if _, err := h.o.j.Wait(ctx, head); err != nil {
			return h.gone(ctx, err)
		}
	}
}

// gone prefers the reason for which the wait was given up to what it led to.
func (h *Handle) gone(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// failure is the error of an ended saga, from its records.
func (s *state) failure(id string) error {
	if s.phase != Compensated {
		return nil
	}
	return &Error{ID: id, Definition: s.definition, Step: s.failedStep, Cause: errors.New(s.cause)}
}

func now() time.Time { return time.Now().UTC() }
