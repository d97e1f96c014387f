package resilience

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// copyResult is how one copy of a hedged call ended.
type copyResult[T any] struct {
	v     T
	err   error
	class Class
	panic any
}

var errGone = errors.New("the call ended its goroutine without an answer")

// doHedged runs the stages outside the hedge in the caller's goroutine and each
// copy with the stages inside it in its own.
func doHedged[T any](ctx context.Context, t *Target, p *plan, op Op, fn func(context.Context) (T, error)) (T, error) {
	var c call
	c.begin(ctx, t, p, &op, 0, p.hedgeAt)
	defer c.unwind()
	for {
		if err := c.enter(); err != nil {
			var zero T
			return zero, err
		}
		r := race(&c, fn)
		if r.panic != nil {
			panic(r.panic)
		}
		if r.err == nil {
			c.succeed()
			return r.v, nil
		}
		c.disarm()
		if again, err := c.settle(r.class, r.err); !again {
			return r.v, err
		}
	}
}

// race returns the first answer of up to 1+Extra copies, or the last failure.
// The other copies' contexts are cancelled and their results dropped.
func race[T any](c *call, fn func(context.Context) (T, error)) copyResult[T] {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	h := c.p.hedge
	results := make(chan copyResult[T], 1+h.Config().Extra)
	op := c.op
	launch := func() {
		go func() {
			r := copyResult[T]{err: errGone, class: Class{Outcome: policy.Failure}}
			defer func() { results <- r }() // also when fn ends its goroutine
			r = runCopy(ctx, c.t, c.p, op, fn)
		}()
	}
	delay := h.Begin()
	launch()
	sent, pending := 1, 1
	timer := time.NewTimer(max(delay, 1))
	if delay <= 0 {
		timer.Stop()
	}
	defer timer.Stop()
	start := c.t.now()
	for {
		select {
		case r := <-results:
			pending--
			if r.class.Outcome == policy.Success || r.panic != nil || pending == 0 {
				if sent == 1 || r.class.Outcome == policy.Success {
					h.Observe(c.t.now().Sub(start))
				}
				return r
			}
		case <-timer.C:
			v := h.Next(c.t.now(), sent)
			if !v.Admit() {
				continue
			}
			c.t.counts.hedges.Add(1)
			c.t.emit(Event{Kind: Hedged, Op: c.op.Name, Stage: StageHedge})
			launch()
			sent++
			pending++
			timer.Reset(max(v.After, 1))
		case <-ctx.Done():
			class, err := c.classify(ctx.Err())
			return copyResult[T]{err: err, class: class}
		}
	}
}

// runCopy takes one copy through the stages inside the hedge.
func runCopy[T any](ctx context.Context, t *Target, p *plan, op Op, fn func(context.Context) (T, error)) (r copyResult[T]) {
	var c call
	c.part = true
	c.begin(ctx, t, p, &op, p.hedgeAt+1, p.n)
	defer func() {
		if v := recover(); v != nil { // it must not end the program from a goroutine that nobody sees
			r.panic = fmt.Sprintf("%v (in a copy of a hedged call to %s)", v, t.name)
		}
	}()
	defer c.unwind()
	if r.err = c.enter(); r.err != nil {
		r.class = c.class
		return r
	}
	if r.v, r.err = fn(c.ctx); r.err == nil {
		c.succeed()
		return r
	}
	_, r.err = c.fail(r.err)
	r.class = c.class
	return r
}
