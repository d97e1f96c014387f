package policy

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// AdaptiveConfig lets a limit of calls under way find its own size, from the
// gradient of latency: while calls take as long as they do without a queue, the
// limit grows; when they take longer, it shrinks by the ratio.
type AdaptiveConfig struct {
	Initial int // default 20
	Min     int // default 5
	Max     int // default 1000
	// Tolerance is how many times the usual latency is still no sign of a
	// queue; default 1.5.
	Tolerance float64
	// Smoothing in (0, 1] is the weight of a new limit against the old; default 0.2.
	Smoothing float64
	// Usual is how many windows of latency make the usual latency; default 100.
	Usual int
	// Window is how long latencies are gathered between two steps; default
	// 100 ms. A step needs at least 10 calls.
	Window time.Duration
	// Backoff in (0, 1) multiplies the limit after a window with failures of
	// capacity (Failure outcomes); default 0.9.
	Backoff float64
}

// Defaults returns c with every zero replaced by its default.
func (c AdaptiveConfig) Defaults() AdaptiveConfig {
	def(&c.Initial, 20)
	def(&c.Min, min(5, max(c.Initial, 1)))
	def(&c.Max, max(1000, c.Initial))
	def(&c.Tolerance, 1.5)
	def(&c.Smoothing, 0.2)
	def(&c.Usual, 100)
	def(&c.Window, 100*time.Millisecond)
	def(&c.Backoff, 0.9)
	return c
}

// Validate joins everything that is wrong with c; nil means usable.
func (c AdaptiveConfig) Validate() error {
	d := c.Defaults()
	return errors.Join(
		check(d.Min > 0 && d.Min <= d.Initial && d.Initial <= d.Max && d.Max <= maxSize, "adaptive: want 1 <= Min (%d) <= Initial (%d) <= Max (%d) <= %d", d.Min, d.Initial, d.Max, maxSize),
		check(d.Tolerance >= 1, "adaptive: Tolerance %g is below 1", d.Tolerance),
		check(d.Smoothing > 0 && d.Smoothing <= 1, "adaptive: Smoothing %g is not in (0, 1]", d.Smoothing),
		check(d.Usual > 1, "adaptive: Usual %d is below 2", d.Usual),
		check(d.Window > 0, "adaptive: Window %s is not positive", d.Window),
		check(d.Backoff > 0 && d.Backoff < 1, "adaptive: Backoff %g is not in (0, 1)", d.Backoff),
	)
}

// Adaptive limits calls under way to what the callee can take.
type Adaptive struct {
	inFlight atomic.Int64
	limit    atomic.Int64

	mu     sync.Mutex
	cfg    AdaptiveConfig
	seen   Time
	size   float64 // the limit, unrounded
	usual  float64 // ns, slow average of window averages
	turns  int     // windows that have gone into usual
	opened Time    // of the window; -1: none
	n      int
	sum    float64 // ns
	failed bool
	peak   int64 // most calls under way in this window
}

// NewAdaptive builds a limit of Initial calls.
func NewAdaptive(c AdaptiveConfig) (*Adaptive, error) {
	a := &Adaptive{opened: -1}
	if err := a.Configure(c); err != nil {
		return nil, err
	}
	a.size = float64(a.cfg.Initial)
	a.limit.Store(int64(a.cfg.Initial))
	return a, nil
}

// Configure changes the configuration; the limit stays within the new bounds.
func (a *Adaptive) Configure(c AdaptiveConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cfg = c.Defaults()
	a.size = min(max(a.size, float64(a.cfg.Min)), float64(a.cfg.Max))
	a.limit.Store(int64(a.size))
	return nil
}

// Config returns the configuration in force, defaults filled in.
func (a *Adaptive) Config() AdaptiveConfig {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cfg
}

// Admit decides about a call: Admitted or Full. An admitted one ends with one
// Report.
func (a *Adaptive) Admit() Verdict {
	for {
		n := a.inFlight.Load()
		if n >= a.limit.Load() {
			return Verdict{Reason: Full}
		}
		if a.inFlight.CompareAndSwap(n, n+1) {
			return Verdict{}
		}
	}
}

// Report ends a call that was admitted at start. Ignored calls free their place
// and teach nothing.
func (a *Adaptive) Report(start, now Time, o Outcome) {
	n := a.inFlight.Add(-1) + 1
	if o == Ignored {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = max(a.seen, now)
	if a.opened < 0 {
		a.opened = a.seen
	}
	a.n++
	a.sum += float64(max(0, a.seen.Sub(start)))
	a.peak = max(a.peak, n)
	a.failed = a.failed || o == Failure
	if a.n >= 10 && a.seen.Sub(a.opened) >= a.cfg.Window {
		a.step()
	}
}

// step closes a window. With L the window's mean latency and U the usual one:
//
//	gradient = clamp(Tolerance * U / L, 0.5, 1)
//	limit'   = limit * gradient + sqrt(limit)      (the room to grow into)
//
// smoothed. A limit that is not half used is left alone: nothing was learnt.
func (a *Adaptive) step() {
	mean := max(1, a.sum/float64(a.n))
	switch {
	case a.turns < 10: // a plain average first, so that the first call does not rule
		a.turns++
		a.usual += (mean - a.usual) / float64(a.turns)
	default:
		a.usual += (mean - a.usual) * 2 / float64(a.cfg.Usual+1)
	}
	// A lasting fall in latency shows that the usual was measured under load.
	if a.usual > 2*mean {
		a.usual *= 0.95
	}
	next := a.size
	switch {
	case a.failed:
		next = a.size * a.cfg.Backoff
	case float64(a.peak) >= a.size/2:
		gradient := min(1, max(0.5, a.cfg.Tolerance*a.usual/mean))
		next = a.size + a.cfg.Smoothing*(a.size*gradient+math.Sqrt(a.size)-a.size)
	}
	a.size = min(max(next, float64(a.cfg.Min)), float64(a.cfg.Max))
	a.limit.Store(int64(a.size))
	a.opened, a.n, a.sum, a.failed, a.peak = -1, 0, 0, false, 0
}

// Limit is the present limit, InFlight how many calls are under way.
func (a *Adaptive) Limit() int    { return int(a.limit.Load()) }
func (a *Adaptive) InFlight() int { return int(a.inFlight.Load()) }

// Used is the share of the limit in use, what Shedder asks for.
func (a *Adaptive) Used() float64 { return float64(a.inFlight.Load()) / float64(a.limit.Load()) }
