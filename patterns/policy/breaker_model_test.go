package policy_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// refBreaker is what the documentation of policy.Breaker says, in lists that
// are searched from end to end.
type refBreaker struct {
	c       policy.BreakerConfig
	now     policy.Time
	state   policy.BreakerState
	fails   []refJudged
	slows   []refJudged
	flights []*refCall // of this state, in order of start
	success policy.Time
	until   policy.Time
	rounds  int
	ok, bad int // probes
	changes []policy.Change
	trips   uint64
}

type refJudged struct {
	at  policy.Time
	bad bool
}

type refCall struct {
	start   policy.Time
	overdue bool
	probe   bool
	tracked bool
}

func (r *refBreaker) clock(now policy.Time) { r.now = max(r.now, now) }

func (r *refBreaker) enter(s policy.BreakerState, why policy.Cause) {
	r.changes = append(r.changes, policy.Change{Seq: uint64(len(r.changes) + 1), At: r.now, From: r.state, To: s, Cause: why})
	switch s {
	case policy.Closed:
		r.fails, r.slows, r.success, r.rounds = nil, nil, r.now, 0
	case policy.Opened:
		if r.state == policy.HalfOpen {
			r.rounds++
		}
		if r.state != policy.Opened {
			r.trips++
		}
		d := r.c.OpenFor
		for range r.rounds {
			d = min(2*d, r.c.OpenMax)
		}
		r.until = r.now.Add(d)
	case policy.HalfOpen:
		r.ok, r.bad = 0, 0
	}
	r.state, r.flights = s, nil
}

// recent returns the judgements that the window holds as of its last one.
func (r *refBreaker) recent(js []refJudged) (n, bad int) {
	if len(js) == 0 {
		return 0, 0
	}
	last := js[len(js)-1]
	width := policy.Time(r.c.Span) / 10
	for i := len(js) - 1; i >= 0; i-- {
		switch r.c.Window {
		case policy.CountWindow:
			if n == r.c.Size {
				return n, bad
			}
		case policy.TimeWindow:
			if last.at/width-js[i].at/width >= 10 {
				return n, bad
			}
		case policy.Consecutive:
			if !js[i].bad {
				return n, bad
			}
		}
		n++
		if js[i].bad {
			bad++
		}
	}
	return n, bad
}

func (r *refBreaker) reached(js []refJudged, rate float64) bool {
	n, bad := r.recent(js)
	if bad == 0 || rate < 0 {
		return false
	}
	if r.c.Window == policy.Consecutive {
		return bad >= r.c.Size
	}
	return n >= r.c.MinCalls && float64(bad)/float64(n) >= rate
}

// settled: another success changes nothing, whenever it comes.
func (r *refBreaker) settled() bool {
	n, bad := r.recent(r.fails)
	return r.c.SlowAfter <= 0 && bad == 0 && (r.c.Window == policy.Consecutive || r.c.Window == policy.CountWindow && n == r.c.Size)
}

func (r *refBreaker) overdue() (n int) {
	for _, f := range r.flights {
		if f.overdue {
			n++
		}
	}
	return n
}

func (r *refBreaker) judge() bool {
	if r.c.SlowAfter <= 0 {
		return false
	}
	width := policy.Time((r.c.SlowAfter + 7) / 8)
	for _, f := range r.flights {
		if !f.overdue && r.now/width-f.start/width > 8 {
			f.overdue = true
			r.slows = append(r.slows, refJudged{r.now, true})
		}
	}
	if r.reached(r.slows, r.c.SlowRate) {
		r.enter(policy.Opened, policy.BySlowness)
		return true
	}
	if r.c.StallCalls > 0 && r.overdue() >= r.c.StallCalls && (r.success < 0 || r.now.Sub(r.success) >= r.c.SlowAfter) {
		r.enter(policy.Opened, policy.ByStall)
		return true
	}
	return false
}

func (r *refBreaker) expire() {
	var still []*refCall
	for _, f := range r.flights {
		if r.now.Sub(f.start) >= r.c.ProbeWait {
			r.bad++
		} else {
			still = append(still, f)
		}
	}
	r.flights = still
}

