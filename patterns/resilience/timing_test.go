package resilience_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

// hang answers only when its context ends.
func hang(ctx context.Context) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestDeadlinesEndCallsAndSayWhose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tg := target(t, resilience.Config{
			Timeout: &policy.TimeoutConfig{Total: time.Second, Try: 300 * time.Millisecond},
			Retry:   &policy.RetryConfig{Tries: 10, BaseWait: time.Nanosecond, MaxWait: time.Nanosecond},
		}, resilience.Options{})
		check := func(err error, stage resilience.Stage, reason policy.Reason, elapsed time.Duration, tries int) {
			t.Helper()
			var e *resilience.Error
			if !errors.As(err, &e) || e.Stage != stage || e.Reason != reason || e.Elapsed.Round(time.Millisecond) != elapsed || e.Tries != tries || !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("err = %#v", err)
			}
		}
		_, err := resilience.Do(t.Context(), tg, resilience.Once, hang)
		check(err, resilience.StageTry, policy.TimedOut, 300*time.Millisecond, 1)
		var timeout interface{ Timeout() bool }
		if !errors.As(err, &timeout) || !timeout.Timeout() || !errors.Is(err, resilience.ErrTimeout) {
			t.Fatalf("err = %v is no timeout", err)
		}
		// Three tries of 300 ms, then 100 ms are left for a fourth: the whole ends.
		_, err = resilience.Do(t.Context(), tg, resilience.Repeatable, hang)
		check(err, resilience.StageTotal, policy.TimedOut, time.Second, 4)

		// The caller's own deadline is the earlier: no timer, its own error.
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err = resilience.Do(ctx, tg, resilience.Once, func(got context.Context) (int, error) {
			if got != ctx {
				t.Error("the caller's context was wrapped for nothing")
			}
			return hang(got)
		})
		var e *resilience.Error
		if errors.As(err, &e) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("err = %v", err)
		}
		// Nothing is left: not even started.
		_, err = resilience.Do(ctx, tg, resilience.Once, answers)
		if !errors.Is(err, resilience.ErrTooLate) || !errors.As(err, &e) || e.Tries != 0 {
			t.Fatalf("err = %v", err)
		}
	})
}

func TestRetryWaitsAndHeedsTheCallee(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tg := target(t, resilience.Config{Retry: &policy.RetryConfig{BaseWait: time.Nanosecond, MaxWait: time.Nanosecond}}, resilience.Options{
			Rules: resilience.Rules{Classify: func(err error) (resilience.Class, bool) {
				return resilience.Class{Outcome: policy.Failure, Retriable: true, RetryAfter: 2 * time.Second}, true
			}},
		})
		start := time.Now()
		_, _ = resilience.Do(t.Context(), tg, resilience.Repeatable, fails(errDown))
		if took := time.Since(start).Round(time.Millisecond); took != 4*time.Second {
			t.Fatalf("two waits took %s", took)
		}
		// A wait that would outlast the deadline is not begun.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		_, err := resilience.Do(ctx, tg, resilience.Repeatable, fails(errDown))
		if !errors.Is(err, resilience.ErrExhausted) || !errors.Is(err, resilience.ErrTooLate) || time.Since(start) != 0 {
			t.Fatalf("%v after %s", err, time.Since(start))
		}
		// The caller's cancellation ends a wait.
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start = time.Now()
		_, err = resilience.Do(ctx, tg, resilience.Repeatable, fails(errDown))
		if !errors.Is(err, errDown) || time.Since(start) != time.Second {
			t.Fatalf("%v after %s", err, time.Since(start))
		}
	})
}

