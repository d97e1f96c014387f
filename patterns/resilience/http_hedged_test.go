package resilience_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

var eager = &policy.HedgeConfig{After: 10 * time.Millisecond, Budget: policy.BudgetConfig{Burst: 2, Ratio: -1, PerSecond: -1}}

// closes counts bodies handed out by a transport and those closed.
type closes struct {
	next         http.RoundTripper
	open, closed atomic.Int64
}

type closing struct {
	io.ReadCloser
	c    *closes
	once atomic.Bool
}

func (b *closing) Close() error {
	if !b.once.Swap(true) {
		b.c.closed.Add(1)
	}
	return b.ReadCloser.Close()
}

func (c *closes) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err == nil {
		c.open.Add(1)
		resp.Body = &closing{ReadCloser: resp.Body, c: c}
	}
	return resp, err
}

// pipes is a listener whose connections stay in memory, so that a real server
// and a real transport live in a bubble of synctest.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// servePiped is serve in a bubble.
func servePiped(t *testing.T, h http.HandlerFunc, c resilience.Config) (*resilience.Target, *http.Client) {
	t.Helper()
	l := make(pipes)
	srv := &http.Server{Handler: h}
	var serving sync.WaitGroup
	serving.Go(func() { _ = srv.Serve(l) })
	tg := target(t, c, resilience.Options{})
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		select {
		case l <- theirs:
			return ours, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = srv.Close()
		serving.Wait()
	})
	return tg, &http.Client{Transport: tg.RoundTripper(transport, nil)}
}

// The first copy hangs until it is cancelled; the second, with the same body,
// answers. A method that may not be repeated is sent once.
func TestHTTPHedgeWinsAndTheLoserIsCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int32
		cancelled := make(chan struct{}, 4)
		tg, client := servePiped(t, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			if string(b) != "body" {
				t.Errorf("a copy got %q", b)
			}
			if r.Method == http.MethodPut && sent.Add(1) == 1 {
				<-r.Context().Done()
				cancelled <- struct{}{}
				return
			}
			if r.Method == http.MethodPost {
				<-time.After(2 * eager.After) // longer than the hedge waits
				sent.Add(1)
			}
			_, _ = io.WriteString(w, "answer")
		}, resilience.Config{Hedge: eager, Bulkhead: &policy.BulkheadConfig{Limit: 4}, Breaker: &policy.BreakerConfig{}, Timeout: &policy.TimeoutConfig{Try: time.Minute}})
		send := func(method string) {
			req, _ := http.NewRequestWithContext(t.Context(), method, "http://inventory/", strings.NewReader("body"))
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if n := tg.Snapshot().Bulkhead.InFlight; n < 1 {
				t.Error("the place was given back before the body")
			}
			b, err := io.ReadAll(resp.Body)
			if string(b) != "answer" || err != nil {
				t.Errorf("%q, %v", b, err)
			}
			_ = resp.Body.Close()
		}
		start := time.Now()
		send(http.MethodPut)
		if took := time.Since(start); took != eager.After {
			t.Errorf("the second copy went after %s", took)
		}
		<-cancelled
		synctest.Wait() // the loser's goroutine is on its way out
		s := tg.Snapshot()
		if sent.Load() != 2 || s.Hedges != 1 || s.Successes != 1 || s.Failures != 0 || s.Breaker.Failures != 0 || s.Bulkhead.InFlight != 0 {
			t.Fatalf("%d sent, %+v %+v %+v", sent.Load(), s, s.Breaker, s.Bulkhead)
		}
		sent.Store(0)
		send(http.MethodPost)
		if s := tg.Snapshot(); sent.Load() != 1 || s.Hedges != 1 {
			t.Errorf("a POST was sent %d times, %d hedges", sent.Load(), s.Hedges)
		}
	})
}

// Both copies answer: one body is read, the other one closed, and no more
// copies are sent than the budget has.
func TestHTTPHedgeClosesTheLosersBodyAndKeepsItsBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		base := &closes{next: roundTrip(func(r *http.Request) (*http.Response, error) {
			if calls.Add(1)%2 == 1 {
				<-r.Context().Done() // answers all the same, too late
			}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("x"))}, nil
		})}
		tg := target(t, resilience.Config{Hedge: eager, Timeout: &policy.TimeoutConfig{Total: 100 * time.Millisecond}}, resilience.Options{})
		rt := tg.RoundTripper(base, nil)
		for range 2 {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/", nil)
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(resp.Body); err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/", nil)
		_, err := rt.RoundTrip(req) // nothing is left to hedge with
		if !errors.Is(err, resilience.ErrTimeout) {
			t.Errorf("%v", err)
		}
		synctest.Wait()
		if s := tg.Snapshot(); calls.Load() != 5 || base.open.Load() != 5 || base.closed.Load() != 5 || s.Hedges != 2 || s.Successes != 2 || s.Failures != 1 {
			t.Errorf("%d calls, %d bodies, %d closed, %+v", calls.Load(), base.open.Load(), base.closed.Load(), s)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Every copy answers badly: the last answer is still an answer, tried again as
// the retry says.
func TestHTTPHedgeAndRetryGoTogether(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	tg, client, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, "page")
	}, resilience.Config{Hedge: &policy.HedgeConfig{After: time.Minute}, Retry: &policy.RetryConfig{BaseWait: time.Microsecond}, Breaker: &policy.BreakerConfig{}}, nil)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader("body"))
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if s := tg.Snapshot(); string(page) != "page" || err != nil || resp.StatusCode != 200 || s.Retries != 2 || s.Breaker.Failures != 2 || s.Successes != 1 {
		t.Errorf("%q %d, %v, %+v", page, resp.StatusCode, err, s)
	}
}
