package telemetry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/trace"
)

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

// extract is Extract for the headers of a request. Most have a traceparent of
// today's version and nothing beside it, which is read here at a quarter of the
// cost; everything else is left to the propagators.
func (t *Telemetry) extract(ctx context.Context, h http.Header) context.Context {
	if !t.opts.B3 && len(h["Baggage"]) == 0 && len(h["Tracestate"]) == 0 {
		parents := h["Traceparent"]
		if len(parents) == 0 {
			return ctx
		}
		if sc, ok := parseTraceparent(parents[0]); ok {
			return trace.ContextWithRemoteSpanContext(ctx, sc)
		}
	}
	return t.Extract(ctx, Headers(h))
}

// parseTraceparent reads 00-TRACE-SPAN-FLAGS (W3C Trace Context, 3.2). What it
// does not take may still be a later version.
func parseTraceparent(s string) (trace.SpanContext, bool) {
	if len(s) != 55 || s[:3] != "00-" || s[35] != '-' || s[52] != '-' {
		return trace.SpanContext{}, false
	}
	var c trace.SpanContextConfig
	var flags [1]byte
	if !unhex(c.TraceID[:], s[3:35]) || !unhex(c.SpanID[:], s[36:52]) || !unhex(flags[:], s[53:]) {
		return trace.SpanContext{}, false
	}
	if flags[0] > 3 { // sampled, random: the others are not of this version
		return trace.SpanContext{}, false
	}
	c.TraceFlags, c.Remote = trace.TraceFlags(flags[0]), true
	sc := trace.NewSpanContext(c)
	return sc, sc.IsValid()
}

// unhex reads small hex digits only, as the standard asks.
func unhex(to []byte, s string) bool {
	for i := range to {
		hi, lo := digit(s[2*i]), digit(s[2*i+1])
		if hi > 15 || lo > 15 {
			return false
		}
		to[i] = hi<<4 | lo
	}
	return true
}

func digit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}
