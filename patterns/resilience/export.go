package resilience

import (
	"errors"
	"log/slog"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// Observer exports numbers: a *telemetry.Telemetry is one. read is called
// whenever metrics are read; rises: the numbers only grow.
type Observer interface {
	Observe(name, unit, what string, rises bool, read func(yield func(value float64, attrs ...slog.Attr))) error
}

// Export has o export the set's targets, also those that are added later:
//
//	ashlar.resilience.calls              by target, outcome (success, business, failure, ignored, refused), reason of a refusal
//	ashlar.resilience.events             by target, kind as [Kind] names it
//	ashlar.resilience.breaker.state      by target, state: 1 for the state it is in, else 0
//	ashlar.resilience.breaker.trips      by target
//	ashlar.resilience.breaker.in_flight  by target; overdue=true: those that take too long
//	ashlar.resilience.limit              by target, policy (bulkhead, adaptive)
//	ashlar.resilience.limit.in_flight    likewise
//	ashlar.resilience.limit.waiting      by target
//	ashlar.resilience.tokens             by target, policy (retry, hedge): what is left of its budget
//
// Call it once for a set and an observer.
func (s *Set) Export(o Observer) error {
	var errs []error
	for _, m := range measures {
		errs = append(errs, o.Observe(m.name, m.unit, m.what, m.rises, func(yield func(float64, ...slog.Attr)) {
			for _, v := range s.Snapshots() {
				target := slog.String("target", v.Target)
				m.read(&v, func(n float64, attrs ...slog.Attr) { yield(n, append(attrs, target)...) })
			}
		}))
	}
	return errors.Join(errs...)
}

type yield func(value float64, attrs ...slog.Attr)

type measure struct {
	name, unit, what string
	rises            bool
	read             func(*Snapshot, yield)
}

var measures = []measure{
	{"ashlar.resilience.calls", "{call}", "Calls by how they ended.", true, func(s *Snapshot, y yield) {
		for _, c := range []struct {
			outcome string
			n       uint64
		}{{"success", s.Successes}, {"business", s.Business}, {"failure", s.Failures}, {"ignored", s.Ignored}} {
			y(float64(c.n), slog.String("outcome", c.outcome))
		}
		for reason, n := range s.Refused {
			y(float64(n), slog.String("outcome", "refused"), slog.String("reason", reason))
		}
	}},
	{"ashlar.resilience.events", "{event}", "What policies did to calls.", true, func(s *Snapshot, y yield) {
		for _, e := range []struct {
			kind Kind
			n    uint64
		}{{Retried, s.Retries}, {GaveUp, s.GaveUp}, {TimedOut, s.Timeouts}, {Hedged, s.Hedges}, {FellBack, s.Fallbacks}} {
			y(float64(e.n), slog.String("kind", e.kind.String()))
		}
	}},
	{"ashlar.resilience.breaker.state", "{state}", "1 for the state that the breaker is in.", false, ofBreaker(func(b *BreakerView, y yield) {
		for _, state := range []policy.BreakerState{policy.Closed, policy.Opened, policy.HalfOpen} {
			n := 0.0
			if b.State == state.String() {
				n = 1
			}
			y(n, slog.String("state", state.String()))
		}
	})},
	{"ashlar.resilience.breaker.trips", "{trip}", "How often the breaker opened.", true, ofBreaker(func(b *BreakerView, y yield) { y(float64(b.Trips)) })},
	{"ashlar.resilience.breaker.in_flight", "{call}", "Calls under way, and those of them that take too long.", false, ofBreaker(func(b *BreakerView, y yield) {
		y(float64(b.InFlight-b.Overdue), slog.Bool("overdue", false))
		y(float64(b.Overdue), slog.Bool("overdue", true))
	})},
	{"ashlar.resilience.limit", "{call}", "How many calls may be under way.", false, ofLimits(func(limit, _ int) int { return limit })},
	{"ashlar.resilience.limit.in_flight", "{call}", "Calls that hold a place.", false, ofLimits(func(_, inFlight int) int { return inFlight })},
	{"ashlar.resilience.limit.waiting", "{call}", "Calls that wait for a place.", false, func(s *Snapshot, y yield) {
		if s.Bulkhead != nil {
			y(float64(s.Bulkhead.Waiting))
		}
	}},
	{"ashlar.resilience.tokens", "{token}", "Retries and hedges that the budget has left.", false, func(s *Snapshot, y yield) {
		if s.RetryTokens >= 0 {
			y(s.RetryTokens, slog.String("policy", "retry"))
		}
		if s.HedgeTokens >= 0 {
			y(s.HedgeTokens, slog.String("policy", "hedge"))
		}
	}},
}

func ofBreaker(read func(*BreakerView, yield)) func(*Snapshot, yield) {
	return func(s *Snapshot, y yield) {
		if s.Breaker != nil {
			read(s.Breaker, y)
		}
	}
}

func ofLimits(of func(limit, inFlight int) int) func(*Snapshot, yield) {
	return func(s *Snapshot, y yield) {
		if b := s.Bulkhead; b != nil {
			y(float64(of(b.Limit, b.InFlight)), slog.String("policy", "bulkhead"))
		}
		if a := s.Adaptive; a != nil {
			y(float64(of(a.Limit, a.InFlight)), slog.String("policy", "adaptive"))
		}
	}
}
