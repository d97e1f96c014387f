package policy

// Ticket is an admitted call's receipt; it goes back with the call's report.
// Three words, so that it travels in registers.
type Ticket struct {
	start Time
	tick  int64  // of start among the calls under way; a probe's number
	id    uint64 // era, kind, and a probe's slot
}

const (
	ticketSlot  = 0xff   // of a probe
	ticketTimed = 1 << 8 // counted among the calls under way, or in buckets of time
	ticketProbe = 1 << 9 // one of the half-open probes
	ticketEra   = 10     // shift
)

func (t Ticket) era() uint64 { return t.id >> ticketEra }

// NeedsTime reports whether even the report of a success needs the time of day.
// Where it does not, now may be 0 and the driver saves a reading of its clock.
func (t Ticket) NeedsTime() bool { return t.id&(ticketTimed|ticketProbe) != 0 }
