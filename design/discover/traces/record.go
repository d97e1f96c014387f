package traces

import (
	"cmp"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
)

const topicKind = arch.KindTopic

// call is an exit of the run at hand with its times as the caller saw them.
type call struct {
	start, end int64
	site       int
	exit       *desc
	node       int32 // whose ID is the sample
	callee     int32
	direct     bool
	failed     bool
	resent     bool
	retry      bool // a further try of an earlier call
}

// work is the working space for one run.
type work struct {
	calls  []call
	active []int // calls that have not ended yet
	sites  []int // distinct, in the order in which they first happened
	state  []siteRun
	byEnd  []int
	meet   []uint64 // bits: which sites of the run overlapped, by place in sites
}

// siteRun is what happened to a site in the run at hand.
type siteRun struct {
	calls, retried int64
	place          int64 // millionths of the run
	failed, self   bool
}

// record adds a run to its operation.
func (a *Aggregate) record(id TraceID, r *run, w int64) {
	t := &a.tree
	n := &t.nodes[r.entry]
	outside := n.outside()
	var o *op
	if outside {
		if len(r.exits) == 0 {
			return
		}
		o = a.op(opKey{service: n.d.service}, nil)
	} else {
		o = a.opOf(n.d)
	}
	o.runs += w
	o.seen++
	o.example.see(id, n.id)
	fault := n.flags&failed != 0
	if !outside {
		if fault {
			o.errors += w
		}
		o.latency.see(n.dur, w)
	}
	a.gather(o, r)
	if !outside {
		o.own.see(n.dur-covered(t.work.calls, n.start, n.start+n.dur), w)
		a.critical(o, n.start, n.start+n.dur, w)
	}
	a.order(n)
	a.count(id, o, w, fault)
}

// gather lists the run's calls with their sites, sorted by start.
func (a *Aggregate) gather(o *op, r *run) {
	t := &a.tree
	cs := t.work.calls[:0]
	for _, x := range r.exits {
		e := &t.exits[x]
		n := &t.nodes[e.node]
		c := call{start: n.start, end: n.start + n.dur, exit: n.d, node: e.node, callee: e.callee, direct: e.direct, failed: n.flags&failed != 0, resent: n.flags&resent != 0}
		key := siteKey{path: n.path}
		if e.direct {
			// The times are the callee's: they may lie anywhere, so it is put inside
			// the caller's span.
			if e.node != e.callee {
				m := &t.nodes[e.callee]
				c.start, c.end, c.failed = m.start, m.start+m.dur, m.flags&failed != 0
			} else {
				c.exit = nil
				if p := &t.nodes[n.parent]; n.parent != none {
					key.path = p.path
				}
			}
			c.start, c.end = a.within(c.start, c.end, &t.nodes[r.entry])
		}
		if c.exit != nil {
			key.exit = c.exit.hash
		}
		if e.callee != none && !(c.exit != nil && c.exit.target.kind != "" && !c.exit.target.weak) {
			key.callee = a.opOf(t.nodes[e.callee].d).hash
		}
		// The calls of a run are nearly always those of the first one, in its order.
		if c.site = len(cs); c.site >= len(o.sites) || o.sites[c.site].key != key {
			c.site = o.site(key)
		}
		if c.site < 0 {
			o.refused++
			continue
		}
		s := o.sites[c.site]
		if s.exit == nil {
			s.exit = c.exit
		}
		if key.callee != 0 {
			s.callee = a.opOf(t.nodes[e.callee].d).key
		}
		cs = append(cs, c)
	}
	slices.SortFunc(cs, func(x, y call) int {
		return cmp.Or(cmp.Compare(x.start, y.start), cmp.Compare(x.end, y.end), cmp.Compare(x.site, y.site), cmp.Compare(x.node, y.node))
	})
	t.work.calls = cs
}

// within shifts an interval that another clock measured into a span: to its
// middle when it fits, as if both ways took equally long.
func (a *Aggregate) within(start, end int64, n *node) (int64, int64) {
	from, to := n.start, n.start+n.dur
	if start >= from && end <= to {
		return start, end
	}
	if d := end - start; d <= to-from && (end < from || start > to || start < from) {
		a.asm.stats.Skewed++
		start = from + (to-from-d)/2
		return start, start + d
	}
	return start, end // it went on after its caller: an asynchronous call
}

