package main

import (
	"context"
	"time"

	"github.com/afex/hystrix-go/hystrix"
	"github.com/eapache/go-resiliency/breaker"
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
	"github.com/sony/gobreaker/v2"

	"github.com/ashlar-dev/ashlar/bench/side"
	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

var peers = []string{
	"github.com/failsafe-go/failsafe-go", "github.com/sony/gobreaker/v2",
	"github.com/eapache/go-resiliency", "github.com/afex/hystrix-go",
}

const (
	rowEmpty      = "calibration: empty call"
	rowNow        = "calibration: time.Now"
	rowSince      = "calibration: time.Since"
	rowNone       = "ashlar Do, no policy"
	rowRaw        = "ashlar policy.Breaker, count window"
	rowCount      = "ashlar Do, breaker, count window"
	rowCountBad   = "ashlar Do, breaker, count window, one call in 50 fails"
	rowAll        = "ashlar Do, breaker, time window, slow calls, stalls"
	rowStack      = "ashlar Do, retry+breaker+bulkhead"
	rowTimeout    = "ashlar Do, retry+breaker+bulkhead+timeout"
	rowWaited     = "ashlar Do, the same, callee asks for Done"
	rowFailRaw    = "failsafe-go breaker, raw, count window"
	rowFail       = "failsafe-go breaker, Get"
	rowFailStack3 = "failsafe-go retry+breaker+bulkhead, Get"
	rowFailStack  = "failsafe-go retry+breaker+bulkhead+timeout, Get"
	rowGo         = "gobreaker Execute"
	rowGoRolling  = "gobreaker Execute, rolling window"
	rowEapache    = "eapache breaker Run"
	rowHystrix    = "hystrix-go Do"
	rowContext    = "context.WithTimeout and cancel"
)

func limits() []side.Limit {
	return []side.Limit{
		{Row: rowCount, Beside: rowFailRaw, Ratio: 1, Allocs: 0},
		{Row: rowCount, Beside: rowGo, Ratio: 0.35, Allocs: 0},
		{Row: rowAll, Beside: rowGoRolling, Ratio: 0.8, Allocs: 0},
		{Row: rowStack, Beside: rowFailStack, Ratio: 0.15, Allocs: 0},
		{Row: rowTimeout, Beside: rowFailStack, Ratio: 0.55, Allocs: 4},
		{Row: rowWaited, Beside: rowFailStack, Ratio: 0.55, Allocs: 4},
	}
}

func rows() []side.Row {
	return append(calibration(), append(ours(), theirs()...)...)
}

//lint:ignore U1000 keeps the compiler from dropping what is measured
var sink time.Duration

func calibration() []side.Row {
	zero := time.Now()
	return []side.Row{
		{Name: rowEmpty, Make: func() func(int) {
			return repeat(func() error { _, err := answer(context.Background()); return err })
		}},
		{Name: rowNow, Make: func() func(int) {
			return repeat(func() error { sink += time.Duration(time.Now().Nanosecond()); return nil })
		}},
		{Name: rowSince, Make: func() func(int) {
			return repeat(func() error { sink += time.Since(zero); return nil })
		}},
		{Name: rowContext, Make: func() func(int) {
			return repeat(func() error {
				_, cancel := context.WithTimeout(context.Background(), time.Second)
				cancel()
				return nil
			})
		}},
	}
}

func ours() []side.Row {
	retry, brk, bulk := &policy.RetryConfig{}, &policy.BreakerConfig{}, &policy.BulkheadConfig{}
	limit := &policy.TimeoutConfig{Total: time.Second}
	return []side.Row{
		{Name: rowRaw, Make: func() func(int) {
			b, err := policy.NewBreaker(policy.BreakerConfig{}, 1, nil)
			must(err)
			return repeat(func() error {
				t, v := b.Admit(0)
				if !v.Admit() {
					panic("open")
				}
				b.Report(t, 0, policy.Success)
				return nil
			})
		}},
		{Name: rowNone, Make: do(resilience.Config{}, answer)},
		{Name: rowCount, Make: do(resilience.Config{Breaker: brk}, answer)},
		{Name: rowCountBad, Make: do(resilience.Config{Breaker: brk}, oneIn50())},
		{Name: rowAll, Make: do(resilience.Config{Breaker: &policy.BreakerConfig{Window: policy.TimeWindow, SlowAfter: 100 * time.Millisecond}}, answer)},
		{Name: rowStack, Make: do(resilience.Config{Retry: retry, Breaker: brk, Bulkhead: bulk}, answer)},
		{Name: rowTimeout, Make: do(resilience.Config{Retry: retry, Breaker: brk, Bulkhead: bulk, Timeout: limit}, answer)},
		{Name: rowWaited, Make: do(resilience.Config{Retry: retry, Breaker: brk, Bulkhead: bulk, Timeout: limit}, func(ctx context.Context) (int, error) {
			_ = ctx.Done()
			return 1, nil
		})},
	}
}

func theirs() []side.Row {
	get := func() (int, error) { return answer(context.Background()) }
	safe := func(ps ...failsafe.Policy[int]) func() func(int) {
		return func() func(int) {
			e := failsafe.With(ps...)
			return repeat(func() error { _, err := e.Get(get); return err })
		}
	}
	window := func() circuitbreaker.CircuitBreaker[int] {
		return circuitbreaker.NewBuilder[int]().WithFailureThresholdRatio(50, 100).Build()
	}
	execute := func(s gobreaker.Settings) func() func(int) {
		return func() func(int) {
			b := gobreaker.NewCircuitBreaker[int](s)
			return repeat(func() error { _, err := b.Execute(get); return err })
		}
	}
	retries := retrypolicy.NewBuilder[int]().WithMaxRetries(2).Build()
	return []side.Row{
		{Name: rowFailRaw, Make: func() func(int) {
			b := window()
			return repeat(func() error {
				if !b.TryAcquirePermit() {
					panic("open")
				}
				b.RecordSuccess()
				return nil
			})
		}},
		{Name: rowFail, Make: safe(window())},
		{Name: rowFailStack3, Make: safe(retries, window(), bulkhead.New[int](64))},
		{Name: rowFailStack, Make: safe(retries, window(), bulkhead.New[int](64), timeout.New[int](time.Second))},
		{Name: rowGo, Make: execute(gobreaker.Settings{})},
		{Name: rowGoRolling, Make: execute(gobreaker.Settings{Interval: 10 * time.Second, BucketPeriod: time.Second})},
		{Name: rowEapache, Make: func() func(int) {
			b := breaker.New(5, 1, time.Second)
			return repeat(func() error { return b.Run(func() error { _, err := get(); return err }) })
		}},
		{Name: rowHystrix, Make: func() func(int) {
			hystrix.ConfigureCommand("callee", hystrix.CommandConfig{MaxConcurrentRequests: 4096}) // it gives places back late
			return repeat(func() error {
				return hystrix.Do("callee", func() error { _, err := get(); return err }, nil)
			})
		}},
	}
}

// do calls the callee through a target.
func do(c resilience.Config, callee func(context.Context) (int, error)) func() func(int) {
	return func() func(int) {
		t, err := resilience.New("callee", c, nil)
		must(err)
		ctx := context.Background()
		return repeat(func() error {
			_, _ = resilience.Do(ctx, t, resilience.Repeatable, callee)
			return nil
		})
	}
}

//go:noinline
func answer(context.Context) (int, error) { return 1, nil }

// oneIn50 fails now and then, so that the window is never all good.
func oneIn50() func(context.Context) (int, error) {
	n := 0
	return func(context.Context) (int, error) {
		if n++; n%50 == 0 {
			return 0, context.DeadlineExceeded
		}
		return 1, nil
	}
}

func repeat(f func() error) func(int) {
	return func(n int) {
		for range n {
			must(f())
		}
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
