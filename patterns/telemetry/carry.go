package telemetry

import "context"

// Carrier is where a trace travels: the headers of a message, of a request.
// Names are compared as the transport does. http.Header has these methods
// already, but for Keys; [Headers] wraps it.
type Carrier interface {
	Get(name string) string
	Set(name, value string)
	Keys() []string
}

// Inject writes the context's trace into a carrier.
func (t *Telemetry) Inject(ctx context.Context, c Carrier) { t.bridge.Propagator.Inject(ctx, c) }

// Extract returns ctx with the trace that a carrier has; without one, or with a
// malformed one, ctx as it is.
func (t *Telemetry) Extract(ctx context.Context, c Carrier) context.Context {
	return t.bridge.Propagator.Extract(ctx, c)
}
