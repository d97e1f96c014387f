package resilience_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

// Everything at once: calls of all kinds, reconfiguration, snapshots, operators.
// Afterwards every place is free and every call was counted once.
func TestTargetHammered(t *testing.T) {
	t.Parallel()
	configs := []resilience.Config{
		{Breaker: &policy.BreakerConfig{OpenFor: time.Millisecond, MinCalls: 5}, Bulkhead: &policy.BulkheadConfig{Limit: 3, Queue: 3, MaxWait: time.Millisecond}},
		{Breaker: &policy.BreakerConfig{OpenFor: time.Millisecond, Window: policy.TimeWindow, SlowAfter: time.Millisecond}, Bulkhead: &policy.BulkheadConfig{Limit: 4}, Retry: &policy.RetryConfig{BaseWait: time.Microsecond}, Timeout: &policy.TimeoutConfig{Try: 2 * time.Millisecond}},
		{Bulkhead: &policy.BulkheadConfig{Limit: 2, Queue: 2}, Hedge: &policy.HedgeConfig{After: 100 * time.Microsecond}, Adaptive: &policy.AdaptiveConfig{}, Shed: &policy.ShedConfig{}},
		{},
	}
	var seq atomic.Uint64
	tg := target(t, configs[0], resilience.Options{OnEvent: func(e resilience.Event) {
		if e.Kind == resilience.Changed {
			seq.Add(1)
		}
	}})
	var calls, panics atomic.Uint64
	var wg sync.WaitGroup
	for g := range uint64(8) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(g, 3))
			for range 1500 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+rng.IntN(20))*time.Millisecond)
				op := resilience.Op{Idempotent: rng.IntN(2) == 0, Priority: policy.Priority(rng.IntN(4))}
				kind, nap := rng.IntN(10), time.Duration(rng.IntN(300))*time.Microsecond
				switch rng.IntN(100) {
				case 0:
					if err := tg.Configure(configs[rng.IntN(len(configs))]); err != nil {
						t.Error(err)
					}
				case 1:
					_ = tg.Snapshot()
				case 2:
					tg.Reset()
				}
				calls.Add(1)
				func() {
					defer func() {
						if recover() != nil {
							panics.Add(1)
						}
					}()
					_, _ = resilience.Do(ctx, tg, op, func(ctx context.Context) (int, error) {
						switch kind {
						case 0:
							return hang(ctx)
						case 1, 2:
							return 0, errDown
						case 3:
							return 0, &outOfStock{}
						case 4:
							if nap < 5*time.Microsecond {
								panic("bug")
							}
							time.Sleep(nap)
						}
						return 1, nil
					})
				}()
				cancel()
			}
		})
	}
	wg.Wait()
	// All configurations share one bulkhead only while it stays configured; the
	// last one in place has to be empty.
	if err := tg.Configure(configs[1]); err != nil {
		t.Fatal(err)
	}
	s := tg.Snapshot()
	sum := s.Successes + s.Business + s.Failures + s.Ignored
	for _, n := range s.Refused {
		sum += n
	}
	if s.Bulkhead.InFlight != 0 || s.Bulkhead.Waiting != 0 {
		t.Errorf("places are still taken: %+v", s.Bulkhead)
	}
	if sum != calls.Load() {
		t.Errorf("%d calls, %d counted: %+v", calls.Load(), sum, s)
	}
}

func TestRoundTripperHammered(t *testing.T) {
	t.Parallel()
	tg, client, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if rand.IntN(5) == 0 {
			w.WriteHeader(503)
		}
		_, _ = w.Write(make([]byte, 10_000))
	}, resilience.Config{
		Timeout: &policy.TimeoutConfig{Total: time.Second}, Retry: &policy.RetryConfig{BaseWait: time.Microsecond},
		Breaker: &policy.BreakerConfig{FailureRate: -1}, Bulkhead: &policy.BulkheadConfig{Limit: 4, Queue: 100, MaxWait: time.Minute},
	}, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 60 {
				resp, err := client.Get(url)
				if err != nil {
					if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, resilience.ErrTooLate) && !errors.Is(err, resilience.ErrFull) {
						t.Error(err)
					}
					continue
				}
				if i%3 > 0 {
					_, _ = resp.Body.Read(make([]byte, 100*i))
				}
				_ = resp.Body.Close()
			}
		})
	}
	wg.Wait()
	if s := tg.Snapshot(); s.Bulkhead.InFlight != 0 || s.Successes == 0 {
		t.Errorf("%+v %+v", s, s.Bulkhead)
	}
}
