package telemetry

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// remote is a context with a span that is not recorded, and that span itself:
// the caller's, or a root that is not sampled. It says what
// trace.ContextWithRemoteSpanContext says, in one allocation in place of two,
// on the path that most calls take.
type remote struct {
	context.Context
	noop.Span
	// header is the span context as a traceparent. It is understood when somebody
	// asks, and goes to callees as it came.
	header [1]string
	far    bool // of another process
}

// Value answers for the span, and leaves the rest to the parent.
func (r *remote) Value(key any) any {
	if key == spanKey {
		return r
	}
	return r.Context.Value(key)
}

// SpanContext says whose span it is.
func (r *remote) SpanContext() trace.SpanContext {
	var c trace.SpanContextConfig
	h := r.header[0]
	binary.BigEndian.PutUint64(c.TraceID[:8], unhex(h[3:19]))
	binary.BigEndian.PutUint64(c.TraceID[8:], unhex(h[19:35]))
	binary.BigEndian.PutUint64(c.SpanID[:], unhex(h[36:52]))
	c.TraceFlags, c.Remote = trace.TraceFlags(h[54]-'0'), r.far
	return trace.NewSpanContext(c)
}

func (r *remote) sampled() bool { return (r.header[0][54]-'0')&1 != 0 }

// spanKey is what package trace keeps the span of a context under. It is not
// exported, so the package itself is asked once what it looks for.
var spanKey = askedKey()

type asked struct {
	context.Context
	key any
}

func (a *asked) Value(key any) any {
	a.key = key
	return nil
}

func askedKey() any {
	a := &asked{Context: context.Background()}
	trace.SpanFromContext(a)
	return a.key
}

// unsampled is the remote of a context that is not to be traced; nil for all
// other contexts.
func unsampled(ctx context.Context) *remote {
	if r, ok := trace.SpanFromContext(ctx).(*remote); ok && !r.sampled() {
		return r
	}
	return nil
}

// root is a remote with a new trace that is not sampled.
func root(ctx context.Context, id trace.TraceID, span trace.SpanID) *remote {
	var b [55]byte
	copy(b[:], "00-")
	hex.Encode(b[3:35], id[:])
	b[35] = '-'
	hex.Encode(b[36:52], span[:])
	copy(b[52:], "-00")
	return &remote{Context: ctx, header: [1]string{string(b[:])}}
}

// outgoing is r with the trace of ctx, whose unsampled remote u is if there is
// one, in its headers. The header's values are
// shared with r, cut so that adding to one leaves r's alone.
func (t *Telemetry) outgoing(ctx context.Context, r *http.Request, u *remote) *http.Request {
	out := r.WithContext(ctx)
	out.Header = make(http.Header, len(r.Header)+1)
	for k, v := range r.Header {
		out.Header[k] = slices.Clip(v)
	}
	if u != nil && strings.HasSuffix(u.header[0], "00") && !t.opts.B3 && baggage.FromContext(ctx).Len() == 0 {
		out.Header["Traceparent"] = u.header[:]
		return out
	}
	t.Inject(ctx, Headers(out.Header))
	return out
}
