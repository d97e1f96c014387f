package resilience

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// Carry writes the context's deadline and priority onto a request's headers.
// The deadline goes as the time that is left, so clocks need not agree; it is
// rounded down, so that the callee gives up no later than its caller.
func Carry(ctx context.Context, h http.Header) {
	if left, ok := Left(ctx); ok {
		h.Set(HeaderTimeout, strconv.FormatInt(max(0, left.Milliseconds()), 10))
	}
	if p := PriorityOf(ctx); p != policy.Normal {
		h.Set(HeaderPriority, p.String())
	}
}

// Carried reads what Carry wrote: a context with priority and deadline, which
// must be cancelled. Headers that make no sense are as good as none: a stranger
// may have written them.
func Carried(ctx context.Context, h http.Header) (context.Context, context.CancelFunc) {
	if p, ok := policy.ParsePriority(h.Get(HeaderPriority)); ok && p != policy.Normal {
		ctx = WithPriority(ctx, p)
	}
	if d, ok := parseTimeout(h.Get(HeaderTimeout)); ok {
		return context.WithTimeout(ctx, d)
	}
	return ctx, func() {}
}

func parseTimeout(s string) (time.Duration, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n > math.MaxInt64/uint64(time.Millisecond) {
		return 0, false
	}
	return time.Duration(n) * time.Millisecond, true
}
