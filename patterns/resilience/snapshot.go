package resilience

import (
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// Snapshot is a target at one moment, for metrics and consoles. Counters only
// grow. Parts of policies that are not configured are nil.
type Snapshot struct {
	Target string    `json:"id"`
	State  string    `json:"state"` // the breaker's; "no breaker" without one
	At     time.Time `json:"at"`

	Successes uint64            `json:"successes"`
	Business  uint64            `json:"business"` // answers that were business errors
	Failures  uint64            `json:"failures"` // calls, not tries
	Ignored   uint64            `json:"ignored"`  // given up by the caller
	Timeouts  uint64            `json:"timeouts"` // tries
	Retries   uint64            `json:"retries"`
	GaveUp    uint64            `json:"gave_up"`
	Hedges    uint64            `json:"hedges"`
	Fallbacks uint64            `json:"fallbacks"`
	Refused   map[string]uint64 `json:"refused,omitempty"` // by reason

	Breaker  *BreakerView  `json:"breaker,omitempty"`
	Bulkhead *BulkheadView `json:"bulkhead,omitempty"`
	Adaptive *AdaptiveView `json:"adaptive,omitempty"`
	// Tokens left for retries and hedges; -1: no such policy.
	RetryTokens float64 `json:"retry_tokens"`
	HedgeTokens float64 `json:"hedge_tokens"`

	Warnings []string `json:"warnings,omitempty"`
}

// BreakerView is a breaker's part of a Snapshot.
type BreakerView struct {
	State    string     `json:"state"`
	Cause    string     `json:"cause"`
	Since    time.Time  `json:"since"`
	Until    *time.Time `json:"until,omitempty"` // while open: when probes may pass; absent: forced open
	Calls    int        `json:"calls"`           // in the failure window
	Failures int        `json:"failures"`
	Judged   int        `json:"judged"` // in the slowness window
	Slow     int        `json:"slow"`
	InFlight int        `json:"in_flight"`
	Overdue  int        `json:"overdue"`
	Trips    uint64     `json:"trips"`
	Changes  []Step     `json:"changes,omitempty"` // the latest, oldest first
}

// Step is one change of a breaker's state.
type Step struct {
	Seq   uint64    `json:"seq"`
	At    time.Time `json:"at"`
	From  string    `json:"from"`
	To    string    `json:"to"`
	Cause string    `json:"cause"`
}

// BulkheadView is a bulkhead's part of a Snapshot.
type BulkheadView struct {
	Limit    int `json:"limit"`
	InFlight int `json:"in_flight"`
	Waiting  int `json:"waiting"`
}

// AdaptiveView is an adaptive limit's part of a Snapshot.
type AdaptiveView struct {
	Limit    int `json:"limit"`
	InFlight int `json:"in_flight"`
}

// Snapshot describes the target now.
func (t *Target) Snapshot() Snapshot {
	now, p, n := t.now(), t.plan.Load(), &t.counts
	s := Snapshot{
		Target: t.name, State: "no breaker", At: t.time(now),
		Successes: n.successes.Load(), Business: n.business.Load(), Failures: n.failures.Load(), Ignored: n.ignored.Load(),
		Timeouts: n.timeouts.Load(), Retries: n.retries.Load(), GaveUp: n.gaveUp.Load(),
		Hedges: n.hedges.Load(), Fallbacks: n.fallbacks.Load(),
		RetryTokens: -1, HedgeTokens: -1, Warnings: t.Config().Warnings(),
	}
	for r := range n.refused {
		if v := n.refused[r].Load(); v > 0 {
			if s.Refused == nil {
				s.Refused = map[string]uint64{}
			}
			s.Refused[policy.Reason(r).String()] = v
		}
	}
	if p.breaker != nil {
		s.Breaker = t.viewBreaker(p.breaker.Snapshot(now))
		s.State = s.Breaker.State
	}
	if p.bulkhead != nil {
		s.Bulkhead = &BulkheadView{p.bulkhead.Config().Limit, p.bulkhead.InFlight(), p.bulkhead.Waiting()}
	}
	if p.adaptive != nil {
		s.Adaptive = &AdaptiveView{p.adaptive.Limit(), p.adaptive.InFlight()}
	}
	if p.retry != nil {
		s.RetryTokens = p.retry.Budget().Level(now)
	}
	if p.hedge != nil {
		s.HedgeTokens = p.hedge.Budget().Level(now)
	}
	return s
}

func (t *Target) viewBreaker(b policy.BreakerSnapshot) *BreakerView {
	v := &BreakerView{
		State: b.State.String(), Cause: b.Cause.String(), Since: t.time(b.Since),
		Calls: b.Calls, Failures: b.Failures, Judged: b.Judged, Slow: b.Slow,
		InFlight: b.InFlight, Overdue: b.Overdue, Trips: b.Trips,
	}
	if b.State == policy.Opened && b.Until != policy.Never {
		until := t.time(b.Until)
		v.Until = &until
	}
	for _, ch := range t.history.list() {
		v.Changes = append(v.Changes, Step{ch.Seq, t.time(ch.At), ch.From.String(), ch.To.String(), ch.Cause.String()})
	}
	return v
}

// Trip opens the breaker until Reset; false: the target has none.
func (t *Target) Trip() bool {
	b := t.plan.Load().breaker
	if b != nil {
		b.Force(t.now())
	}
	return b != nil
}

// Reset closes the breaker with empty windows; false: the target has none.
func (t *Target) Reset() bool {
	b := t.plan.Load().breaker
	if b != nil {
		b.Reset(t.now())
	}
	return b != nil
}