func TestQueueCountsAgainstTheDeadlineNotTheCallee(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tg := target(t, resilience.Config{
			Timeout:  &policy.TimeoutConfig{Total: time.Second, Try: 800 * time.Millisecond},
			Breaker:  &policy.BreakerConfig{Window: policy.Consecutive, Size: 1, SlowAfter: 350 * time.Millisecond},
			Bulkhead: &policy.BulkheadConfig{Limit: 1, Queue: 5, MaxWait: 10 * time.Second},
		}, resilience.Options{})
		work := func(context.Context) (int, error) { time.Sleep(300 * time.Millisecond); return 1, nil }
		var wg sync.WaitGroup
		var done, late atomic.Int64
		for range 5 {
			wg.Go(func() {
				_, err := resilience.Do(t.Context(), tg, resilience.Once, work)
				switch {
				case err == nil:
					done.Add(1)
				case errors.Is(err, resilience.ErrFull) || errors.Is(err, resilience.ErrTooLate) || errors.Is(err, resilience.ErrTimeout):
					late.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		// 300, 600, 900 ms, and the fourth gets its place at 900 ms with 100 ms left:
		// its work ends too late for nobody to mind, as it does not heed its context.
		s := tg.Snapshot()
		if done.Load() != 4 || late.Load() != 1 || s.Breaker.Trips != 0 || s.Bulkhead.InFlight != 0 || s.Bulkhead.Waiting != 0 {
			t.Fatalf("%d done, %d late, %+v %+v", done.Load(), late.Load(), s.Breaker, s.Bulkhead)
		}
	})
}

// The upstream stops answering. Its timeouts would arrive after 10 s; the
// breaker has to be open within its documented detection time.
func TestAStalledUpstreamIsCutOffInItsDetectionTime(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{20, 100, 500} {
		synctest.Test(t, func(t *testing.T) {
			breaker := policy.BreakerConfig{SlowAfter: 400 * time.Millisecond}
			var openedAt atomic.Pointer[time.Time]
			tg := target(t, resilience.Config{
				Timeout: &policy.TimeoutConfig{Try: 10 * time.Second}, Breaker: &breaker,
			}, resilience.Options{OnEvent: func(e resilience.Event) {
				if e.Kind == resilience.Changed && e.Change.To == policy.Opened {
					openedAt.CompareAndSwap(nil, &e.At)
				}
			}})
			const healthy = 5 * time.Second
			start := time.Now()
			var wg sync.WaitGroup
			var lastSuccess atomic.Int64
			upstream := func(ctx context.Context) (int, error) {
				if time.Since(start) < healthy {
					time.Sleep(10 * time.Millisecond)
					lastSuccess.Store(int64(time.Since(start)))
					return 1, nil
				}
				return hang(ctx)
			}
			var stuck, spared int
			for openedAt.Load() == nil && time.Since(start) < time.Minute {
				wg.Go(func() { _, _ = resilience.Do(t.Context(), tg, resilience.Once, upstream) })
				time.Sleep(time.Second / time.Duration(rate))
				stuck++
			}
			if openedAt.Load() == nil {
				t.Fatal("the breaker never opened")
			}
			took := openedAt.Load().Sub(start) - time.Duration(lastSuccess.Load())
			if want := breaker.DetectionTime(float64(rate)); took > want || took < breaker.SlowAfter {
				t.Errorf("%d/s: cut off after %s, want %s to %s", rate, took, breaker.SlowAfter, want)
			}
			began := time.Now()
			for range 100 {
				if _, err := resilience.Do(t.Context(), tg, resilience.Once, upstream); errors.Is(err, resilience.ErrOpen) {
					spared++
				}
			}
			if spared != 100 || time.Since(began) != 0 {
				t.Errorf("%d of 100 calls were refused at once, in %s", spared, time.Since(began))
			}
			wg.Wait()
		})
	}
}

func TestHedgeWinsAndTheLoserIsCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tg := target(t, resilience.Config{Hedge: &policy.HedgeConfig{After: 100 * time.Millisecond}, Bulkhead: &policy.BulkheadConfig{Limit: 2}}, resilience.Options{})
		var copies, cancelled atomic.Int64
		v, err := resilience.Do(t.Context(), tg, resilience.Repeatable, func(ctx context.Context) (int, error) {
			if n := copies.Add(1); n > 1 {
				time.Sleep(20 * time.Millisecond)
				return int(n), nil
			}
			_, err := hang(ctx)
			cancelled.Add(1)
			return 0, err
		})
		synctest.Wait()
		s := tg.Snapshot()
		if v != 2 || err != nil || cancelled.Load() != 1 || s.Hedges != 1 || s.Successes != 1 || s.Failures != 0 || s.Bulkhead.InFlight != 0 {
			t.Fatalf("%d, %v, %d cancelled, %+v", v, err, cancelled.Load(), s)
		}
		// What may not be repeated is never sent twice.
		copies.Store(0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = resilience.Do(ctx, tg, resilience.Once, func(ctx context.Context) (int, error) { copies.Add(1); return hang(ctx) })
		if copies.Load() != 1 || err == nil {
			t.Fatalf("%d copies, %v", copies.Load(), err)
		}
	})
}

func TestConfigureWhileCallsRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tg := target(t, resilience.Config{Bulkhead: &policy.BulkheadConfig{Limit: 1, Queue: 3, MaxWait: time.Minute}}, resilience.Options{})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := resilience.Do(t.Context(), tg, resilience.Once, func(context.Context) (int, error) { time.Sleep(time.Second); return 1, nil }); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		if err := tg.Configure(resilience.Config{Bulkhead: &policy.BulkheadConfig{Limit: -1}}); err == nil {
			t.Fatal("a faulty configuration was taken")
		}
		// Room for all: those who wait start at once, and the breaker that comes
		// in knows nothing of calls that began without it.
		if err := tg.Configure(resilience.Config{Breaker: &policy.BreakerConfig{}, Bulkhead: &policy.BulkheadConfig{Limit: 4, Queue: 3}}); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if took := time.Since(start); took != time.Second {
			t.Fatalf("took %s", took)
		}
		if s := tg.Snapshot(); s.Bulkhead.InFlight != 0 || s.Bulkhead.Limit != 4 || s.Successes != 4 {
			t.Fatalf("%+v %+v", s, s.Bulkhead)
		}
	})
}
