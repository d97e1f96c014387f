package balance_test

import (
	"math"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/balance"
)

// refEndpoint is an endpoint as the documentation of Config tells it.
type refEndpoint struct {
	balance.Endpoint
	calls     int     // under way
	latency   float64 // ns; 0: none yet
	stamp     int64
	row       int
	answers   []bool // of the present interval; true: failed
	ends      int64  // of the interval
	until     int64
	back      int64
	ejections int
}

// refBalancer keeps no list of who may be chosen: it looks at every endpoint
// for every call.
type refBalancer struct {
	c           balance.Config
	all         []*refEndpoint
	seen        int64
	turn        int
	busy        int // calls under way, of endpoints that have gone too
	every, home refTable
}

func (r *refBalancer) latency(e *refEndpoint, now int64) float64 {
	if e.latency == 0 && e.calls > 0 {
		return float64(time.Hour)
	}
	if idle := now - e.stamp; e.latency > 0 && idle > int64(r.c.Decay)/16 {
		return e.latency * math.Exp(-float64(idle)/float64(r.c.Decay))
	}
	return e.latency
}

func (r *refBalancer) cost(e *refEndpoint, now int64) float64 {
	if r.c.Algorithm == balance.LeastRequest {
		return float64(e.calls+1) / float64(e.Weight)
	}
	return float64(e.calls+1) * r.latency(e, now) / float64(e.Weight)
}

// in takes back whose time is over and returns those that may be chosen: the
// caller's zone, and the others; or all as one when the zone does not count.
func (r *refBalancer) in(now int64) (near, far []*refEndpoint) {
	for _, e := range r.all {
		if e.until != 0 && e.until <= now {
			r.seen = max(r.seen, now)
			e.until, e.back = 0, r.seen
			e.fresh()
		}
	}
	var in []*refEndpoint
	for _, e := range r.all {
		if e.until == 0 {
			in = append(in, e)
		}
	}
	if len(in) == 0 {
		in = r.all
	}
	home, homeIn := 0, 0
	for _, e := range r.all {
		if r.mine(e) {
			home += e.Weight
		}
	}
	for _, e := range in {
		if r.mine(e) {
			homeIn += e.Weight
			near = append(near, e)
		} else {
			far = append(far, e)
		}
	}
	if homeIn == 0 || float64(homeIn) < r.c.ZoneMin*float64(home) {
		return in, nil
	}
	return near, far
}

func (r *refBalancer) mine(e *refEndpoint) bool { return r.c.Zone != "" && e.Zone == r.c.Zone }

func (e *refEndpoint) fresh() { e.row, e.answers, e.ends = 0, nil, 0 }

// pick is told the random number. Under Weighted it says nil: the shares, not
// the single choice, are its business.
func (r *refBalancer) pick(now int64, u, key uint64, avoid *refEndpoint) *refEndpoint {
	near, far := r.in(now)
	switch r.c.Algorithm {
	case balance.Weighted:
		return nil
	case balance.RoundRobin:
		r.turn++
		if near[r.turn%len(near)] == avoid {
			r.turn++
		}
		return near[r.turn%len(near)]
	case balance.Hash:
		return r.hashed(near, far, key, avoid)
	}
	e := r.cheapest(near, now, u, avoid)
	if len(far) == 0 {
		return e
	}
	f := far[draw(refMix(u), len(far))]
	here, there := r.cost(e, now), r.cost(f, now)
	worth := r.c.Algorithm == balance.LeastRequest || here-there > float64(r.c.ZoneGain)
	if f != avoid && here > r.c.ZoneSpill*there && worth {
		return f
	}
	return e
}

// cheapest of two different ones, of Choices under LeastRequest.
func (r *refBalancer) cheapest(in []*refEndpoint, now int64, u uint64, avoid *refEndpoint) *refEndpoint {
	if len(in) == 1 {
		return in[0]
	}
	i, j := draw(u, len(in)), draw(u<<32, len(in)-1)
	if j >= i {
		j++
	}
	drawn := []*refEndpoint{in[i], in[j]}
	if r.c.Algorithm == balance.LeastRequest {
		for range r.c.Choices - 2 {
			u = refMix(u + 0x9e3779b97f4a7c15)
			drawn = append(drawn, in[draw(u, len(in))])
		}
	}
	var best *refEndpoint
	for _, e := range drawn {
		if e != avoid && (best == nil || r.cost(e, now) < r.cost(best, now)) {
			best = e
		}
	}
	return best
}

