// Package resilience puts policies between a caller and what it calls: a
// [Target] is one callee (a service, a database, a partner's API) with its
// deadlines, retries, breaker and limits, shared by all calls to it.
//
//	inventory, err := resilience.New("inventory", resilience.Config{
//		Timeout:  &policy.TimeoutConfig{Total: time.Second, Try: 300 * time.Millisecond},
//		Retry:    &policy.RetryConfig{Tries: 3},
//		Breaker:  &policy.BreakerConfig{SlowAfter: 150 * time.Millisecond},
//		Bulkhead: &policy.BulkheadConfig{Limit: 32},
//	}, nil)
//	stock, err := resilience.Do(ctx, inventory, resilience.Repeatable, func(ctx context.Context) (int, error) {
//		return client.Stock(ctx, sku)
//	})
//
// The policies themselves are the pure machines of package policy; this package
// brings them the time, chance, contexts and goroutines.
//
// # Order
//
// From the outside in; a stage that is not configured is not there:
//
//	total     the deadline of the whole call
//	retry     each try runs everything below anew
//	hedge     each copy of a slow try runs everything below anew
//	breaker   refuses before anything is queued for or paid
//	shed      drops the unimportant when the limits below fill up
//	rate      every try counts against the callee's quota
//	adaptive  a limit of calls under way that finds its own size
//	bulkhead  a fixed one, with a queue
//	try       the deadline of one try; time in the queue is not the callee's
//
// Config.Order can name another one; [Config.Warnings] says what it breaks.
// What a policy refuses is never judged as the callee's failure and never
// retried. A call that had to wait in the queue asks the breaker again after
// its wait and is judged by its time with the callee only.
//
// # Cost
//
// A call that succeeds allocates nothing without deadlines and hedges; a
// deadline costs one allocation, and a timer only when somebody waits for it
// and no earlier one of the caller runs.
package resilience

import (
	"context"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// Op says what is declared about a call.
type Op struct {
	Name string // for errors and events; may be empty
	// Idempotent: a second execution does no harm, so the call may be retried
	// and hedged. Without it a call is never sent twice.
	Idempotent bool
	// Priority, for shedding; Normal defers to the context's, see [WithPriority].
	Priority policy.Priority
	// Stream: the call's answer lasts, so the target's own deadlines do not
	// apply to it.
	Stream bool
	// Classify judges errors before the target's Rules; false leaves it to them.
	Classify func(error) (Class, bool)
}

// Operations without a name.
var (
	Once       = Op{}
	Repeatable = Op{Idempotent: true}
)

// Do calls fn under the target's policies. fn must heed its context: a
// deadline ends the call when fn returns, it cannot abandon it.
//
// The error is fn's own when it is final by itself (a business error, the
// caller's cancellation, an operation that may not be repeated), and an *Error
// when a policy refused, timed the call out, or gave up trying.
func Do[T any](ctx context.Context, t *Target, op Op, fn func(context.Context) (T, error)) (T, error) {
	p := t.plan.Load()
	if p.light {
		return doLight(ctx, t, p, op, fn)
	}
	return doWhole(ctx, t, p, op, fn)
}

func doWhole[T any](ctx context.Context, t *Target, p *plan, op Op, fn func(context.Context) (T, error)) (T, error) {
	if p.hedge != nil && op.Idempotent {
		return doHedged(ctx, t, p, op, fn)
	}
	var c call
	c.begin(ctx, t, p, &op, 0, p.n)
	defer c.unwind()
	for {
		if err := c.enter(); err != nil {
			var zero T
			return zero, err
		}
		v, err := fn(c.ctx)
		if err == nil {
			c.succeed()
			return v, nil
		}
		if again, err := c.fail(err); !again {
			return v, err
		}
	}
}

// DoOr is Do with a fallback for when the callee cannot answer: refused, timed
// out, failed. A business error and the caller's own cancellation are answers
// and pass through.
func DoOr[T any](ctx context.Context, t *Target, op Op, fn func(context.Context) (T, error), fallback func(context.Context, error) (T, error)) (T, error) {
	v, err := Do(ctx, t, op, fn)
	if err == nil || t.judge(&op, err).Outcome != policy.Failure || ctx.Err() == context.Canceled {
		return v, err
	}
	t.counts.fallbacks.Add(1)
	t.emit(Event{Kind: FellBack, Op: op.Name, Err: err})
	return fallback(ctx, err)
}
