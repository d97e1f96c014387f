package balance_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/balance"
)

// refEndpoint is an endpoint as the documentation of Config tells it.
type refEndpoint struct {
	id        string
	weight    float64
	calls     int     // under way
	latency   float64 // ns; 0: none yet
	stamp     int64
	row       int
	answers   []refAnswer // of the present interval
	ends      int64       // of the interval
	until     int64
	back      int64
	ejections int
}

type refAnswer struct{ failed bool }

func (e *refEndpoint) cost(now int64, decay time.Duration) float64 {
	l := e.latency
	if l == 0 && e.calls > 0 {
		l = float64(time.Hour)
	}
	if idle := now - e.stamp; e.latency > 0 && idle > int64(decay)/16 {
		l *= math.Exp(-float64(idle) / float64(decay))
	}
	return float64(e.calls+1) * l / e.weight
}

type refBalancer struct {
	c    balance.Config
	all  []*refEndpoint
	seen int64
}

// in lists the endpoints that may be chosen at now.
func (r *refBalancer) in(now int64) (out []*refEndpoint) {
	for _, e := range r.all {
		if e.until != 0 && e.until <= now {
			r.seen = max(r.seen, now)
			e.until, e.back, e.row, e.answers, e.ends = 0, r.seen, 0, nil, 0
		}
	}
	for _, e := range r.all {
		if e.until == 0 {
			out = append(out, e)
		}
	}
	return out
}

// pick is told which two the random number names.
func (r *refBalancer) pick(now int64, u uint64) *refEndpoint {
	in := r.in(now)
	if len(in) == 1 {
		in[0].calls++
		return in[0]
	}
	n := float64(len(in))
	i := int(math.Floor(float64(u>>32) / (1 << 32) * n))
	j := int(math.Floor(float64(u<<32>>32) / (1 << 32) * (n - 1)))
	if j >= i {
		j++
	}
	e := in[i]
	if in[j].cost(now, r.c.Decay) < e.cost(now, r.c.Decay) {
		e = in[j]
	}
	e.calls++
	return e
}

func (r *refBalancer) done(e *refEndpoint, start, now int64, o balance.Outcome) {
	e.calls--
	if o == balance.Ignored {
		return
	}
	took := float64(max(now-start, 1))
	if o == balance.Failed {
		took = max(took, float64(r.c.Penalty))
	}
	if took < e.latency {
		w := math.Exp(-float64(max(now-e.stamp, 0)) / float64(r.c.Decay))
		took = e.latency*w + took*(1-w)
	}
	e.latency, e.stamp = took, max(now, e.stamp)
	if now >= e.ends {
		e.answers, e.ends = nil, now+int64(r.c.Outlier.Interval)
	}
	e.answers = append(e.answers, refAnswer{o == balance.Failed})
	if o != balance.Failed {
		e.row = 0
		return
	}
	e.row++
	failed := 0
	for _, a := range e.answers {
		if a.failed {
			failed++
		}
	}
	n := len(e.answers)
	if e.row >= r.c.Outlier.Failures || n >= r.c.Outlier.MinCalls && float64(failed)/float64(n) >= r.c.Outlier.Rate {
		r.eject(e, now)
	}
}

func (r *refBalancer) eject(e *refEndpoint, now int64) {
	r.seen = max(r.seen, now)
	if e.until != 0 {
		return
	}
	out := 0
	for _, o := range r.all {
		if o.until != 0 {
			out++
		}
	}
	room := max(1, int(r.c.Outlier.MaxEjected*float64(len(r.all))))
	if out >= min(room, len(r.all)-1) {
		e.row, e.answers, e.ends = 0, nil, 0
		return
	}
	if e.ejections > 0 && r.seen-e.back >= int64(r.c.Outlier.EjectMax) {
		e.ejections = 0
	}
	d := r.c.Outlier.EjectFor
	for range e.ejections {
		d = min(2*d, r.c.Outlier.EjectMax)
	}
	e.until = r.seen + int64(d)
	e.ejections++
}

func TestBalancerIsItsModel(t *testing.T) {
	t.Parallel()
	c := balance.Config{Decay: 2 * time.Second, Outlier: balance.OutlierConfig{
		Failures: 4, MinCalls: 8, Interval: time.Second, EjectFor: 500 * time.Millisecond, EjectMax: 3 * time.Second,
	}}
	ref := &refBalancer{c: c.Defaults()}
	var es []balance.Endpoint
	for i := range 7 {
		es = append(es, balance.Endpoint{ID: fmt.Sprint(i), Weight: 1 + i%2})
		ref.all = append(ref.all, &refEndpoint{id: fmt.Sprint(i), weight: float64(1 + i%2)})
	}
	b := build(t, c, es...)
	rng := rand.New(rand.NewPCG(11, 11))
	type flying struct {
		p     balance.Pick
		e     *refEndpoint
		start int64
	}
	var open []flying
	now, ejections := int64(0), 0
	sick := map[string]float64{}
	for step := range modelSteps {
		if step%2000 == 0 {
			sick = map[string]float64{fmt.Sprint(rng.IntN(7)): 0.9, fmt.Sprint(rng.IntN(7)): 0.4}
		}
		now += rng.Int64N(int64(4 * time.Millisecond))
		if rng.IntN(500) == 0 {
			now += rng.Int64N(int64(time.Second))
		}
		if len(open) < 20 && rng.IntN(2) == 0 {
			u := rng.Uint64()
			p := pick(t, b, now, u, balance.Request{})
			e := ref.pick(now, u)
			if p.Endpoint().ID != e.id {
				t.Fatalf("step %d: picked %s, reference %s", step, p.Endpoint().ID, e.id)
			}
			open = append(open, flying{p, e, now})
		} else if len(open) > 0 {
			i := rng.IntN(len(open))
			f := open[i]
			open = append(open[:i], open[i+1:]...)
			o := balance.Answered
			if rng.Float64() < sick[f.e.id] {
				o = balance.Failed
			} else if rng.IntN(30) == 0 {
				o = balance.Ignored
			}
			b.Done(f.p, now, o)
			ref.done(f.e, f.start, now, o)
		}
		if step%61 == 0 {
			for i, v := range b.Snapshot(now) {
				e := ref.all[i]
				if v.UnderWay != e.calls || v.Until != e.until || v.Ejections != e.ejections {
					t.Fatalf("step %d: %+v, reference %+v", step, v, e)
				}
				if v.Ejected {
					ejections++
				}
			}
		}
	}
	if ejections < 100 {
		t.Errorf("an ejection was seen only %d times", ejections)
	}
}
