package advise

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// Sources of the formulas.
const (
	fromBudget   = "deadline propagation: what is left of the caller's objective, shared by the parts in sequence in proportion to their own percentiles"
	fromTries    = "independent tries: f^n <= g; rule of three (Hanley and Lippman-Hand, JAMA 1983) where no failure was seen"
	fromPerTry   = "n tries and n-1 waits fill the timeout"
	fromBudgets  = "expected retries f + f^2 + ..., doubled; (1+r)^hops bounds the load of a whole path (Beyer et al., Site Reliability Engineering, 2016, ch. 22)"
	fromChart    = "three-sigma limit of a p-chart (Shewhart 1931), at least 20 %"
	fromWindow   = "a steady failure fills the share theta of a sliding window after theta x window"
	fromRow      = "as many failures in a row as calls come within the wanted detection"
	fromSlow     = "between the callee's p99.9 and half a try (policy.BreakerConfig.SlowAfter)"
	fromStall    = "policy.BreakerConfig.DetectionTime"
	fromLittle   = "L = lambda x W (Little 1961); head-room of three standard deviations of a Poisson number"
	fromHedge    = "hedge at p95: 5 % more calls (Dean and Barroso, The Tail at Scale, CACM 2013)"
	fromIdem     = "RFC 9110, section 9.2.2: a method that is not idempotent must not be repeated on its own"
	leastFailure = 0.2
)

// job is one call with what all formulas of it use.
type job struct {
	m     *model
	e     arch.Edge
	c     arch.Call
	a     *Answer
	goals []goal

	q        float64 // of the tightest goal of time
	need     float64 // callee's latency at q; 0: unknown
	timeout  float64 // 0: unknown
	perTry   float64
	tries    int
	upstream int
	hops     int
	seen     float64           // share of failures that was seen
	fail     arch.Opt[float64] // the same, or its bound when none was seen
	failIn   Input
	rate     arch.Opt[float64] // of one instance of the caller
	rateIn   []Input
}

func (m *model) answer(e arch.Edge) Answer {
	a := Answer{From: e.From, To: e.Call.To, ID: e.ID, Verdict: Settings}
	j := &job{m: m, e: e, c: m.call(e), a: &a, upstream: 1, hops: 1}
	if e.Call.Async.V || e.Call.Access == arch.AccessPublish || e.Call.Access == arch.AccessSubscribe {
		a.Verdict = Async
		a.Because = append(a.Because, "it is asynchronous already: nobody waits for it, so there is nothing to time out; watch the age of its messages")
		return a
	}
	j.goals = m.callGoals(e, nil)
	for _, g := range j.goals {
		j.upstream, j.hops = max(j.upstream, g.tries), max(j.hops, g.hops)
	}
	j.setTimeout()
	j.failure()
	j.setTries()
	j.traffic()
	j.setBreaker()
	j.setBulkhead()
	j.setHedge()
	j.fallback()
	j.judge()
	return a
}

// latency is a quantile of the call as the caller sees it, with its input.
func (j *job) latency(q float64) (float64, Input, bool) {
	w := &walk{m: j.m, op: arch.Operation{Calls: map[string]arch.Call{j.e.ID: j.e.Call}}, from: j.e.From, q: q}
	v, ok := w.latency(j.e.ID)
	return v, j.m.input(fmt.Sprintf("%s p%.4g", j.e.Call.To.Short(), 100*q), sec(v), j.e.At("latency"), arch.Fact{Of: j.e.Call.To, At: "/latency"}), ok
}

func (j *job) failure() {
	at := []arch.Fact{j.e.At("errors"), {Of: j.e.Call.To, At: "/errors"}}
	f, ok := j.c.Errors.Get()
	j.seen = f
	n := j.c.Latency.N
	if o, is := j.m.op(j.c.To); is && !ok {
		f, ok = o.Errors.Get()
		j.seen, n = f, o.Latency.N
	}
	if !ok {
		j.a.ask(j.about("errors", "0.1%", "what share of the calls to %s fails?", j.c.To.Short()))
		return
	}
	j.failIn = j.m.input("failures", pct(f), at...)
	if f == 0 && n > 0 {
		f = min(1, 3/float64(n))
		j.failIn = j.m.input("failures", fmt.Sprintf("none in %d, so below 3/%d = %s", n, n, pct(f)), at...)
	}
	j.fail = arch.Some(f)
}

