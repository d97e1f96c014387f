package telemetry

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Headers is an http.Header as a [Carrier].
type Headers http.Header

// Get returns the first value of a header.
func (h Headers) Get(name string) string { return http.Header(h).Get(name) }

// Set replaces a header.
func (h Headers) Set(name, value string) { http.Header(h).Set(name, value) }

// Keys returns the names of all headers.
func (h Headers) Keys() []string {
	keys := make([]string, 0, len(h))
	for k := range h {
		keys = append(keys, k)
	}
	return keys
}

// methods that HTTP knows; others are counted as one, or any caller could make
// as many time series as it likes.
var methods = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "DELETE": true, "PATCH": true, "OPTIONS": true, "TRACE": true, "CONNECT": true}

func known(method string) string {
	if methods[method] {
		return method
	}
	return "_OTHER"
}

// httpKey tells HTTP operations apart. Patterns are the program's, hosts those
// that it calls: few.
type httpKey struct {
	kind          Kind
	method, where string
}

// maxHosts bounds the operations of the client side: a crawler calls any host.
const maxHosts = 512

// Handler measures and traces every request to next: http.server.request.duration
// by method, route and status. The route is the pattern of an http.ServeMux
// inside next; without one it stays empty. It goes around everything else.
func (t *Telemetry) Handler(next http.Handler) http.Handler {
	return &handlerHTTP{t: t, next: next, entry: t.newOperation("HTTP", Server, nil, nil, nil)}
}

type handlerHTTP struct {
	t      *Telemetry
	next   http.Handler
	entry  *Operation // starts the span, whose route is known only afterwards
	routes cache
}

func (h *handlerHTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := h.t.extract(r.Context(), r.Header)
	if h.t.opts.NoMetrics && told(ctx) {
		h.next.ServeHTTP(w, r.WithContext(ctx)) // there is nothing to note about it
		return
	}
	ctx, call := h.entry.Start(ctx)
	m := h.t.begin(ctx)
	rec := &recorder{ResponseWriter: w}
	r = r.WithContext(ctx)
	panicked := true
	defer func() {
		if panicked && rec.status == 0 {
			rec.status = http.StatusInternalServerError // what net/http's closing means to the caller
		}
		h.end(r, rec, &call, &m)
	}()
	h.next.ServeHTTP(rec, r)
	panicked = false
}

// told reports whether a request came with the word that it is not traced.
func told(ctx context.Context) bool {
	r, ok := ctx.(*remote)
	return ok && !r.sampled()
}

func (h *handlerHTTP) end(r *http.Request, rec *recorder, call *Call, m *meter) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	failed := rec.status >= http.StatusInternalServerError
	if m.on {
		key := httpKey{Server, known(r.Method), r.Pattern}
		route := h.routes.get(key)
		if route == nil {
			route = h.t.operation(key, func() *Operation {
				return h.t.newHTTP(Server, h.t.server, key.method, "http.route", path(key.where))
			})
			h.routes.put(key, route)
		}
		m.record(route, rec.status, failed)
	}
	if call.span != nil {
		method, route := known(r.Method), path(r.Pattern)
		call.span.SetName(strings.TrimSpace(method + " " + route))
		call.span.SetAttributes(attribute.String("http.request.method", method), attribute.String("url.path", r.URL.Path), attribute.String("http.route", route))
		finish(call, rec.status, failed)
	}
}

// cache finds operations without a lock or an allocation: read often, written
// when a route is first served.
type cache struct {
	m atomic.Pointer[map[httpKey]*Operation]
}

func (c *cache) get(k httpKey) *Operation {
	if m := c.m.Load(); m != nil {
		return (*m)[k]
	}
	return nil
}

func (c *cache) put(k httpKey, o *Operation) {
	for {
		old := c.m.Load()
		next := map[httpKey]*Operation{k: o}
		if old != nil {
			maps.Copy(next, *old)
		}
		if c.m.CompareAndSwap(old, &next) {
			return
		}
	}
}

// path is a pattern of http.ServeMux without its method.
func path(pattern string) string {
	if _, p, ok := strings.Cut(pattern, " "); ok {
		return strings.TrimSpace(p)
	}
	return pattern
}