// covered is how much of [from, to] lies within the calls, which are sorted.
func covered(cs []call, from, to int64) (sum int64) {
	at := from
	for i := range cs {
		s, e := max(cs[i].start, at), min(cs[i].end, to)
		if e > s {
			sum += e - s
			at = e
		}
	}
	return sum
}

// critical goes back from the end of the run: what ended last before then is what
// it waited for; from where that began, again.
func (a *Aggregate) critical(o *op, from, to, w int64) {
	k := &a.tree.work
	k.byEnd = k.byEnd[:0]
	for i := range k.calls {
		k.byEnd = append(k.byEnd, i)
	}
	if len(k.byEnd) > 1 {
		slices.SortStableFunc(k.byEnd, func(x, y int) int { return cmp.Compare(k.calls[y].end, k.calls[x].end) })
	}
	for _, i := range k.byEnd {
		if c := &k.calls[i]; c.end <= to {
			start := max(c.start, from)
			o.sites[c.site].critical += max(0, c.end-start) * w
			to = start
		}
	}
}

// order finds the distinct sites of the run and which of them overlapped.
func (a *Aggregate) order(n *node) {
	k := &a.tree.work
	k.sites, k.state, k.meet, k.active = k.sites[:0], k.state[:0], k.meet[:0], k.active[:0]
	for i := range k.calls {
		c := &k.calls[i]
		place := slices.Index(k.sites, c.site)
		if place < 0 {
			place = len(k.sites)
			k.sites = append(k.sites, c.site)
			k.state = append(k.state, siteRun{place: int64(1e6 * float64(min(max(c.start-n.start, 0), n.dur)) / float64(max(n.dur, 1)))})
			k.meet = append(k.meet, 0)
		}
		k.active = slices.DeleteFunc(k.active, func(j int) bool { return !overlap(&k.calls[j], c) })
		for _, j := range k.active {
			other := slices.Index(k.sites, k.calls[j].site)
			switch {
			case other == place:
				k.state[place].self = true
			case place < 64 && other < 64:
				k.meet[place] |= 1 << other
				k.meet[other] |= 1 << place
			}
		}
		if len(k.active) < maxPaired {
			k.active = append(k.active, i)
		}
		c.retry = a.retries(i)
		st := &k.state[place]
		if c.retry {
			st.retried++
		} else {
			st.calls++
		}
		st.failed = c.failed // the last try decides
	}
}

// overlap: y, which starts later, starts well before x ends.
func overlap(x, y *call) bool {
	shorter := min(x.end-x.start, y.end-y.start)
	return x.end-y.start > shorter/20
}

// retries: the call says that it was sent again, or the one before it at the same
// site failed and was over.
func (a *Aggregate) retries(i int) bool {
	k := &a.tree.work
	c := &k.calls[i]
	if c.resent {
		return true
	}
	for j := i - 1; j >= 0; j-- {
		if b := &k.calls[j]; b.site == c.site {
			return b.failed && b.end <= c.start
		}
	}
	return false
}

// count adds the run's calls to their sites.
func (a *Aggregate) count(id TraceID, o *op, w int64, fault bool) {
	t := &a.tree
	k := &t.work
	for i := range k.calls {
		c := &k.calls[i]
		s := o.sites[c.site]
		s.example.see(id, t.nodes[c.node].id)
		if c.failed {
			s.errors += w
		}
		if !c.direct {
			s.latency.see(c.end-c.start, w)
		}
		if c.callee != none {
			m := &t.nodes[c.callee]
			if c.direct {
				s.latency.see(m.dur, w)
			} else {
				s.network.see(max(0, c.end-c.start-m.dur), w)
				if m.dur > c.end-c.start || m.start < c.start || m.start+m.dur > c.end {
					a.asm.stats.Skewed++
				}
			}
		}
	}
	for x, i := range k.sites {
		s, st := o.sites[i], &k.state[x]
		s.runs += w
		s.calls += st.calls * w
		s.retried += st.retried * w
		s.place += st.place * w
		s.times.ObserveN(float64(st.calls), w)
		if st.failed {
			s.failed += w
			if !fault {
				s.optional += w
			}
		}
		if st.self {
			s.selfPar += w
		}
		if i >= maxPaired || x >= 64 {
			continue
		}
		for y := range min(x, 64) {
			j := k.sites[y]
			if j >= maxPaired {
				continue
			}
			p, swapped := o.pair(j, i) // j began first
			p.together += w
			if !swapped {
				p.iFirst += w
			}
			if k.meet[x]&(1<<y) != 0 {
				p.overlap += w
			}
		}
	}
}
