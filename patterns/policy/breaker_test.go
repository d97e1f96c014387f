package policy_test

import (
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

const ms = policy.Time(time.Millisecond)

func newBreaker(t *testing.T, c policy.BreakerConfig) (*policy.Breaker, *[]policy.Change) {
	t.Helper()
	var changes []policy.Change
	b, err := policy.NewBreaker(c, 1, func(ch policy.Change) { changes = append(changes, ch) })
	if err != nil {
		t.Fatal(err)
	}
	return b, &changes
}

func TestBreakerOpensProbesAndCloses(t *testing.T) {
	t.Parallel()
	b, changes := newBreaker(t, policy.BreakerConfig{Size: 10, MinCalls: 4, OpenFor: time.Second, Jitter: -1})
	call := func(now policy.Time, o policy.Outcome) policy.Reason {
		tk, v := b.Admit(now)
		if v.Admit() {
			b.Report(tk, now, o)
		}
		return v.Reason
	}
	for range 4 {
		if r := call(0, policy.Failure); r != policy.Admitted {
			t.Fatalf("closed: %s", r)
		}
	}
	tk, v := b.Admit(500 * ms)
	if v.Reason != policy.Open || v.After != 500*time.Millisecond {
		t.Fatalf("open: %+v", v)
	}
	b.Report(tk, 500*ms, policy.Success) // a refused call's report must not matter
	if r := call(1000*ms, policy.Failure); r != policy.Admitted {
		t.Fatalf("first probe: %s", r)
	}
	if r := call(2999*ms, policy.Success); r != policy.Open {
		t.Fatalf("after a failed probe the wait doubles: %s", r)
	}
	for range 3 {
		if r := call(3000*ms, policy.Success); r != policy.Admitted {
			t.Fatalf("probe: %s", r)
		}
	}
	if got := b.Snapshot(3000 * ms); got.State != policy.Closed || got.Trips != 2 || got.Calls != 0 {
		t.Fatalf("snapshot %+v", got)
	}
	var path string
	for _, c := range *changes {
		path += c.To.String() + "(" + c.Cause.String() + ") "
	}
	if want := "open(failure rate) half-open(open time over) open(probes) half-open(open time over) closed(probes) "; path != want {
		t.Fatalf("path\n%s, want\n%s", path, want)
	}
}

func TestBreakerCutsOffAStallBeforeAnyTimeout(t *testing.T) {
	t.Parallel()
	c := policy.BreakerConfig{SlowAfter: 200 * time.Millisecond}
	b, changes := newBreaker(t, c)
	const rate = 100 // calls a second
	now := policy.Time(0)
	var last policy.Time
	for range 1000 { // healthy, 5 ms each
		tk, _ := b.Admit(now)
		last = now + 5*ms
		b.Report(tk, last, policy.Success)
		now += policy.Time(time.Second / rate)
	}
	for b.State() == policy.Closed { // then no call ever ends
		if now.Sub(last) > time.Minute {
			t.Fatal("never opened")
		}
		b.Admit(now)
		now += policy.Time(time.Second / rate)
	}
	took, want := (*changes)[0].At.Sub(last), c.DetectionTime(rate)
	if (*changes)[0].Cause != policy.ByStall || took > want || took < c.SlowAfter {
		t.Fatalf("%+v after %s, want within %s", (*changes)[0], took, want)
	}
}
