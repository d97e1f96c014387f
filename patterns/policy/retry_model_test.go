package policy_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// refBudget counts in millionths of a token; its trickle is exact at the one
// speed it is used with, half a token a second.
type refBudget struct {
	level, burst, ratio int64
	credited            int64
	now, start          policy.Time
	began               bool
}

func (r *refBudget) trickle(now policy.Time) {
	r.now = max(r.now, now)
	if !r.began {
		r.began, r.start = true, r.now
	}
	credit := int64(r.now-r.start) / 2000
	r.level = min(r.burst, r.level+credit-r.credited)
	r.credited = credit
}

func (r *refBudget) spend(now policy.Time) bool {
	r.trickle(now)
	if r.level < 1e6 {
		return false
	}
	r.level -= 1e6
	return true
}

// refRetry is the documentation of RetryConfig, clause by clause.
func refRetry(c policy.RetryConfig, b *refBudget, now policy.Time, u float64, t policy.Try) (policy.Reason, time.Duration) {
	if !t.Retriable {
		return policy.NotRetriable, 0
	}
	if t.Number >= c.Tries {
		return policy.Exhausted, 0
	}
	if t.RetryAfter > c.MaxRetryAfter {
		return policy.TooLate, 0
	}
	top := float64(c.BaseWait)
	for range t.Number - 1 {
		top *= c.Factor
	}
	top = min(top, float64(c.MaxWait))
	wait := t.RetryAfter + time.Duration(math.Floor(u*top))
	if now.Add(wait) >= t.Deadline || c.Total > 0 && now.Add(wait) >= t.Began.Add(c.Total) {
		return policy.TooLate, 0
	}
	if !b.spend(now) {
		return policy.NoBudget, 0
	}
	return policy.Admitted, wait
}

func TestRetryIsItsModel(t *testing.T) {
	t.Parallel()
	c := policy.RetryConfig{
		Tries: 4, Total: 3 * time.Second, MaxRetryAfter: time.Second,
		Budget: policy.BudgetConfig{Ratio: 0.2, Burst: 5, PerSecond: 0.5},
	}
	r, err := policy.NewRetry(c)
	if err != nil {
		t.Fatal(err)
	}
	c = c.Defaults()
	ref := &refBudget{level: 5e6, burst: 5e6, ratio: 2e5}
	rng := rand.New(rand.NewPCG(1, 2))
	now := policy.Time(0)
	seen := map[policy.Reason]int{}
	for step := range modelSteps {
		now += policy.Time(rng.Int64N(int64(50 * time.Millisecond)))
		at := max(0, now-policy.Time(rng.Int64N(int64(10*time.Millisecond))))
		if rng.IntN(3) > 0 {
			r.Begin()
			ref.level = min(ref.burst, ref.level+ref.ratio)
			continue
		}
		try := policy.Try{
			Number: 1 + rng.IntN(4), Retriable: rng.IntN(5) > 0,
			Began: max(0, at-policy.Time(rng.Int64N(int64(4*time.Second)))), Deadline: policy.Never,
		}
		if rng.IntN(4) == 0 {
			try.Deadline = at + policy.Time(rng.Int64N(int64(time.Second)))
		}
		if rng.IntN(4) == 0 {
			try.RetryAfter = time.Duration(rng.Int64N(int64(1100 * time.Millisecond)))
		}
		u := rng.Float64()
		want, wait := refRetry(c, ref, at, u, try)
		got := r.Next(at, u, try)
		seen[want]++
		ref.trickle(at)
		if level := r.Budget().Level(at); math.Round(level*1e6) != float64(ref.level) {
			t.Fatalf("step %d: %g tokens, reference %d millionths", step, level, ref.level)
		}
		if got.Reason != want || got.Admit() && got.After != wait {
			t.Fatalf("step %d: %s after %s, reference %s after %s", step, got.Reason, got.After, want, wait)
		}
	}
	for _, want := range []policy.Reason{policy.Admitted, policy.NotRetriable, policy.Exhausted, policy.TooLate, policy.NoBudget} {
		if seen[want] < 100 {
			t.Errorf("%s came only %d times", want, seen[want])
		}
	}
}
