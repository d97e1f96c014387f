package policy

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// The word holds what a healthy breaker's callers need, readable without a lock.
const (
	wordState   = 0b0011
	wordAges    = 0b0100 // calls under way are watched: a start needs the time
	wordTimed   = 0b1000 // a success needs the time
	wordSettled = 1 << 4 // another success would change nothing
	wordEra     = 5      // shift: counts changes of state and configuration
)

// Breaker refuses calls to a callee that fails, is slow, or hangs.
type Breaker struct {
	word    atomic.Uint64
	seed    uint64
	changed func(Change)

	mu     sync.Mutex
	cfg    BreakerConfig
	seen   Time // latest time handed in
	last   Change
	told   uint64 // last.Seq that a caller took along
	trips  uint64
	closed closedState
	opened openedState
	half   halfState
}

// closedState judges calls.
type closedState struct {
	failures, slow window
	flight         flight
	success        Time // of the last call that succeeded
}

// openedState waits.
type openedState struct {
	until  Time
	rounds int // of failed probes in a row
}

// NewBreaker builds a closed breaker. The seed picks this instance's jitter.
// changed, when not nil, is called after every change of state by the call that
// caused it, without a lock held; calls of several changes may overtake each
// other, see Change.Seq.
func NewBreaker(c BreakerConfig, seed uint64, changed func(Change)) (*Breaker, error) {
	b := &Breaker{seed: seed, changed: changed}
	if err := b.Configure(0, c); err != nil {
		return nil, err
	}
	return b, nil
}

// Configure changes the configuration. A window keeps its calls when its shape
// stays. Calls under way are no longer judged, and a half-open breaker starts
// its probes again; an open one keeps the time it was given.
func (b *Breaker) Configure(now Time, c BreakerConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c = c.Defaults()
	b.mu.Lock()
	now = b.clock(now)
	old := b.cfg
	b.cfg = c
	if old.Window != c.Window || old.Size != c.Size || old.Span != c.Span {
		b.closed.failures.shape(&c)
		b.closed.slow.shape(&c)
		b.closed.success = -1
	}
	b.closed.flight.reset(Time(c.SlowAfter))
	if b.state() != HalfOpen {
		b.publish(b.state(), b.era()+1)
		b.mu.Unlock()
		return nil
	}
	b.enter(now, HalfOpen, ByConfigured)
	ch := b.last
	b.told = ch.Seq
	b.mu.Unlock()
	b.tell(ch)
	return nil
}

// AdmitUntimed admits a call without the time when the breaker is closed and
// does not need it; false says to ask Admit.
func (b *Breaker) AdmitUntimed() (Ticket, bool) {
	w := b.word.Load()
	id := w >> wordEra << ticketEra
	if w&wordTimed != 0 {
		id |= ticketTimed
	}
	return Ticket{id: id}, w&(wordState|wordAges) == uint64(Closed)
}

// Admit decides about a call that wants to start now: Admitted, Open or Probing
// (Verdict.After is then when to ask again). An admitted call ends with one
// Report of its ticket; the report of a refused call's ticket is ignored.
func (b *Breaker) Admit(now Time) (Ticket, Verdict) {
	if t, ok := b.AdmitUntimed(); ok {
		return t, Verdict{}
	}
	b.mu.Lock()
	now = b.clock(now)
	if b.state() == Closed && !b.judge(now) {
		id := b.era()<<ticketEra | ticketTimed
		tick := int64(0)
		if b.cfg.SlowAfter > 0 {
			tick = b.closed.flight.begin()
		}
		b.mu.Unlock()
		return Ticket{now, tick, id}, Verdict{}
	}
	t, v, changed := b.admitSick(now)
	ch := b.last
	b.mu.Unlock()
	if changed {
		b.tell(ch)
	}
	return t, v
}

