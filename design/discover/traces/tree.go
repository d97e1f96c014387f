package traces

import (
	"cmp"
	"slices"
)

// node is a span in its trace's tree.
type node struct {
	span
	d        *desc
	parent   int32 // index, or none
	child    int32 // first
	sibling  int32 // next
	run      int32 // that it belongs to
	exit     int32 // exit that it is or lies below, in its run; or none
	path     uint64
	above    uint64 // ID of the parent that a server's half of a shared span would have alone
	orphan   bool
	visited  bool
	clients  int16 // client children in the same service
	foreign  int16 // children in other services
	children int16
}

const none = int32(-1)

// exit is a call that a run makes.
type exit struct {
	node   int32
	run    int32
	callee int32 // node at which the run that it leads to begins; or none
	direct bool  // the caller has no span of its own for it
}

// run is one run of an operation.
type run struct {
	entry int32
	exits []int32
}

// tree is the working space for one trace, reused for the next.
type tree struct {
	nodes []node
	index idTable
	order []int32 // parents first
	stack []int32
	exits []exit
	runs  []run
	work  work
	// shared: the trace has spans of two halves with one ID.
	shared bool
}

// idTable maps span IDs to nodes by open addressing.
type idTable struct {
	keys []uint64
	vals []int32 // node + 1; 0 is free
	mask uint64
}

func (t *idTable) reset(n int) {
	size := 16
	for size < 2*n {
		size *= 2
	}
	if len(t.keys) < size {
		t.keys, t.vals = make([]uint64, size), make([]int32, size)
	}
	t.mask = uint64(size - 1)
	clear(t.vals[:size])
}

func (t *idTable) slot(id uint64) uint64 {
	i := (id * 0x9e3779b97f4a7c15 >> 32) & t.mask
	for t.vals[i] != 0 && t.keys[i] != id {
		i = (i + 1) & t.mask
	}
	return i
}

func (t *idTable) get(id uint64) int32 { return t.vals[t.slot(id)] - 1 }

// trace takes a trace that is done.
func (a *Aggregate) trace(id TraceID, spans []span) {
	t := &a.tree
	w := a.weigh(id, spans)
	a.plant(spans)
	a.link()
	a.walk()
	for i := range t.runs {
		a.record(id, &t.runs[i], w)
	}
}

// weigh is the whole number of requests that the trace counts as. What is left
// of a fraction counts for as many traces as it should, by the trace's ID, so
// that sums come out right and do not depend on the order.
func (a *Aggregate) weigh(id TraceID, spans []span) int64 {
	f := float64(1)
	for i := range spans {
		s := &spans[i]
		f = max(f, float64(s.weight))
		if a.from == 0 || s.start < a.from {
			a.from = s.start
		}
		a.to = max(a.to, s.start+s.dur)
	}
	a.counted++
	a.sampled += f
	w := int64(f)
	if frac := f - float64(w); frac > 0 && float64(mix(recentKey(id), 1)>>11)/(1<<53) < frac {
		w++
	}
	a.runs += w
	return w
}

// plant makes nodes of spans, each ID once, sorted by start.
func (a *Aggregate) plant(spans []span) {
	t := &a.tree
	if n := len(spans); n > 1 && spans[0].start > spans[n-1].start {
		slices.Reverse(spans) // spans come as they end, children before parents: nearly in order, the other way round
	}
	slices.SortFunc(spans, compareSpans)
	t.nodes = t.nodes[:0]
	t.index.reset(len(spans))
	t.shared = false
	for i := range spans {
		s := &spans[i]
		n := node{span: *s, d: a.words.descs[s.desc], parent: none, child: none, sibling: none, run: none, exit: none}
		if s.flags&shared != 0 {
			// Zipkin: the server's half has the client's ID. It becomes a child.
			n.id, n.span.parent, n.above = sharedID(s.id), s.id, s.parent
			t.shared = true
		}
		slot := t.index.slot(n.id)
		if t.index.vals[slot] != 0 {
			a.asm.stats.Duplicates++
			continue
		}
		t.nodes = append(t.nodes, n)
		t.index.keys[slot], t.index.vals[slot] = n.id, int32(len(t.nodes))
	}
}

// compareSpans leaves equal only what is equal, so that the order in which spans
// came does not show. The first difference is nearly always the start.
func compareSpans(x, y span) int {
	if x.start != y.start {
		return cmp.Compare(x.start, y.start)
	}
	return cmp.Or(cmp.Compare(y.dur, x.dur), cmp.Compare(x.id, y.id), cmp.Compare(x.flags, y.flags), cmp.Compare(x.parent, y.parent), cmp.Compare(x.desc, y.desc))
}

func sharedID(id uint64) uint64 { return mix(id, 0x5ba3ed) }

// link finds parents and children.
func (a *Aggregate) link() {
	t := &a.tree
	for i := len(t.nodes) - 1; i >= 0; i-- { // backwards, so that children end up in order
		n := &t.nodes[i]
		if n.span.parent == 0 {
			continue
		}
		p := t.parentOf(n)
		if p == none && n.above == 0 && n.flags&shared != 0 {
			continue // a root: its client was not traced
		}
		if p == none || p == int32(i) {
			n.orphan = true
			continue
		}
		n.parent = p
		pn := &t.nodes[p]
		n.sibling, pn.child = pn.child, int32(i)
		pn.children++
		if n.d.service != pn.d.service {
			pn.foreign++
		} else if n.d.kind == Client || n.d.kind == Producer {
			pn.clients++
		}
	}
	t.order = t.order[:0]
	for i := range t.nodes {
		if t.nodes[i].parent == none {
			t.descend(int32(i))
		}
	}
	for i := range t.nodes { // what no root leads to are loops of parents
		if !t.nodes[i].visited {
			t.unlink(int32(i))
			t.nodes[i].orphan = true
			t.descend(int32(i))
		}
	}
	for i := range t.nodes {
		if t.nodes[i].orphan {
			a.asm.stats.Orphans++
		}
	}
}

