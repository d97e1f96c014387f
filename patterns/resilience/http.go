package resilience

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// Headers by which a call's bounds travel over HTTP. gRPC has its own for the
// deadline.
const (
	HeaderTimeout  = "X-Request-Timeout-Ms" // what is left when the request is sent, whole milliseconds
	HeaderPriority = "X-Request-Priority"   // normal, critical, low, bulk
)

// HTTPOptions of [Target.RoundTripper]; nil or the zero value is the default.
type HTTPOptions struct {
	// Failures are statuses that count as the callee's failure; nil: 500 to 599.
	Failures []int
	// Retry are statuses after which another try may help; nil: 429, 502, 503, 504.
	Retry []int
	// IdempotencyKey is the header that makes any method repeatable, because the
	// callee answers a second request with the first one's result; default
	// Idempotency-Key. Without it GET, HEAD, OPTIONS, TRACE, PUT and DELETE are.
	IdempotencyKey string
	// Name is the Op's; nil: the method.
	Name func(*http.Request) string
}

// StatusError is an HTTP answer that counts as a failure or may be retried.
type StatusError struct {
	Status     int
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("answered %d %s", e.Status, http.StatusText(e.Status))
}

// RoundTripper puts the target's policies around next (nil:
// http.DefaultTransport). An answer whose status counts as a failure is still
// returned as an answer when there is no further try. The time a body takes to
// be read belongs to the call; answers that stream (text/event-stream) are
// judged by their headers. A request is hedged if it may be repeated and does not
// stream: the first good answer's headers win, the others are cancelled.
func (t *Target) RoundTripper(next http.RoundTripper, o *HTTPOptions) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	if o == nil {
		o = &HTTPOptions{}
	}
	rt := &roundTripper{target: t, next: next, o: *o}
	if rt.o.Retry == nil {
		rt.o.Retry = []int{429, 502, 503, 504}
	}
	if rt.o.IdempotencyKey == "" {
		rt.o.IdempotencyKey = "Idempotency-Key"
	}
	rt.below, _ = next.(preparer)
	return rt
}

// preparer is a RoundTripper that has something to write into the headers of
// what it sends, and would have to copy the request for it, such as telemetry's.
// It is asked while ours are written. Prepare returns the context to send with.
type preparer interface {
	Prepare(ctx context.Context, h http.Header) context.Context
}

type roundTripper struct {
	target *Target
	next   http.RoundTripper
	below  preparer                           // next, if it is one
	above  func(context.Context, http.Header) // see Adding
	o      HTTPOptions
}

// Adding returns a RoundTripper that also calls add for the headers of every
// request it sends. One above ours looks for it, which would otherwise copy the
// request only to write there.
func (rt *roundTripper) Adding(add func(context.Context, http.Header)) http.RoundTripper {
	out := *rt
	out.above = add
	if inner := rt.above; inner != nil {
		out.above = func(ctx context.Context, h http.Header) { inner(ctx, h); add(ctx, h) }
	}
	return &out
}

func (rt *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	s := &Started{op: rt.op(req)}
	p := rt.target.plan.Load()
	if p.hedge != nil && s.op.Idempotent && !s.op.Stream {
		return rt.hedged(req, p, s.op)
	}
	s.call.begin(req.Context(), rt.target, p, &s.op, 0, p.n)
	defer s.call.unwind()
	var last *picks // for Balanced
	if p.retry != nil {
		last = new(picks)
	}
	for {
		if err := s.call.enter(); err != nil {
			if s.call.tries == 0 {
				closeBody(req)
			}
			return nil, err
		}
		resp, err := rt.try(&s.call, req, last, s.call.tries == 1)
		if err == nil {
			err = rt.judge(resp)
		}
		if err == nil {
			s.call.inside = false
			return s.deliver(resp), nil
		}
		if resp != nil {
			keep(resp) // under this try's deadline, before a wait
		}
		again, err := s.call.fail(err)
		switch {
		case again:
			continue
		case resp != nil:
			return resp, nil
		}
		return nil, err
	}
}

