package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

var errDown = errors.New("connection refused")

// outOfStock is a business error by its method.
type outOfStock struct{ sku string }

func (e *outOfStock) Error() string  { return "out of stock: " + e.sku }
func (e *outOfStock) Business() bool { return true }

type noCredit struct{}

func (noCredit) Error() string { return "no credit" }

// events collects what a target tells.
type events struct {
	mu   sync.Mutex
	list []resilience.Event
}

func (e *events) add(ev resilience.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, ev)
}

func (e *events) count(k resilience.Kind) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range e.list {
		if ev.Kind == k {
			n++
		}
	}
	return n
}

func quiet(o resilience.Options) *resilience.Options {
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	return &o
}

func target(t testing.TB, c resilience.Config, o resilience.Options) *resilience.Target {
	t.Helper()
	tg, err := resilience.New("inventory", c, quiet(o))
	if err != nil {
		t.Fatal(err)
	}
	return tg
}

func fails(err error) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return 0, err }
}

func answers(context.Context) (int, error) { return 42, nil }

func TestOnlyFailuresTripTheBreaker(t *testing.T) {
	t.Parallel()
	rules := resilience.Rules{
		Business: []resilience.Match{resilience.As[noCredit]()},
		Ignored:  []resilience.Match{resilience.Is(io.ErrClosedPipe)},
		Classify: func(err error) (resilience.Class, bool) {
			return resilience.Class{}, err.Error() == "teapot"
		},
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		name string
		ctx  context.Context
		err  error
		open bool
	}{
		{"unknown error", t.Context(), errDown, true},
		{"deadline", t.Context(), context.DeadlineExceeded, true},
		{"own type with Business()", t.Context(), fmt.Errorf("reserve: %w", &outOfStock{"x"}), false},
		{"declared by type", t.Context(), fmt.Errorf("pay: %w", noCredit{}), false},
		{"declared ignored", t.Context(), io.ErrClosedPipe, false},
		{"declared by predicate", t.Context(), errors.New("teapot"), false},
		{"the caller cancelled", cancelled, errDown, false},
		{"somebody else cancelled", t.Context(), context.Canceled, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tg := target(t, resilience.Config{Breaker: &policy.BreakerConfig{Window: policy.Consecutive, Size: 3}}, resilience.Options{Rules: rules})
			for range 3 {
				if _, err := resilience.Do(tc.ctx, tg, resilience.Once, fails(tc.err)); !errors.Is(err, tc.err) {
					t.Fatalf("err = %v, want the callee's own", err)
				}
			}
			_, err := resilience.Do(t.Context(), tg, resilience.Op{Name: "stock"}, answers)
			if open := errors.Is(err, resilience.ErrOpen); open != tc.open {
				t.Fatalf("err = %v, want open %t", err, tc.open)
			}
			var e *resilience.Error
			if tc.open && (!errors.As(err, &e) || e.Target != "inventory" || e.Op != "stock" || e.Stage != resilience.StageBreaker || e.RetryAfter <= 0 || e.Limit.Time <= 0 || !errors.Is(err, resilience.ErrRefused)) {
				t.Fatalf("err = %#v", err)
			}
		})
	}
}

func TestOnlyTheIdempotentIsRetried(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		op    resilience.Op
		err   error
		tries int
	}{
		{"repeatable", resilience.Repeatable, errDown, 3},
		{"once", resilience.Once, errDown, 1},
		{"business error", resilience.Repeatable, &outOfStock{"x"}, 1},
		{"another target's refusal", resilience.Repeatable, &resilience.Error{Reason: policy.Open}, 1},
		{"declared final", resilience.Repeatable, io.ErrUnexpectedEOF, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var ev events
			tg := target(t, resilience.Config{Retry: &policy.RetryConfig{BaseWait: time.Microsecond}}, resilience.Options{
				OnEvent: ev.add, Rules: resilience.Rules{Final: []resilience.Match{resilience.Is(io.ErrUnexpectedEOF)}},
			})
			tries := 0
			_, err := resilience.Do(t.Context(), tg, tc.op, func(context.Context) (int, error) { tries++; return 0, tc.err })
			if tries != tc.tries || !errors.Is(err, tc.err) {
				t.Fatalf("%d tries, %v; want %d", tries, err, tc.tries)
			}
			var e *resilience.Error
			if gaveUp := errors.Is(err, resilience.ErrExhausted); gaveUp != (tc.tries > 1) || gaveUp && (!errors.As(err, &e) || e.Tries != 3 || e.Elapsed <= 0) {
				t.Fatalf("err = %#v", err)
			}
			if ev.count(resilience.Retried) != tc.tries-1 {
				t.Fatalf("events %+v", ev.list)
			}
		})
	}
}

