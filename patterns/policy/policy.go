// Package policy holds the pure state machines of resilience: timeout budget,
// retry, breaker, bulkhead, hedge, adaptive limit, rate limit and shedding.
//
// A machine is a function (now, random, event) -> decision over its own state.
// It reads no clock, starts no timer, starts no goroutine, draws no random
// number and holds no lock while a call is under way: whoever drives it brings
// the time and the random number along. So the same code serves two drivers:
// package resilience, which calls it from running services, and the simulator,
// which calls it a million times a second in virtual time.
//
// Conventions that every machine keeps:
//
//   - Time is a [Time], nanoseconds on a monotonic clock with an arbitrary zero.
//     It may repeat; a machine that is handed an earlier time treats it as the
//     latest one that it has seen, so callers on several cores need no order.
//   - Randomness is an argument u, uniform in [0, 1), used at most once a call,
//     or a seed given to the constructor where it is needed too seldom to be
//     worth drawing for every call.
//   - A call that wants to start is admitted or not: [Verdict]. An admitted call
//     ends with exactly one report of its [Outcome].
//   - A configuration is plain data: durations, counts and shares. Its zero value
//     is the documented default, a negative number switches off what can be
//     switched off, Validate joins all faults.
//   - Machines are safe for concurrent use and free of allocation after they are
//     built. Their locks cover a few instructions, never a call.
//   - Configure changes a running machine; calls under way end properly.
//
// # Breaker
//
//	stateDiagram-v2
//	    [*] --> Closed
//	    Closed --> Open: failure rate, slow rate, stall
//	    Open --> HalfOpen: OpenFor is over and a call comes
//	    HalfOpen --> Closed: enough probes succeeded
//	    HalfOpen --> Open: a probe failed or hangs
package policy

import (
	"math"
	"time"
)

// Time is a point on a monotonic clock, in nanoseconds since an arbitrary zero
// that all machines of one driver share.
type Time int64

// Never is a time that does not come: no deadline.
const Never Time = math.MaxInt64

// Add returns t moved by d.
// A sum that would overflow is Never.
func (t Time) Add(d time.Duration) Time {
	s := t + Time(d)
	if d > 0 && s < t {
		return Never
	}
	return s
}

// Sub returns the duration from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Outcome says how an admitted call ended, as far as its policies care.
type Outcome uint8

const (
	// Success is an answer, also one that reports a business error.
	Success Outcome = iota
	// Failure is an answer or an absence of one that speaks of the callee's
	// health: refused, timed out, 5xx, UNAVAILABLE.
	Failure
	// Ignored says nothing about the callee: the caller cancelled, or a policy
	// nearer to the caller cut the call short.
	Ignored
)

// Reason says why a call was not admitted. The zero Reason is "admitted".
type Reason uint8

const (
	Admitted     Reason = iota
	Open                // the breaker is open
	Probing             // the breaker is half-open and its probes are under way
	Full                // bulkhead or adaptive limit reached, queue full
	TooLate             // the wait would outlast the deadline
	RateExceeded        // the rate limit is used up
	Shed                // load shedding by priority
	NoBudget            // the budget for retries or hedges is used up
	Exhausted           // no tries left
	NotRetriable        // the outcome or the operation forbids another try
	Queued              // not yet: wait for the place to be handed over
	TimedOut            // the time was used up
)

// String returns the outcome in a word, for metrics labels.
func (o Outcome) String() string {
	switch o {
	case Success:
		return "success"
	case Failure:
		return "failure"
	case Ignored:
		return "ignored"
	}
	return "unknown"
}

// String returns the reason in words, for errors and metrics labels.
func (r Reason) String() string {
	if int(r) < len(reasons) {
		return reasons[r]
	}
	return "unknown"
}

var reasons = [...]string{
	Admitted: "admitted", Open: "breaker open", Probing: "breaker probing", Full: "limit reached",
	TooLate: "would outlast the deadline", RateExceeded: "rate exceeded", Shed: "shed",
	NoBudget: "no budget", Exhausted: "tries exhausted", NotRetriable: "not retriable",
	Queued: "queued", TimedOut: "timed out",
}

// Verdict is a machine's answer to a call that wants to start, or to try again.
type Verdict struct {
	// Reason is Admitted or says why not.
	Reason Reason
	// After is how long to wait: before starting when admitted (a backoff, a
	// place in a queue), before asking again when not. Zero means at once, or
	// unknown when not admitted.
	After time.Duration
}

// Admit reports whether the call may start, after v.After.
func (v Verdict) Admit() bool { return v.Reason == Admitted }
