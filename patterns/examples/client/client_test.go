// Package client_test shows the transports of a service's HTTP client in one
// line, and holds what they cost together.
package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
	"github.com/ashlar-dev/ashlar/patterns/telemetry"
)

// Deadline, retries and breaker around a span for each try: the callee sees the
// caller's trace and how much time is left.
func Example() {
	ctx := context.Background()
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("traced:", r.Header.Get("Traceparent") != "", "- has a deadline:", r.Header.Get(resilience.HeaderTimeout) != "")
	}))
	defer srv.Close()
	tel, err := telemetry.Start(ctx, telemetry.Service{Name: "orders"}, &telemetry.Options{Log: io.Discard})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = tel.Shutdown(ctx) }()
	inventory, err := resilience.New("inventory", resilience.Config{
		Timeout: &policy.TimeoutConfig{Total: time.Second, Try: 300 * time.Millisecond},
		Retry:   &policy.RetryConfig{},
		Breaker: &policy.BreakerConfig{},
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	client := &http.Client{Transport: inventory.RoundTripper(tel.Transport(nil), nil)}

	resp, err := client.Get(srv.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = resp.Body.Close()
	client.CloseIdleConnections()
	// Output: traced: true - has a deadline: true
}

// nowhere answers without sending, so that what is around it is all there is.
type nowhere struct{ resp *http.Response }

func (n nowhere) RoundTrip(*http.Request) (*http.Response, error) { return n.resp, nil }

// setting is what each row needs.
type setting struct {
	tel  *telemetry.Telemetry
	tg   *resilience.Target
	ctx  context.Context // of a request being served whose trace is not sampled
	base http.RoundTripper
}

func newSetting(t *testing.T) *setting {
	t.Helper()
	tel, err := telemetry.Start(t.Context(), telemetry.Service{Name: "orders"}, &telemetry.Options{Log: io.Discard, SampleNone: true, NoMetrics: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tel.Shutdown(context.Background()) })
	tg, err := resilience.New("inventory", resilience.Config{Breaker: &policy.BreakerConfig{}, Retry: &policy.RetryConfig{}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &setting{tel: tel, tg: tg, base: nowhere{&http.Response{StatusCode: http.StatusOK, Body: http.NoBody}}}
	r := httptest.NewRequest(http.MethodGet, "/orders/1", nil)
	r.Header.Set("Traceparent", parent)
	tel.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { s.ctx = r.Context() })).ServeHTTP(httptest.NewRecorder(), r)
	return s
}

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"

// send returns a function that sends a request of ctx through rt.
func send(t *testing.T, ctx context.Context, rt http.RoundTripper) func() {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://inventory/items/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	return func() {
		if _, err := rt.RoundTrip(r); err != nil {
			t.Error(err)
		}
	}
}

// What tracing adds to a call that is not sampled, in readings of the clock: at most
// three when there is a parent to ask. A trace that begins here draws its IDs and
// writes them, two allocations, and may take five. Taken are
// minima of many short runs in turns, taken until the limit holds. Whatever else
// the machine does only lengthens runs.
// Not parallel: others would be measured too, and allocations are the process's.
func TestTracingAddsAFewClockReads(t *testing.T) {
	s := newSetting(t)
	var sink time.Time
	clock := func() { sink = time.Now() }
	bare := send(t, s.ctx, s.tg.RoundTripper(s.base, nil))
	for _, row := range []struct {
		name   string
		call   func()
		allocs float64 // beyond those of bare
		limit  float64 // readings
	}{
		{"a span a try", send(t, s.ctx, s.tg.RoundTripper(s.tel.Transport(s.base), nil)), 0, 3},
		{"a span for all tries", send(t, s.ctx, s.tel.Transport(s.tg.RoundTripper(s.base, nil))), 0, 3},
		{"a trace that begins here", send(t, t.Context(), s.tg.RoundTripper(s.tel.Transport(s.base), nil)), 2, 5},
	} {
		if got := testing.AllocsPerRun(200, row.call) - testing.AllocsPerRun(200, bare); got > row.allocs {
			t.Errorf("%s: %.0f allocations more, at most %.0f", row.name, got, row.allocs)
		}
		if raceEnabled {
			continue // it slows memory down and leaves the clock alone
		}
		rows := []func(){clock, bare, row.call}
		best := [3]time.Duration{}
		reads := 0.0
		for round := range 10_000 {
			for i, do := range rows {
				runtime.Gosched()
				start := time.Now()
				for range 30 {
					do()
				}
				if took := time.Since(start); best[i] == 0 || took < best[i] {
					best[i] = took
				}
			}
			if reads = float64(best[2]-best[1]) / float64(best[0]); round > 200 && reads <= row.limit {
				break
			}
		}
		t.Logf("%s: %.2f clock readings more", row.name, reads)
		if reads > row.limit {
			t.Errorf("%s adds %.2f clock readings (%s, %s, %s for 30), at most %.0f", row.name, reads, best[0], best[1], best[2], row.limit)
		}
	}
	_ = sink
}

// However they are stacked, the callee is told the same trace once, and the
// request that was given stays as it was.
func TestTheCalleeIsToldTheTrace(t *testing.T) {
	t.Parallel()
	s := newSetting(t)
	for name, stack := range map[string]func(http.RoundTripper) http.RoundTripper{
		"inside":  func(b http.RoundTripper) http.RoundTripper { return s.tg.RoundTripper(s.tel.Transport(b), nil) },
		"outside": func(b http.RoundTripper) http.RoundTripper { return s.tel.Transport(s.tg.RoundTripper(b, nil)) },
		"both": func(b http.RoundTripper) http.RoundTripper {
			return s.tel.Transport(s.tg.RoundTripper(s.tel.Transport(b), nil))
		},
		"neither": func(b http.RoundTripper) http.RoundTripper { return s.tel.Transport(b) },
	} {
		var told []string
		rt := stack(carried(func(r *http.Request) { told = r.Header["Traceparent"] }))
		for _, ctx := range []context.Context{s.ctx, s.tel.Extract(t.Context(), telemetry.Headers{"Traceparent": {parent[:53] + "01"}})} {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://inventory/items/1", nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := rt.RoundTrip(r); err != nil {
				t.Fatal(err)
			}
			if len(told) != 1 || told[0][:35] != parent[:35] || len(r.Header) != 0 {
				t.Errorf("%s: told %q; the request has %v", name, told, r.Header)
				continue
			}
			// A sampled trace goes on from the client's own span, another one as it came.
			if sampled := ctx != s.ctx; sampled != (told[0][53:] == "01") || sampled == (told[0][36:52] == parent[36:52]) {
				t.Errorf("%s: told %q", name, told)
			}
		}
		// A trace that begins here is told as well.
		send(t, t.Context(), rt)()
		if len(told) != 1 || told[0][53:] != "00" || told[0][:35] == parent[:35] {
			t.Errorf("%s: a trace that begins here: told %q", name, told)
		}
	}
}

type carried func(*http.Request)

func (c carried) RoundTrip(r *http.Request) (*http.Response, error) {
	c(r)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}
