package advise_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
)

// world is what a relation changes.
type world struct {
	knobs
	median, tail time.Duration // of the callee
	instances    int
	opts         advise.Options
}

func (w world) ask(t *testing.T) advise.Answer {
	t.Helper()
	k := w.knobs
	k.callee = fmt.Sprintf("lognormal(p50=%dus, p99=%dus)", w.median.Microseconds(), w.tail.Microseconds())
	s := system(k)
	s.Deployments[arch.DeploymentKey("", "a")] = arch.Deployment{Replicas: arch.Some(w.instances)}
	as, err := advise.Resilience(s, "a", "b.Do", &w.opts)
	if err != nil || len(as) != 1 {
		t.Fatalf("%d answers, %v", len(as), err)
	}
	return as[0]
}

func randomWorld(rng *rand.Rand) world {
	w := world{knobs: usual(), median: time.Duration(1+rng.IntN(40)) * time.Millisecond, instances: 2 * (1 + rng.IntN(4))}
	w.tail = w.median * time.Duration(2+rng.IntN(10))
	w.budget = time.Duration(100+rng.IntN(2000)) * time.Millisecond
	w.rate = []float64{0.5, 5, 20, 100, 1000}[rng.IntN(5)]
	w.fail = []float64{0.0001, 0.002, 0.01, 0.05}[rng.IntN(4)]
	w.avail = []float64{0.99, 0.999, 0.9999}[rng.IntN(3)]
	w.parallel = rng.IntN(2) == 0
	w.opts.Detect = time.Duration(2+rng.IntN(30)) * time.Second
	return w
}

const (
	same = 0
	up   = 1
	down = -1
)

// relation says which way every number goes when a world changes. A number that
// only one of the two worlds has is not compared; one that is not named may go
// either way, for the reason that stands beside it.
type relation struct {
	what string
	turn func(*world)
	// way of each number; steady holds besides when the tries stayed as they were.
	way, steady map[string]int
	// harder: what was infeasible stays so; easier: what was feasible stays so.
	harder, easier bool
}

var relations = []relation{
	{
		what: "twice the traffic", turn: func(w *world) { w.rate *= 2 }, harder: true, easier: true,
		way: map[string]int{
			advise.Timeout: same, advise.Tries: same, advise.PerTry: same, advise.Wait: same, advise.RetryBudget: same, advise.Hedge: same, advise.SlowAfter: same,
			advise.Bulkhead: up, advise.Threshold: down, advise.Window: up, advise.MinCalls: up, advise.StallCalls: up, advise.InARow: up,
		},
	},
	{
		what: "twice the instances", turn: func(w *world) { w.instances *= 2 }, harder: true, easier: true,
		way: map[string]int{
			advise.Timeout: same, advise.Tries: same, advise.PerTry: same, advise.Wait: same, advise.RetryBudget: same, advise.Hedge: same, advise.SlowAfter: same,
			advise.Bulkhead: down, advise.Threshold: up, advise.Window: down, advise.MinCalls: down, advise.StallCalls: down, advise.InARow: down,
		},
	},
	{
		// Fewer tries leave more of the less for each: compared with as many.
		what: "half the budget", turn: func(w *world) { w.budget /= 2 }, harder: true,
		way:    map[string]int{advise.Timeout: down, advise.Tries: down, advise.RetryBudget: down, advise.Wait: same, advise.Bulkhead: same, advise.Threshold: same, advise.InARow: same, advise.Hedge: same},
		steady: map[string]int{advise.PerTry: down, advise.SlowAfter: down, advise.Window: up, advise.MinCalls: up},
	},
	{
		what: "a callee that takes twice as long", turn: func(w *world) { w.median, w.tail = 2*w.median, 2*w.tail }, harder: true,
		way: map[string]int{advise.Timeout: up, advise.Tries: down, advise.RetryBudget: down, advise.Wait: up, advise.Bulkhead: up, advise.Hedge: up, advise.Threshold: same, advise.InARow: same},
	},
	{
		what: "a callee that is not idempotent", turn: func(w *world) { w.idem = arch.Some(false) }, easier: true,
		way: map[string]int{advise.Timeout: same, advise.Tries: down, advise.RetryBudget: down, advise.Bulkhead: same, advise.Threshold: same, advise.SlowAfter: up, advise.InARow: same, advise.Window: down, advise.MinCalls: down},
	},
	{
		what: "idempotency that nobody knows", turn: func(w *world) { w.idem = arch.Opt[bool]{} }, easier: true,
		way: map[string]int{advise.Timeout: same, advise.Tries: down, advise.RetryBudget: down, advise.Bulkhead: same, advise.Threshold: same},
	},
	{
		what: "twice the failures", turn: func(w *world) { w.fail *= 2 }, harder: true,
		way:    map[string]int{advise.Timeout: same, advise.Wait: same, advise.Tries: up, advise.RetryBudget: up, advise.PerTry: down, advise.Bulkhead: same, advise.Threshold: up, advise.InARow: same, advise.Hedge: same},
		steady: map[string]int{advise.Window: down, advise.MinCalls: same},
	},
	{
		what: "a tenth of the failures allowed", turn: func(w *world) { w.avail = 1 - (1-w.avail)/10 }, harder: true,
		way: map[string]int{advise.Timeout: same, advise.Wait: same, advise.Tries: up, advise.RetryBudget: up, advise.PerTry: down, advise.Bulkhead: same, advise.Threshold: same, advise.Hedge: same},
	},
	{
		what: "twice the time to notice", turn: func(w *world) { w.opts.Detect *= 2 }, harder: true, easier: true,
		way: map[string]int{
			advise.Timeout: same, advise.Tries: same, advise.PerTry: same, advise.RetryBudget: same, advise.Bulkhead: same, advise.Hedge: same, advise.SlowAfter: same,
			advise.Threshold: down, advise.Window: up, advise.MinCalls: up, advise.StallCalls: up, advise.InARow: up,
		},
	},
	{
		what: "tries upstream", turn: func(w *world) { w.opts.Amplification = 1 }, harder: true,
		way: map[string]int{advise.Timeout: same, advise.Tries: down, advise.RetryBudget: down, advise.Bulkhead: same, advise.Threshold: same},
	},
}