// parentOf finds the node that n names as its parent.
func (t *tree) parentOf(n *node) int32 {
	p := t.index.get(n.span.parent)
	if !t.shared {
		return p
	}
	if n.flags&shared != 0 && p == none && n.above != 0 {
		return t.index.get(n.above)
	}
	// A child of two halves with one ID belongs to the half in its service.
	if h := t.index.get(sharedID(n.span.parent)); h != none && &t.nodes[h] != n && (p == none || t.nodes[h].d.service == n.d.service) {
		return h
	}
	return p
}

// unlink makes a root of a node.
func (t *tree) unlink(i int32) {
	n := &t.nodes[i]
	at := &t.nodes[n.parent].child
	for *at != i {
		at = &t.nodes[*at].sibling
	}
	*at = n.sibling
	n.parent, n.sibling = none, none
}

func (t *tree) descend(root int32) {
	t.stack = append(t.stack[:0], root)
	for len(t.stack) > 0 {
		i := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		n := &t.nodes[i]
		if n.visited {
			continue
		}
		n.visited = true
		t.order = append(t.order, i)
		for c := n.child; c != none; c = t.nodes[c].sibling {
			t.stack = append(t.stack, c)
		}
	}
}

// walk cuts the tree into runs and finds their exits.
func (a *Aggregate) walk() {
	t := &a.tree
	t.exits, t.runs = t.exits[:0], t.runs[:0]
	for _, i := range t.order {
		n := &t.nodes[i]
		if n.parent == none {
			t.begin(i)
			continue
		}
		p := &t.nodes[n.parent]
		if n.begins(p) {
			t.begin(i)
			if n.d.kind == Consumer && p.d.target.kind == topicKind {
				continue // the topic lies between them
			}
			t.reach(i, p)
			continue
		}
		n.run, n.exit = p.run, p.exit
		if p.exit == none && n.calls(t) {
			n.exit = t.call(exit{node: i, run: n.run, callee: none})
		}
		n.path = p.path
		if n.exit == none && n.d != p.d {
			n.path = mix(p.path, n.d.hash)
		}
	}
}

// begins: a new run starts with n, whose parent is p.
func (n *node) begins(p *node) bool {
	switch {
	case n.d.service != p.d.service:
		return true
	case n.d.kind == Server || n.d.kind == Consumer:
		return p.d.kind == Client || p.d.kind == Producer
	}
	return false
}

// calls: n is an exit of its run.
func (n *node) calls(t *tree) bool {
	switch {
	case n.d.kind == Producer:
		return true
	case n.d.kind == Consumer: // a receive within a run
		return n.d.target.kind != ""
	case n.d.kind == Client:
		return n.d.target.kind != "" && !n.d.target.weak || !n.wraps(t)
	case n.d.target.kind != "" && n.child == none:
		return true
	}
	// Nothing says so, but all it does is reach another service.
	return n.d.kind == Unspecified && n.children == 1 && n.foreign == 1
}

// wraps: a client's span around several different clients' spans is a step, not
// a call. Equal ones are tries.
func (n *node) wraps(t *tree) bool {
	if n.clients < 2 {
		return false
	}
	var first *desc
	for c := n.child; c != none; c = t.nodes[c].sibling {
		switch d := t.nodes[c].d; {
		case d.service != n.d.service || d.kind != Client && d.kind != Producer:
		case first == nil:
			first = d
		case first != d:
			return true
		}
	}
	return false
}

func (t *tree) begin(i int32) {
	n := &t.nodes[i]
	n.run = int32(len(t.runs))
	if len(t.runs) < cap(t.runs) {
		t.runs = t.runs[:len(t.runs)+1]
		r := &t.runs[n.run]
		r.entry, r.exits = i, r.exits[:0]
	} else {
		t.runs = append(t.runs, run{entry: i})
	}
	if n.outside() && n.calls(t) {
		n.exit = t.call(exit{node: i, run: n.run, callee: none})
	}
}

// outside: the run's first span is a call itself, so that what the operation is
// remains unknown.
func (n *node) outside() bool {
	return (n.d.kind == Client || n.d.kind == Producer || n.orphan && n.d.kind != Server && n.d.kind != Consumer)
}

func (t *tree) call(e exit) int32 {
	i := int32(len(t.exits))
	t.exits = append(t.exits, e)
	r := &t.runs[e.run]
	r.exits = append(r.exits, i)
	return i
}

// reach ties the run that begins with i to the exit of the run above it.
func (t *tree) reach(i int32, p *node) {
	if p.exit != none {
		if e := &t.exits[p.exit]; e.callee == none {
			e.callee = i
			return
		}
		// A second one: a try of the same call, or another callee.
		first := t.exits[p.exit]
		t.call(exit{node: first.node, run: first.run, callee: i, direct: true})
		return
	}
	t.call(exit{node: i, run: p.run, callee: i, direct: true})
}