// try sends the request once, with the bounds of this try on it; the first time
// with its own body.
func (rt *roundTripper) try(c *call, req *http.Request, last *picks, first bool) (*http.Response, error) {
	ctx := c.ctx
	if last != nil {
		ctx = context.WithValue(ctx, previous{}, last)
	}
	h := req.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	Carry(c.ctx, h)
	if rt.above != nil {
		rt.above(ctx, h)
	}
	if rt.below != nil {
		ctx = rt.below.Prepare(ctx, h)
	}
	r := req.WithContext(ctx)
	r.Header = h
	if !first && req.Body != nil && req.Body != http.NoBody {
		body, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("body for another try: %w", err)
		}
		r.Body = body
	}
	return rt.next.RoundTrip(r)
}

func (rt *roundTripper) op(req *http.Request) Op {
	op := Op{Name: req.Method, Classify: classifyStatus}
	if rt.o.Name != nil {
		op.Name = rt.o.Name(req)
	}
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		op.Idempotent = true
	default:
		op.Idempotent = req.Header.Get(rt.o.IdempotencyKey) != ""
	}
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		op.Idempotent = false // the body cannot be sent twice
	}
	op.Stream = req.Header.Get("Upgrade") != "" || strings.HasPrefix(req.Header.Get("Accept"), "text/event-stream")
	return op
}

// judge turns an answer that is not simply good into a *StatusError.
func (rt *roundTripper) judge(resp *http.Response) error {
	bad := resp.StatusCode >= 500
	if rt.o.Failures != nil {
		bad = slices.Contains(rt.o.Failures, resp.StatusCode)
	}
	again := slices.Contains(rt.o.Retry, resp.StatusCode)
	if !bad && !again {
		return nil
	}
	e := &statusClass{StatusError: StatusError{Status: resp.StatusCode}}
	e.class.Retriable = again
	if bad {
		e.class.Outcome = policy.Failure
	}
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	e.class.RetryAfter = e.RetryAfter
	return e
}

// statusClass is a status with what the options make of it.
type statusClass struct {
	StatusError
	class Class
}

func (e *statusClass) Unwrap() error { return &e.StatusError }

func classifyStatus(err error) (Class, bool) {
	if e, ok := err.(*statusClass); ok {
		return e.class, true
	}
	return Class{}, false
}

// retryAfter reads seconds or an HTTP date; 0 when there is none to understand.
func retryAfter(v string, now time.Time) time.Duration {
	if v == "" {
		return 0
	}
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

const keepBytes = 64 << 10

// keep reads the body of a failed answer into memory, so that its connection is
// free while a retry waits and the caller can still read it. What is longer than
// 64 KB is cut off: it is an error page.
func keep(resp *http.Response) {
	b, _ := io.ReadAll(io.LimitReader(resp.Body, keepBytes))
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(b))
	if resp.ContentLength > int64(len(b)) {
		resp.ContentLength = int64(len(b))
	}
}

// deliver hands an answer out and ends the call with its body.
func (s *Started) deliver(resp *http.Response) *http.Response {
	s.call.op.Idempotent = false // what has been handed out is not tried again
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols:
		_ = s.End(nil)
	case resp.Body == nil || resp.Body == http.NoBody:
		_ = s.End(nil)
	case s.op.Stream || strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream"):
		own := s.call.own
		s.call.own = nil // the stream goes on under the deadline it began with
		_ = s.End(nil)
		resp.Body = &body{ReadCloser: resp.Body, finish: func(error) error {
			if own != nil {
				_ = own.end(context.Canceled)
			}
			return nil
		}}
	default:
		resp.Body = &body{ReadCloser: resp.Body, finish: s.End}
	}
	return resp
}

// body ends its call at its end, its error or its closing, whichever is first.
type body struct {
	io.ReadCloser
	finish func(error) error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch err {
	case nil:
	case io.EOF:
		_ = b.finish(nil)
	default:
		if named := b.finish(err); named != nil {
			err = named
		}
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	_ = b.finish(nil)
	return err
}
