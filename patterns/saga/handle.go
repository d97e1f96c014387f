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
		if errors.Is(h.r.err, ErrElsewhere) {
			return (&Handle{o: h.r.o, id: h.r.id, st: &h.r.st}).poll(ctx)
		}
		return h.r.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// poll follows the journal for a saga that another process drives.
func (h *Handle) poll(ctx context.Context) error {
	for {
		st, err := h.o.load(ctx, h.id)
		if err != nil {
			return err
		}
		if st.phase.Ended() {
			return st.failure(h.id)
		}
		head, err := h.o.j.Head(ctx)
		if err != nil {
			return err
		}
		if _, err := h.o.j.Wait(ctx, head); err != nil {
			return err
		}
	}
}

// failure is the error of an ended saga, from its records.
func (s *state) failure(id string) error {
	if s.phase != Compensated {
		return nil
	}
	return &Error{ID: id, Definition: s.definition, Step: s.failedStep, Cause: errors.New(s.cause)}
}

// attach waits until the run is durable and hands it to a second starter.
func (r *run) attach(ctx context.Context, definition string) (*Handle, error) {
	if r.problem != nil {
		return nil, r.problem
	}
	if r.d.name != definition {
		return nil, &ExistsError{ID: r.id, Definition: r.d.name, Wanted: definition}
	}
	select {
	case <-r.durable:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if r.startErr != nil {
		return nil, r.startErr
	}
	return &Handle{r: r}, nil
}

func now() time.Time { return time.Now().UTC() }