func (r *refBreaker) admit(now policy.Time) (*refCall, policy.Reason) {
	if r.state == policy.Closed && r.c.SlowAfter <= 0 {
		return r.add(&refCall{start: r.now}), policy.Admitted
	}
	r.clock(now)
	if r.state == policy.Closed && !r.judge() {
		return r.add(&refCall{start: r.now}), policy.Admitted
	}
	if r.state == policy.HalfOpen {
		r.expire()
		if r.bad > r.c.ProbeFailures {
			r.enter(policy.Opened, policy.ByProbes)
		}
	} else if r.now >= r.until {
		r.enter(policy.HalfOpen, policy.ByTime)
	}
	if r.state == policy.Opened {
		return nil, policy.Open
	}
	if len(r.flights)+r.ok+r.bad >= r.c.Probes {
		return nil, policy.Probing
	}
	return r.add(&refCall{start: r.now, probe: true}), policy.Admitted
}

func (r *refBreaker) add(c *refCall) *refCall {
	c.tracked = true
	r.flights = append(r.flights, c)
	return c
}

// remove takes a call out and reports whether it was there: whether it belongs
// to the present state.
func (r *refBreaker) remove(c *refCall) bool {
	for i, f := range r.flights {
		if f == c {
			r.flights = append(r.flights[:i:i], r.flights[i+1:]...)
			return true
		}
	}
	return false
}

func (r *refBreaker) report(c *refCall, now policy.Time, o policy.Outcome, sameEra bool) {
	if !sameEra {
		return
	}
	if r.state == policy.HalfOpen {
		r.clock(now)
		if r.remove(c) {
			slow := r.c.SlowAfter > 0 && r.c.SlowRate > 0 && r.now.Sub(c.start) >= r.c.SlowAfter
			switch {
			case o == policy.Failure || o == policy.Success && slow:
				r.bad++
			case o == policy.Success:
				r.ok++
			}
		}
		r.expire()
		switch {
		case r.bad > r.c.ProbeFailures:
			r.enter(policy.Opened, policy.ByProbes)
		case r.ok >= r.c.Probes-r.c.ProbeFailures:
			r.enter(policy.Closed, policy.ByProbes)
		}
		return
	}
	if !r.settled() || o != policy.Success {
		r.clock(now) // otherwise the time is not even looked at
	}
	if r.c.SlowAfter > 0 {
		if o == policy.Success {
			r.success = r.now
		}
		if r.judge() {
			return
		}
		late := r.now.Sub(c.start) >= r.c.SlowAfter
		if !c.overdue && (o != policy.Ignored || late) {
			r.slows = append(r.slows, refJudged{r.now, late})
		}
	}
	r.remove(c)
	if o != policy.Ignored {
		r.fails = append(r.fails, refJudged{r.now, o == policy.Failure})
	}
	switch {
	case r.reached(r.fails, r.c.FailureRate):
		r.enter(policy.Opened, policy.ByFailures)
	case r.reached(r.slows, r.c.SlowRate):
		r.enter(policy.Opened, policy.BySlowness)
	}
	const keep = 200 // longer than any window here
	if len(r.fails) > 2*keep && r.c.Window != policy.TimeWindow {
		r.fails = append([]refJudged(nil), r.fails[len(r.fails)-keep:]...)
	}
	if len(r.slows) > 2*keep && r.c.Window != policy.TimeWindow {
		r.slows = append([]refJudged(nil), r.slows[len(r.slows)-keep:]...)
	}
	if w := policy.Time(r.c.Span); r.c.Window == policy.TimeWindow {
		for len(r.fails) > 0 && r.now-r.fails[0].at > 2*w {
			r.fails = r.fails[1:]
		}
		for len(r.slows) > 0 && r.now-r.slows[0].at > 2*w {
			r.slows = r.slows[1:]
		}
	}
}

func TestBreakerIsItsModel(t *testing.T) {
	t.Parallel()
	const s = time.Second
	configs := []policy.BreakerConfig{
		{Size: 8, MinCalls: 4, OpenFor: s},
		{Size: 20, MinCalls: 20, SlowAfter: s, OpenFor: 2 * s, Probes: 5, ProbeFailures: 2},
		{Size: 10, MinCalls: 5, SlowAfter: 800 * time.Millisecond, SlowRate: -1, StallCalls: 3, OpenFor: s, OpenMax: 3 * s},
		{Window: policy.TimeWindow, Span: 2 * s, MinCalls: 6, OpenFor: s},
		{Window: policy.TimeWindow, Span: 5 * s, MinCalls: 3, SlowAfter: 700 * time.Millisecond, StallCalls: -1, FailureRate: -1, OpenFor: s, ProbeWait: 3 * s},
		{Window: policy.Consecutive, Size: 3, OpenFor: s, Probes: 1},
		{Window: policy.Consecutive, Size: 4, SlowAfter: s, FailureRate: -1, OpenFor: s, Probes: 2},
	}
	for i, c := range configs {
		c.Jitter = -1
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(i), 7))
			runBreakerModel(t, rng, c, modelSteps)
		})
	}
}

