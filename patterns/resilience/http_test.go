package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

// serve starts a server and a client whose calls go through a target.
func serve(t *testing.T, h http.HandlerFunc, c resilience.Config, o *resilience.HTTPOptions) (*resilience.Target, *http.Client, string) {
	t.Helper()
	srv := httptest.NewServer(h)
	tg := target(t, c, resilience.Options{})
	transport := &http.Transport{}
	t.Cleanup(func() { transport.CloseIdleConnections(); srv.Close() })
	return tg, &http.Client{Transport: tg.RoundTripper(transport, o)}, srv.URL
}

func TestHTTPStatusesAndWhatIsRetried(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		method, key string
		status      int
		tries       int32
		failures    int // in the breaker's window
	}{
		{"GET", "", 200, 1, 0},
		{"GET", "", 404, 1, 0},
		{"GET", "", 429, 3, 0},
		{"GET", "", 500, 1, 1},
		{"GET", "", 503, 3, 3},
		{"PUT", "", 502, 3, 3},
		{"POST", "", 503, 1, 1},
		{"POST", "order-17", 503, 3, 3},
	} {
		t.Run(fmt.Sprint(tc.method, tc.key, tc.status), func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			tg, client, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				tries.Add(1)
				b, _ := io.ReadAll(r.Body)
				if string(b) != "body" {
					t.Errorf("try %d got %q", tries.Load(), b)
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, "page")
			}, resilience.Config{Retry: &policy.RetryConfig{BaseWait: time.Microsecond}, Breaker: &policy.BreakerConfig{}}, nil)
			req, _ := http.NewRequestWithContext(t.Context(), tc.method, url, strings.NewReader("body"))
			if tc.key != "" {
				req.Header.Set("Idempotency-Key", tc.key)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err) // an answer stays an answer, however often it was tried
			}
			page, err := io.ReadAll(resp.Body)
			if err != nil || string(page) != "page" || resp.StatusCode != tc.status {
				t.Errorf("%d %q, %v", resp.StatusCode, page, err)
			}
			_ = resp.Body.Close()
			if s := tg.Snapshot(); tries.Load() != tc.tries || s.Breaker.Failures != tc.failures {
				t.Errorf("%d tries, %d failures; want %d, %d", tries.Load(), s.Breaker.Failures, tc.tries, tc.failures)
			}
		})
	}
}

func TestHTTPBodiesBelongToTheCall(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	tg, client, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first half")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}, resilience.Config{
		Timeout: &policy.TimeoutConfig{Try: 150 * time.Millisecond}, Breaker: &policy.BreakerConfig{}, Bulkhead: &policy.BulkheadConfig{Limit: 1},
	}, nil)
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if s := tg.Snapshot(); s.Bulkhead.InFlight != 1 {
		t.Fatalf("the place was given back before the body: %+v", s.Bulkhead)
	}
	b, err := io.ReadAll(resp.Body) // hangs after the first half
	var e *resilience.Error
	if string(b) != "first half" || !errors.As(err, &e) || !errors.Is(err, resilience.ErrTimeout) {
		t.Fatalf("%q, %v", b, err)
	}
	_ = resp.Body.Close()
	close(release)
	if s := tg.Snapshot(); s.Bulkhead.InFlight != 0 || s.Failures != 1 || s.Successes != 0 || s.Breaker.Failures != 1 {
		t.Fatalf("%+v %+v", s, s.Breaker)
	}
}

func TestHTTPRefusalsKeepTheirType(t *testing.T) {
	t.Parallel()
	_, client, url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		resilience.Config{Breaker: &policy.BreakerConfig{Window: policy.Consecutive, Size: 1}}, nil)
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	_, err = client.Post(url, "text/plain", strings.NewReader("x"))
	var e *resilience.Error
	if !errors.As(err, &e) || !errors.Is(err, resilience.ErrOpen) || e.Op != "POST" {
		t.Fatalf("err = %v", err)
	}
}

