package policy_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// The reference is a plain bucket of credit, one nanosecond a nanosecond.
func TestRateIsItsModel(t *testing.T) {
	t.Parallel()
	c := policy.RateConfig{PerSecond: 200, Burst: 10, MaxWait: 8 * time.Millisecond}
	r, err := policy.NewRate(c)
	if err != nil {
		t.Fatal(err)
	}
	const gap = policy.Time(time.Second / 200)
	credit, last := 10*gap, policy.Time(0)
	rng := rand.New(rand.NewPCG(5, 6))
	seen := map[policy.Reason]int{}
	for step := range modelSteps {
		now := last + policy.Time(rng.Int64N(int64(8*time.Millisecond)))
		if rng.IntN(100) == 0 {
			now += policy.Time(rng.Int64N(int64(100 * time.Millisecond)))
		}
		if rng.IntN(2) == 0 {
			now = (now + ms - 1) / ms * ms // so that bounds are met exactly, too
		}
		credit, last = min(10*gap, credit+now-last), now
		n, deadline := 1+rng.IntN(3), policy.Never
		if rng.IntN(3) == 0 {
			deadline = now + policy.Time(rng.Int64N(int64(6*time.Millisecond)))
			deadline = deadline / ms * ms
		}
		wait := time.Duration(max(0, gap*policy.Time(n)-credit))
		want := policy.Admitted
		if wait > c.MaxWait {
			want = policy.RateExceeded
		} else if wait > 0 && now.Add(wait) >= deadline {
			want = policy.TooLate
		}
		if want == policy.Admitted {
			credit -= gap * policy.Time(n)
		}
		seen[want]++
		if v := r.Admit(now, deadline, n); v.Reason != want || v.After != wait {
			t.Fatalf("step %d: %s after %s, reference %s after %s", step, v.Reason, v.After, want, wait)
		}
		if left := int(max(0, credit) / gap); r.Left(now) != left {
			t.Fatalf("step %d: %d left, reference %d", step, r.Left(now), left)
		}
	}
	for _, want := range []policy.Reason{policy.Admitted, policy.RateExceeded, policy.TooLate} {
		if seen[want] < 100 {
			t.Errorf("%s came only %d times", want, seen[want])
		}
	}
}

// refAdaptive keeps the calls of a window and the means of all windows, and
// computes the limit from them anew at every step.
type refAdaptive struct {
	c      policy.AdaptiveConfig
	now    policy.Time
	under  int
	size   float64
	means  []float64
	usual  []float64 // after each window
	calls  []refEnded
	opened policy.Time
}

type refEnded struct {
	took   float64
	under  int
	failed bool
}

func (r *refAdaptive) report(start, now policy.Time, o policy.Outcome) {
	under := r.under
	r.under--
	if o == policy.Ignored {
		return
	}
	r.now = max(r.now, now)
	if len(r.calls) == 0 {
		r.opened = r.now
	}
	r.calls = append(r.calls, refEnded{max(0, float64(r.now-start)), under, o == policy.Failure})
	if len(r.calls) < 10 || r.now.Sub(r.opened) < r.c.Window {
		return
	}
	sum, failed, peak := 0.0, false, 0
	for _, c := range r.calls {
		sum += c.took
		failed = failed || c.failed
		peak = max(peak, c.under)
	}
	mean := max(1, sum/float64(len(r.calls)))
	r.calls = nil
	usual := 0.0
	if len(r.means) > 0 {
		usual = r.usual[len(r.usual)-1]
	}
	r.means = append(r.means, mean)
	if n := len(r.means); n <= 10 {
		usual += (mean - usual) / float64(n)
	} else {
		usual += (mean - usual) * 2 / float64(r.c.Usual+1)
	}
	if usual > 2*mean {
		usual *= 0.95
	}
	r.usual = append(r.usual, usual)
	next := r.size
	if failed {
		next = r.size * r.c.Backoff
	} else if float64(peak) >= r.size/2 {
		g := r.c.Tolerance * usual / mean
		g = math.Max(0.5, math.Min(1, g))
		next = r.size + r.c.Smoothing*(r.size*g+math.Sqrt(r.size)-r.size)
	}
	r.size = math.Max(float64(r.c.Min), math.Min(float64(r.c.Max), next))
}

func TestAdaptiveIsItsModel(t *testing.T) {
	t.Parallel()
	c := policy.AdaptiveConfig{Initial: 10, Min: 2, Max: 60}
	a, err := policy.NewAdaptive(c)
	if err != nil {
		t.Fatal(err)
	}
	ref := &refAdaptive{c: c.Defaults(), size: 10}
	rng := rand.New(rand.NewPCG(7, 8))
	now := policy.Time(0)
	var open []policy.Time
	lowest, highest, want := 1000, 0, 0
	for step := range modelSteps {
		if step%5000 == 0 {
			want = rng.IntN(80) // how busy the callers are
		}
		now += policy.Time(rng.Int64N(int64(3 * time.Millisecond)))
		if len(open) <= want && rng.IntN(2) == 0 {
			v := a.Admit()
			if ok := ref.under < int(ref.size); ok != v.Admit() {
				t.Fatalf("step %d: %s, reference %t", step, v.Reason, ok)
			}
			if v.Admit() {
				ref.under++
				open = append(open, now)
			}
		} else if len(open) > 0 {
			i := rng.IntN(len(open))
			o := policy.Success
			if k := rng.IntN(2000); k == 0 {
				o = policy.Failure
			} else if k < 20 {
				o = policy.Ignored
			}
			a.Report(open[i], now, o)
			ref.report(open[i], now, o)
			open = slices.Delete(open, i, i+1)
		}
		if a.Limit() != int(ref.size) || a.InFlight() != ref.under {
			t.Fatalf("step %d: limit %d, %d under way; reference %g, %d", step, a.Limit(), a.InFlight(), ref.size, ref.under)
		}
		lowest, highest = min(lowest, a.Limit()), max(highest, a.Limit())
	}
	if lowest > 9 || highest < 20 {
		t.Errorf("the limit stayed between %d and %d: the events are too tame", lowest, highest)
	}
}

