package resilience_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

type ctxKey struct{}

// The target's deadline context has to behave like the standard library's,
// whoever asks it first and in whatever way.
func TestDeadlineContextIsLikeTheStandardOne(t *testing.T) {
	t.Parallel()
	const limit = time.Second
	watchers := map[string]func(context.Context) func() bool{ // each returns "has it ended?"
		"err": func(ctx context.Context) func() bool { return func() bool { return ctx.Err() != nil } },
		"done": func(ctx context.Context) func() bool {
			done := ctx.Done()
			return func() bool {
				select {
				case <-done:
					return ctx.Err() != nil
				default:
					return false
				}
			}
		},
		"child": func(ctx context.Context) func() bool {
			child, cancel := context.WithCancel(ctx)
			_ = cancel
			return func() bool { return child.Err() != nil }
		},
		"grandchild with value": func(ctx context.Context) func() bool {
			child, cancel := context.WithTimeout(context.WithValue(ctx, ctxKey{}, 2), time.Hour)
			_ = cancel
			return func() bool { return child.Err() != nil && child.Value(ctxKey{}) == 2 }
		},
		"after func": func(ctx context.Context) func() bool {
			ended := make(chan struct{})
			context.AfterFunc(ctx, func() { close(ended) })
			return func() bool {
				select {
				case <-ended:
					return true
				default:
					return false
				}
			}
		},
	}
	ends := map[string]struct {
		after time.Duration
		err   error
	}{
		"by itself":   {limit, context.DeadlineExceeded},
		"by parent":   {limit / 2, context.Canceled},
		"by the call": {limit / 2, context.Canceled},
	}
	for how, want := range ends {
		for who, watch := range watchers {
			t.Run(how+"/"+who, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					tg := target(t, resilience.Config{Timeout: &policy.TimeoutConfig{Try: limit}}, resilience.Options{})
					parent, cancel := context.WithCancel(context.WithValue(t.Context(), ctxKey{}, 1))
					defer cancel()
					s, err := tg.Start(parent, resilience.Once)
					if err != nil {
						t.Fatal(err)
					}
					ctx := s.Context()
					if at, ok := ctx.Deadline(); !ok || time.Until(at) != limit || ctx.Value(ctxKey{}) != 1 {
						t.Fatalf("deadline %s, %t", time.Until(at), ok)
					}
					ended := watch(ctx)
					time.Sleep(want.after - time.Nanosecond)
					synctest.Wait()
					if ended() {
						t.Fatal("ended early")
					}
					switch how {
					case "by parent":
						cancel()
					case "by the call":
						_ = s.End(nil)
					default:
						time.Sleep(time.Nanosecond)
					}
					synctest.Wait()
					if !ended() || ctx.Err() != want.err || context.Cause(ctx) != want.err {
						t.Fatalf("ended %t, %v", ended(), ctx.Err())
					}
					_ = s.End(nil)
					time.Sleep(time.Hour) // the standard child's timer
				})
			})
		}
	}
}