func (t *Telemetry) newHTTP(kind Kind, hist metric.Float64Histogram, method, where, value string) *Operation {
	base := []attribute.KeyValue{attribute.String("http.request.method", method)}
	if value != "" {
		base = append(base, attribute.String(where, value))
	}
	return t.newOperation(strings.TrimSpace(method+" "+value), kind, hist, base, base)
}

// finish ends the span of a call over HTTP.
func finish(c *Call, status int, failed bool) {
	if c.span == nil {
		return
	}
	c.span.SetAttributes(attribute.Int("http.response.status_code", status))
	if failed {
		c.span.SetStatus(codes.Error, "")
		c.span.SetAttributes(attribute.String("error.type", strconv.Itoa(status)))
	}
	c.span.End()
}

// Transport measures and traces every request through base (nil:
// http.DefaultTransport) and writes the trace into its headers:
// http.client.request.duration by method, host and status. The duration is up
// to the answer's headers.
//
// Under the transports of packages resilience, registry and auth, and around
// that of resilience, it makes no copy of a request that is not sampled:
//
//	client.Transport = target.RoundTripper(tel.Transport(base), nil) // a span for each try
//	client.Transport = tel.Transport(target.RoundTripper(base, nil)) // one for all
func (t *Telemetry) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	tr := &transport{t: t, base: base}
	if c, ok := base.(copier); ok {
		tr.base, tr.copies = c.Adding(t.write), true
	}
	return tr
}

// copier is a RoundTripper that copies every request: the one it returns calls
// add with the context and the headers of each copy.
type copier interface {
	Adding(add func(context.Context, http.Header)) http.RoundTripper
}

type transport struct {
	t      *Telemetry
	base   http.RoundTripper
	copies bool // base writes the headers, see copier
	hosts  cache
}

// operation makes that of a host, as long as there are few of them.
func (tr *transport) operation(key httpKey) *Operation {
	t := tr.t
	t.mu.Lock()
	full := len(t.ops) > maxHosts
	t.mu.Unlock()
	if full {
		key.where = "_OTHER"
	}
	op := t.operation(key, func() *Operation {
		return t.newHTTP(Client, t.client, key.method, "server.address", key.where)
	})
	if !full {
		tr.hosts.put(key, op)
	}
	return op
}

func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t := tr.t
	u := unsampled(r.Context())
	if u != nil && t.opts.NoMetrics {
		if !tr.copies {
			r = t.passed(r.Context(), r, u, true)
		}
		return tr.base.RoundTrip(r)
	}
	op := tr.hosts.get(httpKey{Client, known(r.Method), r.URL.Host})
	if op == nil {
		op = tr.operation(httpKey{Client, known(r.Method), r.URL.Host})
	}
	ctx, call := op.Start(r.Context())
	m := meter{ctx: ctx, start: call.start, on: op.hist != nil}
	own := u != nil // then Start left the context as it was
	if !own {
		u = unsampled(ctx)
	}
	out := r
	switch {
	case tr.copies && !own:
		out = r.WithContext(ctx)
	case tr.copies:
	case u != nil:
		out = t.passed(ctx, r, u, own)
	default:
		out = t.outgoing(ctx, r)
	}
	resp, err := tr.base.RoundTrip(out)
	if err != nil {
		call.End(err)
		return nil, err
	}
	failed := resp.StatusCode >= http.StatusBadRequest
	if op.hist != nil {
		op.active.Add(-1)
		m.record(op, resp.StatusCode, failed)
	}
	finish(&call, resp.StatusCode, failed)
	return resp, nil
}

// recorder notes the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(p)
}

// Flush keeps streaming handlers working that ask for an http.Flusher.
func (r *recorder) Flush() {
	if err := http.NewResponseController(r.ResponseWriter).Flush(); err == nil && r.status == 0 {
		r.status = http.StatusOK
	} else if errors.Is(err, http.ErrNotSupported) {
		return
	}
}

// Unwrap lets http.ResponseController reach what is below.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// traceOf is the trace of a context as two hex strings, "" when it has none.
func traceOf(ctx context.Context) (traceID, spanID string, sampled bool) {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return "", "", false
	}
	return sc.TraceID().String(), sc.SpanID().String(), sc.IsSampled()
}