// traffic is the rate of one instance, since every instance of the caller has
// its own breaker and bulkhead.
func (j *job) traffic() {
	from := j.e.From.Parent()
	r, ok := j.c.Rate.Get()
	if !ok {
		j.a.ask(j.about("rate", "20rps", "how many calls a second does %s make to %s?", j.e.From.Short(), j.c.To.Short()))
		return
	}
	j.rateIn = []Input{j.m.input("rate", rate(r), j.e.At("rate"))}
	n := arch.Opt[int]{}
	var at arch.Ref
	for _, env := range []string{j.m.o.Env, ""} {
		if d, ok := j.m.s.Deployments[arch.DeploymentKey(env, from.Name())]; ok && d.Replicas.Known && !n.Known {
			n, at = d.Replicas, arch.DeploymentRef(env, from.Name())
		}
	}
	if v, known := n.Get(); known && v > 0 {
		j.rateIn = append(j.rateIn, j.m.input("instances of "+from.Short(), fmt.Sprint(v), arch.Fact{Of: at, At: "/replicas"}))
		j.rate = arch.Some(r / float64(v))
		return
	}
	j.a.ask(question(from, "replicas", "3", "how many instances of %s run?", from.Short()))
}

func (j *job) setTimeout() {
	var best *goal
	for i, g := range j.goals {
		for _, q := range g.unknown {
			j.a.ask(q)
		}
		if g.broken != "" {
			j.a.Verdict = Infeasible
			j.a.Because = append(j.a.Because, g.broken)
		}
		if g.q > 0 && len(g.unknown) == 0 && (best == nil || g.budget < best.budget) {
			best = &j.goals[i]
		}
	}
	if best == nil {
		if !slices.ContainsFunc(j.goals, func(g goal) bool { return g.q > 0 }) {
			j.a.ask(question(j.e.From.Parent(), "objectives", "[{p99: 300ms}]", "what latency is promised to those who call %s? (or say it of a journey)", j.e.From.Parent().Short()))
		}
		return
	}
	j.q = best.q
	v, in, ok := j.latency(j.q)
	if !ok {
		j.a.ask(howLong(j.e.From, j.e.ID, j.c))
		return
	}
	j.need = v
	if best.budget <= 0 {
		return // infeasible, and said so
	}
	j.timeout = best.budget
	steps := []string{}
	for _, s := range best.steps {
		if !strings.Contains(s, "may fail") {
			steps = append(steps, s)
		}
	}
	if len(steps) == 0 {
		steps = []string{"all that is left: " + sec(j.timeout)}
	}
	if v > j.timeout && j.a.Verdict != Infeasible {
		j.a.Verdict = Infeasible
		j.a.Because = append(j.a.Because, fmt.Sprintf("%s takes %s at p%g and %s are left for it", j.c.To.Short(), sec(v), 100*j.q, sec(j.timeout)))
	}
	j.a.add(Timeout, j.timeout, sec(j.timeout), strings.Join(steps, "; "), fromBudget, append(slices.Clone(best.in), in)...)
	if e := j.c.Effective(j.m.o.Env); e.Timeout.Known {
		j.a.note("today's timeout is %s (%s)", e.Timeout.V, e.By)
	}
}

