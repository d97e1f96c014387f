package traces

import (
	"cmp"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"time"
)

// Options of an [Aggregate]; nil and zero fields mean the default.
type Options struct {
	// Linger is how long, by the spans' own clock, a trace stays open after its
	// last span; default 60 s.
	Linger time.Duration
	// MaxTraces and MaxSpans cap what is open; default 200,000 and 4,000,000. Over
	// a cap the trace that has been quiet longest is closed early.
	MaxTraces, MaxSpans int
	// MaxTraceSpans caps one trace; default 100,000; the rest of it is cut.
	MaxTraceSpans int
	// MaxNames caps distinct operations and steps; default 50,000. Beyond it what
	// is new is lumped together by service.
	MaxNames int
}

func (o *Options) or() Options {
	var d Options
	if o != nil {
		d = *o
	}
	d.Linger = cmp.Or(d.Linger, time.Minute)
	d.MaxTraces = cmp.Or(d.MaxTraces, 200_000)
	d.MaxSpans = cmp.Or(d.MaxSpans, 4_000_000)
	d.MaxTraceSpans = cmp.Or(d.MaxTraceSpans, 100_000)
	d.MaxNames = cmp.Or(d.MaxNames, 50_000)
	return d
}

// Stats count what an [Aggregate] was given and what it could not use.
type Stats struct {
	Spans      int64 // taken
	Traces     int64 // done
	Late       int64 // spans that came after their trace was done
	Orphans    int64 // spans whose parent never came
	Duplicates int64 // spans that came twice
	Cut        int64 // spans over the cap of one trace
	Evicted    int64 // traces closed early, over a cap
	Lumped     int64 // spans whose names were over the cap
	Unnamed    int64 // calls of which nothing says what they reach
	Skewed     int64 // calls whose two ends have clocks that contradict each other
}

// Plus adds the counts of two.
func (s Stats) Plus(t Stats) Stats {
	return Stats{s.Spans + t.Spans, s.Traces + t.Traces, s.Late + t.Late, s.Orphans + t.Orphans, s.Duplicates + t.Duplicates,
		s.Cut + t.Cut, s.Evicted + t.Evicted, s.Lumped + t.Lumped, s.Unnamed + t.Unnamed, s.Skewed + t.Skewed}
}

// span is what is kept of a span while its trace is open. It has no pointers, so
// that millions of them cost the garbage collector nothing.
type span struct {
	id, parent uint64
	start, dur int64
	desc       uint32
	next       uint32 // of the last span of a block: the block before it, when the trace has many
	weight     float32
	flags      uint8
}

const (
	failed uint8 = 1 << iota
	resent
	shared
)

// open is an open trace: one line of the processor's cache.
type open struct {
	id    TraceID
	last  int64          // clock at the newest span
	count int32          // 0: the place is free
	head  uint32         // newest block of those that first has no room for
	first [inline]uint32 // blocks, in the slab
}

const inline = 8

// block holds spans of one trace side by side, so that closing it reads memory in
// a row.
type block [perBlock]span

const perBlock = 4

// wait is an entry of the queue of traces to look at.
type wait struct {
	slot uint32
	due  int64
}

// assembler puts spans together to traces.
type assembler struct {
	opts   Options
	byID   traceTable
	slots  []open
	free   []uint32 // of slots
	slab   slab
	inUse  int // spans
	queue  ring
	clock  streamClock
	closed recent
	stats  Stats
	done   func(id TraceID, spans []span)
	batch  []span

	waiting []batched
	touched int32 // keeps the loads of drain from being optimized away
}

func newAssembler(o Options, done func(TraceID, []span)) *assembler {
	return &assembler{opts: o, done: done}
}

// batched spans wait to be added together. Each touches memory that is in no
// cache; first all of it is asked for, so that the waits overlap.
type batched struct {
	key  uint64
	id   TraceID
	span span
}

const batchSize = 64

func (a *assembler) add(id TraceID, s span) {
	a.waiting = append(a.waiting, batched{recentKey(id), id, s})
	if len(a.waiting) >= batchSize {
		a.drain()
	}
}

// touch asks for the memory of a block: its three lines of the cache.
func (a *assembler) touch(i uint32) {
	b := a.slab.at(i)
	a.touched += int32(b[0].id) + int32(b[1].dur) + int32(b[3].id)
}

