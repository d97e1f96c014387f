package policy

// flightTicks is how finely the age of calls under way is told: a call is
// overdue between SlowAfter and SlowAfter plus one tick of SlowAfter/8.
const flightTicks = 8

// flight counts the calls under way by the tick in which they began, so that
// those older than SlowAfter are known without a list of them and without a
// timer.
type flight struct {
	width   Time
	tick    int64
	edge    Time       // where the current tick ends
	young   [16]uint32 // by tick & 15; flightTicks+1 of them are alive
	total   uint32
	overdue uint32
}

func (f *flight) reset(slowAfter Time) {
	*f = flight{width: (slowAfter + flightTicks - 1) / flightTicks, edge: -Never}
}

// advance moves to now and returns how many calls became overdue on the way.
func (f *flight) advance(now Time) uint32 {
	if now < f.edge {
		return 0
	}
	tick := int64(max(now, 0) / f.width)
	var crossed uint32
	for k := f.tick + 1; k <= tick && k <= f.tick+int64(len(f.young)); k++ {
		slot := &f.young[(k-flightTicks-1)&15]
		crossed += *slot
		*slot = 0
	}
	f.tick = tick
	f.edge = Time(tick+1) * f.width
	f.overdue += crossed
	return crossed
}

// begin counts a call that starts at the time last advanced to and returns its
// tick.
func (f *flight) begin() int64 {
	f.young[f.tick&15]++
	f.total++
	return f.tick
}

// end takes the call that began in tick out again and reports whether it was
// overdue.
func (f *flight) end(tick int64) bool {
	f.total--
	if f.tick-tick > flightTicks {
		f.overdue--
		return true
	}
	f.young[tick&15]--
	return false
}
