package resilience

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// What an *Error is, for errors.Is.
var (
	ErrRefused   = errors.New("refused by a policy") // any of the next five
	ErrOpen      = errors.New("breaker open")
	ErrFull      = errors.New("limit reached")
	ErrTooLate   = errors.New("would outlast the deadline")
	ErrRate      = errors.New("rate exceeded")
	ErrShed      = errors.New("shed")
	ErrTimeout   = errors.New("timed out")
	ErrExhausted = errors.New("no further try")
)

// Limit is the bound that a call ran into; what does not apply is zero.
type Limit struct {
	Time      time.Duration // a deadline, a wait, how long the breaker stays open
	Calls     int           // under way, or tries
	PerSecond float64
}

// String returns the limit with its unit, "" for none.
func (l Limit) String() string {
	switch {
	case l.Time != 0:
		return l.Time.String()
	case l.Calls != 0:
		return fmt.Sprintf("%d calls", l.Calls)
	case l.PerSecond != 0:
		return fmt.Sprintf("%g calls a second", l.PerSecond)
	}
	return ""
}

// Error says which policy ended a call to which target, and why.
type Error struct {
	Target, Op string
	Stage      Stage         // whose decision it was
	Reason     policy.Reason // never Admitted
	Limit      Limit
	Elapsed    time.Duration // since the call began, waits and earlier tries included
	Tries      int           // that were started
	RetryAfter time.Duration // when it makes sense to ask again; 0: unknown
	Err        error         // of the last try; nil: none was made
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Target)
	if e.Op != "" {
		b.WriteString(" " + e.Op)
	}
	fmt.Fprintf(&b, ": %s (%s", e.Reason, e.Stage)
	if l := e.Limit.String(); l != "" {
		b.WriteString(" " + l)
	}
	fmt.Fprintf(&b, ", %d tries, %s)", e.Tries, e.Elapsed.Round(time.Microsecond))
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, "; ask again in %s", e.RetryAfter.Round(time.Millisecond))
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the last try's error.
func (e *Error) Unwrap() error { return e.Err }

// Is tells the kinds apart; a timeout is also a context.DeadlineExceeded.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrOpen:
		return e.Reason == policy.Open || e.Reason == policy.Probing
	case ErrFull:
		return e.Reason == policy.Full
	case ErrTooLate:
		return e.Reason == policy.TooLate
	case ErrRate:
		return e.Reason == policy.RateExceeded
	case ErrShed:
		return e.Reason == policy.Shed
	case ErrTimeout, context.DeadlineExceeded:
		return e.Reason == policy.TimedOut
	case ErrExhausted:
		return e.Reason == policy.Exhausted || e.Reason == policy.NoBudget || e.Reason == policy.TooLate && e.Stage == StageRetry
	case ErrRefused:
		return e.Refused()
	}
	return false
}

// Refused reports whether the call's last step was refused before it reached
// the callee.
func (e *Error) Refused() bool {
	switch e.Reason {
	case policy.Open, policy.Probing, policy.Full, policy.RateExceeded, policy.Shed:
		return true
	case policy.TooLate:
		return e.Stage != StageRetry
	}
	return false
}

// Timeout makes a timed out call a net.Error's timeout.
func (e *Error) Timeout() bool { return e.Reason == policy.TimedOut }
