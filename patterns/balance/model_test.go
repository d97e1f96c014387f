package balance_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/balance"
)

// Every algorithm, with and without a zone to prefer, beside its reference
// under random calls, failures, ejections and changes of the endpoints.
func TestBalancerIsItsModel(t *testing.T) {
	t.Parallel()
	for a := balance.PeakEWMA; a <= balance.Hash; a++ {
		for _, zone := range []string{"", "z1"} {
			t.Run(a.String()+zone, func(t *testing.T) {
				t.Parallel()
				c := balance.Config{
					Algorithm: a, Decay: 2 * time.Second, Choices: 3, Zone: zone, ZoneMin: 0.5, Outlier: balance.OutlierConfig{
						Failures: 4, MinCalls: 8, Interval: time.Second, EjectFor: 500 * time.Millisecond, EjectMax: 3 * time.Second,
					},
				}
				d := &drive{T: t, b: build(t, c), ref: &refBalancer{c: c.Defaults()}, rng: rand.New(rand.NewPCG(11, uint64(a))), seen: map[string]int{}}
				d.run()
				want := []string{"ejected", "avoided", "updated"}
				if zone != "" {
					want = append(want, "home", "everywhere")
				}
				for _, w := range want {
					if d.seen[w] < 20 {
						t.Errorf("%s was seen only %d times", w, d.seen[w])
					}
				}
			})
		}
	}
}

// flying is a call under way.
type flying struct {
	p     balance.Pick
	e     *refEndpoint
	start int64
}

// drive is one run of a balancer and its reference side by side.
type drive struct {
	*testing.T
	b    *balance.Balancer
	ref  *refBalancer
	rng  *rand.Rand
	now  int64
	step int
	open []flying
	sick map[string]float64
	seen map[string]int
}

func (d *drive) run() {
	for d.step = range modelSteps {
		if d.step%(modelSteps/40) == 0 {
			d.update()
		}
		if d.step%2000 == 0 {
			d.sick = map[string]float64{fmt.Sprint(d.rng.IntN(7)): 0.9, fmt.Sprint(d.rng.IntN(7)): 0.4, fmt.Sprint(d.rng.IntN(7)): 0.9}
		}
		d.now += d.rng.Int64N(int64(4 * time.Millisecond))
		if d.rng.IntN(500) == 0 {
			d.now += d.rng.Int64N(int64(time.Second))
		}
		if len(d.open) < 20 && d.rng.IntN(2) == 0 {
			d.pick()
		} else if len(d.open) > 0 {
			d.done()
		}
		if d.step%61 == 0 {
			d.compare()
		}
		if d.ref.c.Algorithm == balance.Weighted && d.step%(modelSteps/100) == 0 {
			d.shares()
		}
	}
}

// update replaces the endpoints: some go, some come, some move.
func (d *drive) update() {
	var es []balance.Endpoint
	for i := range 7 {
		if d.step > 0 && d.rng.IntN(5) == 0 {
			continue
		}
		e := balance.Endpoint{ID: fmt.Sprint(i), Weight: 1 + i%2, Zone: fmt.Sprint("z", i%2)}
		if d.rng.IntN(6) == 0 {
			e.Weight = 3
		}
		es = append(es, e)
	}
	if len(es) == 0 {
		return
	}
	if err := d.b.Update(d.now, es); err != nil {
		d.Fatal(err)
	}
	d.ref.update(d.now, es)
	d.seen["updated"]++
}

func (d *drive) pick() {
	u, key := d.rng.Uint64(), d.rng.Uint64()
	var avoid flying
	if len(d.open) > 0 && d.rng.IntN(8) == 0 {
		avoid = d.open[d.rng.IntN(len(d.open))]
		d.seen["avoided"]++
	}
	near, far := d.ref.in(d.now)
	if len(far) > 0 {
		d.seen["home"]++
	} else {
		d.seen["everywhere"]++
	}
	p := pick(d.T, d.b, d.now, u, balance.Request{Key: key, Avoid: avoid.p})
	e := d.ref.pick(d.now, u, key, avoid.e)
	if e == nil { // Weighted: whom it takes is free, within bounds
		i := slices.IndexFunc(near, func(n *refEndpoint) bool { return n.Endpoint == *p.Endpoint() })
		if i < 0 || near[i] == avoid.e && len(near) > 1 {
			d.Fatalf("step %d: picked %s, which is not to be chosen", d.step, p.Endpoint().ID)
		}
		e = near[i]
	}
	if *p.Endpoint() != e.Endpoint {
		d.Fatalf("step %d: picked %+v, reference %+v", d.step, p.Endpoint(), e.Endpoint)
	}
	d.ref.begin(e)
	d.open = append(d.open, flying{p, e, d.now})
}

func (d *drive) done() {
	i := d.rng.IntN(len(d.open))
	f := d.open[i]
	d.open = slices.Delete(d.open, i, i+1)
	o := balance.Answered
	if d.rng.Float64() < d.sick[f.e.ID] {
		o = balance.Failed
	} else if d.rng.IntN(30) == 0 {
		o = balance.Ignored
	}
	d.b.Done(f.p, d.now, o)
	d.ref.done(f.e, f.start, d.now, o)
}

func (d *drive) compare() {
	views := d.b.Snapshot(d.now)
	if len(views) != len(d.ref.all) {
		d.Fatalf("step %d: %d endpoints, reference %d", d.step, len(views), len(d.ref.all))
	}
	for i, v := range views {
		e := d.ref.all[i]
		latency := d.ref.latency(e, d.now)
		if e.latency == 0 {
			latency = 0 // a view is not a price
		}
		if v.Endpoint != e.Endpoint || v.UnderWay != e.calls || v.Until != e.until || v.Ejections != e.ejections || math.Abs(v.Latency*1e9-latency) > 1e-6*latency {
			d.Fatalf("step %d: %+v, reference %+v", d.step, v, e)
		}
		if v.Ejected {
			d.seen["ejected"]++
		}
	}
}

// shares lays a grid over the random numbers: each endpoint's part of it is its
// part of the weights.
func (d *drive) shares() {
	near, _ := d.ref.in(d.now)
	sum := 0
	for _, e := range near {
		sum += e.Weight
	}
	columns, rows := uint64(16*len(near)), uint64(128)
	got := map[balance.Endpoint]float64{}
	for i := range columns {
		for j := range rows {
			u := (2*i+1)<<31/columns<<32 | (2*j+1)<<31/rows
			p := pick(d.T, d.b, d.now, u, balance.Request{})
			got[*p.Endpoint()]++
			d.b.Done(p, d.now, balance.Ignored)
		}
	}
	for _, e := range near {
		share, want := got[e.Endpoint]/float64(columns*rows), float64(e.Weight)/float64(sum)
		if math.Abs(share-want) > 1/float64(rows) {
			d.Fatalf("step %d: %s of weight %d has %.4f of the calls, reference %.4f", d.step, e.ID, e.Weight, share, want)
		}
	}
}
