package policy

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// BreakerState is where a breaker stands.
type BreakerState uint8

const (
	Closed   BreakerState = iota // calls pass and are judged
	Opened                       // calls are refused
	HalfOpen                     // a few probes pass and decide
)

// String returns the state as metrics and consoles show it.
func (s BreakerState) String() string {
	switch s {
	case Closed:
		return "closed"
	case Opened:
		return "open"
	case HalfOpen:
		return "half-open"
	}
	return "unknown"
}

// WindowKind says over which calls a breaker judges its callee.
type WindowKind uint8

const (
	CountWindow WindowKind = iota // the last Size calls
	TimeWindow                    // the calls of the last Span
	Consecutive                   // Size bad calls in a row
)

// String returns the kind's name.
func (k WindowKind) String() string {
	switch k {
	case CountWindow:
		return "count"
	case TimeWindow:
		return "time"
	case Consecutive:
		return "consecutive"
	}
	return "unknown"
}

// BreakerConfig says when a breaker opens and how it closes again.
//
// A call is judged twice, in two windows of the same shape: whether it failed,
// when it ends; and whether it is slow, as soon as that is certain, which is
// when it ends or when it has been under way for SlowAfter, whichever comes
// first. So calls that hang count long before their timeouts arrive.
type BreakerConfig struct {
	Window WindowKind    // default CountWindow
	Size   int           // calls; default 100 (CountWindow), 5 (Consecutive); unused by TimeWindow
	Span   time.Duration // of TimeWindow, kept in 10 buckets; default 10 s
	// MinCalls is how many judged calls a window must hold before its rate
	// counts; default 20, at most Size. Unused by Consecutive.
	MinCalls int
	// FailureRate in (0, 1] opens the breaker when reached; default 0.5;
	// negative: failures never open it. Consecutive only asks for its sign.
	FailureRate float64
	// SlowAfter is the age at which a call is slow. 0: calls are never slow, and
	// the breaker neither sees stalls nor needs the time of calls that succeed.
	// A good value lies between the callee's p99.9 and half the timeout.
	SlowAfter time.Duration
	// SlowRate in (0, 1] is the share of slow calls that opens the breaker;
	// default 0.5; negative: slow calls alone never open it.
	SlowRate float64
	// StallCalls opens the breaker when so many calls under way are older than
	// SlowAfter and no call has succeeded for SlowAfter, whatever the windows
	// still hold; default 5; negative: off.
	StallCalls int
	// OpenFor is how long calls are refused before probes may pass; default 5 s.
	// It doubles with every failed round of probes up to OpenMax; default 60 s.
	OpenFor, OpenMax time.Duration
	// Jitter spreads OpenFor by up to this share upwards, so that the instances
	// of a service do not probe together; default 0.1; negative: none.
	Jitter float64
	// Probes is how many calls pass while half-open; default 3, at most 64. The
	// breaker closes when all but ProbeFailures (default 0) of them succeeded
	// and opens as soon as that cannot happen any more.
	Probes, ProbeFailures int
	// ProbeWait is the age at which a probe that has not ended counts as failed;
	// default SlowAfter, or OpenFor without one.
	ProbeWait time.Duration
}

// Defaults returns c with every zero replaced by its default.
func (c BreakerConfig) Defaults() BreakerConfig {
	def(&c.Size, 100)
	if c.Window == Consecutive && c.Size == 100 {
		c.Size = 5
	}
	def(&c.Span, 10*time.Second)
	def(&c.MinCalls, 20)
	if c.Window == CountWindow {
		c.MinCalls = min(c.MinCalls, c.Size)
	}
	def(&c.FailureRate, 0.5)
	def(&c.SlowRate, 0.5)
	def(&c.StallCalls, 5)
	def(&c.OpenFor, 5*time.Second)
	def(&c.OpenMax, max(time.Minute, c.OpenFor))
	def(&c.Jitter, 0.1)
	def(&c.Probes, 3)
	if c.SlowAfter > 0 {
		def(&c.ProbeWait, c.SlowAfter)
	}
	def(&c.ProbeWait, c.OpenFor)
	return c
}