// setTries: as many as the goal needs, as time and amplification allow.
func (j *job) setTries() {
	idem, idemIn := j.m.idempotent(j.e)
	if v, known := idem.Get(); !known || !v {
		if !known {
			j.a.ask(question(j.c.To, "idempotent", "true", "may %s be repeated?", j.c.To.Short()))
			idemIn = Input{"idempotent", "unknown", "nowhere"}
		}
		j.tries, j.perTry = 1, j.timeout
		j.a.add(Tries, 1, "1", "1: not known to be idempotent", fromIdem, idemIn)
		j.a.add(RetryBudget, 0, "0%", "no retries", fromIdem)
		return
	}
	f, ok := j.fail.Get()
	if !ok || j.timeout == 0 || j.need == 0 {
		return
	}
	var want *goal
	for i, g := range j.goals {
		if g.hasFail && (want == nil || g.fail < want.fail) {
			want = &j.goals[i]
		}
	}
	if want == nil {
		j.a.ask(question(j.e.From.Parent(), "objectives", "[{availability: 99.9%}]", "which availability is promised to those who call %s?", j.e.From.Parent().Short()))
		return
	}
	wait, waitIn, _ := j.latency(0.5)
	byGoal := math.MaxInt32
	switch {
	case f <= want.fail:
		byGoal = 1
	case f < 1:
		byGoal = int(math.Ceil(math.Log(want.fail)/math.Log(f) - 1e-9))
	}
	byTime := max(1, int((j.timeout+wait)/(j.need+wait)+1e-9))
	byLoad := max(1, j.m.o.Amplification/j.upstream)
	load := fmt.Sprintf("load %d / %d upstream -> %d", j.m.o.Amplification, j.upstream, byLoad)
	if below := j.m.retriedBelow(j.c.To, nil); below != "" && byLoad > 1 {
		byLoad, load = 1, "tried again further down -> 1"
		j.a.note("%s is tried again further down the path; tries of several hops multiply, so this one does not", below)
	}
	n := min(byGoal, byTime, byLoad)
	j.tries = n
	text := fmt.Sprintf("min(goal ln %s / ln %s -> %s, time (%s + %s) / (%s + %s) -> %d, %s)", pct(want.fail), pct(f), many(byGoal), sec(j.timeout), sec(wait), sec(j.need), sec(wait), byTime, load)
	j.a.add(Tries, float64(n), fmt.Sprint(n), text, fromTries, append(slices.Clone(want.in), j.failIn, waitIn, idemIn)...)
	if left := math.Pow(f, float64(n)); left > want.fail*(1+1e-9) {
		j.short(left, want)
	}
	j.perTry = (j.timeout - float64(n-1)*wait) / float64(n)
	if n > 1 {
		j.a.add(Wait, wait, sec(wait), "median of the callee: "+sec(wait), "a callee that is well has answered by then", waitIn)
		j.a.add(PerTry, j.perTry, sec(j.perTry), fmt.Sprintf("(%s - %d x %s) / %d", sec(j.timeout), n-1, sec(wait), n), fromPerTry)
	}
	var again float64
	for k := 1; k < n; k++ {
		again += math.Pow(f, float64(k))
	}
	limit := math.Pow(j.m.o.Extra, 1/float64(j.hops)) - 1
	r := min(2*again, limit)
	j.a.add(RetryBudget, r, pct(r), fmt.Sprintf("min(2 x %s, %g^(1/%d hops) - 1 = %s)", pct(again), j.m.o.Extra, j.hops, pct(limit)), fromBudgets, j.failIn)
}

// short says that even all tries leave too many failures: infeasible when that
// was measured, a note when only too little was seen to rule it out.
func (j *job) short(left float64, want *goal) {
	text := fmt.Sprintf("with %d of the tries that time and load allow, %s of the calls still fail; the goal of %s leaves %s to this call", j.tries, pct(left), want.of, pct(want.fail))
	if strings.HasPrefix(j.failIn.Value, "none in") {
		j.a.note("too few calls were seen to tell whether the availability holds: %s at worst, %s wanted", pct(left), pct(want.fail))
		return
	}
	if j.c.Optional.V {
		j.a.note("%s; the fallback has to carry the rest", text)
		return
	}
	j.a.Verdict = Infeasible
	j.a.Because = append(j.a.Because, text)
}

func (j *job) setBulkhead() {
	r, ok := j.rate.Get()
	var mean float64
	d := j.c.Latency
	if o, is := j.m.op(j.c.To); d.IsZero() && is {
		d = o.Latency
	}
	mean, known := d.Mean()
	if !ok || !known {
		return
	}
	in := append(slices.Clone(j.rateIn), j.m.input("mean time", sec(mean), j.e.At("latency"), arch.Fact{Of: j.c.To, At: "/latency"}))
	text := ""
	if k, at, ok := j.peak(); ok {
		r *= k
		text, in = fmt.Sprintf(" (x %.3g at the peak)", k), append(in, at)
	} else {
		j.askPeak()
	}
	l := r * mean
	limit := math.Ceil(l+3*math.Sqrt(l)-1e-9) + 1
	j.a.add(Bulkhead, limit, fmt.Sprintf("%g", limit), fmt.Sprintf("L = %s%s x %s = %.3g; L + 3 x sqrt(L), up, + 1", rate(r), text, sec(mean), l), fromLittle, in...)
}

