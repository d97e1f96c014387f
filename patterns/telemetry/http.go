package telemetry

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

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
	entry := t.newOperation("HTTP", Server, nil, nil, nil)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := t.Extract(r.Context(), Headers(r.Header))
		// The route is known only afterwards, so the span is started without it and
		// the metrics are recorded by the operation of the route.
		ctx, call := entry.Start(ctx)
		m := t.begin(ctx)
		rec := &recorder{ResponseWriter: w}
		r = r.WithContext(ctx)
		defer func() {
			p := recover()
			if p != nil && rec.status == 0 {
				rec.status = http.StatusInternalServerError // what net/http's closing means to the caller
			}
			if rec.status == 0 {
				rec.status = http.StatusOK
			}
			method := known(r.Method)
			route := t.operation(httpKey{Server, method, r.Pattern}, func() *Operation {
				return t.newHTTP(Server, t.server, method, "http.route", path(r.Pattern))
			})
			m.record(route, rec.status, rec.status >= http.StatusInternalServerError)
			if call.span != nil {
				call.span.SetName(strings.TrimSpace(method + " " + path(r.Pattern)))
				call.span.SetAttributes(attribute.String("http.request.method", method), attribute.String("url.path", r.URL.Path), attribute.String("http.route", path(r.Pattern)))
			}
			finish(&call, rec.status, rec.status >= http.StatusInternalServerError)
			if p != nil {
				panic(p)
			}
		}()
		next.ServeHTTP(rec, r)
	})
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
func (t *Telemetry) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{t: t, base: base}
}

type transport struct {
	t    *Telemetry
	base http.RoundTripper
}

func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t, method := tr.t, known(r.Method)
	host := r.URL.Host
	t.mu.Lock()
	_, seen := t.ops[httpKey{Client, method, host}]
	if !seen && len(t.ops) > maxHosts {
		host = "_OTHER"
	}
	t.mu.Unlock()
	op := t.operation(httpKey{Client, method, host}, func() *Operation {
		return t.newHTTP(Client, t.client, method, "server.address", host)
	})
	ctx, call := op.Start(r.Context())
	m := meter{ctx: ctx, start: call.start, on: op.hist != nil}
	out := r.Clone(ctx)
	t.Inject(ctx, Headers(out.Header))
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