func TestEveryNumberMovesTheRightWay(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 1))
	compared := map[string]int{}
	infeasible := 0
	for range 300 {
		w := randomWorld(rng)
		base := w.ask(t)
		if base.Verdict == advise.Infeasible {
			infeasible++
		}
		for _, r := range relations {
			next := w
			r.turn(&next)
			a := next.ask(t)
			if r.harder && base.Verdict == advise.Infeasible && a.Verdict != advise.Infeasible || r.easier && base.Verdict == advise.Settings && a.Verdict == advise.Infeasible && r.way[advise.Tries] == same {
				t.Errorf("%s: %s became %s in %+v", r.what, base.Verdict, a.Verdict, w)
			}
			if a.Verdict == advise.Infeasible && len(a.Because) == 0 {
				t.Errorf("%s: infeasible for no reason", r.what)
			}
			if a.Verdict == advise.Infeasible || base.Verdict == advise.Infeasible {
				continue
			}
			x, _ := base.Number(advise.Tries)
			y, _ := a.Number(advise.Tries)
			ways := []map[string]int{r.way}
			if x.Value == y.Value {
				ways = append(ways, r.steady)
			}
			for _, way := range ways {
				for name, dir := range way {
					was, ok := base.Number(name)
					got, is := a.Number(name)
					if !ok || !is {
						continue
					}
					compared[r.what+": "+name]++
					tolerance := 1e-9 * (was.Value + got.Value)
					if diff := got.Value - was.Value; dir == same && (diff > tolerance || diff < -tolerance) || diff*float64(dir) < -tolerance {
						t.Errorf("%s: %s went from %v (%s) to %v (%s) in %+v", r.what, name, was.Value, was.Formula, got.Value, got.Formula, w)
					}
				}
			}
		}
	}
	for _, r := range relations {
		for name := range r.way {
			if compared[r.what+": "+name] < 5 {
				t.Errorf("%s: %s was compared only %d times", r.what, name, compared[r.what+": "+name])
			}
		}
	}
	if infeasible < 5 || infeasible > 250 {
		t.Errorf("%d of 300 worlds are infeasible: the worlds are too alike", infeasible)
	}
}
