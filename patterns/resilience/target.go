package resilience

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// Options of a target; nil or the zero value is the default.
type Options struct {
	Rules Rules
	// OnEvent is told what happens, by the goroutine to which it happens: it
	// must be quick and safe for concurrent use. Success is no event.
	OnEvent func(Event)
	Logger  *slog.Logger // for warnings and breaker changes; nil: slog.Default()
}

// Target is one callee and the policies that all calls to it share. Its
// methods may be called concurrently. It has nothing to close.
type Target struct {
	name  string
	epoch time.Time // zero of the target's policy.Time
	rules Rules
	opts  Options

	plan   atomic.Pointer[plan]
	config sync.Mutex // one Configure at a time
	given  Config

	counts  counts
	waiting waiting
	history history
}

// plan is a configuration made ready: the stages in order and their machines.
// Machines outlive a plan, so that reconfiguring forgets nothing.
type plan struct {
	stages [stages]Stage
	n      int
	hedgeAt,
	retryAt int // index of the stage; n: none
	clocked bool // calls need their start's time
	bounded bool // calls need their caller's deadline
	light   bool // nothing but breaker and bulkhead, in the documented order

	timeout  *policy.Timeout
	retry    *policy.Retry
	hedge    *policy.Hedge
	breaker  *policy.Breaker
	shed     *policy.Shedder
	rate     *policy.Rate
	adaptive *policy.Adaptive
	bulkhead *policy.Bulkhead
}

// New builds a target and logs the configuration's warnings.
func New(name string, c Config, o *Options) (*Target, error) {
	if o == nil {
		o = &Options{}
	}
	t := &Target{name: name, epoch: time.Now(), rules: o.Rules, opts: *o}
	if t.opts.Logger == nil {
		t.opts.Logger = slog.Default()
	}
	return t, t.Configure(c)
}

// Name returns the target's name.
func (t *Target) Name() string { return t.name }

// Config returns the configuration as it was given.
func (t *Target) Config() Config {
	t.config.Lock()
	defer t.config.Unlock()
	return t.given
}

// Configure changes the policies while calls run. Calls under way end under the
// stages that they began with; breakers stay open, budgets spent, places taken.
// A stage that is taken out and put in again starts afresh. On an error nothing
// has changed.
func (t *Target) Configure(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	t.config.Lock()
	defer t.config.Unlock()
	first := t.plan.Load() == nil
	p, err := t.build(c.defaults())
	if err != nil {
		return err
	}
	t.given = c
	t.plan.Store(p)
	for _, w := range c.Warnings() {
		t.opts.Logger.Warn("resilience: "+w, "target", t.name)
		t.emit(Event{Kind: Warned, Text: w})
	}
	if !first {
		t.emit(Event{Kind: Configured})
	}
	return nil
}

func (t *Target) build(c Config) (*plan, error) {
	p := &plan{}
	if old := t.plan.Load(); old != nil {
		*p = plan{timeout: old.timeout, retry: old.retry, hedge: old.hedge, breaker: old.breaker, shed: old.shed, rate: old.rate, adaptive: old.adaptive, bulkhead: old.bulkhead}
	}
	now := t.now()
	var turns []policy.Turn
	for _, err := range []error{
		machine(&p.timeout, c.Timeout, policy.NewTimeout, (*policy.Timeout).Configure),
		machine(&p.retry, c.Retry, policy.NewRetry, (*policy.Retry).Configure),
		machine(&p.hedge, c.Hedge, policy.NewHedge, (*policy.Hedge).Configure),
		machine(&p.shed, c.Shed, policy.NewShedder, (*policy.Shedder).Configure),
		machine(&p.rate, c.Rate, policy.NewRate, (*policy.Rate).Configure),
		machine(&p.adaptive, c.Adaptive, policy.NewAdaptive, (*policy.Adaptive).Configure),
		machine(&p.breaker, c.Breaker,
			func(c policy.BreakerConfig) (*policy.Breaker, error) {
				return policy.NewBreaker(c, rand.Uint64(), t.breakerChanged)
			},
			func(b *policy.Breaker, c policy.BreakerConfig) error {
				if b.Config() == c.Defaults() {
					return nil // leave the calls under way judged
				}
				return b.Configure(now, c)
			}),
		machine(&p.bulkhead, c.Bulkhead, policy.NewBulkhead,
			func(b *policy.Bulkhead, c policy.BulkheadConfig) (err error) {
				turns, err = b.Configure(now, c)
				return err
			}),
	} {
		if err != nil {
			return nil, err
		}
	}
	for _, turn := range turns {
		t.waiting.wake(turn)
	}
	p.arrange(c)
	return p, nil
}

// arrange lists the configured stages in order.
func (p *plan) arrange(c Config) {
	for _, s := range c.Order {
		if c.has(s) {
			p.stages[p.n] = s
			p.n++
		}
	}
	p.hedgeAt, p.retryAt = p.n, p.n
	for i, s := range p.stages[:p.n] {
		switch s {
		case StageHedge:
			p.hedgeAt = i
		case StageRetry:
			p.retryAt = i
		}
	}
	p.light = true
	for i, s := range p.stages[:p.n] {
		p.light = p.light && (s == StageBreaker && i == 0 || s == StageBulkhead)
	}
	p.bounded = p.timeout != nil
	p.clocked = p.timeout != nil || p.retry != nil || p.hedge != nil
}

// machine makes, changes or drops a stage's machine.
func machine[M, C any](m **M, c *C, build func(C) (*M, error), change func(*M, C) error) (err error) {
	switch {
	case c == nil:
		*m = nil
	case *m == nil:
		*m, err = build(*c)
	default:
		err = change(*m, *c)
	}
	return err
}

func (t *Target) now() policy.Time { return policy.Time(time.Since(t.epoch)) }

// time turns a machine's time into one of the calendar.
func (t *Target) time(p policy.Time) time.Time { return t.epoch.Add(time.Duration(p)) }

// waiting wakes calls whose turn has come. A turn may be named before the call
// that was given it has gone to sleep.
type waiting struct {
	mu    sync.Mutex
	calls map[policy.Turn]chan struct{}
}

func (w *waiting) channel(turn policy.Turn) chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch := w.calls[turn]
	if ch == nil {
		if w.calls == nil {
			w.calls = map[policy.Turn]chan struct{}{}
		}
		ch = make(chan struct{})
		w.calls[turn] = ch
	}
	return ch
}

func (w *waiting) wake(turn policy.Turn) { close(w.channel(turn)) }

func (w *waiting) forget(turn policy.Turn) {
	w.mu.Lock()
	delete(w.calls, turn)
	w.mu.Unlock()
}

// sleep waits d or until ctx ends, and reports whether it slept to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
