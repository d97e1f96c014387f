package bus

import "context"

// Trace carries trace context between a context and an event's headers. With
// OpenTelemetry:
//
//	bus.Trace{
//		Inject: func(ctx context.Context, set func(name, value string)) {
//			c := propagation.MapCarrier{}
//			otel.GetTextMapPropagator().Inject(ctx, c)
//			for name, value := range c { set(name, value) }
//		},
//		Extract: func(ctx context.Context, get func(name string) string) context.Context {
//			c := propagation.MapCarrier{}
//			for _, name := range otel.GetTextMapPropagator().Fields() { c[name] = get(name) }
//			return otel.GetTextMapPropagator().Extract(ctx, c)
//		},
//	}
type Trace struct {
	// Inject writes the context's trace into headers of an event to publish that
	// carries none.
	Inject func(ctx context.Context, set func(name, value string))
	// Extract returns the handler's context. get returns "" for a header that is
	// not there.
	Extract func(ctx context.Context, get func(name string) string) context.Context
}

// extract calls Extract for an event of these headers.
func (t *Trace) extract(ctx context.Context, hs []Header) context.Context {
	return t.Extract(ctx, func(name string) string { v, _ := header(hs, name); return v })
}

type traceKey struct{}

// TraceParent is the W3C trace context that the default [Trace] passes on.
type TraceParent struct{ Parent, State string }

// TraceFrom returns the W3C trace context of the event being handled.
func TraceFrom(ctx context.Context) (TraceParent, bool) {
	t, ok := ctx.Value(traceKey{}).(TraceParent)
	return t, ok
}

// WithTrace returns a context whose published events carry this trace context.
func WithTrace(ctx context.Context, t TraceParent) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// passTrace makes no spans: it hands the trace of the cause to the effects.
var passTrace = Trace{
	Inject: func(ctx context.Context, set func(name, value string)) {
		if t, ok := TraceFrom(ctx); ok {
			set(traceparentHeader, t.Parent)
			if t.State != "" {
				set(tracestateHeader, t.State)
			}
		}
	},
	Extract: func(ctx context.Context, get func(name string) string) context.Context {
		if p := get(traceparentHeader); p != "" {
			return WithTrace(ctx, TraceParent{p, get(tracestateHeader)})
		}
		return ctx
	},
}
