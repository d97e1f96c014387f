package resilience

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// disarm ends the try's context and reports whether its own deadline was over.
func (c *call) disarm() bool {
	c.inside, c.fresh = false, false
	if c.own == nil {
		return false
	}
	over := c.own.end(context.Canceled) == context.DeadlineExceeded || c.time() >= c.deadline
	c.own, c.ctx = nil, c.caller
	return over
}

// succeed ends the call well.
func (c *call) succeed() {
	if c.own != nil {
		c.own.end(context.Canceled)
		c.own, c.ctx = nil, c.caller
	}
	c.inside, c.fresh = false, false
	for c.at > c.lo {
		c.release(policy.Success)
	}
	if !c.part {
		c.t.counts.successes.Add(1)
	}
}

// fail ends a try with fn's error. again: it is to be tried once more, by
// entering again; otherwise the error is the call's.
func (c *call) fail(err error) (again bool, _ error) { return c.settle(c.classify(err)) }

func (c *call) settle(class Class, err error) (again bool, _ error) {
	c.inside, c.fresh = false, false
	c.last, c.class = err, class
	for c.at > c.lo {
		if c.p.stages[c.at-1] != StageRetry || class.Outcome != policy.Failure && !class.Retriable {
			c.release(class.Outcome)
			continue
		}
		if again, err = c.retry(class, err); again {
			return true, nil
		}
		c.at--
	}
	if c.part {
		return false, err
	}
	switch class.Outcome {
	case policy.Success:
		c.t.counts.business.Add(1)
	case policy.Ignored:
		if e, ok := err.(*Error); ok && e.Refused() { // every copy of a hedged call
			c.t.counts.refused[e.Reason].Add(1)
		} else {
			c.t.counts.ignored.Add(1)
		}
	case policy.Failure:
		c.t.counts.failures.Add(1)
	}
	return false, err
}

// classify says what fn's error means, and makes a deadline that came from
// here an *Error.
func (c *call) classify(err error) (Class, error) {
	over := c.disarm()
	switch c.caller.Err() {
	case context.Canceled:
		return Class{Outcome: policy.Ignored}, err
	case context.DeadlineExceeded:
		class := c.t.judge(&c.op, err)
		if class.Outcome == policy.Failure && c.hurried() {
			class.Outcome = policy.Ignored
		}
		class.Retriable = false
		return class, err
	}
	class := c.t.judge(&c.op, err)
	if !over || class.Outcome == policy.Success {
		return class, err
	}
	c.t.counts.timeouts.Add(1)
	stage, limit := StageTry, c.deadline.Sub(c.tryBegan)
	if c.deadline == c.whole {
		stage, limit = StageTotal, c.whole.Sub(c.began)
	}
	e := c.error(stage, policy.TimedOut, Limit{Time: limit}, err)
	c.t.emit(Event{Kind: TimedOut, Op: c.op.Name, Stage: stage, Err: e})
	return Class{Outcome: policy.Failure, Retriable: stage == StageTry}, e
}

// hurried reports whether the caller's own deadline came so soon that missing
// it says nothing about the callee.
func (c *call) hurried() bool {
	if c.p.breaker == nil || !c.p.clocked {
		return false
	}
	slow := c.p.breaker.Config().SlowAfter
	return slow > 0 && c.time().Sub(c.tryBegan) < slow
}

// retry asks whether to try again, and waits.
func (c *call) retry(class Class, err error) (bool, error) {
	if class.Outcome == policy.Ignored {
		return false, err
	}
	c.boundLate()
	v := c.p.retry.Next(c.time(), rand.Float64(), policy.Try{
		Number: c.tries, Retriable: class.Retriable && c.op.Idempotent, RetryAfter: class.RetryAfter,
		Began: c.began, Deadline: c.whole,
	})
	if !v.Admit() {
		if v.Reason == policy.NotRetriable || c.p.retry.Config().Tries == 1 {
			return false, err
		}
		c.t.counts.gaveUp.Add(1)
		e := c.error(StageRetry, v.Reason, Limit{Calls: c.p.retry.Config().Tries}, err)
		c.t.emit(Event{Kind: GaveUp, Op: c.op.Name, Stage: StageRetry, Err: e})
		return false, e
	}
	c.t.counts.retries.Add(1)
	c.t.emit(Event{Kind: Retried, Op: c.op.Name, Stage: StageRetry, After: v.After, Err: err})
	slept := sleep(c.caller, v.After)
	c.fresh = false
	if !slept {
		return false, err
	}
	c.deadline = c.whole
	return true, nil
}

// release leaves the innermost held stage.
func (c *call) release(o policy.Outcome) {
	c.at--
	switch c.p.stages[c.at] {
	case StageBreaker:
		if o != policy.Success || c.ticket.NeedsTime() {
			c.time()
		}
		c.p.breaker.Report(c.ticket, c.now, o)
	case StageAdaptive:
		c.p.adaptive.Report(c.sample, c.time(), o)
	case StageBulkhead:
		c.leave()
	case StageTotal, StageRetry, StageHedge, StageShed, StageRate, StageTry: // nothing is held
	}
}

func (c *call) leave() {
	if !c.p.bulkhead.LeaveNow() {
		if turn, ok := c.p.bulkhead.Leave(c.time()); ok {
			c.t.waiting.wake(turn)
		}
	}
}

// refuse ends the call because of a verdict of stage s.
func (c *call) refuse(s Stage, v policy.Verdict) error {
	if s != StageBreaker && (v.Reason == policy.Open || v.Reason == policy.Probing) {
		s = StageBreaker // asked again after a wait; its ticket is void
		c.ticket = policy.Ticket{}
	}
	for c.at > c.lo {
		c.release(policy.Ignored)
	}
	e := c.error(s, v.Reason, c.limit(s, v), c.last)
	e.RetryAfter = v.After
	c.class = Class{Outcome: policy.Ignored}
	if c.part {
		return e
	}
	if c.caller.Err() == context.Canceled {
		c.t.counts.ignored.Add(1)
		e.Err = errors.Join(e.Err, context.Canceled)
		return e
	}
	c.t.counts.refused[v.Reason].Add(1)
	c.t.emit(Event{Kind: Refused, Op: c.op.Name, Stage: s, Err: e})
	return e
}

func (c *call) limit(s Stage, v policy.Verdict) Limit {
	switch s {
	case StageBreaker:
		return Limit{Time: v.After}
	case StageRate:
		return Limit{PerSecond: c.p.rate.Config().PerSecond}
	case StageAdaptive:
		return Limit{Calls: c.p.adaptive.Limit()}
	case StageBulkhead:
		return Limit{Calls: c.p.bulkhead.Config().Limit}
	case StageTotal, StageTry:
		return Limit{Time: c.whole.Sub(c.began)}
	case StageRetry, StageHedge, StageShed:
	}
	return Limit{}
}

func (c *call) error(s Stage, r policy.Reason, l Limit, err error) *Error {
	e := &Error{Target: c.t.name, Op: c.op.Name, Stage: s, Reason: r, Limit: l, Tries: c.tries, Err: err}
	if c.p.clocked {
		e.Elapsed = c.time().Sub(c.began)
	}
	return e
}

// unwind gives everything back when fn panics or ends its goroutine. The panic
// goes on: it is the caller's to handle, and it counts against the callee.
func (c *call) unwind() {
	if !c.inside {
		return
	}
	c.disarm()
	for c.at > c.lo {
		c.release(policy.Failure)
	}
	if !c.part {
		c.t.counts.failures.Add(1)
	}
}
