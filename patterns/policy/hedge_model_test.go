package policy_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// refHedge keeps every latency that it was told and works the wait out of all
// of them when it is asked.
type refHedge struct {
	c      policy.HedgeConfig
	budget refBudget
	epochs []refEpoch // one a configuration
}

// refEpoch is what was observed under one configuration.
type refEpoch struct {
	c    policy.HedgeConfig
	took []float64
}

// delay: the estimate starts at the first latency and goes a step up, or down,
// with each further one; a step is at least 2 % of it and 1/(n+1) at first. It
// counts from the hundredth on.
func (r *refHedge) delay() time.Duration {
	if r.c.After > 0 {
		return r.c.After
	}
	q, known, n := 0.0, 0.0, 0
	for _, e := range r.epochs {
		for _, x := range e.took {
			n++
			if n == 1 {
				q = x
			}
			step := q * max(0.02, 1/float64(n+1))
			if x > q {
				q += step * e.c.Quantile
			} else {
				q -= step * (1 - e.c.Quantile)
			}
			q = max(q, 1)
			if n >= 100 {
				known = q
			}
		}
	}
	return time.Duration(known)
}

// hedgeLife is how many steps one hedge lives: the reference goes through all
// that it was ever told.
const hedgeLife = 2000

func TestHedgeIsItsModel(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 44))
	seen := map[policy.Reason]int{}
	early, measured := 0, 0
	for life := range modelSteps / hedgeLife {
		c := hedgeConfig(rng)
		h, err := policy.NewHedge(c)
		if err != nil {
			t.Fatal(err)
		}
		burst := int64(c.Budget.Burst) * 1e6
		ref := &refHedge{c: c.Defaults(), budget: refBudget{level: burst, burst: burst, ratio: 2e5}}
		ref.epochs = []refEpoch{{c: ref.c}}
		now := policy.Time(0)
		for step := range hedgeLife {
			now += policy.Time(rng.Int64N(int64(40 * time.Millisecond)))
			switch k := rng.IntN(100); {
			case k < 40:
				h.Begin()
				ref.budget.level = min(ref.budget.burst, ref.budget.level+ref.budget.ratio)
			case k < 65:
				sent := 1 + rng.IntN(4)
				want := policy.Admitted
				if sent > ref.c.Extra {
					want = policy.Exhausted
				} else if !ref.budget.spend(now) {
					want = policy.NoBudget
				}
				got := h.Next(now, sent)
				if seen[want]++; got.Reason != want || want == policy.Admitted && got.After != ref.delay() {
					t.Fatalf("life %d step %d: %s after %s, reference %s after %s", life, step, got.Reason, got.After, want, ref.delay())
				}
			case k < 99:
				took := time.Duration(rng.ExpFloat64() * float64(20*time.Millisecond))
				h.Observe(took)
				if ref.c.After == 0 {
					e := &ref.epochs[len(ref.epochs)-1]
					e.took = append(e.took, max(1, float64(took)))
				}
			case rng.IntN(20) == 0:
				next := hedgeConfig(rng)
				next.Budget = c.Budget
				if err := h.Configure(next); err != nil {
					t.Fatal(err)
				}
				ref.c = next.Defaults()
				ref.epochs = append(ref.epochs, refEpoch{c: ref.c})
			}
			if step%97 == 0 {
				want := ref.delay()
				if got := h.Delay(); got != want {
					t.Fatalf("life %d step %d: wait %s, reference %s", life, step, got, want)
				}
				if want == 0 {
					early++
				} else if ref.c.After == 0 {
					measured++
				}
			}
		}
	}
	for _, want := range []policy.Reason{policy.Admitted, policy.Exhausted, policy.NoBudget} {
		if seen[want] < 100 {
			t.Errorf("%s came only %d times", want, seen[want])
		}
	}
	if early < 20 || measured < 20 {
		t.Errorf("the wait was not known %d times and measured %d times: the events are too tame", early, measured)
	}
}

func hedgeConfig(rng *rand.Rand) policy.HedgeConfig {
	c := policy.HedgeConfig{
		Extra: 1 + rng.IntN(3), Quantile: []float64{0.5, 0.9, 0.95}[rng.IntN(3)],
		Budget: policy.BudgetConfig{Ratio: 0.2, Burst: float64(2 + rng.IntN(6)), PerSecond: 0.5},
	}
	if rng.IntN(4) == 0 {
		c.After = time.Duration(1 + rng.IntN(int(time.Second)))
	}
	return c
}
