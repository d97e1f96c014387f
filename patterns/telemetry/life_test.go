package telemetry_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/telemetry"
)

func ask(t *testing.T, h http.Handler) (int, telemetry.Report) {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	var r telemetry.Report
	if err := json.Unmarshal(rec.Body.Bytes(), &r); err != nil {
		t.Fatalf("%v: %s", err, rec.Body)
	}
	return rec.Code, r
}

func TestLivenessAndReadinessAreApart(t *testing.T) {
	t.Parallel()
	tel, _ := start(t, nil)
	tel.Ready("database", func(context.Context) error { return errors.New("dial postgres://app:hunter2@db/shop: refused") })
	tel.Ready("cache", func(context.Context) error { return nil })
	tel.Live("loop", func(context.Context) error { return nil })
	code, r := ask(t, tel.ReadyHandler())
	if code != http.StatusServiceUnavailable || r.Status != "failing" || r.Checks[0].Status != "failing" || r.Checks[1].Status != "ok" {
		t.Errorf("%d %+v", code, r)
	}
	if strings.Contains(r.Checks[0].Error, "hunter2") {
		t.Errorf("a probe tells a password: %s", r.Checks[0].Error)
	}
	if code, r := ask(t, tel.LiveHandler()); code != http.StatusOK || r.Status != "ok" {
		t.Errorf("%d %+v", code, r)
	}
}

func TestAProbeIsBoundedAndShared(t *testing.T) {
	t.Parallel()
	tel, _ := start(t, func(o *telemetry.Options) { o.CheckTimeout = 20 * time.Millisecond })
	var mu sync.Mutex
	runs := 0
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	tel.Ready("deaf", func(context.Context) error { <-release; return nil }) // ignores its context
	tel.Ready("rash", func(context.Context) error { panic("boom") })
	tel.Ready("counted", func(context.Context) error { mu.Lock(); runs++; mu.Unlock(); return nil })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if code, r := ask(t, tel.ReadyHandler()); code != http.StatusServiceUnavailable || r.Checks[0].Error != "no answer in time" || !strings.Contains(r.Checks[1].Error, "boom") {
				t.Errorf("%d %+v", code, r)
			}
		})
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	if runs != 1 {
		t.Errorf("20 at once ran the tests %d times", runs)
	}
}

func TestShutdownGoesInOrder(t *testing.T) {
	t.Parallel()
	tel, _ := start(t, func(o *telemetry.Options) { o.Settle = 50 * time.Millisecond })
	var mu sync.Mutex
	var got []string
	var left time.Time
	note := func(s string, err error) func(context.Context) error {
		return func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			if s == "deregister" {
				left = time.Now()
			}
			if s == "drain" && time.Since(left) < 50*time.Millisecond {
				t.Error("drained before the callers had time to notice")
			}
			if code, r := ask(t, tel.ReadyHandler()); code != http.StatusServiceUnavailable || r.Status != "shutting down" {
				t.Errorf("%s: still ready: %d %+v", s, code, r)
			}
			got = append(got, s)
			return err
		}
	}
	broken := errors.New("broken")
	tel.OnShutdown(telemetry.Flush, "events", note("flush", nil))
	tel.OnShutdown(telemetry.Close, "database", note("close", broken))
	tel.OnShutdown(telemetry.Drain, "http", note("drain", nil))
	tel.OnShutdown(telemetry.Deregister, "registry", note("deregister", broken))
	err := tel.Shutdown(t.Context())
	if !slices.Equal(got, []string{"deregister", "drain", "close", "flush"}) {
		t.Fatalf("%v", got)
	}
	var stage *telemetry.StageError
	if !errors.As(err, &stage) || stage.Stage != telemetry.Deregister || stage.Hook != "registry" || !errors.Is(err, broken) {
		t.Fatalf("err = %v", err)
	}
	if again := tel.Shutdown(t.Context()); again != err || len(got) != 4 { //nolint:errorlint // the very same
		t.Fatalf("again: %v, %v", again, got)
	}
}

func TestAHookThatHangsDoesNotKeepTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tel, err := telemetry.Start(t.Context(), telemetry.Service{Name: "x"}, &telemetry.Options{Log: &buffer{}})
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		flushed := false
		tel.OnShutdown(telemetry.Drain, "http", func(context.Context) error { <-release; return nil })
		tel.OnShutdown(telemetry.Flush, "events", func(ctx context.Context) error { flushed = ctx.Err() == nil; return nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err = tel.Shutdown(ctx)
		var stage *telemetry.StageError
		if !errors.As(err, &stage) || stage.Hook != "http" {
			t.Fatalf("err = %v", err)
		}
		close(release)
		synctest.Wait()
		if !flushed {
			t.Error("nothing was flushed, or with a context that had ended")
		}
	})
}
