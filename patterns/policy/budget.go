package policy

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// BudgetConfig bounds extra work (retries, hedges) as a share of the calls: a
// bucket of tokens into which every call pays Ratio and from which every extra
// try takes 1. When a callee fails whole, tries stay at most 1+Ratio per call
// once Burst is gone, so a chain of n such callers amplifies by (1+Ratio)^n and
// not by Tries^n.
type BudgetConfig struct {
	Ratio float64 // tokens a call pays in; default 0.1; negative: none
	Burst float64 // tokens that the bucket holds, full at the start; default 10
	// PerSecond tokens trickle in without calls, so that a target that is seldom
	// called can be tried again at all; default 0.1; negative: none.
	PerSecond float64
	// Unlimited switches the budget off. It is what lets retry storms live.
	Unlimited bool
}

// Defaults returns c with every zero replaced by its default.
func (c BudgetConfig) Defaults() BudgetConfig {
	def(&c.Ratio, 0.1)
	def(&c.Burst, 10)
	def(&c.PerSecond, 0.1)
	return c
}

// Validate joins everything that is wrong with c; nil means usable.
func (c BudgetConfig) Validate() error {
	d := c.Defaults()
	return errors.Join(
		check(d.Ratio <= 1, "budget: Ratio %g is above 1", d.Ratio),
		check(d.Burst >= 1 && d.Burst <= 1e6, "budget: Burst %g is not in 1..1e6", d.Burst),
		check(d.PerSecond <= 1e6, "budget: PerSecond %g is above 1e6", d.PerSecond),
	)
}

// token is one try in the units of the counter: enough for shares of 1e-6, and
// 1e6 tokens still fit many times over.
const token = 1_000_000

// Budget is the bucket. The zero Budget must be configured.
type Budget struct {
	level atomic.Int64 // in millionths
	burst atomic.Int64 // copy of the configuration, for Earn
	ratio atomic.Int64

	mu     sync.Mutex // guards the trickle, which only Spend needs
	cfg    BudgetConfig
	seen   Time
	refill Time
	began  bool
}

// NewBudget builds a full budget.
func NewBudget(c BudgetConfig) (*Budget, error) {
	b := &Budget{}
	if err := b.Configure(c); err != nil {
		return nil, err
	}
	b.fill()
	return b, nil
}

// Configure changes the configuration; the level stays, cut at the new Burst.
func (b *Budget) Configure(c BudgetConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c = c.Defaults()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cfg = c
	b.burst.Store(int64(c.Burst * token))
	b.ratio.Store(int64(max(c.Ratio, 0) * token))
	b.add(0)
	return nil
}

func (b *Budget) fill() { b.level.Store(b.burst.Load()) }

// Earn pays a call's share in. A full bucket is only read, so a healthy
// target's callers do not contend for it.
func (b *Budget) Earn() {
	if b.level.Load() < b.burst.Load() {
		b.add(b.ratio.Load())
	}
}

// Spend takes a token at now and reports whether there was one.
func (b *Budget) Spend(now Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cfg.Unlimited {
		return true
	}
	b.trickle(now)
	for {
		l := b.level.Load()
		if l < token {
			return false
		}
		if b.level.CompareAndSwap(l, l-token) {
			return true
		}
	}
}

// Level is how many tokens lie in the bucket at now.
func (b *Budget) Level(now Time) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trickle(now)
	return float64(b.level.Load()) / token
}

func (b *Budget) trickle(now Time) {
	b.seen = max(b.seen, now)
	if !b.began {
		b.began, b.refill = true, b.seen
	}
	if b.cfg.PerSecond <= 0 {
		b.refill = b.seen
		return
	}
	// Whole millionths only; the rest stays for the next time.
	per := float64(time.Second) / (b.cfg.PerSecond * token)
	n := int64(float64(b.seen.Sub(b.refill)) / per)
	if n <= 0 {
		return
	}
	b.refill += Time(float64(n) * per)
	b.add(n)
}

func (b *Budget) add(n int64) {
	for {
		l, top := b.level.Load(), b.burst.Load()
		if b.level.CompareAndSwap(l, min(l+n, top)) {
			return
		}
	}
}
