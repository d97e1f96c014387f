package resilience

import (
	"context"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// light is the way of a call whose plan has nothing but a breaker and a
// bulkhead, and whose places are free: the same steps as call's without its
// record of where it stands. What does not go smoothly is handed over to a call.
type light struct {
	p      *plan
	ticket policy.Ticket
	now    policy.Time
	inside bool
}

// enter reports whether the call is admitted; if not, nothing is held.
func (l *light) enter(t *Target) bool {
	if b := l.p.breaker; b != nil {
		var ok bool
		if l.ticket, ok = b.AdmitUntimed(); !ok {
			if b.State() != policy.Closed {
				return false
			}
			var v policy.Verdict
			l.now = t.now()
			if l.ticket, v = b.Admit(l.now); !v.Admit() {
				return false // the stall was found right now; call asks again and explains
			}
		}
	}
	if h := l.p.bulkhead; h != nil && !h.AdmitNow() {
		if b := l.p.breaker; b != nil {
			b.Report(l.ticket, t.now(), policy.Ignored)
		}
		return false
	}
	l.inside = true
	return true
}

func (l *light) succeed(t *Target) {
	l.inside = false
	if h := l.p.bulkhead; h != nil && !h.LeaveNow() {
		if turn, ok := h.Leave(t.now()); ok {
			t.waiting.wake(turn)
		}
	}
	if b := l.p.breaker; b != nil {
		now := policy.Time(0)
		if l.ticket.NeedsTime() {
			now = t.now()
		}
		b.Report(l.ticket, now, policy.Success)
	}
	t.counts.successes.Add(1)
}

// unwind is call.unwind.
func (l *light) unwind(ctx context.Context, t *Target) {
	if l.inside {
		var c call
		l.handOver(&c, ctx, t, &Op{})
		c.unwind()
	}
}

// handOver makes c the call that l has been, standing where l stands.
func (l *light) handOver(c *call, ctx context.Context, t *Target, op *Op) {
	l.inside = false
	c.begin(ctx, t, l.p, op, 0, l.p.n)
	c.at, c.tries, c.inside, c.ticket, c.tryBegan = l.p.n, 1, true, l.ticket, l.now
}

func doLight[T any](ctx context.Context, t *Target, p *plan, op Op, fn func(context.Context) (T, error)) (T, error) {
	l := light{p: p}
	if !l.enter(t) {
		return doWhole(ctx, t, p, op, fn)
	}
	defer l.unwind(ctx, t)
	v, err := fn(ctx)
	if err == nil {
		l.succeed(t)
		return v, nil
	}
	var c call
	l.handOver(&c, ctx, t, &op)
	_, err = c.fail(err)
	return v, err
}