type flying struct {
	ticket policy.Ticket
	ref    *refCall
	era    int // changes that the reference had seen
}

func runBreakerModel(t *testing.T, rng *rand.Rand, c policy.BreakerConfig, steps int) {
	t.Helper()
	var changes []policy.Change
	b, err := policy.NewBreaker(c, 0, func(ch policy.Change) { changes = append(changes, ch) })
	if err != nil {
		t.Fatal(err)
	}
	ref := &refBreaker{c: c.Defaults(), success: -1}
	var open []flying
	now := policy.Time(0)
	health, opened := 0.1, 0
	for step := range steps {
		switch rng.IntN(200) {
		case 0: // the callee's health changes
			health = []float64{0, 0.02, 0.2, 0.6, 1}[rng.IntN(5)]
		case 1:
			now += policy.Time(rng.Int64N(int64(20 * time.Second)))
		default:
			now += policy.Time(rng.Int64N(int64(100 * time.Millisecond)))
		}
		at := now
		if rng.IntN(20) == 0 { // a caller on another core was overtaken
			at = max(0, now-policy.Time(rng.Int64N(int64(time.Second))))
		}
		switch k := rng.IntN(1000); {
		case k == 0:
			b.Force(at)
			ref.clock(at)
			ref.enter(policy.Opened, policy.ByOperator)
			ref.until = policy.Never
		case k < 4 || b.Snapshot(at).Until == policy.Never && k < 50:
			b.Reset(at)
			ref.clock(at)
			ref.enter(policy.Closed, policy.ByOperator)
		case k < 500 && len(open) < 40:
			tk, v := b.Admit(at)
			call, reason := ref.admit(at)
			if v.Reason != reason {
				t.Fatalf("step %d at %d: %s, reference %s", step, at, v.Reason, reason)
			}
			if v.Admit() {
				open = append(open, flying{tk, call, len(ref.changes)})
			}
		case len(open) > 0:
			i := rng.IntN(len(open))
			f := open[i]
			open = append(open[:i], open[i+1:]...)
			o := policy.Success
			if rng.Float64() < health {
				o = policy.Failure
			} else if rng.IntN(20) == 0 {
				o = policy.Ignored
			}
			b.Report(f.ticket, at, o)
			ref.report(f.ref, at, o, f.era == len(ref.changes))
		}
		if len(changes) != len(ref.changes) || len(changes) > 0 && changes[len(changes)-1] != ref.changes[len(ref.changes)-1] {
			t.Fatalf("step %d: changes\n%+v\nreference\n%+v", step, tail(changes), tail(ref.changes))
		}
		if len(changes) > opened {
			opened = len(changes)
		}
		if step%97 == 0 {
			compareBreaker(t, step, b.Snapshot(0), ref)
		}
	}
	if opened < steps/2000 {
		t.Fatalf("only %d changes in %d steps: the events are too tame", opened, steps)
	}
}

func tail(cs []policy.Change) []policy.Change { return cs[max(0, len(cs)-3):] }

func compareBreaker(t *testing.T, step int, s policy.BreakerSnapshot, r *refBreaker) {
	t.Helper()
	if s.State != r.state || s.Trips != r.trips {
		t.Fatalf("step %d: %+v, reference %+v", step, s, r)
	}
	switch r.state {
	case policy.Opened:
		if s.Until != r.until {
			t.Fatalf("step %d: open until %d, reference %d", step, s.Until, r.until)
		}
	case policy.HalfOpen:
		if s.InFlight != len(r.flights) {
			t.Fatalf("step %d: %d probes, reference %d", step, s.InFlight, len(r.flights))
		}
	case policy.Closed:
		if r.c.SlowAfter > 0 && s.InFlight != len(r.flights) {
			t.Fatalf("step %d: %d under way, reference %d", step, s.InFlight, len(r.flights))
		}
		if n, bad := r.recent(r.fails); r.c.Window == policy.CountWindow && (s.Calls != n || s.Failures != bad) {
			t.Fatalf("step %d: %d of %d failed, reference %d of %d", step, s.Failures, s.Calls, bad, n)
		}
		if n, bad := r.recent(r.slows); r.c.Window == policy.CountWindow && (s.Judged != n || s.Slow != bad) {
			t.Fatalf("step %d: %d of %d slow, reference %d of %d", step, s.Slow, s.Judged, bad, n)
		}
	}
}