func (r *refBalancer) begin(e *refEndpoint) {
	e.calls++
	r.busy++
}

func (r *refBalancer) done(e *refEndpoint, start, now int64, o balance.Outcome) {
	e.calls--
	r.busy--
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
	e.answers = append(e.answers, o == balance.Failed)
	if o != balance.Failed {
		e.row = 0
		return
	}
	e.row++
	failed := 0
	for _, bad := range e.answers {
		if bad {
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
	out, here := 0, false
	for _, o := range r.all {
		here = here || o == e
		if o.until != 0 {
			out++
		}
	}
	if e.until != 0 || !here {
		return
	}
	room := int(r.c.Outlier.MaxEjected * float64(len(r.all)))
	if len(r.all) > 1 {
		room = max(1, room)
	}
	if out >= min(room, len(r.all)-1) {
		e.fresh()
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

// update replaces the endpoints; who is known and the same stays, who is known
// and moved keeps what speaks of the instance.
func (r *refBalancer) update(now int64, es []balance.Endpoint) {
	r.seen = max(r.seen, now)
	var all []*refEndpoint
	for _, e := range es {
		next := &refEndpoint{Endpoint: e}
		for _, o := range r.all {
			if o.Endpoint == e {
				next = o
			} else if o.ID == e.ID {
				next.latency, next.stamp, next.until, next.back, next.ejections = o.latency, o.stamp, o.until, o.back, o.ejections
			}
		}
		all = append(all, next)
	}
	r.all = all
	if r.c.Algorithm == balance.Hash {
		r.every, r.home = newRefTable(all, func(*refEndpoint) bool { return true }), newRefTable(all, r.mine)
	}
}

// refTable is Maglev's table as its paper builds it: every endpoint has a
// permutation of all places and takes the next free one of it in turn.
type refTable struct{ places []*refEndpoint }

func newRefTable(all []*refEndpoint, of func(*refEndpoint) bool) refTable {
	const size = 65537
	var es []*refEndpoint
	most := 0
	for _, e := range all {
		if of(e) {
			es = append(es, e)
			most = max(most, e.Weight)
		}
	}
	if len(es) == 0 {
		return refTable{}
	}
	places, next, turns := make([]*refEndpoint, size), make([]uint64, len(es)), make([]float64, len(es))
	for taken := 0; ; {
		for i, e := range es {
			h := balance.Key(e.ID)
			for turns[i] += float64(e.Weight) / float64(most); turns[i] >= 1; turns[i]-- {
				place := func() uint64 { return (h%size + next[i]*(refMix(h)%(size-1)+1)) % size }
				for places[place()] != nil {
					next[i]++
				}
				places[place()] = e
				if taken++; taken == size {
					return refTable{places}
				}
			}
		}
	}
}

// hashed is the first in the table, from the key's place on, that is in, not to
// be avoided, and not full.
func (r *refBalancer) hashed(near, far []*refEndpoint, key uint64, avoid *refEndpoint) *refEndpoint {
	table, members := r.every, 0
	if len(far) > 0 {
		table = r.home
	}
	distinct := map[*refEndpoint]bool{}
	for _, e := range r.all {
		if len(far) == 0 || r.mine(e) {
			distinct[e] = true
		}
	}
	members = len(distinct)
	room := math.MaxInt
	if r.c.HashLoad > 0 {
		room = int(math.Ceil(r.c.HashLoad * float64(r.busy+1) / float64(len(near))))
	}
	allOut := true
	for _, e := range r.all {
		allOut = allOut && e.until != 0
	}
	for step := range 8 + 2*members {
		e := table.places[(key+uint64(step))%uint64(len(table.places))]
		if (e.until == 0 || allOut) && e != avoid && e.calls < room {
			return e
		}
	}
	i := draw(refMix(key), len(near))
	if near[i] != avoid || len(near) == 1 {
		return near[i]
	}
	j := draw(refMix(key), len(near)-1)
	if j >= i {
		j++
	}
	return near[j]
}

// draw is a number below n from the upper half of u.
func draw(u uint64, n int) int { return int(math.Floor(float64(u>>32) / (1 << 32) * float64(n))) }

// refMix is splitmix64's finalizer.
func refMix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
