package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// buffer is a log that tests read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func start(t *testing.T, edit func(*telemetry.Options)) (*telemetry.Telemetry, *buffer) {
	t.Helper()
	log := &buffer{}
	o := &telemetry.Options{Log: log}
	if edit != nil {
		edit(o)
	}
	tel, err := telemetry.Start(t.Context(), telemetry.Service{Name: "payments", Environment: "test", Namespace: "shop"}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tel.Shutdown(context.Background()) })
	return tel, log
}

func scrape(t *testing.T, tel *telemetry.Telemetry) string {
	t.Helper()
	rec := httptest.NewRecorder()
	tel.MetricsHandler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return rec.Body.String()
}

func wantMetric(t *testing.T, text string, parts ...string) {
	t.Helper()
	for line := range strings.Lines(text) {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			return
		}
	}
	t.Errorf("no metric with %q in\n%s", parts, text)
}

type refused struct{}

func (refused) Error() string     { return "card refused" }
func (refused) ErrorType() string { return "refused" }

func TestREDMetrics(t *testing.T) {
	t.Parallel()
	tel, _ := start(t, func(o *telemetry.Options) { o.SampleNone = true })
	op := tel.Operation("charge", telemetry.Internal, slog.String("currency", "EUR"))
	if again := tel.Operation("charge", telemetry.Internal); again != op {
		t.Error("the same operation was made twice")
	}
	for _, err := range []error{nil, nil, nil, context.DeadlineExceeded, fmt.Errorf("x: %w", context.Canceled), errors.New("y"), fmt.Errorf("z: %w", refused{})} {
		_, call := op.Start(t.Context())
		call.End(err)
		call.End(err) // once is enough
	}
	_, _ = op.Start(t.Context()) // under way
	text := scrape(t, tel)
	for outcome, n := range map[string]string{`error_type="timeout"`: " 1", `error_type="cancelled"`: " 1", `error_type="error"`: " 1", `error_type="refused"`: " 1"} {
		wantMetric(t, text, "ashlar_operation_duration_seconds_count", outcome, `currency="EUR"`, n)
	}
	wantMetric(t, text, "ashlar_operation_duration_seconds_count{currency", `operation="charge"`, " 3")
	wantMetric(t, text, "ashlar_operation_active", `operation="charge"`, " 1")
	wantMetric(t, text, "target_info", `service_name="payments"`, `service_namespace="shop"`, `deployment_environment_name="test"`)
}

// Any number of kinds of failure must not become any number of time series.
func TestOutcomesAreBounded(t *testing.T) {
	t.Parallel()
	tel, _ := start(t, nil)
	op := tel.Operation("charge", telemetry.Internal)
	for i := range 500 {
		_, call := op.Start(t.Context())
		call.End(kind(fmt.Sprint("kind", i)))
	}
	text := scrape(t, tel)
	if n := strings.Count(text, "ashlar_operation_duration_seconds_count{"); n > 66 {
		t.Fatalf("%d series", n)
	}
	wantMetric(t, text, "_count", `error_type="_OTHER"`)
}

type kind string

func (k kind) Error() string     { return string(k) }
func (k kind) ErrorType() string { return string(k) }

func header(t *testing.T, tel *telemetry.Telemetry, ctx context.Context) http.Header { //nolint:revive // t first, as in all helpers
	t.Helper()
	h := http.Header{}
	tel.Inject(ctx, telemetry.Headers(h))
	return h
}

func TestSamplingIsParentBased(t *testing.T) {
	t.Parallel()
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	for _, c := range []struct {
		name, parent string
		options      func(*telemetry.Options)
		sampled      bool
	}{
		{"sampled parent, no roots", "00-" + trace + "-00f067aa0ba902b7-01", func(o *telemetry.Options) { o.SampleNone = true }, true},
		{"unsampled parent, all roots", "00-" + trace + "-00f067aa0ba902b7-00", nil, false},
		{"root, all", "", nil, true},
		{"root, none", "", func(o *telemetry.Options) { o.SampleNone = true }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tel, _ := start(t, c.options)
			op := tel.Operation("charge", telemetry.Internal)
			ctx := t.Context()
			if c.parent != "" {
				ctx = tel.Extract(ctx, telemetry.Headers{"Traceparent": {c.parent}})
			}
			ctx, call := op.Start(ctx)
			defer call.End(nil)
			if call.Sampled() != c.sampled {
				t.Errorf("sampled: %v", call.Sampled())
			}
			got := header(t, tel, ctx).Get("Traceparent")
			flag := map[bool]string{true: "-01", false: "-00"}[c.sampled]
			if !strings.HasSuffix(got, flag) || (c.parent != "" && !strings.Contains(got, trace)) || len(got) != 55 {
				t.Errorf("callees are told %q", got)
			}
			// A child agrees with its parent, and stays in its trace.
			cctx, child := op.Start(ctx)
			defer child.End(nil)
			if child.Sampled() != c.sampled || header(t, tel, cctx).Get("Traceparent")[3:35] != got[3:35] {
				t.Error("the child is of another opinion")
			}
		})
	}
}