// askPeak asks of the journeys that the call serves.
func (j *job) askPeak() {
	const text = "how high is the peak? The bulkhead holds for the rate that was seen"
	for _, n := range arch.Sorted(j.m.s.Journeys) {
		of := arch.NewRef(arch.KindJourney, n)
		if !slices.ContainsFunc(j.goals, func(g goal) bool { return g.of == of.Short() }) {
			continue
		}
		key := "peak"
		if j.m.s.Journeys[n].Peak.Known {
			key = "rate" // what the peak is compared with
		}
		j.a.ask(question(of, key, "40rps", text+" (%s of journey %s)", key, n))
		return
	}
	j.a.ask(Question{Text: text + "; say it of a journey that begins with this"})
}

// peak is how much more than now the worst hour brings, by the journeys.
func (j *job) peak() (float64, Input, bool) {
	best, in, ok := 0.0, Input{}, false
	for _, n := range arch.Sorted(j.m.s.Journeys) {
		x := j.m.s.Journeys[n]
		of := arch.NewRef(arch.KindJourney, n)
		used := slices.ContainsFunc(j.goals, func(g goal) bool { return g.of == of.Short() })
		if used && x.Peak.Known && x.Rate.Or(0) > 0 && x.Peak.V/x.Rate.V > best {
			best, ok = x.Peak.V/x.Rate.V, true
			in = j.m.input("peak of "+n, rate(x.Peak.V)+" of "+rate(x.Rate.V), arch.Fact{Of: of, At: "/peak"})
		}
	}
	return best, in, ok
}

func (j *job) setHedge() {
	idem, idemIn := j.m.idempotent(j.e)
	p50, _, ok := j.latency(0.5)
	p95, in, _ := j.latency(0.95)
	top, topIn, _ := j.latency(0.99)
	switch {
	case !ok || j.timeout == 0:
	case !idem.V:
		j.a.note("no hedge: a second call beside the first would repeat what is not known to be idempotent")
	case top < 3*p50:
		j.a.note("no hedge: p99 %s is below 3 x p50 %s, there is no tail to cut", sec(top), sec(p50))
	case p95+p50 > j.timeout:
		j.a.note("no hedge: p95 %s + p50 %s is past the timeout", sec(p95), sec(p50))
	default:
		j.a.add(Hedge, p95, sec(p95), "p95 of the callee: "+sec(p95), fromHedge, in, topIn, idemIn)
	}
}

func (j *job) fallback() {
	opt, known := j.c.Optional.Get()
	switch {
	case known && opt && j.m.reads(j.e) && j.c.Staleness.Known:
		j.a.Fallback = "answer from the last value, up to " + sec(j.c.Staleness.V) + " old"
	case known && opt:
		j.a.Fallback = "answer without it"
	case known:
		j.a.Fallback = "none: fail at once with an error that says so"
	default:
		j.a.ask(j.about("optional", "true", "can %s answer without %s? (staleness: 30s says: with an old value)", j.e.From.Short(), j.c.To.Short()))
	}
}

// judge settles the verdict when all numbers are there.
func (j *job) judge() {
	how, changes := j.m.changes(j.e)
	switch {
	case !j.c.Optional.V || j.m.reads(j.e) || j.c.Access == arch.AccessWrite:
	case !changes:
		j.a.note("whether %s needs what %s answers is not known; if it does not, publish it, with an outbox, and let nobody wait", j.e.From.Short(), j.c.To.Short())
	default:
		why := "the operation can answer without it and it reads nothing (" + how + "): publish it, with an outbox, and let nobody wait"
		if j.a.Verdict == Infeasible {
			why = "waiting for it breaks the goal, and " + why
		}
		j.a.Verdict = Async
		j.a.Because = append(j.a.Because, why)
	}
	if j.a.Verdict == Settings && j.timeout == 0 && len(j.a.Numbers) <= 2 {
		j.a.Verdict = Unknown
	}
}

func many(n int) string {
	if n >= math.MaxInt32 {
		return "none suffices"
	}
	return fmt.Sprint(n)
}

func rate(r float64) string { return fmt.Sprintf("%.3g/s", r) }
