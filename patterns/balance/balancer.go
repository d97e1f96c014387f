package balance

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// Balancer chooses among the endpoints of one service.
type Balancer struct {
	list atomic.Pointer[list]
	turn atomic.Uint64 // RoundRobin
	busy atomic.Int64  // Hash: calls under way at all endpoints
	// recall is when the next ejected endpoint comes back.
	recall atomic.Int64

	change sync.Mutex // one Update or Configure at a time

	mu    sync.Mutex // guards cfg and membership: nodes and what list is made of
	cfg   *Config    // what list is made by
	nodes []*node
	rings rings
	byID  map[string]*node
	seen  int64
}

// list is what Pick reads: the endpoints that may be chosen, made anew whenever
// membership changes.
type list struct {
	cfg            *Config
	all, near, far []*node // far is empty unless near is preferred
	ring           ring    // Hash
	out            []bool  // Hash: which of ring are ejected; nil: none
	alias          *alias  // Weighted
}

// New builds a balancer over the endpoints; none is allowed.
func New(c Config, endpoints []Endpoint) (*Balancer, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.Defaults()
	b := &Balancer{cfg: &c, byID: map[string]*node{}}
	b.recall.Store(math.MaxInt64)
	return b, b.Update(0, endpoints)
}

// Config returns the configuration, defaults filled in.
func (b *Balancer) Config() Config { return *b.config() }

func (b *Balancer) config() *Config { return b.list.Load().cfg }

// Configure changes the configuration while calls run, from the next Pick on.
// What was learnt about endpoints stays, and so do ejections; calls under way
// end as they began. On an error nothing has changed.
func (b *Balancer) Configure(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c = c.Defaults()
	b.change.Lock()
	defer b.change.Unlock()
	var endpoints []Endpoint
	for _, n := range b.nodes { // only written with change held
		endpoints = append(endpoints, n.Endpoint)
	}
	tables := newRings(&c, endpoints)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cfg, b.rings = &c, tables
	b.rings.attach(&c, b.nodes)
	b.rebuild()
	return nil
}