func TestDeadlineAndPriorityTravelOverHTTP(t *testing.T) {
	t.Parallel()
	type got struct {
		left  time.Duration
		bound bool
		prio  policy.Priority
	}
	seen := make(chan got, 1)
	guard := target(t, resilience.Config{}, resilience.Options{})
	h := guard.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		left, ok := resilience.Left(r.Context())
		seen <- got{left, ok, resilience.PriorityOf(r.Context())}
	}))
	_, client, url := serve(t, h.ServeHTTP, resilience.Config{Timeout: &policy.TimeoutConfig{Total: 20 * time.Second, Reserve: 5 * time.Second}}, nil)
	ctx := resilience.WithPriority(t.Context(), policy.Low)
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if g := <-seen; !g.bound || g.left > 15*time.Second || g.left < 10*time.Second || g.prio != policy.Low {
		t.Fatalf("%+v", g)
	}
}

func TestHandlerRefusesBeforeWork(t *testing.T) {
	t.Parallel()
	tg := target(t, resilience.Config{Bulkhead: &policy.BulkheadConfig{Limit: 2}, Shed: &policy.ShedConfig{Low: policy.Ramp{From: 0.4, To: 0.4}}, Rate: &policy.RateConfig{PerSecond: 0.001, Burst: 4}}, resilience.Options{})
	inside, release := make(chan struct{}), make(chan struct{})
	h := tg.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/wait":
			inside <- struct{}{}
			<-release
		case "/panic":
			panic(http.ErrAbortHandler)
		}
		w.(http.Flusher).Flush()
	}))
	send := func(path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	done := make(chan struct{})
	go func() { defer close(done); send("/wait") }()
	<-inside
	if w := send("/", resilience.HeaderPriority, "low"); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("low priority at half load: %d", w.Code)
	}
	if w := send("/"); w.Code != 200 {
		t.Errorf("normal priority at half load: %d %s", w.Code, w.Body)
	}
	func() {
		defer func() { _ = recover() }()
		send("/panic")
		t.Error("the panic was swallowed")
	}()
	if s := tg.Snapshot(); s.Bulkhead.InFlight != 1 {
		t.Errorf("after a panic: %+v", s.Bulkhead)
	}
	if w := send("/", resilience.HeaderTimeout, "0"); w.Code == 200 {
		// Without a Timeout policy an ended context is the handler's matter.
		if got := w.Code; got != 200 {
			t.Error(got)
		}
	}
	if w := send("/"); w.Code != 429 || strings.Contains(w.Body.String(), "0.001") {
		t.Errorf("above the rate: %d %q", w.Code, w.Body)
	}
	close(release)
	<-done
}

func TestHeadersThatMakeNoSenseAreIgnored(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"", "-1", "soon", "1e9", "9223372036854775807", "99999999999999999999"} {
		ctx, cancel := resilience.Carried(context.Background(), http.Header{resilience.HeaderTimeout: {v}, resilience.HeaderPriority: {"urgent"}})
		if d, ok := ctx.Deadline(); ok || resilience.PriorityOf(ctx) != policy.Normal {
			t.Errorf("%q gave %s", v, d)
		}
		cancel()
	}
}

func FuzzCarried(f *testing.F) {
	f.Add("1500", "low")
	f.Add("-1", "")
	f.Fuzz(func(t *testing.T, timeout, priority string) {
		ctx, cancel := resilience.Carried(context.Background(), http.Header{resilience.HeaderTimeout: {timeout}, resilience.HeaderPriority: {priority}})
		defer cancel()
		if left, ok := resilience.Left(ctx); ok && left < -time.Second {
			t.Fatalf("%q gives %s", timeout, left)
		}
		h := http.Header{}
		resilience.Carry(ctx, h)
		again, cancel2 := resilience.Carried(context.Background(), h)
		defer cancel2()
		if resilience.PriorityOf(again) != resilience.PriorityOf(ctx) {
			t.Fatalf("priority %q does not travel", priority)
		}
	})
}
