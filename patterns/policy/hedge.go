package policy

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// HedgeConfig says when a call that takes long is sent a second time, the first
// answer winning. Only for calls that may be repeated.
type HedgeConfig struct {
	// After is how long an answer is waited for; default 0: as long as Quantile
	// of the calls take, measured, and no hedge before 100 calls were seen.
	After time.Duration
	// Quantile in (0, 1) of the latency; default 0.95. Used when After is 0.
	Quantile float64
	Extra    int // further calls beside the first; default 1
	// Budget bounds hedges as a share of the calls; its default Ratio is 0.05.
	Budget BudgetConfig
}

// Defaults returns c with every zero replaced by its default.
func (c HedgeConfig) Defaults() HedgeConfig {
	def(&c.Quantile, 0.95)
	def(&c.Extra, 1)
	def(&c.Budget.Ratio, 0.05)
	c.Budget = c.Budget.Defaults()
	return c
}

// Validate joins everything that is wrong with c; nil means usable.
func (c HedgeConfig) Validate() error {
	d := c.Defaults()
	return errors.Join(
		check(d.After >= 0, "hedge: After %s is negative", d.After),
		check(d.Quantile > 0 && d.Quantile < 1, "hedge: Quantile %g is not in (0, 1)", d.Quantile),
		check(d.Extra > 0, "hedge: Extra %d is not positive", d.Extra),
		d.Budget.Validate(),
	)
}

const hedgeSamples = 100 // before a measured quantile is trusted

// Hedge decides when a call is sent again beside itself.
type Hedge struct {
	cfg    swap[HedgeConfig]
	budget Budget
	after  atomic.Int64 // measured quantile, ns; 0: not yet known

	mu sync.Mutex
	n  int
	q  float64 // ns
}

// NewHedge builds a Hedge with a full budget.
func NewHedge(c HedgeConfig) (*Hedge, error) {
	h := &Hedge{}
	if err := h.Configure(c); err != nil {
		return nil, err
	}
	h.budget.fill()
	return h, nil
}

// Configure changes the configuration; what was measured stays.
func (h *Hedge) Configure(c HedgeConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c = c.Defaults()
	h.cfg.store(c)
	return h.budget.Configure(c.Budget)
}

// Config returns the configuration in force, defaults filled in.
func (h *Hedge) Config() HedgeConfig { return h.cfg.load() }

// Budget returns the budget, for snapshots.
func (h *Hedge) Budget() *Budget { return &h.budget }

// Begin counts a new call and says how long to wait for its answer before
// asking Next; 0: never, the latency is not known yet.
func (h *Hedge) Begin() time.Duration {
	h.budget.Earn()
	return h.Delay()
}

// Delay is the present wait before a hedge; 0: none.
func (h *Hedge) Delay() time.Duration {
	if c := h.cfg.get(); c.After > 0 {
		return c.After
	}
	return time.Duration(h.after.Load())
}

// Next decides at now whether a call of which sent copies are under way is sent
// once more: Admitted, with After the wait before asking again, or Exhausted or
// NoBudget.
func (h *Hedge) Next(now Time, sent int) Verdict {
	if sent > h.cfg.get().Extra {
		return Verdict{Reason: Exhausted}
	}
	if !h.budget.Spend(now) {
		return Verdict{Reason: NoBudget}
	}
	return Verdict{After: h.Delay()}
}

// Observe learns from a call that ended without a hedge, or from how long a
// hedged call's first copy took at least.
func (h *Hedge) Observe(latency time.Duration) {
	c := h.cfg.get()
	if c.After > 0 {
		return
	}
	x := max(1, float64(latency))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.n++
	if h.n == 1 {
		h.q = x
	}
	// Stochastic approximation of the quantile in steps relative to it: upwards
	// by Quantile, downwards by 1-Quantile parts of a step, so that it rests
	// where a share Quantile of the calls lies below.
	step := h.q * max(0.02, 1/float64(h.n+1))
	if x > h.q {
		h.q += step * c.Quantile
	} else {
		h.q -= step * (1 - c.Quantile)
	}
	h.q = max(h.q, 1)
	if h.n >= hedgeSamples {
		h.after.Store(int64(h.q))
	}
}
