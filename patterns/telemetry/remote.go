package telemetry

import (
	"context"
	"encoding/binary"
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
func root(ctx context.Context, high, low, span uint64) *remote {
	var b [55]byte
	copy(b[:], "00-")
	putHex(b[3:], high)
	putHex(b[19:], low)
	b[35] = '-'
	putHex(b[36:], span)
	copy(b[52:], "-00")
	return &remote{Context: ctx, header: [1]string{string(b[:])}}
}

// Stamp writes the trace of a request's context into the request's own headers.
// Whoever made a request may call it before sending: a RoundTripper must not
// change what it is given, so that [Telemetry.Transport] otherwise copies the
// request and its headers, which is most of what it costs. Of a stamped request
// it makes a copy only where the trace goes on to a span of its own.
func (t *Telemetry) Stamp(r *http.Request) {
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	t.write(r.Context(), r.Header)
}

// Prepare writes into the headers of a request that is about to be made for ctx
// what the transport would write, and returns the context to make it with; a
// trace that is not sampled begins here when there is none. RoundTrippers that
// copy their requests anyway look for this method in the next one, so that the
// copy is made once: those of packages resilience, registry and auth do.
func (tr *transport) Prepare(ctx context.Context, h http.Header) context.Context {
	span := trace.SpanFromContext(ctx)
	u, ok := span.(*remote)
	if !ok {
		if span.SpanContext().IsValid() {
			return ctx
		}
		if ctx, u = tr.t.sampler.root(ctx); u == nil {
			return ctx
		}
	}
	if !u.sampled() && tr.t.plain(ctx, u) {
		h["Traceparent"] = u.header[:]
	}
	return ctx // everything else has a span of its own to write, or more than one header
}

// write is Inject for a request that somebody else copies.
func (t *Telemetry) write(ctx context.Context, h http.Header) {
	if u := unsampled(ctx); u != nil && t.plain(ctx, u) {
		h["Traceparent"] = u.header[:]
		return
	}
	t.Inject(ctx, Headers(h))
}

// plain reports whether the header of an unsampled remote is all that has to
// travel.
func (t *Telemetry) plain(ctx context.Context, u *remote) bool {
	return !t.opts.B3 && strings.HasSuffix(u.header[0], "00") && baggage.FromContext(ctx).Len() == 0
}

// outgoing is r with the trace of ctx in its headers. The header's values are
// shared with r, cut so that adding to one leaves r's alone.
func (t *Telemetry) outgoing(ctx context.Context, r *http.Request) *http.Request {
	out := r.WithContext(ctx)
	out.Header = headers(r)
	t.Inject(ctx, Headers(out.Header))
	return out
}

// passed is r with the unsampled remote u of ctx in its headers. With r's own
// context a stamped request goes on as it is.
func (t *Telemetry) passed(ctx context.Context, r *http.Request, u *remote, own bool) *http.Request {
	has := r.Header["Traceparent"]
	if own && len(has) == 1 && &has[0] == &u.header[0] && ctx == context.Context(u) {
		return r // we wrote it, and nothing was added to the context since
	}
	if !t.plain(ctx, u) {
		return t.outgoing(ctx, r)
	}
	if own && len(has) == 1 && has[0] == u.header[0] {
		return r
	}
	out := r.WithContext(ctx)
	out.Header = headers(r)
	out.Header["Traceparent"] = u.header[:]
	return out
}

// headers is a copy of a request's, with room for one more.
func headers(r *http.Request) http.Header {
	h := make(http.Header, len(r.Header)+1)
	for k, v := range r.Header {
		h[k] = slices.Clip(v)
	}
	return h
}
