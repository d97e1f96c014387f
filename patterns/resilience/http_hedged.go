package resilience

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// hedgedHTTP is a request that is sent again beside itself when its answer
// takes long. The stages outside the hedge are entered once, those inside it by
// every copy. The first good answer's headers win; the winner keeps its places
// until its body is read, the others are cancelled and their bodies closed.
type hedgedHTTP struct {
	rt    *roundTripper
	req   *http.Request
	op    Op
	outer call
	last  *picks

	mu   sync.Mutex
	over bool // the answer that was handed out has ended
}

// copyHTTP is how one copy ended. With an answer, its call is still under way.
type copyHTTP struct {
	call   *call
	cancel context.CancelFunc
	resp   *http.Response
	err    error
	class  Class
	panic  any
}

// drop gives back what an answer that nobody wants holds.
func (c *copyHTTP) drop() {
	c.cancel()
	if c.err == nil && c.resp != nil {
		_ = c.resp.Body.Close()
		_, _ = c.call.fail(context.Canceled) // its context is cancelled: it says nothing
	}
}

func (rt *roundTripper) hedged(req *http.Request, p *plan, op Op) (*http.Response, error) {
	h := &hedgedHTTP{rt: rt, req: req, op: op, last: &picks{}}
	h.outer.begin(req.Context(), rt.target, p, &h.op, 0, p.hedgeAt)
	defer h.outer.unwind()
	for {
		if err := h.outer.enter(); err != nil {
			if h.outer.tries == 0 {
				closeBody(req)
			}
			return nil, err
		}
		r := h.race()
		if r.panic != nil {
			panic(r.panic)
		}
		if r.err == nil {
			h.outer.inside = false
			return h.deliver(r), nil
		}
		h.outer.disarm()
		again, err := h.outer.settle(r.class, r.err)
		switch {
		case again:
		case r.resp != nil:
			return r.resp, nil
		default:
			return nil, err
		}
	}
}

// contest is one race of copies. What comes after its end is dropped by the
// copy that brings it.
type contest struct {
	mu      sync.Mutex
	over    bool
	results chan copyHTTP // holds all copies
	cancels map[*call]context.CancelFunc
}

func (k *contest) bring(r copyHTTP) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over {
		r.drop()
		return
	}
	k.results <- r
}

// end cancels every copy but the winner, nil for none.
func (k *contest) end(winner *call) {
	for part, cancel := range k.cancels {
		if part != winner {
			cancel()
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.over = true
	for {
		select {
		case r := <-k.results:
			r.drop()
		default:
			return
		}
	}
}

// race returns the first good answer of up to 1+Extra copies, or the last failure.
func (h *hedgedHTTP) race() copyHTTP {
	c, hedge := &h.outer, h.outer.p.hedge
	k := &contest{results: make(chan copyHTTP, 1+hedge.Config().Extra), cancels: map[*call]context.CancelFunc{}}
	var winner *call
	defer func() { k.end(winner) }()
	launch := func(first bool) {
		ctx, cancel := context.WithCancel(c.ctx)
		part := &call{part: true}
		k.cancels[part] = cancel
		go func() {
			r := copyHTTP{call: part, cancel: cancel, err: errGone, class: Class{Outcome: policy.Failure}}
			defer func() { k.bring(r) }() // also when the transport ends its goroutine
			h.run(ctx, &r, first)
		}()
	}
	delay := hedge.Begin()
	launch(c.tries == 1)
	sent, pending := 1, 1
	timer := time.NewTimer(max(delay, 1))
	if delay <= 0 {
		timer.Stop()
	}
	defer timer.Stop()
	start := c.t.now()
	for {
		select {
		case r := <-k.results:
			pending--
			good := r.class.Outcome == policy.Success && r.panic == nil
			if !good && r.panic == nil && pending > 0 {
				continue
			}
			if sent == 1 || good {
				hedge.Observe(c.t.now().Sub(start))
			}
			if r.err == nil {
				winner = r.call
			}
			return r
		case <-timer.C:
			v := hedge.Next(c.t.now(), sent)
			if !v.Admit() {
				continue
			}
			c.t.counts.hedges.Add(1)
			c.t.emit(Event{Kind: Hedged, Op: c.op.Name, Stage: StageHedge})
			launch(false)
			sent++
			pending++
			timer.Reset(max(v.After, 1))
		case <-c.ctx.Done():
			class, err := c.classify(c.ctx.Err())
			return copyHTTP{err: err, class: class}
		}
	}
}

// run takes one copy through the stages inside the hedge and stops, still
// inside, at an answer that is good. first: it may use the request's own body.
func (h *hedgedHTTP) run(ctx context.Context, r *copyHTTP, first bool) {
	c, p := r.call, h.outer.p
	c.begin(ctx, h.rt.target, p, &h.op, p.hedgeAt+1, p.n)
	c.part = true
	defer func() {
		if v := recover(); v != nil { // it must not end the program from a goroutine that nobody sees
			r.panic = fmt.Sprintf("%v (in a copy of a hedged request to %s)", v, c.t.name)
		}
	}()
	defer c.unwind()
	for {
		if r.err = c.enter(); r.err != nil {
			r.class = c.class
			if first {
				closeBody(h.req)
			}
			return
		}
		r.resp, r.err = h.rt.try(c, h.req, h.last, first)
		first = false
		if r.err == nil {
			r.err = h.rt.judge(r.resp)
		}
		if r.err == nil {
			c.inside, r.class = false, Class{}
			return
		}
		if r.resp != nil {
			keep(r.resp)
		}
		var again bool
		again, r.err = c.fail(r.err)
		if r.class = c.class; !again {
			return
		}
	}
}

// finish ends the winner's call and the whole one, once.
func (h *hedgedHTTP) finish(r *copyHTTP, err error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return err
	}
	h.over = true
	defer r.cancel()
	if err == nil {
		r.call.succeed()
		h.outer.succeed()
		return nil
	}
	r.call.op.Idempotent, h.outer.op.Idempotent = false, false // it has been handed out
	_, err = r.call.fail(err)
	h.outer.disarm()
	_, err = h.outer.settle(r.call.class, err)
	return err
}

func (h *hedgedHTTP) deliver(r copyHTTP) *http.Response {
	resp := r.resp
	switch {
	case resp.Body == nil || resp.Body == http.NoBody:
		_ = h.finish(&r, nil)
	case strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream"):
		// Judged by its headers; it goes on under the deadlines it began with.
		inner, outer, cancel := r.call.own, h.outer.own, r.cancel
		r.call.own, h.outer.own, r.cancel = nil, nil, func() {}
		_ = h.finish(&r, nil)
		resp.Body = &body{ReadCloser: resp.Body, finish: func(err error) error {
			for _, own := range []*deadline{inner, outer} {
				if own != nil {
					own.end(context.Canceled)
				}
			}
			cancel()
			return err
		}}
	default:
		resp.Body = &body{ReadCloser: resp.Body, finish: func(err error) error { return h.finish(&r, err) }}
	}
	return resp
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // a RoundTripper always closes it
	}
}
