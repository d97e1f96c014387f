package telemetry

import (
	"context"
	"net/http"
)

// ExtractHeaders lets the fuzz target compare the short way with the long one.
func (t *Telemetry) ExtractHeaders(ctx context.Context, h http.Header) context.Context {
	return t.extract(ctx, h)
}