// Validate joins everything that is wrong with c; nil means usable.
func (c BreakerConfig) Validate() error {
	d := c.Defaults()
	return errors.Join(
		check(d.Window <= Consecutive, "breaker: Window %d is not a kind of window", d.Window),
		check(d.Size > 0 && d.Size <= maxSize, "breaker: Size %d is not in 1..%d", d.Size, maxSize),
		check(d.Span >= 10*time.Nanosecond, "breaker: Span %s is too short for 10 buckets", d.Span),
		check(d.MinCalls > 0, "breaker: MinCalls %d is not positive", d.MinCalls),
		check(isShare(d.FailureRate), "breaker: FailureRate %g is neither in (0, 1] nor negative (off)", d.FailureRate),
		check(isShare(d.SlowRate), "breaker: SlowRate %g is neither in (0, 1] nor negative (off)", d.SlowRate),
		check(d.SlowAfter >= 0, "breaker: SlowAfter %s is negative", d.SlowAfter),
		check(d.OpenFor > 0, "breaker: OpenFor %s is not positive", d.OpenFor),
		check(d.OpenMax >= d.OpenFor, "breaker: OpenMax %s is below OpenFor %s", d.OpenMax, d.OpenFor),
		check(d.Jitter <= 1, "breaker: Jitter %g is above 1", d.Jitter),
		check(d.Probes > 0 && d.Probes <= maxProbes, "breaker: Probes %d is not in 1..%d", d.Probes, maxProbes),
		check(d.ProbeFailures >= 0 && d.ProbeFailures < d.Probes, "breaker: ProbeFailures %d is not in 0..Probes-1 (%d)", d.ProbeFailures, d.Probes-1),
		check(d.ProbeWait > 0, "breaker: ProbeWait %s is not positive", d.ProbeWait),
	)
}

// DetectionTime is the longest time from the last success of a callee that then
// stalls whole until the breaker opens, when calls come at a steady rate a
// second; 0 when c sees no stalls. Formula: StallCalls calls have to begin, the
// last of them has to be seen as slow (SlowAfter and one of its 8 ticks), and a
// call has to come by that asks.
func (c BreakerConfig) DetectionTime(rate float64) time.Duration {
	c = c.Defaults()
	if c.SlowAfter <= 0 || c.StallCalls < 0 || rate <= 0 {
		return 0
	}
	tick := (c.SlowAfter + flightTicks - 1) / flightTicks
	return time.Duration(math.Ceil(float64(c.StallCalls+1)/rate*1e9)) + tick*(flightTicks+1)
}

const (
	maxSize   = 1 << 20
	maxProbes = 64
)

// Cause says why a breaker changed its state.
type Cause uint8

const (
	NoCause      Cause = iota
	ByFailures         // the failure rate was reached
	BySlowness         // the slow rate was reached
	ByStall            // calls under way hang and none succeeds
	ByProbes           // probes succeeded (to Closed), failed or hang (to Opened)
	ByTime             // OpenFor is over
	ByOperator         // Force
	ByConfigured       // Configure while half-open: the probes start again
)

// String returns the cause as metrics and consoles show it.
func (c Cause) String() string {
	if int(c) < len(causes) {
		return causes[c]
	}
	return "unknown"
}

var causes = [...]string{"none", "failure rate", "slow rate", "stalled calls", "probes", "open time over", "operator", "configured"}

// Change is one step of a breaker from state to state.
type Change struct {
	Seq      uint64 // from 1, one higher each change: changes may be delivered out of order
	At       Time
	From, To BreakerState
	Cause    Cause
}

// BreakerSnapshot is a breaker at one moment.
type BreakerSnapshot struct {
	State BreakerState
	Cause Cause // of the last change
	Since Time  // of the last change; 0 before any
	// Calls and Failures are what the failure window holds, Judged and Slow what
	// the slowness window holds, both of the current state Closed.
	Calls, Failures, Judged, Slow int
	// InFlight is how many calls are under way, Overdue how many of them are
	// older than SlowAfter. Both stay 0 without SlowAfter.
	InFlight, Overdue int
	// Until is when probes may pass; only while Opened. Never: forced open.
	Until Time
	// Trips counts how often the breaker opened.
	Trips uint64
}

func def[T ~int | ~int64 | ~float64](p *T, v T) {
	if *p == 0 {
		*p = v
	}
}

func check(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("policy: "+format, args...)
}

// isShare holds for (0, 1] and for negative numbers, which switch off.
func isShare(f float64) bool { return f < 0 || f > 0 && f <= 1 }