// The quantile is an estimate, so its reference is the sorted sample.
func TestHedgeLearnsTheQuantile(t *testing.T) {
	t.Parallel()
	h, err := policy.NewHedge(policy.HedgeConfig{Quantile: 0.9})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(9, 9))
	for _, scale := range []float64{1e6, 2e7, 5e5} { // ns: the callee changes
		var sample []float64
		below := 0
		for i := range modelSteps / 5 {
			x := rng.ExpFloat64() * scale
			if i > 2000 {
				sample = append(sample, x)
				if x <= float64(h.Delay()) {
					below++
				}
			}
			h.Observe(time.Duration(x))
		}
		slices.Sort(sample)
		want := sample[len(sample)*9/10]
		if got := float64(h.Delay()); got < want/2 || got > want*2 {
			t.Errorf("delay %s, the sample's p90 is %s", time.Duration(got), time.Duration(want))
		}
		if share := float64(below) / float64(len(sample)); math.Abs(share-0.9) > 0.02 {
			t.Errorf("%.3f of the calls ended before the hedge, want 0.9", share)
		}
	}
}

func TestHedgeBudgetAndExtra(t *testing.T) {
	t.Parallel()
	h, err := policy.NewHedge(policy.HedgeConfig{After: time.Millisecond, Extra: 2, Budget: policy.BudgetConfig{Burst: 3, Ratio: 0.5, PerSecond: -1}})
	if err != nil {
		t.Fatal(err)
	}
	var got []policy.Reason
	for _, sent := range []int{1, 2, 3, 1, 1} {
		got = append(got, h.Next(0, sent).Reason)
	}
	h.Begin()
	h.Begin() // two calls pay for one hedge
	got = append(got, h.Next(0, 1).Reason, h.Next(0, 1).Reason)
	want := []policy.Reason{policy.Admitted, policy.Admitted, policy.Exhausted, policy.Admitted, policy.NoBudget, policy.Admitted, policy.NoBudget}
	if !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

func TestShedderIsItsFormula(t *testing.T) {
	t.Parallel()
	s, err := policy.NewShedder(policy.ShedConfig{})
	if err != nil {
		t.Fatal(err)
	}
	ramps := map[policy.Priority][2]float64{policy.Bulk: {0.6, 0.8}, policy.Low: {0.7, 0.9}, policy.Normal: {0.8, 1}, policy.Critical: {1, 1}}
	rng := rand.New(rand.NewPCG(1, 9))
	for range modelSteps {
		p, used, u := policy.Priority(rng.IntN(4)), rng.Float64()*1.2, rng.Float64()
		chance := 0.0
		if r := ramps[p]; used >= r[1] {
			chance = 1
		} else if used > r[0] {
			chance = math.Pow((used-r[0])/(r[1]-r[0]), 3)
		}
		if math.Abs(u-chance) < 1e-9 {
			continue
		}
		if got := s.Admit(p, used, u); got.Admit() != (u >= chance) {
			t.Fatalf("%s at %g with u %g: %s, chance %g", p, used, u, got.Reason, chance)
		}
		if s.Certain(p, used) && chance != 0 && chance != 1 {
			t.Fatalf("%s at %g is not certain", p, used)
		}
	}
}

func TestTimeoutIsItsFormula(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 9))
	pick := func(ds ...time.Duration) time.Duration { return ds[rng.IntN(len(ds))] }
	for range modelSteps / 10 {
		c := policy.TimeoutConfig{Total: pick(0, time.Second), Try: pick(0, 300*time.Millisecond), Reserve: pick(0, 50*time.Millisecond), Least: pick(0, 20*time.Millisecond, -1)}
		to, err := policy.NewTimeout(c)
		if err != nil {
			t.Fatal(err)
		}
		now, caller := policy.Time(rng.Int64N(1e9)), policy.Never
		if rng.IntN(2) == 0 {
			caller = now + policy.Time(rng.Int64N(2e9)) - 5e8
		}
		call := caller
		if c.Total > 0 && now.Add(c.Total) < call {
			call = now.Add(c.Total)
		}
		if got := to.Call(now, caller); got != call {
			t.Fatalf("call ends %d, want %d", got, call)
		}
		end, bounded := call, call != policy.Never
		if bounded {
			end -= policy.Time(c.Reserve)
		}
		late := bounded && (end <= now || end.Sub(now) < to.Config().Least)
		if c.Try > 0 && now.Add(c.Try) < end {
			end = now.Add(c.Try)
		}
		got, v := to.Try(now, call)
		if v.Admit() == late || v.Admit() && got != end {
			t.Fatalf("%+v: try ends %d (%s), want %d, late %t", c, got, v.Reason, end, late)
		}
	}
}
