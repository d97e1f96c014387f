package policy

import (
	"errors"
	"time"
)

// TimeoutConfig is a call's budget of time. The caller's own deadline always
// holds as well: a budget only ever shortens it.
type TimeoutConfig struct {
	Total time.Duration // the call with all tries and waits; default 0: the caller's deadline alone
	Try   time.Duration // each try; default 0: what is left of the whole
	// Reserve is kept back from the deadline that is told to the callee, for the
	// way back and for what the caller has to do with the answer; default 0.
	Reserve time.Duration
	// Least is how much time must be left for a try to be worth starting, such
	// as the callee's median latency; default 1 ms; negative: none.
	Least time.Duration
}

// Defaults returns c with every zero replaced by its default.
func (c TimeoutConfig) Defaults() TimeoutConfig {
	def(&c.Least, time.Millisecond)
	return c
}

// Validate joins everything that is wrong with c; nil means usable.
func (c TimeoutConfig) Validate() error {
	return errors.Join(
		check(c.Total >= 0, "timeout: Total %s is negative", c.Total),
		check(c.Try >= 0, "timeout: Try %s is negative", c.Try),
		check(c.Reserve >= 0, "timeout: Reserve %s is negative", c.Reserve),
		check(c.Total == 0 || c.Try <= c.Total, "timeout: Try %s is above Total %s and would never end a try", c.Try, c.Total),
		check(c.Total == 0 || c.Reserve < c.Total, "timeout: Reserve %s leaves nothing of Total %s", c.Reserve, c.Total),
	)
}

// Timeout hands out deadlines. It has no state of its own.
type Timeout struct{ cfg swap[TimeoutConfig] }

// NewTimeout builds a Timeout.
func NewTimeout(c TimeoutConfig) (*Timeout, error) {
	t := &Timeout{}
	return t, t.Configure(c)
}

// Configure changes the configuration for calls and tries that begin later.
func (t *Timeout) Configure(c TimeoutConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	t.cfg.store(c.Defaults())
	return nil
}

// Config returns the configuration in force, defaults filled in.
func (t *Timeout) Config() TimeoutConfig { return t.cfg.load() }

// Call returns the deadline of a call that begins now; caller is the caller's
// own, or Never.
func (t *Timeout) Call(now, caller Time) Time {
	if c := t.cfg.get(); c.Total > 0 {
		return min(caller, now.Add(c.Total))
	}
	return caller
}

// Try returns the deadline of a try that begins now in a call with the given
// deadline, or TooLate when too little time is left.
func (t *Timeout) Try(now, call Time) (Time, Verdict) {
	c := t.cfg.get()
	if call != Never {
		call -= Time(c.Reserve)
		if left := call.Sub(now); left <= 0 || left < c.Least {
			return call, Verdict{Reason: TooLate}
		}
	}
	if c.Try > 0 {
		return min(call, now.Add(c.Try)), Verdict{}
	}
	return call, Verdict{}
}
