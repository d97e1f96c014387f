package balance

import "math"

// eject leaves n out for a while, unless too many are out already.
func (b *Balancer) eject(n *node, now int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = max(b.seen, now)
	if b.byID[n.ID] != n || n.until != 0 {
		return
	}
	out := 0
	for _, m := range b.nodes {
		if m.until != 0 {
			out++
		}
	}
	room := int(b.cfg.Outlier.MaxEjected * float64(len(b.nodes)))
	if len(b.nodes) > 1 {
		room = max(room, 1)
	}
	if out >= min(room, len(b.nodes)-1) {
		n.fresh()
		return
	}
	o := b.cfg.Outlier
	if n.ejections > 0 && b.seen-n.readmit >= int64(o.EjectMax) {
		n.ejections = 0
	}
	n.until = b.seen + int64(min(o.EjectFor<<min(n.ejections, 30), o.EjectMax))
	if o.EjectFor<<min(n.ejections, 30) <= 0 {
		n.until = b.seen + int64(o.EjectMax)
	}
	n.ejections++
	b.rebuild()
}

// readmit takes endpoints back whose time is over.
func (b *Balancer) readmit(now int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = max(b.seen, now)
	for _, n := range b.nodes {
		if n.until != 0 && n.until <= b.seen {
			n.until, n.readmit = 0, b.seen
			n.fresh()
		}
	}
	b.rebuild()
}

// rebuild makes the list for Pick from the nodes that are in.
func (b *Balancer) rebuild() {
	l := &list{cfg: b.cfg}
	recall := int64(math.MaxInt64)
	out := 0
	for _, n := range b.nodes {
		if n.until != 0 {
			out++
		}
	}
	all := out == len(b.nodes) // those that were in have gone: any is better than none
	var home, homeIn int       // weight of the caller's zone, and what of it is in
	for _, n := range b.nodes {
		mine := b.cfg.Zone != "" && n.Zone == b.cfg.Zone
		if mine {
			home += n.Weight
		}
		if n.until != 0 {
			recall = min(recall, n.until)
			if !all {
				continue
			}
		}
		l.all = append(l.all, n)
		if mine {
			homeIn += n.Weight
			l.near = append(l.near, n)
		} else {
			l.far = append(l.far, n)
		}
	}
	if homeIn == 0 || float64(homeIn) < b.cfg.ZoneMin*float64(home) {
		l.near, l.far = l.all, nil
	}
	switch {
	case len(l.all) == 0:
	case b.cfg.Algorithm == Weighted:
		l.alias = newAlias(l.near)
	case b.cfg.Algorithm == Hash:
		l.ring, l.out = b.rings.home, nil
		if len(l.far) == 0 {
			l.ring = b.rings.all
		}
		if out > 0 && !all {
			l.out = make([]bool, len(l.ring.nodes))
			for i, n := range l.ring.nodes {
				l.out[i] = n.until != 0
			}
		}
	}
	b.list.Store(l)
	b.recall.Store(recall)
}

// alias samples in proportion to weights in constant time (Vose's method).
type alias struct {
	keep []uint32 // chance of the column's own, of 2^32
	to   []uint16
}

func newAlias(ns []*node) *alias {
	a := &alias{make([]uint32, len(ns)), make([]uint16, len(ns))}
	sum := 0
	for _, n := range ns {
		sum += n.Weight
	}
	share := make([]float64, len(ns)) // 1: exactly its column
	var low, high []int
	for i, n := range ns {
		share[i] = float64(n.Weight) * float64(len(ns)) / float64(sum)
		if share[i] < 1 {
			low = append(low, i)
		} else {
			high = append(high, i)
		}
	}
	for len(low) > 0 && len(high) > 0 {
		l, h := low[len(low)-1], high[len(high)-1]
		low = low[:len(low)-1]
		a.keep[l], a.to[l] = uint32(share[l]*math.MaxUint32), uint16(h)
		if share[h] -= 1 - share[l]; share[h] < 1 {
			high = high[:len(high)-1]
			low = append(low, h)
		}
	}
	for _, i := range append(low, high...) { // rounding is all that is left of them
		a.keep[i], a.to[i] = math.MaxUint32, uint16(i)
	}
	return a
}

