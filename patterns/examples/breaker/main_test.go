package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// In virtual time: 14 s pass in a moment.
func TestTheBreakerOpensProbesAndCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		if err := show(t.Context(), &b, false, nil); err != nil {
			t.Fatal(err)
		}
		rest := b.String()
		for _, want := range []string{
			"closed -> open (stalled calls)", "open -> half-open", "half-open -> open (probes)", "open -> half-open", "half-open -> closed (probes)",
		} {
			_, after, ok := strings.Cut(rest, want)
			if !ok {
				t.Fatalf("no %q in its place:\n%s", want, b.String())
			}
			rest = after
		}
		var opened float64
		at := strings.Index(b.String(), "s  >>>")
		if _, err := fmt.Sscan(b.String()[at-6:at], &opened); err != nil {
			t.Fatal(err)
		}
		if latest := (stallsAt + breaker.DetectionTime(float64(time.Second/everyCall))).Seconds(); opened > latest {
			t.Errorf("opened after %.2f s, want %.2f s at the latest", opened, latest)
		}
	})
}

// What the breaker went through is in the metrics.
func TestTheBreakersMetrics(t *testing.T) {
	t.Parallel()
	tel, err := telemetry.Start(t.Context(), telemetry.Service{Name: "x"}, &telemetry.Options{Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tel.Shutdown(context.Background()) })
	synctest.Test(t, func(t *testing.T) {
		if err := show(t.Context(), io.Discard, false, tel); err != nil {
			t.Fatal(err)
		}
	})
	rec := httptest.NewRecorder()
	tel.MetricsHandler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := rec.Body.String()
	for _, want := range [][]string{
		{"ashlar_resilience_calls_total{", `outcome="success"`},
		{"ashlar_resilience_calls_total{", `outcome="refused"`, `reason="breaker open"`},
		{"ashlar_resilience_breaker_trips_total{"},
		{"ashlar_resilience_breaker_state{", `state="closed"`, "} 1"},
		{"ashlar_resilience_breaker_state{", `state="open"`, "} 0"},
		{"ashlar_resilience_limit{", `policy="bulkhead"`, "} 100"},
	} {
		found := false
		for line := range strings.Lines(text) {
			all := strings.Contains(line, `target="inventory"`) && (strings.HasPrefix(want[len(want)-1], "} ") || !strings.HasSuffix(line, "} 0\n"))
			for _, part := range want {
				all = all && strings.Contains(line, part)
			}
			found = found || all
		}
		if !found {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
