package policy

import (
	"errors"
	"sync/atomic"
	"time"
)

// RateConfig bounds how many calls start a second.
type RateConfig struct {
	PerSecond float64 // calls a second in the long run; default 100
	Burst     int     // calls at once after a pause; default a tenth of a second's worth, at least 1
	// MaxWait lets a call that comes too early wait for its turn; default 0: it
	// is refused.
	MaxWait time.Duration
}

// Defaults returns c with every zero replaced by its default.
func (c RateConfig) Defaults() RateConfig {
	def(&c.PerSecond, 100)
	def(&c.Burst, max(1, int(c.PerSecond/10)))
	return c
}

// Validate joins everything that is wrong with c; nil means usable.
func (c RateConfig) Validate() error {
	d := c.Defaults()
	return errors.Join(
		check(d.PerSecond > 0 && d.PerSecond <= 1e9, "rate: PerSecond %g is not in (0, 1e9]", d.PerSecond),
		check(d.Burst > 0 && float64(d.Burst)/d.PerSecond < 1e6, "rate: Burst %d is not positive or takes over 1e6 s to refill", d.Burst),
		check(d.MaxWait >= 0, "rate: MaxWait %s is negative", d.MaxWait),
	)
}

// Rate is a limit on starts: a bucket of Burst calls that refills evenly, kept
// as the one time at which it will be full again (GCRA), so that a decision is
// one compare-and-swap.
type Rate struct {
	cfg  swap[rateState]
	full atomic.Int64 // Time at which the bucket is full again
}

type rateState struct {
	RateConfig
	gap  Time // between two calls in the long run
	room Time // Burst * gap
}

// NewRate builds a limit with a full bucket.
func NewRate(c RateConfig) (*Rate, error) {
	r := &Rate{}
	return r, r.Configure(c)
}

// Configure changes the configuration. What has been taken from the bucket
// stays taken, measured in time.
func (r *Rate) Configure(c RateConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c = c.Defaults()
	gap := max(1, Time(float64(time.Second)/c.PerSecond))
	r.cfg.store(rateState{RateConfig: c, gap: gap, room: gap * Time(c.Burst)})
	return nil
}

// Config returns the configuration in force, defaults filled in.
func (r *Rate) Config() RateConfig { return r.cfg.get().RateConfig }

// Admit decides about n calls that want to start now and have to start before
// deadline: Admitted, perhaps After a wait of at most MaxWait, RateExceeded or
// TooLate, with After saying when it would have been possible. A refused call
// takes nothing.
func (r *Rate) Admit(now, deadline Time, n int) Verdict {
	c := r.cfg.get()
	for {
		full := r.full.Load()
		next := max(Time(full), now) + c.gap*Time(n)
		wait := next.Sub(now + c.room)
		switch {
		case wait > c.MaxWait:
			return Verdict{Reason: RateExceeded, After: wait}
		case wait > 0 && now.Add(wait) >= deadline:
			return Verdict{Reason: TooLate, After: wait}
		}
		if r.full.CompareAndSwap(full, int64(next)) {
			return Verdict{After: max(wait, 0)}
		}
	}
}

// Left is how many calls could start at once now.
func (r *Rate) Left(now Time) int {
	c := r.cfg.get()
	return max(0, int((now+c.room-max(Time(r.full.Load()), now))/c.gap))
}
