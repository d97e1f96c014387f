package resilience

import (
	"context"
	"errors"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// Class is what an error says.
type Class struct {
	Outcome    policy.Outcome // Success: an answer, if an unwelcome one
	Retriable  bool           // another try may help, if the operation is idempotent
	RetryAfter time.Duration  // that the callee asked for; 0: none
}

// Match tells a kind of error.
type Match func(error) bool

// Is matches an error as errors.Is does.
func Is(target error) Match { return func(err error) bool { return errors.Is(err, target) } }

// As matches errors of a type as errors.As does.
func As[E error]() Match {
	return func(err error) bool {
		var e E
		return errors.As(err, &e)
	}
}

// Rules declare what errors mean. The first that matches counts, from the top:
//
//   - Classify
//   - Business: an answer of a healthy callee. Never trips, is never retried. An
//     error with a method Business() bool that is true is one without a rule.
//   - Ignored: says nothing about the callee.
//   - Final: the callee's failure, and another try will not help.
//   - everything else is the callee's failure, and another try may help.
//
// The caller's own cancellation is Ignored before any rule is asked, and what
// another target refused is Final.
type Rules struct {
	Classify                 func(error) (Class, bool)
	Business, Ignored, Final []Match
}

func (r *Rules) judge(err error) Class {
	if r.Classify != nil {
		if c, ok := r.Classify(err); ok {
			return c
		}
	}
	var b interface{ Business() bool }
	if matches(r.Business, err) || errors.As(err, &b) && b.Business() {
		return Class{Outcome: policy.Success}
	}
	if matches(r.Ignored, err) {
		return Class{Outcome: policy.Ignored}
	}
	var refused *Error
	if matches(r.Final, err) || errors.As(err, &refused) {
		return Class{Outcome: policy.Failure}
	}
	return Class{Outcome: policy.Failure, Retriable: true}
}

func matches(ms []Match, err error) bool {
	for _, m := range ms {
		if m(err) {
			return true
		}
	}
	return false
}

func (t *Target) judge(op *Op, err error) Class {
	if op.Classify != nil {
		if c, ok := op.Classify(err); ok {
			return c
		}
	}
	return t.rules.judge(err)
}

type priorityKey struct{}

// WithPriority gives all calls made under the context a priority.
func WithPriority(ctx context.Context, p policy.Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

// PriorityOf returns the context's priority; Normal when it has none.
func PriorityOf(ctx context.Context) policy.Priority {
	p, _ := ctx.Value(priorityKey{}).(policy.Priority)
	return p
}