func (a *alias) pick(u uint64) int {
	i := scale(u, len(a.keep))
	if uint32(u) <= a.keep[i] {
		return i
	}
	return int(a.to[i])
}

// maglev fills a table in which every endpoint has a share by weight and from
// which the loss of one takes little but its own entries. An endpoint's order of
// preference depends on its ID alone, so all callers agree.
//
// It takes milliseconds and is therefore made when endpoints come or go, not
// when one is ejected: that one is stepped over.
func maglev(ns []Endpoint) []uint16 {
	if len(ns) == 0 {
		return nil
	}
	size := uint64(65537) // prime, and at least 100 entries an endpoint
	for size < uint64(100*len(ns)) {
		size = nextPrime(2 * size)
	}
	table := make([]uint16, size)
	free := make([]bool, size)
	for i := range free {
		free[i] = true
	}
	offset, skip := make([]uint64, len(ns)), make([]uint64, len(ns))
	most := 0
	for i, n := range ns {
		h := Key(n.ID)
		offset[i], skip[i] = h%size, mix(h)%(size-1)+1
		most = max(most, n.Weight)
	}
	credit := make([]float64, len(ns))
	for filled := uint64(0); ; {
		for i, n := range ns {
			for credit[i] += float64(n.Weight) / float64(most); credit[i] >= 1; credit[i]-- {
				for !free[offset[i]] {
					offset[i] = (offset[i] + skip[i]) % size
				}
				free[offset[i]] = false
				table[offset[i]] = uint16(i)
				if filled++; filled == size {
					return table
				}
			}
		}
	}
}

func nextPrime(n uint64) uint64 {
	for n |= 1; ; n += 2 {
		prime := true
		for d := uint64(3); d*d <= n; d += 2 {
			if n%d == 0 {
				prime = false
				break
			}
		}
		if prime {
			return n
		}
	}
}

// rings are the tables of Hash: over all endpoints, and over the caller's zone.
type rings struct{ all, home ring }

type ring struct {
	nodes []*node
	table []uint16
}

// newRings makes the tables; attach gives them their nodes.
func newRings(c *Config, endpoints []Endpoint) (r rings) {
	if c.Algorithm != Hash {
		return r
	}
	var all, home []Endpoint
	for _, e := range endpoints {
		def(&e.Weight, 1)
		all = append(all, e)
		if c.Zone != "" && e.Zone == c.Zone {
			home = append(home, e)
		}
	}
	return rings{ring{table: maglev(all)}, ring{table: maglev(home)}}
}

func (r *rings) attach(c *Config, nodes []*node) {
	r.all.nodes, r.home.nodes = nodes, nil
	for _, n := range nodes {
		if c.Zone != "" && n.Zone == c.Zone {
			r.home.nodes = append(r.home.nodes, n)
		}
	}
}

// hashed returns the key's endpoint, or the next in the table with room.
func (b *Balancer) hashed(l *list, r Request) *node {
	size := uint64(len(l.ring.table))
	at := r.Key % size
	room := int64(math.MaxInt64)
	if l.cfg.HashLoad > 0 {
		room = int64(math.Ceil(l.cfg.HashLoad * float64(b.busy.Load()+1) / float64(len(l.near))))
	}
	// Neighbours in the table are unrelated, so a step meets another endpoint
	// as often as not; so many steps are plenty.
	for range 8 + 2*len(l.ring.nodes) {
		i := l.ring.table[at]
		if n := l.ring.nodes[i]; (l.out == nil || !l.out[i]) && n != r.Avoid.node && n.underWay.Load() < room {
			return n
		}
		if at++; at == size {
			at = 0
		}
	}
	return other(l.near, scale(mix(r.Key), len(l.near)), r.Avoid.node, r.Key)
}