// drain adds the spans that wait.
func (a *assembler) drain() {
	var places [batchSize]uint32
	if a.byID.n > 0 {
		mask := uint64(len(a.byID.entries) - 1)
		for i := range a.waiting {
			places[i] = uint32(a.byID.entries[a.waiting[i].key>>32&mask])
		}
		for i := range a.waiting {
			if p := places[i]; p > 0 {
				a.touched += a.slots[p-1].count
			} else if a.closed != nil {
				a.touched += int32(a.closed[a.waiting[i].key>>40%recentSize])
			}
		}
		for i := range a.waiting {
			if p := places[i]; p > 0 {
				t := &a.slots[p-1]
				// A block that is begun lies where another one was just read; one that is
				// gone on with does not.
				if b, within := t.count/perBlock, t.count%perBlock; within > 0 && b < inline {
					at := &a.slab.at(t.first[b])[within]
					a.touched += int32(at.id) + int32(at.flags)
				}
			}
		}
	}
	for i := range a.waiting {
		b := &a.waiting[i]
		a.take(b.key, b.id, b.span)
	}
	a.waiting = a.waiting[:0]
	// The traces that the next batch will close are next in the queue.
	soon := a.clock.now + int64(a.opts.Linger)/64
	for k := range min(a.queue.len(), batchSize/8) {
		t := &a.slots[a.queue.at(k).slot]
		if t.last+int64(a.opts.Linger) > soon {
			continue
		}
		for _, i := range t.first[:min((t.count+perBlock-1)/perBlock, inline)] {
			a.touch(i)
		}
	}
}

func (a *assembler) take(key uint64, id TraceID, s span) {
	a.stats.Spans++
	slot, ok := a.byID.get(key, id, a.slots)
	if !ok {
		if a.closed.has(id) {
			a.stats.Late++
			return
		}
		slot = a.open(key, id)
	}
	t := &a.slots[slot]
	if int(t.count) >= a.opts.MaxTraceSpans {
		a.stats.Cut++
		return
	}
	b, within := t.count/perBlock, t.count%perBlock
	switch {
	case b < inline && within == 0:
		t.first[b] = a.slab.take()
	case within == 0:
		i := a.slab.take()
		a.slab.at(i)[perBlock-1].next, t.head = t.head, i
	}
	i := t.head
	if b < inline {
		i = t.first[b]
	}
	place := &a.slab.at(i)[within]
	if b >= inline && within == perBlock-1 {
		s.next = place.next
	}
	*place = s
	t.count++
	a.inUse++
	now := a.clock.see(s.start+s.dur, int64(a.opts.Linger))
	t.last = now
	if !ok {
		a.queue.push(wait{slot, now + int64(a.opts.Linger)})
	}
	a.expire(now)
}

func (a *assembler) open(key uint64, id TraceID) uint32 {
	var slot uint32
	if n := len(a.free); n > 0 {
		slot, a.free = a.free[n-1], a.free[:n-1]
	} else {
		slot = uint32(len(a.slots))
		a.slots = append(a.slots, open{})
	}
	a.slots[slot] = open{id: id}
	a.byID.put(key, slot)
	return slot
}

// expire closes what has been quiet for long enough, and what is over a cap.
func (a *assembler) expire(now int64) {
	for a.queue.len() > 0 {
		w := a.queue.peek()
		over := a.byID.n > a.opts.MaxTraces || a.inUse > a.opts.MaxSpans
		if w.due > now && !over {
			return
		}
		a.queue.pop()
		t := &a.slots[w.slot]
		due := t.last + int64(a.opts.Linger)
		if due > now && due > w.due {
			// It has had spans since: wait on from there. Over a cap the walk
			// through the queue goes on to one that has not.
			a.queue.push(wait{w.slot, due})
			continue
		}
		if due > now {
			a.stats.Evicted++
		}
		a.close(w.slot)
	}
}

func (a *assembler) close(slot uint32) {
	t := &a.slots[slot]
	a.batch = a.batch[:0]
	left := t.count
	for _, i := range t.first[:min((left+perBlock-1)/perBlock, inline)] {
		n := min(left, perBlock)
		a.batch = append(a.batch, a.slab.at(i)[:n]...)
		a.slab.free = append(a.slab.free, i)
		left -= n
	}
	for i := t.head; left > 0; { // the newest first: only that one may have room left
		b := a.slab.at(i)
		n := (left-1)%perBlock + 1
		a.batch = append(a.batch, b[:n]...)
		a.slab.free = append(a.slab.free, i)
		left -= n
		i = b[perBlock-1].next
	}
	a.inUse -= len(a.batch)
	id := t.id
	*t = open{}
	a.byID.del(recentKey(id), slot)
	a.free = append(a.free, slot)
	a.closed.add(id)
	a.stats.Traces++
	a.done(id, a.batch)
}

// flush closes everything.
func (a *assembler) flush() {
	a.drain()
	for a.queue.len() > 0 {
		w := a.queue.peek()
		a.queue.pop()
		if a.slots[w.slot].count > 0 {
			a.close(w.slot)
		}
	}
}

// whole takes a trace of which all spans are at hand.
func (a *assembler) whole(id TraceID, spans []span) {
	a.drain()
	a.stats.Spans += int64(len(spans))
	if a.closed.has(id) {
		a.stats.Late += int64(len(spans))
		return
	}
	a.closed.add(id)
	a.stats.Traces++
	a.done(id, spans)
}

// traceTable finds the place of a trace by its ID: open addressing over half of
// the ID's hash and the place, since a map's two lookups a span showed.
type traceTable struct {
	entries []uint64 // hash<<32 | place+1; 0 is free
	n       int
}

