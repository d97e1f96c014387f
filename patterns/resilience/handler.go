package resilience

import (
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// Handler puts the target's policies around a server's handler: deadline and
// priority of the caller are taken over from the request, and what the limits
// cannot take is refused before any work is done for it, with 503 (429 for a
// rate, 504 for time that is up) and Retry-After. Here Target means this
// service itself; of its policies Shed, Rate, Adaptive, Bulkhead and Timeout
// make sense.
func (t *Target) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := Carried(r.Context(), r.Header)
		defer cancel()
		s, err := t.Start(ctx, Op{Name: r.Method})
		if err != nil {
			refuseHTTP(w, err)
			return
		}
		sw := &statusWriter{ResponseWriter: w}
		ended := false
		defer func() {
			if !ended { // a panic, on its way to net/http
				_ = s.End(&StatusError{Status: http.StatusInternalServerError})
			}
		}()
		next.ServeHTTP(sw, r.WithContext(s.Context()))
		ended = true
		switch sw.status {
		case http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInsufficientStorage:
			_ = s.End(&StatusError{Status: sw.status}) // short of capacity
		default:
			_ = s.End(nil)
		}
	})
}

// refuseHTTP answers for a policy.
func refuseHTTP(w http.ResponseWriter, err error) {
	var e *Error
	if !errors.As(err, &e) {
		http.Error(w, "refused", http.StatusServiceUnavailable)
		return
	}
	status := http.StatusServiceUnavailable
	switch e.Reason {
	case policy.RateExceeded:
		status = http.StatusTooManyRequests
	case policy.TooLate, policy.TimedOut:
		status = http.StatusGatewayTimeout
	}
	if status != http.StatusGatewayTimeout {
		after := max(1, math.Ceil(e.RetryAfter.Seconds())) // the header has whole seconds
		w.Header().Set("Retry-After", strconv.FormatFloat(after, 'f', 0, 64))
	}
	http.Error(w, e.Reason.String(), status) // numbers of limits are not for strangers
}

// statusWriter remembers the status. http.ResponseController finds the rest
// through Unwrap.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }
