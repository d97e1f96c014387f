package resilience

import (
	"net/http"
	"testing"
	"time"
)

// Whatever a callee writes into Retry-After, the wait is none or one that lies
// ahead.
func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, s := range []string{"", "3", "-1", "99999999999999999999", now.Add(time.Minute).Format(http.TimeFormat), now.Add(-time.Minute).Format(http.TimeFormat), "soon"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d := retryAfter(s, now); d < 0 {
			t.Fatalf("%q: %s", s, d)
		}
	})
}