func TestTheShareOfSampledRoots(t *testing.T) {
	t.Parallel()
	tel, _ := start(t, func(o *telemetry.Options) { o.SampleRatio = 0.25 })
	op := tel.Operation("charge", telemetry.Internal)
	const n = 20_000
	sampled := 0
	for range n {
		_, call := op.Start(t.Context())
		if call.Sampled() {
			sampled++
		}
		call.End(nil)
	}
	// Six standard deviations of a binomial: sqrt(n p q) = 61.
	if sampled < n/4-370 || sampled > n/4+370 {
		t.Fatalf("%d of %d", sampled, n)
	}
}

func TestB3OnRequest(t *testing.T) {
	t.Parallel()
	const trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	plain, _ := start(t, nil)
	both, _ := start(t, func(o *telemetry.Options) { o.B3 = true })
	single := telemetry.Headers{"B3": {trace + "-" + span + "-1"}}
	multi := telemetry.Headers{"X-B3-Traceid": {trace}, "X-B3-Spanid": {span}, "X-B3-Sampled": {"1"}}
	for _, h := range []telemetry.Headers{single, multi} {
		out := header(t, both, both.Extract(t.Context(), h))
		if !strings.HasPrefix(out.Get("B3"), trace) || !strings.Contains(out.Get("Traceparent"), trace) {
			t.Errorf("from %v: %v", h, out)
		}
		if out := header(t, plain, plain.Extract(t.Context(), h)); len(out) != 0 {
			t.Errorf("B3 without request: %v", out)
		}
	}
}

func lines(t *testing.T, text string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(text) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		out = append(out, m)
	}
	return out
}

func TestLogsHaveTheTrace(t *testing.T) {
	t.Parallel()
	tel, log := start(t, nil)
	ctx, call := tel.Operation("charge", telemetry.Internal).Start(t.Context())
	want := header(t, tel, ctx).Get("Traceparent")
	tel.Logger().InfoContext(ctx, "plain")
	tel.Logger().With("a", 1).WithGroup("g").With("b", 2).InfoContext(ctx, "grouped", "c", 3)
	call.End(nil)
	tel.Logger().Info("outside")
	got := lines(t, log.String())
	for _, l := range got[:2] {
		if l["trace_id"] != want[3:35] || l["span_id"] != want[36:52] || l["trace_sampled"] != true || l["service"] != "payments" {
			t.Errorf("%v, want %s", l, want)
		}
	}
	if g, _ := got[1]["g"].(map[string]any); got[1]["a"] != 1.0 || g["b"] != 2.0 || g["c"] != 3.0 {
		t.Errorf("%v", got[1])
	}
	if _, there := got[2]["trace_id"]; there {
		t.Errorf("%v", got[2])
	}
}

func TestHTTPServerAndClient(t *testing.T) {
	t.Parallel()
	caller, _ := start(t, nil)
	callee, log := start(t, nil)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		callee.Logger().InfoContext(r.Context(), "serving")
		if r.PathValue("id") == "bad" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, "ok")
		if _, ok := w.(http.Flusher); !ok {
			t.Error("a streaming handler finds no Flusher")
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	})
	srv := httptest.NewServer(callee.Handler(mux))
	t.Cleanup(srv.Close)
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	client := http.Client{Transport: caller.Transport(base)}
	ctx, call := caller.Operation("buy", telemetry.Internal).Start(t.Context())
	for _, id := range []string{"1", "2", "bad"} {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/orders/"+id, nil)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	req, _ := http.NewRequestWithContext(ctx, "BREW", srv.URL+"/nowhere", nil)
	if resp, err := client.Do(req); err != nil {
		t.Fatal(err)
	} else {
		_ = resp.Body.Close()
	}
	call.End(nil)
	trace := header(t, caller, ctx).Get("Traceparent")[3:35]
	if got := lines(t, log.String()); got[0]["trace_id"] != trace {
		t.Errorf("the callee logs %v, the caller's trace is %s", got[0], trace)
	}
	base.CloseIdleConnections()
	srv.Close() // an answer arrives before its handler has ended and been counted; Close waits for the handlers
	served := scrape(t, callee)
	wantMetric(t, served, "http_server_request_duration_seconds_count", `http_route="/orders/{id}"`, `http_request_method="GET"`, `http_response_status_code="200"`, " 2")
	wantMetric(t, served, "http_server_request_duration_seconds_count", `http_response_status_code="500"`, `error_type="500"`, " 1")
	wantMetric(t, served, "http_server_request_duration_seconds_count", `http_request_method="_OTHER"`, `http_response_status_code="404"`, " 1")
	wantMetric(t, scrape(t, caller), "http_client_request_duration_seconds_count", `http_response_status_code="200"`, `server_address="127.0.0.1:`, " 2")
}

func TestFaultsOfOptionsAreJoined(t *testing.T) {
	t.Parallel()
	_, err := telemetry.Start(t.Context(), telemetry.Service{Name: "x"}, &telemetry.Options{SampleRatio: 2, Settle: -1, OTLP: telemetry.OTLP{Endpoint: "localhost:4317"}})
	for _, want := range []string{"SampleRatio 2", "Settle", "OTLP.Endpoint"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	if _, err := telemetry.Start(t.Context(), telemetry.Service{}, nil); err == nil {
		t.Error("a service without a name")
	}
}
