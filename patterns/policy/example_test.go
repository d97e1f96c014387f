package policy_test

import (
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// A machine is asked before and told after; time is whatever the driver says.
func ExampleBreaker() {
	b, err := policy.NewBreaker(policy.BreakerConfig{Window: policy.Consecutive, Size: 2, OpenFor: time.Second, Jitter: -1, Probes: 1}, 1,
		func(c policy.Change) { fmt.Printf("%s -> %s: %s\n", c.From, c.To, c.Cause) })
	if err != nil {
		panic(err)
	}
	now := policy.Time(0)
	for _, o := range []policy.Outcome{policy.Failure, policy.Failure, policy.Success, policy.Success} {
		t, v := b.Admit(now)
		if !v.Admit() {
			fmt.Printf("%s, ask again in %s\n", v.Reason, v.After)
			now = now.Add(v.After)
			t, _ = b.Admit(now)
		}
		b.Report(t, now, o)
	}
	// Output:
	// closed -> open: failure rate
	// breaker open, ask again in 1s
	// open -> half-open: open time over
	// half-open -> closed: probes
}

func ExampleBreakerConfig_DetectionTime() {
	c := policy.BreakerConfig{SlowAfter: 400 * time.Millisecond}
	fmt.Println(c.DetectionTime(100), "at 100 calls a second")
	// Output: 510ms at 100 calls a second
}

func ExampleRetry() {
	r, err := policy.NewRetry(policy.RetryConfig{Tries: 3, BaseWait: 100 * time.Millisecond})
	if err != nil {
		panic(err)
	}
	r.Begin()
	for n := 1; ; n++ {
		v := r.Next(0, 0.5, policy.Try{Number: n, Retriable: true, Deadline: policy.Never})
		fmt.Println(v.Reason, v.After)
		if !v.Admit() {
			break
		}
	}
	// Output:
	// admitted 50ms
	// admitted 100ms
	// tries exhausted 0s
}

func ExampleBulkhead() {
	b, err := policy.NewBulkhead(policy.BulkheadConfig{Limit: 1, Queue: 1})
	if err != nil {
		panic(err)
	}
	for range 3 {
		turn, v := b.Admit(0, policy.Never)
		fmt.Println(v.Reason, turn)
	}
	fmt.Println(b.Leave(0))
	// Output:
	// admitted 0
	// queued 1
	// limit reached 0
	// 1 true
}

func ExampleTimeout() {
	t, err := policy.NewTimeout(policy.TimeoutConfig{Total: time.Second, Try: 400 * time.Millisecond, Reserve: 100 * time.Millisecond})
	if err != nil {
		panic(err)
	}
	call := t.Call(0, policy.Never)
	for _, now := range []policy.Time{0, policy.Time(700 * time.Millisecond), policy.Time(900 * time.Millisecond)} {
		end, v := t.Try(now, call)
		fmt.Println(v.Reason, time.Duration(end-now))
	}
	// Output:
	// admitted 400ms
	// admitted 200ms
	// would outlast the deadline 0s
}

func ExampleRate() {
	r, err := policy.NewRate(policy.RateConfig{PerSecond: 10, Burst: 1, MaxWait: 100 * time.Millisecond})
	if err != nil {
		panic(err)
	}
	for range 3 {
		v := r.Admit(0, policy.Never, 1)
		fmt.Println(v.Reason, v.After)
	}
	// Output:
	// admitted 0s
	// admitted 100ms
	// rate exceeded 200ms
}

func ExampleShedder() {
	s, err := policy.NewShedder(policy.ShedConfig{})
	if err != nil {
		panic(err)
	}
	for _, p := range []policy.Priority{policy.Bulk, policy.Low, policy.Normal, policy.Critical} {
		fmt.Println(p, s.Admit(p, 0.85, 0.1).Reason)
	}
	// Output:
	// bulk shed
	// low shed
	// normal admitted
	// critical admitted
}

func ExampleHedge() {
	h, err := policy.NewHedge(policy.HedgeConfig{After: 30 * time.Millisecond})
	if err != nil {
		panic(err)
	}
	fmt.Println("wait", h.Begin())
	fmt.Println(h.Next(policy.Time(30*time.Millisecond), 1).Reason)
	fmt.Println(h.Next(policy.Time(60*time.Millisecond), 2).Reason)
	// Output:
	// wait 30ms
	// admitted
	// tries exhausted
}

func ExampleAdaptive() {
	a, err := policy.NewAdaptive(policy.AdaptiveConfig{Initial: 10})
	if err != nil {
		panic(err)
	}
	now := policy.Time(0)
	round := func(latency time.Duration) {
		var n int
		for a.Admit().Admit() {
			n++
		}
		for range n {
			a.Report(now, now.Add(latency), policy.Success)
		}
		now = now.Add(max(latency, 100*time.Millisecond))
	}
	for range 40 {
		round(10 * time.Millisecond)
	}
	grown := a.Limit()
	for range 5 {
		round(time.Second)
	}
	fmt.Println("grew:", grown > 20, "shrank under load:", a.Limit() < grown)
	// Output: grew: true shrank under load: true
}