func (t *traceTable) get(key uint64, id TraceID, slots []open) (uint32, bool) {
	if t.n == 0 {
		return 0, false
	}
	mask := uint64(len(t.entries) - 1)
	for i := key >> 32 & mask; t.entries[i] != 0; i = (i + 1) & mask {
		if e := t.entries[i]; e>>32 == key>>32 && slots[uint32(e)-1].id == id {
			return uint32(e) - 1, true
		}
	}
	return 0, false
}

func (t *traceTable) put(key uint64, slot uint32) {
	if 2*t.n >= len(t.entries) {
		old := t.entries
		t.entries = make([]uint64, max(1024, 2*len(old)))
		for _, e := range old {
			if e != 0 {
				t.place(e)
			}
		}
	}
	t.n++
	t.place(key>>32<<32 | uint64(slot+1))
}

func (t *traceTable) place(e uint64) {
	mask := uint64(len(t.entries) - 1)
	i := e >> 32 & mask
	for t.entries[i] != 0 {
		i = (i + 1) & mask
	}
	t.entries[i] = e
}

// del closes the gap, so that what was pushed aside by the entry stays found.
func (t *traceTable) del(key uint64, slot uint32) {
	mask := uint64(len(t.entries) - 1)
	i := key >> 32 & mask
	for want := key>>32<<32 | uint64(slot+1); t.entries[i] != want; i = (i + 1) & mask {
		if t.entries[i] == 0 {
			return
		}
	}
	t.n--
	for j := i; ; {
		j = (j + 1) & mask
		e := t.entries[j]
		if e == 0 {
			break
		}
		if home := e >> 32 & mask; (j-home)&mask >= (j-i)&mask {
			t.entries[i] = e
			i = j
		}
	}
	t.entries[i] = 0
}

// slab holds blocks in chunks, so that it grows without copying. What is free is
// listed beside them: a list through them would have every new block wait for its
// own memory.
type slab struct {
	chunks []*[chunk]block
	free   []uint32
	used   uint32
}

const chunk = 1024

func (s *slab) at(i uint32) *block { return &s.chunks[i/chunk][i%chunk] }

func (s *slab) take() uint32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return i
	}
	if int(s.used/chunk) == len(s.chunks) {
		s.chunks = append(s.chunks, new([chunk]block))
	}
	s.used++
	return s.used - 1
}

// ring is a queue.
type ring struct {
	items      []wait
	head, size int
}

func (r *ring) len() int   { return r.size }
func (r *ring) peek() wait { return r.items[r.head] }

func (r *ring) at(i int) wait { return r.items[(r.head+i)%len(r.items)] }

func (r *ring) pop() {
	r.head = (r.head + 1) % len(r.items)
	r.size--
}

func (r *ring) push(w wait) {
	if r.size == len(r.items) {
		bigger := make([]wait, max(64, 2*len(r.items)))
		n := copy(bigger, r.items[r.head:])
		copy(bigger[n:], r.items[:r.head])
		r.items, r.head = bigger, 0
	}
	r.items[(r.head+r.size)%len(r.items)] = w
	r.size++
}

// streamClock is the time of a stream: the latest end of its spans. A span from
// the far future must not close everything, so a jump counts only when many spans
// in a row are beyond it.
type streamClock struct {
	now, candidate int64
	beyond         int
}

const jumpAfter = 256

func (c *streamClock) see(end, linger int64) int64 {
	switch {
	case c.now == 0:
		c.now = end
	case end <= c.now:
		c.beyond = 0
	case end-c.now <= linger:
		c.now, c.beyond = end, 0
	default:
		if c.beyond == 0 || end < c.candidate {
			c.candidate = end
		}
		if c.beyond++; c.beyond >= jumpAfter {
			c.now, c.beyond = c.candidate, 0
		}
	}
	return c.now
}

// recent remembers about as many traces as it has places, the last ones best: a
// new one takes the place of an older one with the same hash.
type recent []uint64

const recentSize = 1 << 18

func recentKey(id TraceID) uint64 {
	return mix(binary.LittleEndian.Uint64(id[:8]), binary.LittleEndian.Uint64(id[8:])) | 1
}

func (r recent) has(id TraceID) bool {
	k := recentKey(id)
	return r != nil && r[k>>40%recentSize] == k
}

func (r *recent) add(id TraceID) {
	if *r == nil {
		*r = make(recent, recentSize)
	}
	k := recentKey(id)
	(*r)[k>>40%recentSize] = k
}

// weightOf reads how many requests a span's trace stands for from the attributes
// that samplers leave.
func weightOf(s *Span, at *[numKeys]string) float32 {
	w := s.Weight
	if v := at[SamplerParam]; v != "" && strings.EqualFold(at[SamplerType], "probabilistic") {
		if p, err := strconv.ParseFloat(v, 64); err == nil && p > 0 && p <= 1 {
			w = max(w, 1/p)
		}
	}
	if v := at[SampleRate]; v != "" {
		if r, err := strconv.ParseFloat(v, 64); err == nil && r >= 1 {
			w = max(w, r)
		}
	}
	if math.IsNaN(w) || w < 1 {
		return 1
	}
	return float32(min(w, 1e9))
}
