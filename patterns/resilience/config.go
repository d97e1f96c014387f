package resilience

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// Stage is a policy's place in the order.
type Stage uint8

const (
	StageTotal Stage = iota + 1
	StageRetry
	StageHedge
	StageBreaker
	StageShed
	StageRate
	StageAdaptive
	StageBulkhead
	StageTry
)

const stages = int(StageTry)

var stageNames = [...]string{"call", "total", "retry", "hedge", "breaker", "shed", "rate", "adaptive", "bulkhead", "try"}

// String returns the stage's name.
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return "unknown"
}

// Order is the documented order, outermost first.
func Order() []Stage {
	return []Stage{StageTotal, StageRetry, StageHedge, StageBreaker, StageShed, StageRate, StageAdaptive, StageBulkhead, StageTry}
}

// Config is what a target's calls go through. A nil policy is absent; a zero
// one has its defaults.
type Config struct {
	Timeout  *policy.TimeoutConfig // both stages total and try
	Retry    *policy.RetryConfig
	Hedge    *policy.HedgeConfig // of Do and unary gRPC calls
	Breaker  *policy.BreakerConfig
	Shed     *policy.ShedConfig // needs Adaptive or Bulkhead, whose use it looks at
	Rate     *policy.RateConfig
	Adaptive *policy.AdaptiveConfig
	Bulkhead *policy.BulkheadConfig
	// Order, outermost first, names every stage once; nil: [Order]. Others work
	// and are warned of, see Warnings.
	Order []Stage
}

// defaults fills in what follows from other policies: a breaker beside a
// deadline for tries sees stalls from half that deadline on.
func (c Config) defaults() Config {
	if c.Order == nil {
		c.Order = Order()
	}
	if c.Breaker != nil && c.Breaker.SlowAfter == 0 && c.Timeout != nil && c.Timeout.Try > 0 {
		b := *c.Breaker
		b.SlowAfter = c.Timeout.Try / 2
		c.Breaker = &b
	}
	return c
}

// Validate joins everything that is wrong with c; nil means usable.
func (c Config) Validate() error {
	var errs []error
	if c.Timeout != nil {
		errs = append(errs, c.Timeout.Validate())
	}
	if c.Retry != nil {
		errs = append(errs, c.Retry.Validate())
	}
	if c.Hedge != nil {
		errs = append(errs, c.Hedge.Validate())
	}
	if c.Breaker != nil {
		errs = append(errs, c.Breaker.Validate())
	}
	if c.Shed != nil {
		errs = append(errs, c.Shed.Validate())
		if c.Adaptive == nil && c.Bulkhead == nil {
			errs = append(errs, errors.New("resilience: Shed has nothing to look at: configure Bulkhead or Adaptive too"))
		}
	}
	if c.Rate != nil {
		errs = append(errs, c.Rate.Validate())
	}
	if c.Adaptive != nil {
		errs = append(errs, c.Adaptive.Validate())
	}
	if c.Bulkhead != nil {
		errs = append(errs, c.Bulkhead.Validate())
	}
	if c.Order != nil {
		sorted := slices.Clone(c.Order)
		slices.Sort(sorted)
		if !slices.Equal(sorted, Order()) {
			errs = append(errs, fmt.Errorf("resilience: Order %v does not name each of %v once", c.Order, Order()))
		}
	}
	return errors.Join(errs...)
}

// has reports whether the stage is configured.
func (c Config) has(s Stage) bool {
	switch s {
	case StageTotal:
		return c.Timeout != nil && c.Timeout.Total > 0
	case StageRetry:
		return c.Retry != nil
	case StageHedge:
		return c.Hedge != nil
	case StageBreaker:
		return c.Breaker != nil
	case StageShed:
		return c.Shed != nil
	case StageRate:
		return c.Rate != nil
	case StageAdaptive:
		return c.Adaptive != nil
	case StageBulkhead:
		return c.Bulkhead != nil
	case StageTry:
		return c.Timeout != nil
	}
	return false
}

// Warnings lists what is allowed and hardly meant: stages in another order than
// the documented one, and policies that work against each other.
func (c Config) Warnings() []string {
	c = c.defaults()
	var out []string
	for i, outer := range c.Order {
		for _, inner := range c.Order[i+1:] {
			if outer > inner && c.has(outer) && c.has(inner) {
				out = append(out, fmt.Sprintf("%s stands outside %s: %s", outer, inner, consequence(outer, inner)))
			}
		}
	}
	if c.Breaker != nil && c.Bulkhead != nil {
		b := c.Breaker.Defaults()
		if room := c.Bulkhead.Defaults().Limit; b.SlowAfter > 0 && b.StallCalls > room {
			out = append(out, fmt.Sprintf("bulkhead Limit %d is below the breaker's StallCalls %d: a stall can never be seen", room, b.StallCalls))
		}
	}
	if c.Breaker != nil && c.Timeout != nil && c.Timeout.Try > 0 && c.Breaker.SlowAfter >= c.Timeout.Try {
		out = append(out, fmt.Sprintf("breaker SlowAfter %s is not below the deadline of a try, %s: hanging calls time out before they are seen", c.Breaker.SlowAfter, c.Timeout.Try))
	}
	if c.Retry != nil && c.Timeout != nil && c.Timeout.Total > 0 && c.Timeout.Total == c.Timeout.Try && c.Retry.Defaults().Tries > 1 {
		out = append(out, "timeout Try equals Total: a try that times out leaves no time for another")
	}
	if c.Retry != nil && c.Retry.Budget.Unlimited {
		out = append(out, "retry Budget is Unlimited: when the callee fails, load on it is multiplied by Tries")
	}
	return out
}

// consequence says what a pair in the wrong order does.
func consequence(outer, inner Stage) string {
	switch {
	case inner == StageTotal:
		return "the whole call's deadline starts anew each time"
	case inner == StageRetry && outer == StageBreaker:
		return "the breaker sees calls that were saved by a retry as healthy"
	case inner == StageRetry && (outer == StageBulkhead || outer == StageAdaptive):
		return "a place is held while a call waits between tries"
	case inner == StageRetry && outer == StageTry:
		return "all tries share the deadline of one"
	case inner == StageRetry && outer == StageRate:
		return "retries pass the rate limit uncounted"
	case inner == StageBreaker && outer == StageBulkhead:
		return "calls queue for a place although the breaker is open"
	case outer == StageTry && (inner == StageBulkhead || inner == StageRate):
		return "time in the queue is taken for the callee's"
	}
	return "not the documented order"
}
