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

// server serves one call after the other in 10 ms, first come first served, and
// does not notice that a caller has given up: what overload does to most.
type server struct {
	queue    chan chan struct{}
	paused   atomic.Bool
	received atomic.Int64
}

func (s *server) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case reply := <-s.queue:
			for s.paused.Load() {
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(10 * time.Millisecond)
			close(reply)
		}
	}
}

func (s *server) call(ctx context.Context) (int, error) {
	s.received.Add(1)
	reply := make(chan struct{})
	select {
	case s.queue <- reply:
	default:
		return 0, errors.New("queue full")
	}
	select {
	case <-reply:
		return 1, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// storm lets 60 calls a second come to a server that can do 100, pauses it for
// 3 s, and returns the share of calls that succeed in each of the 30 s after.
func storm(t *testing.T, budget policy.BudgetConfig) (share []float64, load int64) {
	t.Helper()
	const rate, warm, pause, after = 60, 5, 3, 30
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &server{queue: make(chan chan struct{}, 2000)}
		var serving sync.WaitGroup
		serving.Go(func() { s.run(ctx) })
		tg := target(t, resilience.Config{
			Timeout: &policy.TimeoutConfig{Try: 500 * time.Millisecond},
			Retry:   &policy.RetryConfig{Tries: 4, Budget: budget},
		}, resilience.Options{})
		var wg sync.WaitGroup
		var good, all [warm + pause + after]atomic.Int64
		for sec := range warm + pause + after {
			s.paused.Store(sec >= warm && sec < warm+pause)
			for range rate {
				wg.Go(func() {
					all[sec].Add(1)
					if _, err := resilience.Do(ctx, tg, resilience.Repeatable, s.call); err == nil {
						good[sec].Add(1)
					}
				})
				time.Sleep(time.Second / rate)
			}
			if sec == warm+pause-1 {
				s.received.Store(0)
			}
		}
		load = s.received.Load()
		wg.Wait()
		cancel()
		serving.Wait()
		for sec := warm + pause; sec < len(all); sec++ {
			share = append(share, float64(good[sec].Load())/float64(all[sec].Load()))
		}
	})
	return share, load / after
}

func TestARetryStormDiesOut(t *testing.T) {
	t.Parallel()
	wild, wildLoad := storm(t, policy.BudgetConfig{Unlimited: true})
	if last := wild[len(wild)-1]; last > 0.5 {
		t.Errorf("without a budget %.0f %% succeed 30 s later: the test shows nothing", 100*last)
	}
	tame, tameLoad := storm(t, policy.BudgetConfig{})
	well := 0
	for well < len(tame) && tame[well] < 1 {
		well++
	}
	t.Logf("with a budget all is well %d s after the pause (%d tries a second), without %.0f %% succeed after 30 s (%d tries a second)", well, tameLoad, 100*wild[len(wild)-1], wildLoad)
	if well > 10 || tame[len(tame)-1] < 1 {
		t.Errorf("with a budget the storm goes on: %.2f", tame)
	}
}

// Three services in a row, each with three tries, in front of one that is down.
func TestRetriesDoNotMultiplyAlongAChain(t *testing.T) {
	t.Parallel()
	const calls = 2000
	reached := func(budget policy.BudgetConfig) float64 {
		var n int
		next := func(context.Context) (int, error) { n++; return 0, errDown }
		for range 3 {
			tg := target(t, resilience.Config{Retry: &policy.RetryConfig{BaseWait: 1, MaxWait: 1, Budget: budget}}, resilience.Options{
				Rules: resilience.Rules{Classify: func(error) (resilience.Class, bool) { // as over a network: no *Error from the callee
					return resilience.Class{Outcome: policy.Failure, Retriable: true}, true
				}},
			})
			inner := next
			next = func(ctx context.Context) (int, error) { return resilience.Do(ctx, tg, resilience.Repeatable, inner) }
		}
		for range calls {
			_, _ = next(t.Context())
		}
		return float64(n) / calls
	}
	if wild := reached(policy.BudgetConfig{Unlimited: true}); wild != 27 {
		t.Errorf("without a budget %.2f tries a call, want 27", wild)
	}
	if tame := reached(policy.BudgetConfig{PerSecond: -1}); tame > 1.1*1.1*1.1+0.05 {
		t.Errorf("with a budget %.2f tries a call, want about 1.33", tame)
	}
}
