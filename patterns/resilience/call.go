package resilience

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// call is one call on its way through stages lo to hi of its plan. It lives on
// its caller's stack; enter goes in from the outside, succeed and fail come out
// again, and fail stops at a retry stage that wants another try.
type call struct {
	t      *Target
	p      *plan
	op     Op
	caller context.Context // as it was given
	ctx    context.Context // of the try under way
	lo, hi int
	at     int  // next stage to enter: those below are held
	inside bool // fn runs; a panic shows by it
	part   bool // a copy of a hedged call: the whole call is counted elsewhere

	fresh    bool // now is the time
	now      policy.Time
	began    policy.Time
	tryBegan policy.Time // when fn was entered, waits behind it
	deadline policy.Time // of the call as it stands: caller's, total, try
	whole    policy.Time // the caller's and total only: what waits may use
	sample   policy.Time // start that adaptive is told
	ticket   policy.Ticket
	tries    int
	own      *deadline // of the try; nil: the caller's deadline is the earlier
	last     error     // of the latest try
	class    Class     // of last
}

// begin readies c; it admits nothing yet.
func (c *call) begin(ctx context.Context, t *Target, p *plan, op *Op, lo, hi int) {
	c.t, c.p, c.op, c.caller, c.ctx = t, p, *op, ctx, ctx
	c.lo, c.hi, c.at = lo, hi, lo
	c.deadline, c.whole = policy.Never, policy.Never
	if p.clocked {
		c.began = c.time()
	}
	if p.bounded {
		c.bound()
	}
}

// bound learns the caller's deadline.
func (c *call) bound() {
	if d, ok := c.caller.Deadline(); ok {
		c.deadline = min(c.deadline, policy.Time(d.Sub(c.t.epoch)))
		c.whole = min(c.whole, c.deadline)
	}
}

func (c *call) time() policy.Time {
	if !c.fresh {
		c.now, c.fresh = c.t.now(), true
	}
	return c.now
}

// enter passes the stages from c.at inwards. On an error everything is given
// back and the call is over.
func (c *call) enter() error {
	for c.at < c.hi {
		var v policy.Verdict
		s := c.p.stages[c.at]
		switch s {
		case StageTotal:
			c.deadline = c.p.timeout.Call(c.time(), c.deadline)
			c.whole = c.deadline
		case StageRetry:
			if c.tries == 0 {
				c.p.retry.Begin()
			}
		case StageBreaker:
			v = c.askBreaker()
		case StageShed:
			v = c.askShed()
		case StageRate:
			c.boundLate()
			if v = c.p.rate.Admit(c.time(), c.whole, 1); v.Admit() && v.After > 0 {
				v = c.pause(v.After)
			}
		case StageAdaptive:
			if v = c.p.adaptive.Admit(); v.Admit() {
				c.sample = c.time()
			}
		case StageBulkhead:
			if !c.p.bulkhead.AdmitNow() {
				v = c.queue()
			}
		case StageTry:
			c.deadline, v = c.p.timeout.Try(c.time(), c.whole)
		case StageHedge: // the copies have calls of their own
		}
		if v.Reason != policy.Admitted {
			return c.refuse(s, v)
		}
		c.at++
	}
	c.arm()
	return nil
}

func (c *call) askBreaker() (v policy.Verdict) {
	var ok bool
	if c.ticket, ok = c.p.breaker.AdmitUntimed(); !ok {
		c.ticket, v = c.p.breaker.Admit(c.time())
	}
	return v
}

func (c *call) askShed() policy.Verdict {
	used := 0.0
	if c.p.adaptive != nil {
		used = c.p.adaptive.Used()
	}
	if c.p.bulkhead != nil {
		used = max(used, c.p.bulkhead.Used())
	}
	prio := c.op.Priority
	if prio == policy.Normal {
		prio = PriorityOf(c.caller)
	}
	u := 0.0
	if !c.p.shed.Certain(prio, used) {
		u = rand.Float64()
	}
	return c.p.shed.Admit(prio, used, u)
}

// boundLate is for plans that need the caller's deadline only when they wait.
func (c *call) boundLate() {
	if !c.p.bounded {
		c.bound()
	}
}

// queue waits for a place in the bulkhead.
func (c *call) queue() policy.Verdict {
	c.boundLate()
	turn, v := c.p.bulkhead.Admit(c.time(), c.whole)
	if v.Reason != policy.Queued {
		return v
	}
	c.suspend()
	ch := c.t.waiting.channel(turn)
	timer := time.NewTimer(v.After)
	select {
	case <-ch:
	case <-timer.C:
		v.Reason = policy.Full
	case <-c.caller.Done():
		v.Reason = policy.TooLate
	}
	timer.Stop()
	c.fresh = false
	if v.Reason == policy.Queued || !c.p.bulkhead.Cancel(turn) {
		c.t.waiting.forget(turn)
		v = policy.Verdict{} // the place is ours, perhaps at the last moment
	} else {
		c.t.waiting.forget(turn)
		return v
	}
	if v = c.resume(); !v.Admit() {
		c.leave()
	}
	return v
}

// pause waits for a turn that the rate limit has given.
func (c *call) pause(d time.Duration) policy.Verdict {
	c.suspend()
	slept := sleep(c.caller, d)
	c.fresh = false
	if !slept {
		return policy.Verdict{Reason: policy.TooLate}
	}
	return c.resume()
}

// suspend gives the breaker's ticket back before a wait: the wait is not the
// callee's, and a probe's place must not be slept on.
func (c *call) suspend() {
	if c.holds(StageBreaker) {
		c.p.breaker.Report(c.ticket, c.time(), policy.Ignored)
	}
}

// resume asks the breaker again after a wait.
func (c *call) resume() policy.Verdict {
	if c.holds(StageAdaptive) {
		c.sample = c.time()
	}
	if !c.holds(StageBreaker) {
		return policy.Verdict{}
	}
	return c.askBreaker()
}

func (c *call) holds(s Stage) bool {
	for _, have := range c.p.stages[c.lo:c.at] {
		if have == s {
			return true
		}
	}
	return false
}

// arm gives the try its context, with an own deadline only when it is earlier
// than the caller's.
func (c *call) arm() {
	c.tries++
	c.inside = true
	if c.p.clocked {
		c.tryBegan = c.time()
	}
	if c.deadline == policy.Never || c.op.Stream {
		return
	}
	at := c.t.time(c.deadline)
	if d, ok := c.caller.Deadline(); ok && !at.Before(d) {
		return
	}
	c.own = &deadline{Context: c.caller, at: at}
	c.ctx = c.own
}
