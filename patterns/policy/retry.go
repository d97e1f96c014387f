package policy

import (
	"errors"
	"math"
	"time"
)

// RetryConfig says how often, how soon and how long a call is tried again.
//
// The wait before try n+1 is uniform in [0, min(MaxWait, BaseWait * Factor^(n-1))]:
// exponential with full jitter. A Retry-After of the callee is a lower bound of
// the wait, and the jitter comes on top of it, so that those who were sent away
// together do not come back together.
type RetryConfig struct {
	Tries    int           // with the first; default 3; 1: no retries
	BaseWait time.Duration // default 50 ms
	MaxWait  time.Duration // default 2 s
	Factor   float64       // default 2
	// Total bounds the call with all its tries and waits: no wait is begun that
	// would end after it; default 0, only the caller's deadline.
	Total time.Duration
	// MaxRetryAfter is the longest Retry-After that is waited for; a longer one
	// ends the call; default 10 s.
	MaxRetryAfter time.Duration
	// Budget bounds retries as a share of all calls, whatever Tries says.
	Budget BudgetConfig
}

// Defaults returns c with every zero replaced by its default.
func (c RetryConfig) Defaults() RetryConfig {
	def(&c.Tries, 3)
	def(&c.BaseWait, 50*time.Millisecond)
	def(&c.MaxWait, max(2*time.Second, c.BaseWait))
	def(&c.Factor, 2)
	def(&c.MaxRetryAfter, 10*time.Second)
	c.Budget = c.Budget.Defaults()
	return c
}

// Validate joins everything that is wrong with c; nil means usable.
func (c RetryConfig) Validate() error {
	d := c.Defaults()
	return errors.Join(
		check(d.Tries > 0, "retry: Tries %d is not positive", d.Tries),
		check(d.BaseWait > 0, "retry: BaseWait %s is not positive", d.BaseWait),
		check(d.MaxWait >= d.BaseWait, "retry: MaxWait %s is below BaseWait %s", d.MaxWait, d.BaseWait),
		check(d.Factor >= 1, "retry: Factor %g is below 1", d.Factor),
		check(d.Total >= 0, "retry: Total %s is negative", d.Total),
		check(d.MaxRetryAfter >= 0, "retry: MaxRetryAfter %s is negative", d.MaxRetryAfter),
		d.Budget.Validate(),
	)
}

// Try is a try that has ended badly, and what is known about it.
type Try struct {
	Number     int           // of this try, from 1
	Retriable  bool          // both the outcome and the operation allow another try
	RetryAfter time.Duration // that the callee asked for; 0: none
	Began      Time          // of the first try
	Deadline   Time          // of the caller; Never: none
}

// Retry decides whether a call is tried again. Its only state is the budget, so
// one Retry serves all calls to a target.
type Retry struct {
	cfg    swap[RetryConfig]
	budget *Budget
}

// NewRetry builds a Retry with a full budget.
func NewRetry(c RetryConfig) (*Retry, error) {
	r := &Retry{budget: &Budget{}}
	if err := r.Configure(c); err != nil {
		return nil, err
	}
	r.budget.fill()
	return r, nil
}

// Configure changes the configuration; the budget keeps its level.
func (r *Retry) Configure(c RetryConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c = c.Defaults()
	r.cfg.store(c)
	return r.budget.Configure(c.Budget)
}

// Config returns the configuration in force, defaults filled in.
func (r *Retry) Config() RetryConfig { return r.cfg.load() }

// Budget returns the budget, for snapshots.
func (r *Retry) Budget() *Budget { return r.budget }

// Begin counts a new call (not its retries): it earns a share of a retry.
func (r *Retry) Begin() { r.budget.Earn() }

// Next decides at now, after t ended badly: Admitted to try again After a wait,
// or NotRetriable, Exhausted, TooLate, NoBudget. An admitted retry has been paid
// for. u is random in [0, 1).
func (r *Retry) Next(now Time, u float64, t Try) Verdict {
	c := r.cfg.get()
	if !t.Retriable {
		return Verdict{Reason: NotRetriable}
	}
	if t.Number >= c.Tries {
		return Verdict{Reason: Exhausted}
	}
	if t.RetryAfter > c.MaxRetryAfter {
		return Verdict{Reason: TooLate, After: t.RetryAfter}
	}
	wait := max(t.RetryAfter, 0) + time.Duration(u*c.Ceiling(t.Number))
	end := t.Deadline
	if c.Total > 0 {
		end = min(end, t.Began.Add(c.Total))
	}
	if now.Add(wait) >= end {
		return Verdict{Reason: TooLate, After: wait}
	}
	if !r.budget.Spend(now) {
		return Verdict{Reason: NoBudget}
	}
	return Verdict{After: wait}
}

// Ceiling is the upper end, in nanoseconds, of the wait after a try. It expects
// a configuration with its defaults filled in.
func (c RetryConfig) Ceiling(try int) float64 {
	return min(float64(c.MaxWait), float64(c.BaseWait)*math.Pow(c.Factor, float64(try-1)))
}
