package istio

import (
	"slices"
	"strconv"
)

// retryConditions are those of Envoy's x-envoy-retry-on and x-envoy-retry-grpc-on.
var retryConditions = []string{
	"5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited", "retriable-4xx", "refused-stream", "retriable-status-codes", "retriable-headers", "http3-post-connect-failure",
	"cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable",
}

// RetryConditions lists the conditions that retryOn takes, status codes aside.
func RetryConditions() []string { return slices.Clone(retryConditions) }

// RetryCondition reports whether retryOn takes a token: a condition, or a status
// code.
func RetryCondition(token string) bool {
	if code, err := strconv.Atoi(token); err == nil {
		return code >= 100 && code < 600
	}
	return slices.Contains(retryConditions, token)
}