func TestARefusalIsNotRetriedAndCountsNothing(t *testing.T) {
	t.Parallel()
	tg := target(t, resilience.Config{
		Retry:    &policy.RetryConfig{BaseWait: time.Microsecond},
		Breaker:  &policy.BreakerConfig{Window: policy.Consecutive, Size: 1},
		Bulkhead: &policy.BulkheadConfig{Limit: 1},
	}, resilience.Options{})
	_, err := resilience.Do(t.Context(), tg, resilience.Repeatable, func(ctx context.Context) (int, error) {
		_, err := resilience.Do(ctx, tg, resilience.Repeatable, answers) // the only place is taken
		var e *resilience.Error
		if !errors.As(err, &e) || !errors.Is(err, resilience.ErrFull) || e.Limit.Calls != 1 || e.Tries != 0 {
			t.Errorf("err = %v", err)
		}
		return 1, nil
	})
	s := tg.Snapshot()
	if err != nil || s.State != "closed" || s.Refused["limit reached"] != 1 || s.Retries != 0 || s.Bulkhead.InFlight != 0 {
		t.Fatalf("%v, %+v", err, s)
	}
}

func TestFallbackOnlyForFailures(t *testing.T) {
	t.Parallel()
	tg := target(t, resilience.Config{Breaker: &policy.BreakerConfig{Window: policy.Consecutive, Size: 1}}, resilience.Options{})
	fallback := func(context.Context, error) (int, error) { return -1, nil }
	if v, err := resilience.DoOr(t.Context(), tg, resilience.Once, fails(&outOfStock{"x"}), fallback); err == nil || v != 0 {
		t.Fatalf("a business error fell back: %d, %v", v, err)
	}
	for _, why := range []string{"failed", "refused"} {
		if v, err := resilience.DoOr(t.Context(), tg, resilience.Once, fails(errDown), fallback); err != nil || v != -1 {
			t.Fatalf("%s: %d, %v", why, v, err)
		}
	}
	if s := tg.Snapshot(); s.Fallbacks != 2 || s.Refused["breaker open"] != 1 {
		t.Fatalf("%+v", s)
	}
}

// A panic or runtime.Goexit in the callee must not keep a place for ever.
func TestPanicsGivePlacesBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]resilience.Config{
		"light": {Breaker: &policy.BreakerConfig{}, Bulkhead: &policy.BulkheadConfig{Limit: 1}},
		"whole": {Breaker: &policy.BreakerConfig{SlowAfter: time.Hour}, Bulkhead: &policy.BulkheadConfig{Limit: 1}, Timeout: &policy.TimeoutConfig{Total: time.Minute}, Adaptive: &policy.AdaptiveConfig{}},
		"hedge": {Hedge: &policy.HedgeConfig{After: time.Hour}, Bulkhead: &policy.BulkheadConfig{Limit: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tg := target(t, c, resilience.Options{})
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic was swallowed")
					}
				}()
				_, _ = resilience.Do(t.Context(), tg, resilience.Repeatable, func(context.Context) (int, error) { panic("bug") })
			}()
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _ = resilience.Do(t.Context(), tg, resilience.Repeatable, func(context.Context) (int, error) { runtime.Goexit(); return 0, nil })
			}()
			<-done
			if _, err := resilience.Do(t.Context(), tg, resilience.Repeatable, answers); err != nil {
				t.Fatal(err)
			}
			s := tg.Snapshot()
			if s.Bulkhead.InFlight != 0 || s.Failures == 0 || s.Breaker != nil && (s.Breaker.InFlight != 0 || s.Breaker.Failures != 2) {
				t.Fatalf("%+v %+v", s, s.Breaker)
			}
		})
	}
}

func TestSuccessAllocatesNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		c    resilience.Config
		most float64
	}{
		"all but deadlines": {resilience.Config{
			Retry: &policy.RetryConfig{}, Breaker: &policy.BreakerConfig{Window: policy.TimeWindow, SlowAfter: time.Second}, Bulkhead: &policy.BulkheadConfig{Queue: 10},
			Adaptive: &policy.AdaptiveConfig{}, Rate: &policy.RateConfig{PerSecond: 1e9}, Shed: &policy.ShedConfig{},
		}, 0},
		"with deadlines": {resilience.Config{Retry: &policy.RetryConfig{}, Timeout: &policy.TimeoutConfig{Total: time.Minute, Try: time.Second}}, 1},
		"light":          {resilience.Config{Breaker: &policy.BreakerConfig{}, Bulkhead: &policy.BulkheadConfig{}}, 0},
	} {
		tg := target(t, tc.c, resilience.Options{})
		ctx := context.Background()
		if got := testing.AllocsPerRun(1000, func() { _, _ = resilience.Do(ctx, tg, resilience.Repeatable, answers) }); got > tc.most {
			t.Errorf("%s: %.0f allocations, at most %.0f", name, got, tc.most)
		}
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	all := resilience.Config{
		Timeout: &policy.TimeoutConfig{Total: time.Second, Try: time.Second / 4}, Retry: &policy.RetryConfig{}, Breaker: &policy.BreakerConfig{},
		Bulkhead: &policy.BulkheadConfig{}, Rate: &policy.RateConfig{}, Adaptive: &policy.AdaptiveConfig{}, Shed: &policy.ShedConfig{}, Hedge: &policy.HedgeConfig{},
	}
	if err := all.Validate(); err != nil {
		t.Fatal(err)
	}
	if w := all.Warnings(); len(w) != 0 {
		t.Fatalf("the documented order warns: %q", w)
	}
	swapped := resilience.Config{Breaker: &policy.BreakerConfig{Window: policy.Consecutive, Size: 1}, Retry: &policy.RetryConfig{BaseWait: time.Microsecond}}
	swapped.Order = resilience.Order()
	swapped.Order[1], swapped.Order[3] = resilience.StageBreaker, resilience.StageRetry
	if w := swapped.Warnings(); len(w) != 1 || w[0] != "breaker stands outside retry: the breaker sees calls that were saved by a retry as healthy" {
		t.Fatalf("warnings %q", w)
	}
	// Outside the retry the breaker judges the call, inside it each try.
	for _, tc := range []struct {
		order []resilience.Stage
		state string
	}{{nil, "open"}, {swapped.Order, "closed"}} {
		swapped.Order = tc.order
		tg := target(t, swapped, resilience.Options{})
		tries := 0
		_, _ = resilience.Do(t.Context(), tg, resilience.Repeatable, func(context.Context) (int, error) {
			if tries++; tries == 1 {
				return 0, errDown
			}
			return 1, nil
		})
		if s := tg.Snapshot(); s.State != tc.state {
			t.Errorf("order %v: breaker %s, want %s", tc.order, s.State, tc.state)
		}
	}
	swapped.Order = []resilience.Stage{resilience.StageTry}
	if err := swapped.Validate(); err == nil {
		t.Error("an order that leaves stages out is valid")
	}
	if err := (resilience.Config{Shed: &policy.ShedConfig{}, Retry: &policy.RetryConfig{Factor: 0.5}}).Validate(); err == nil || len(err.(interface{ Unwrap() []error }).Unwrap()) != 2 {
		t.Errorf("faults are not all told: %v", err)
	}
}
