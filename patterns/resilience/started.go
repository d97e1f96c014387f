package resilience

import (
	"context"
	"sync"
	"time"
)

// Started is a call that was admitted and ends elsewhere than in a function: a
// stream, a body that is read, a request being served. It is not retried.
type Started struct {
	mu   sync.Mutex
	call call
	op   Op
	over bool
}

// Start admits a call under the target's policies, except retry and hedge, or
// returns the *Error that refused it. Exactly one End has to follow.
func (t *Target) Start(ctx context.Context, op Op) (*Started, error) {
	s := &Started{op: op}
	s.op.Idempotent = false
	p := t.plan.Load()
	s.call.begin(ctx, t, p, &s.op, 0, p.n)
	if err := s.call.enter(); err != nil {
		return nil, err
	}
	return s, nil
}

// Context is the call's, with its deadline; it ends with the call.
func (s *Started) Context() context.Context { return s.call.ctx }

// End reports how the call ended, nil for well, gives its places back, and
// returns the error with a deadline of the target's own made an *Error. Further
// calls change nothing.
func (s *Started) End(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return err
	}
	s.over = true
	if err == nil {
		s.call.succeed()
		return nil
	}
	_, err = s.call.fail(err)
	return err
}

// Left is how much time the call has; false: no bound.
func Left(ctx context.Context) (time.Duration, bool) {
	at, ok := ctx.Deadline()
	if !ok {
		return 0, false
	}
	return time.Until(at), true
}
