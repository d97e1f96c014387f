package policy

const windowBuckets = 10

// window counts bad calls among the recent ones. The zero window is unusable;
// shape prepares it.
type window struct {
	kind WindowKind
	n    int // calls that the window holds
	bad  int // of them bad

	ring []bool // CountWindow: the last calls, true is bad
	pos  int

	width   Time // TimeWindow: of one bucket
	tick    int64
	edge    Time // where the current bucket ends
	buckets [windowBuckets]struct{ n, bad int }
}

// shape empties w and gives it c's form.
func (w *window) shape(c *BreakerConfig) {
	ring := w.ring
	*w = window{kind: c.Window}
	switch c.Window {
	case CountWindow:
		if cap(ring) < c.Size {
			ring = make([]bool, c.Size)
		}
		w.ring = ring[:c.Size]
		clear(w.ring)
	case TimeWindow:
		w.width = Time(c.Span) / windowBuckets
		w.edge = -Never
	case Consecutive:
	}
}

func (w *window) empty() {
	clear(w.ring)
	*w = window{kind: w.kind, ring: w.ring, width: w.width, edge: -Never}
}

// add records one call.
func (w *window) add(now Time, bad bool) {
	switch w.kind {
	case CountWindow:
		if w.n < len(w.ring) {
			w.n++
		} else if w.ring[w.pos] {
			w.bad--
		}
		w.ring[w.pos] = bad
		if bad {
			w.bad++
		}
		if w.pos++; w.pos == len(w.ring) {
			w.pos = 0
		}
	case TimeWindow:
		w.turn(now)
		b := &w.buckets[w.tick%windowBuckets]
		b.n++
		w.n++
		if bad {
			b.bad++
			w.bad++
		}
	case Consecutive:
		if !bad {
			w.n, w.bad = 0, 0
			return
		}
		w.n++
		w.bad++
	}
}

// turn lets buckets that now has left behind fall out.
func (w *window) turn(now Time) {
	if w.kind != TimeWindow || now < w.edge {
		return
	}
	tick := int64(max(now, 0) / w.width)
	for k := max(w.tick+1, tick-windowBuckets+1); k <= tick; k++ {
		b := &w.buckets[k%windowBuckets]
		w.n -= b.n
		w.bad -= b.bad
		b.n, b.bad = 0, 0
	}
	w.tick = tick
	w.edge = Time(tick+1) * w.width
}

// reached reports whether the bad share is rate or more; never for a negative one.
func (w *window) reached(rate float64, minCalls, size int) bool {
	if w.bad == 0 || rate < 0 {
		return false
	}
	if w.kind == Consecutive {
		return w.bad >= size
	}
	return w.n >= minCalls && float64(w.bad) >= rate*float64(w.n)
}

// settled reports whether another good call would leave w as it is: a full ring
// of good calls looks the same from every position.
func (w *window) settled() bool {
	switch w.kind {
	case CountWindow:
		return w.bad == 0 && w.n == len(w.ring)
	case Consecutive:
		return w.bad == 0
	case TimeWindow:
	}
	return false
}