// admitSick is Admit for a breaker that is not, or no longer, closed.
func (b *Breaker) admitSick(now Time) (t Ticket, v Verdict, changed bool) {
	seq := b.told
	switch {
	case b.state() == Opened && now >= b.opened.until:
		b.enter(now, HalfOpen, ByTime)
	case b.state() == HalfOpen:
		b.half.expire(now, b.cfg.ProbeWait)
		if b.half.bad > b.cfg.ProbeFailures {
			b.enter(now, Opened, ByProbes)
		}
	}
	if b.state() == Opened {
		v = Verdict{Reason: Open, After: b.opened.until.Sub(now)}
	} else if slot, ok := b.half.admit(now, b.cfg.Probes); ok {
		t = Ticket{now, b.half.last, b.era()<<ticketEra | ticketProbe | uint64(slot)}
	} else {
		v = Verdict{Reason: Probing, After: b.half.oldest().Add(b.cfg.ProbeWait).Sub(now)}
	}
	b.told = b.last.Seq
	return t, v, seq != b.told
}

// Report ends an admitted call. Reports of calls that began before the last
// change of state are ignored: they speak of the past.
func (b *Breaker) Report(t Ticket, now Time, o Outcome) {
	w := b.word.Load()
	if w>>wordEra != t.era() || o == Success && w&wordSettled != 0 && !t.NeedsTime() {
		return
	}
	b.mu.Lock()
	if b.era() != t.era() {
		b.mu.Unlock()
		return
	}
	now = b.clock(now)
	var changed bool
	if t.id&ticketProbe != 0 {
		changed = b.endProbe(t, now, o)
	} else {
		changed = b.endCall(t, now, o)
	}
	if !changed {
		b.mu.Unlock()
		return
	}
	b.told = b.last.Seq
	ch := b.last
	b.mu.Unlock()
	b.tell(ch)
}

// Force opens the breaker until Reset, for operators and drills.
func (b *Breaker) Force(now Time) {
	b.mu.Lock()
	b.enter(b.clock(now), Opened, ByOperator)
	b.opened.until = Never
	ch := b.last
	b.told = ch.Seq
	b.mu.Unlock()
	b.tell(ch)
}

// Reset closes the breaker with empty windows.
func (b *Breaker) Reset(now Time) {
	b.mu.Lock()
	b.enter(b.clock(now), Closed, ByOperator)
	ch := b.last
	b.told = ch.Seq
	b.mu.Unlock()
	b.tell(ch)
}

// Snapshot describes the breaker at now. It changes nothing: a stall shows in
// Overdue before a call comes by that opens the breaker.
func (b *Breaker) Snapshot(now Time) BreakerSnapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = max(now, b.seen)
	c := b.closed // a copy: looking must not move the windows
	s := BreakerSnapshot{State: b.state(), Cause: b.last.Cause, Since: b.last.At, Trips: b.trips}
	switch s.State {
	case Closed:
		c.failures.turn(now)
		c.slow.turn(now)
		s.Calls, s.Failures = c.failures.n, c.failures.bad
		s.Judged, s.Slow = c.slow.n, c.slow.bad
		if b.cfg.SlowAfter > 0 {
			c.flight.advance(now)
			s.InFlight, s.Overdue = int(c.flight.total), int(c.flight.overdue)
		}
	case Opened:
		s.Until = b.opened.until
	case HalfOpen:
		s.InFlight = b.half.out
	}
	return s
}

// State is the state that the last event left; an open breaker whose time is
// over stays open until a call asks.
func (b *Breaker) State() BreakerState { return BreakerState(b.word.Load() & wordState) }

// Config returns the configuration in force, defaults filled in.
func (b *Breaker) Config() BreakerConfig {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cfg
}

