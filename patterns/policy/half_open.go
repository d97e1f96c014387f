package policy

import "time"

// halfState waits for its probes.
type halfState struct {
	start        [maxProbes]Time  // of probes under way; -1: none
	number       [maxProbes]int64 // of the slot's latest probe: a slot of one that hangs is used again
	last         int64
	out, ok, bad int
}

// endProbe counts a probe's end and decides if that is enough; it reports whether
// the state changed.
func (b *Breaker) endProbe(t Ticket, now Time, o Outcome) bool {
	slow := b.cfg.SlowAfter > 0 && b.cfg.SlowRate > 0 && now.Sub(t.start) >= b.cfg.SlowAfter
	if slow && o == Success {
		o = Failure
	}
	if slot := uint8(t.id & ticketSlot); b.half.number[slot] == t.tick {
		b.half.end(slot, o)
	}
	b.half.expire(now, b.cfg.ProbeWait)
	switch {
	case b.half.bad > b.cfg.ProbeFailures:
		return b.enter(now, Opened, ByProbes)
	case b.half.ok >= b.cfg.Probes-b.cfg.ProbeFailures:
		return b.enter(now, Closed, ByProbes)
	}
	return false
}

func (h *halfState) reset() {
	*h = halfState{}
	for i := range h.start {
		h.start[i] = -1
	}
}

func (h *halfState) admit(now Time, probes int) (uint8, bool) {
	if h.out+h.ok+h.bad >= probes {
		return 0, false
	}
	for i := range h.start {
		if h.start[i] < 0 {
			h.last++
			h.start[i], h.number[i] = now, h.last
			h.out++
			return uint8(i), true
		}
	}
	return 0, false
}

func (h *halfState) end(slot uint8, o Outcome) {
	if h.start[slot] < 0 {
		return // it had already been given up as hanging
	}
	h.start[slot] = -1
	h.out--
	switch o {
	case Success:
		h.ok++
	case Failure:
		h.bad++
	case Ignored: // its place is free for another probe
	}
}

// expire counts probes that hang as failed.
func (h *halfState) expire(now Time, wait time.Duration) bool {
	hit := false
	for i, at := range h.start {
		if at >= 0 && now.Sub(at) >= wait {
			h.end(uint8(i), Failure)
			hit = true
		}
	}
	return hit
}

func (h *halfState) oldest() Time {
	t := Never
	for _, at := range h.start {
		if at >= 0 {
			t = min(t, at)
		}
	}
	return t
}