// Update replaces the endpoints. Those with a known ID keep what was learnt
// about them. On an error nothing has changed.
func (b *Balancer) Update(now int64, endpoints []Endpoint) error {
	ids := make(map[string]bool, len(endpoints))
	var errs []error
	for _, e := range endpoints {
		errs = append(errs,
			check(e.ID != "", "endpoint at %q has no ID", e.Address),
			check(!ids[e.ID], "endpoint %q is there twice", e.ID),
			check(e.Weight >= 0 && e.Weight <= 1<<20, "endpoint %q: Weight %d is not in 0..%d", e.ID, e.Weight, 1<<20))
		ids[e.ID] = true
	}
	if len(endpoints) > math.MaxUint16 {
		errs = append(errs, fmt.Errorf("balance: %d endpoints are more than %d", len(endpoints), math.MaxUint16))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	b.change.Lock()
	defer b.change.Unlock()
	tables := newRings(b.cfg, endpoints) // before the lock that ejections need
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = max(b.seen, now)
	b.nodes = b.nodes[:0:0]
	byID := make(map[string]*node, len(endpoints))
	for _, e := range endpoints {
		def(&e.Weight, 1)
		n := b.byID[e.ID]
		switch {
		case n == nil:
			n = &node{Endpoint: e}
		case n.Endpoint != e:
			n = n.moved(e)
		}
		byID[e.ID] = n
		b.nodes = append(b.nodes, n)
	}
	b.byID, b.rings = byID, tables
	b.rings.attach(b.cfg, b.nodes)
	b.rebuild()
	return nil
}

// Pick chooses for a call that starts now. u is random, all 64 bits of it.
// Exactly one Done has to follow, unless the error is ErrNone.
func (b *Balancer) Pick(now int64, u uint64, r Request) (Pick, error) {
	if now >= b.recall.Load() {
		b.readmit(now)
	}
	l := b.list.Load()
	if len(l.all) == 0 {
		return Pick{}, ErrNone
	}
	n := b.choose(l, now, u, r)
	n.underWay.Add(1)
	hashed := l.cfg.Algorithm == Hash
	if hashed {
		b.busy.Add(1)
	}
	return Pick{n, now, hashed}, nil
}

func (b *Balancer) choose(l *list, now int64, u uint64, r Request) *node {
	near, c := l.near, l.cfg
	switch c.Algorithm {
	case RoundRobin:
		n := near[b.turn.Add(1)%uint64(len(near))]
		if n == r.Avoid.node {
			n = near[b.turn.Add(1)%uint64(len(near))]
		}
		return n
	case Weighted:
		i := l.alias.pick(u)
		for range 3 { // drawn again, the others keep their proportions
			if near[i] != r.Avoid.node {
				break
			}
			u = mix(u + golden)
			i = l.alias.pick(u)
		}
		return other(near, i, r.Avoid.node, u)
	case Hash:
		return b.hashed(l, r)
	}
	n := better(c, near, now, u, r.Avoid.node)
	if len(l.far) == 0 {
		return n
	}
	// A far one at random is enough to notice that the near ones are overloaded.
	f := l.far[scale(mix(u), len(l.far))]
	if f == r.Avoid.node {
		return n
	}
	here, there := cost(c, n, now), cost(c, f, now)
	gain := 0.0
	if c.Algorithm == PeakEWMA {
		gain = float64(c.ZoneGain)
	}
	if here > c.ZoneSpill*there && here-there > gain {
		return f
	}
	return n
}

// better returns the cheapest of two, or of Choices, random nodes.
func better(c *Config, ns []*node, now int64, u uint64, avoid *node) *node {
	if len(ns) == 1 {
		return ns[0]
	}
	i := scale(u, len(ns))
	j := scale(u<<32, len(ns)-1)
	if j >= i {
		j++
	}
	x, y := ns[i], ns[j]
	if x == avoid {
		x = y
	} else if y != avoid && cost(c, y, now) < cost(c, x, now) {
		x = y
	}
	if c.Algorithm == LeastRequest {
		for range c.Choices - 2 {
			u = mix(u + golden)
			if y = ns[scale(u, len(ns))]; y != avoid && cost(c, y, now) < cost(c, x, now) {
				x = y
			}
		}
	}
	return x
}

// cost orders nodes; only its comparison means anything.
func cost(c *Config, n *node, now int64) float64 {
	calls := float64(n.underWay.Load() + 1)
	if c.Algorithm == LeastRequest {
		return calls / float64(n.Weight)
	}
	return calls * n.latency(now, c.Decay, calls) / float64(n.Weight)
}

// other replaces the i-th by one of the others at random when it is to be
// avoided.
func other(ns []*node, i int, avoid *node, u uint64) *node {
	if ns[i] != avoid || len(ns) == 1 {
		return ns[i]
	}
	j := scale(mix(u), len(ns)-1)
	if j >= i {
		j++
	}
	return ns[j]
}

// Done ends the call of a pick.
func (b *Balancer) Done(p Pick, now int64, o Outcome) {
	n := p.node
	if n == nil {
		return
	}
	n.underWay.Add(-1)
	if p.hashed {
		b.busy.Add(-1)
	}
	if o == Ignored {
		return
	}
	c := b.config()
	took := float64(max(now-p.start, 1))
	if o == Failed {
		took = max(took, float64(c.Penalty))
	}
	n.observe(now, took, c.Decay)
	if !c.Outlier.Off && n.judge(now, o == Failed, &c.Outlier) {
		b.eject(n, now)
	}
}

// View is an endpoint at one moment, for consoles.
type View struct {
	Endpoint
	UnderWay  int
	Latency   float64 // seconds, the moving average
	Ejected   bool
	Until     int64 // of the ejection
	Ejections int
}

// Snapshot describes all endpoints at now, in the order they were given.
func (b *Balancer) Snapshot(now int64) []View {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]View, len(b.nodes))
	for i, n := range b.nodes {
		out[i] = View{
			Endpoint: n.Endpoint, UnderWay: int(n.underWay.Load()),
			Latency: n.latency(now, b.config().Decay, 1) / 1e9, Ejected: n.until != 0, Until: n.until, Ejections: n.ejections,
		}
	}
	return out
}

// scale maps the upper 32 bits of u evenly to [0, n).
func scale(u uint64, n int) int { return int(u >> 32 * uint64(n) >> 32) }