// judge looks at the calls under way: those that became overdue are slow, and a
// stall opens the breaker. It reports whether the state changed, as all of these
// do.
func (b *Breaker) judge(now Time) bool {
	if b.cfg.SlowAfter <= 0 {
		return false
	}
	s := &b.closed
	for range s.flight.advance(now) {
		s.slow.add(now, true)
	}
	if s.slow.reached(b.cfg.SlowRate, b.cfg.MinCalls, b.cfg.Size) {
		return b.enter(now, Opened, BySlowness)
	}
	if n := b.cfg.StallCalls; n >= 0 && int(s.flight.overdue) >= n && (s.success < 0 || now.Sub(s.success) >= b.cfg.SlowAfter) {
		return b.enter(now, Opened, ByStall)
	}
	return false
}

func (b *Breaker) endCall(t Ticket, now Time, o Outcome) bool {
	s := &b.closed
	if b.cfg.SlowAfter > 0 {
		if o == Success {
			s.success = now // before judge: this success is what a stall lacks
		}
		if b.judge(now) {
			return true
		}
		// An overdue call was judged when it became so; a call that the caller
		// gave up early says nothing.
		if !s.flight.end(t.tick) && (o != Ignored || now.Sub(t.start) >= b.cfg.SlowAfter) {
			s.slow.add(now, now.Sub(t.start) >= b.cfg.SlowAfter)
		}
	}
	if o != Ignored {
		s.failures.add(now, o == Failure)
	}
	switch {
	case s.failures.reached(b.cfg.FailureRate, b.cfg.MinCalls, b.cfg.Size):
		return b.enter(now, Opened, ByFailures)
	case s.slow.reached(b.cfg.SlowRate, b.cfg.MinCalls, b.cfg.Size):
		return b.enter(now, Opened, BySlowness)
	}
	if s.failures.settled() != (b.word.Load()&wordSettled != 0) {
		b.publish(Closed, b.era())
	}
	return false
}

// enter moves to a state, with everything of that state fresh.
func (b *Breaker) enter(now Time, to BreakerState, why Cause) bool {
	from := b.state()
	switch to {
	case Closed:
		b.closed.failures.empty()
		b.closed.slow.empty()
		b.closed.flight.reset(Time(b.cfg.SlowAfter))
		b.closed.success = now // a fresh start: a stall needs SlowAfter to show
		b.opened.rounds = 0
	case Opened:
		if from == HalfOpen {
			b.opened.rounds++
		}
		if from != Opened {
			b.trips++
		}
		b.opened.until = now.Add(b.openFor())
	case HalfOpen:
		b.half.reset()
	}
	b.publish(to, b.era()+1)
	b.last = Change{Seq: b.last.Seq + 1, At: now, From: from, To: to, Cause: why}
	return true
}

func (b *Breaker) openFor() time.Duration {
	d := float64(b.cfg.OpenFor) * math.Pow(2, float64(min(b.opened.rounds, 62)))
	d = min(d, float64(b.cfg.OpenMax))
	if b.cfg.Jitter > 0 {
		d *= 1 + b.cfg.Jitter*unit(b.seed+b.trips)
	}
	return time.Duration(min(d, math.MaxInt64/2))
}

// publish stores the word. Only endCall and enter change what it says.
func (b *Breaker) publish(s BreakerState, era uint64) {
	w := uint64(s) | era<<wordEra
	if b.cfg.SlowAfter > 0 {
		w |= wordAges | wordTimed
	} else if b.cfg.Window == TimeWindow {
		w |= wordTimed
	} else if s == Closed && b.closed.failures.settled() {
		w |= wordSettled
	}
	b.word.Store(w)
}

func (b *Breaker) state() BreakerState { return BreakerState(b.word.Load() & wordState) }
func (b *Breaker) era() uint64         { return b.word.Load() >> wordEra }

func (b *Breaker) clock(now Time) Time {
	b.seen = max(now, b.seen)
	return b.seen
}

func (b *Breaker) tell(ch Change) {
	if b.changed != nil {
		b.changed(ch)
	}
}

// unit maps a seed to [0, 1), evenly (splitmix64).
func unit(seed uint64) float64 {
	z := seed + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}
