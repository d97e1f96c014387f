package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/ashlar-dev/ashlar/bench/side"
	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
	"github.com/ashlar-dev/ashlar/patterns/telemetry"
)

var modules = []string{"go.opentelemetry.io/otel", "go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/sdk/metric", "go.opentelemetry.io/otel/trace"}

// Names of rows that limits speak of.
const (
	clock      = "time.Now"
	unsampled  = "ours: tracing, parent not sampled"
	root       = "ours: tracing, a root that is not sampled"
	red        = "ours: RED metrics, parent not sampled"
	served0    = "HTTP: ours around it, tracing, parent not sampled"
	stamped    = "HTTP: our transport, tracing, parent not sampled, request stamped by its maker"
	sent0      = "HTTP: our transport, tracing, parent not sampled, somebody else's request"
	composed   = "HTTP: resilience's transport around ours, tracing, parent not sampled"
	composed0  = "HTTP: resilience's transport alone, retry and breaker"
	around     = "HTTP: our transport around resilience's, tracing, parent not sampled"
	composedR  = "HTTP: resilience's transport around ours, tracing, a root that is not sampled"
	copied     = "HTTP: copying a request and its one header to add another, nothing else"
	bareRecord = "SDK: two clock reads and a histogram record, attribute set prepared"
)

//go:noinline
func call(ctx context.Context) context.Context { return ctx }

// notSampled is a context whose caller was asked not to be traced.
func notSampled() context.Context {
	return trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, Remote: true,
	}))
}

func repeat(ctx context.Context, do func(context.Context)) func(int) {
	return func(n int) {
		for range n {
			do(ctx)
		}
	}
}

func ours(o *telemetry.Options) *telemetry.Operation {
	o.Log = io.Discard
	tel, err := telemetry.Start(context.Background(), telemetry.Service{Name: "bench"}, o)
	if err != nil {
		panic(err)
	}
	return tel.Operation("charge", telemetry.Internal)
}

func ourCall(o *telemetry.Options) func(context.Context) {
	op := ours(o)
	return func(ctx context.Context) {
		ctx, c := op.Start(ctx)
		call(ctx)
		c.End(nil)
	}
}

func sdkTracer() trace.Tracer {
	return sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample()))).Tracer("bench")
}

func sdkHistogram() metric.Float64Histogram {
	h, err := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())).Meter("bench").Float64Histogram("duration")
	if err != nil {
		panic(err)
	}
	return h
}

func attrs() []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("operation", "charge"), attribute.String("kind", "internal")}
}

type carrier = propagation.HeaderCarrier

func request() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/orders/1", nil)
	r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")
	return r
}

// nowhere takes an answer at no cost.
type nowhere struct{ h http.Header }

func (n nowhere) Header() http.Header         { return n.h }
func (n nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n nowhere) WriteHeader(int)             {}

// served is one request to a handler, ours around it unless o is nil.
func served(o *telemetry.Options) func(context.Context) {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	if o != nil {
		o.Log = io.Discard
		tel, err := telemetry.Start(context.Background(), telemetry.Service{Name: "bench"}, o)
		if err != nil {
			panic(err)
		}
		h = tel.Handler(h)
	}
	r, w := request(), nowhere{http.Header{}}
	return func(context.Context) { h.ServeHTTP(w, r) }
}

// kept holds a request as a transport would, so that its copy is made.
var kept atomic.Pointer[http.Request]

// answers answers a request without sending it.
type answers struct{ resp *http.Response }

func (a answers) RoundTrip(*http.Request) (*http.Response, error) { return a.resp, nil }

// sent is one request through a transport, ours around it unless o is nil. Its
// context is that of a request being served which is not sampled. Whoever makes
// a request for each call can stamp it, which is part of the time then.
func sent(o *telemetry.Options, stamp bool) func(context.Context) {
	var tel *telemetry.Telemetry
	var rt http.RoundTripper = answers{&http.Response{StatusCode: http.StatusOK, Body: http.NoBody}}
	ctx := notSampled()
	if o != nil {
		o.Log = io.Discard
		var err error
		if tel, err = telemetry.Start(context.Background(), telemetry.Service{Name: "bench"}, o); err != nil {
			panic(err)
		}
		rt = tel.Transport(rt)
		tel.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })).ServeHTTP(nowhere{http.Header{}}, request())
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://inventory/items/1", nil)
	if err != nil {
		panic(err)
	}
	r.Header.Set("Accept", "application/json")
	return func(context.Context) {
		if stamp {
			delete(r.Header, "Traceparent") // as new
			tel.Stamp(r)
		}
		if _, err := rt.RoundTrip(r); err != nil {
			panic(err)
		}
	}
}

// stacked is one request through resilience's transport, with ours where stack
// puts it: for a request that arrived at our handler, or without a parent.
func stacked(arrived bool, stack func(*telemetry.Telemetry, *resilience.Target, http.RoundTripper) http.RoundTripper) func(context.Context) {
	tel, err := telemetry.Start(context.Background(), telemetry.Service{Name: "bench"}, &telemetry.Options{SampleNone: true, NoMetrics: true, Log: io.Discard})
	if err != nil {
		panic(err)
	}
	tg, err := resilience.New("inventory", resilience.Config{Retry: &policy.RetryConfig{}, Breaker: &policy.BreakerConfig{}}, nil)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if arrived {
		tel.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })).ServeHTTP(nowhere{http.Header{}}, request())
	}
	rt := stack(tel, tg, answers{&http.Response{StatusCode: http.StatusOK, Body: http.NoBody}})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://inventory/items/1", nil)
	if err != nil {
		panic(err)
	}
	r.Header.Set("Accept", "application/json")
	return func(context.Context) {
		if _, err := rt.RoundTrip(r); err != nil {
			panic(err)
		}
	}
}

func alone(_ *telemetry.Telemetry, tg *resilience.Target, b http.RoundTripper) http.RoundTripper {
	return tg.RoundTripper(b, nil)
}

func inside(tel *telemetry.Telemetry, tg *resilience.Target, b http.RoundTripper) http.RoundTripper {
	return tg.RoundTripper(tel.Transport(b), nil)
}

func outside(tel *telemetry.Telemetry, tg *resilience.Target, b http.RoundTripper) http.RoundTripper {
	return tel.Transport(tg.RoundTripper(b, nil))
}

func rows() []side.Row {
	row := func(name string, ctx context.Context, make func() func(context.Context)) side.Row {
		return side.Row{Name: name, Make: func() func(int) { return repeat(ctx, make()) }}
	}
	bg, parent := context.Background(), notSampled()
	var sink time.Time
	return []side.Row{
		row("an empty call", parent, func() func(context.Context) { return func(ctx context.Context) { call(ctx) } }),
		row(clock, parent, func() func(context.Context) { return func(context.Context) { sink = time.Now(); _ = sink } }),
		row("asking the parent IsSampled", parent, func() func(context.Context) {
			return func(ctx context.Context) {
				if trace.SpanContextFromContext(ctx).IsSampled() {
					panic("it is not")
				}
			}
		}),
		row("SDK: span, parent not sampled", parent, func() func(context.Context) {
			t := sdkTracer()
			return func(ctx context.Context) { ctx, s := t.Start(ctx, "charge"); call(ctx); s.End() }
		}),
		row("SDK: span, a root that is not sampled", bg, func() func(context.Context) {
			t := sdkTracer()
			return func(ctx context.Context) { ctx, s := t.Start(ctx, "charge"); call(ctx); s.End() }
		}),
		row(unsampled, parent, func() func(context.Context) { return ourCall(&telemetry.Options{SampleNone: true, NoMetrics: true}) }),
		row(root, bg, func() func(context.Context) { return ourCall(&telemetry.Options{SampleNone: true, NoMetrics: true}) }),
		row("SDK: a histogram record alone, attribute set prepared", parent, func() func(context.Context) {
			h, opts := sdkHistogram(), []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(attrs()...))}
			return func(ctx context.Context) { h.Record(ctx, 0.01, opts...) }
		}),
		row("SDK: a histogram record alone, attributes each time", parent, func() func(context.Context) {
			h := sdkHistogram()
			return func(ctx context.Context) { h.Record(ctx, 0.01, metric.WithAttributes(attrs()...)) }
		}),
		row(bareRecord, parent, func() func(context.Context) {
			h, opts := sdkHistogram(), []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(attrs()...))}
			return func(ctx context.Context) {
				start := time.Now()
				call(ctx)
				h.Record(ctx, time.Since(start).Seconds(), opts...)
			}
		}),
		row("HTTP: a bare handler", bg, func() func(context.Context) { return served(nil) }),
		row("HTTP: W3C extraction alone, parent not sampled", bg, func() func(context.Context) {
			h, p := carrier(request().Header), propagation.TraceContext{}
			return func(ctx context.Context) { call(p.Extract(ctx, h)) }
		}),
		row(served0, bg, func() func(context.Context) {
			return served(&telemetry.Options{SampleNone: true, NoMetrics: true})
		}),
		row("HTTP: ours around it, tracing and RED metrics", bg, func() func(context.Context) {
			return served(&telemetry.Options{SampleNone: true})
		}),
		row("HTTP: a bare transport", bg, func() func(context.Context) { return sent(nil, false) }),
		row(copied, bg, func() func(context.Context) {
			r := request().WithContext(notSampled())
			return func(context.Context) {
				out := r.WithContext(r.Context())
				out.Header = make(http.Header, len(r.Header)+1)
				for k, v := range r.Header {
					out.Header[k] = v
				}
				out.Header["X"] = r.Header["Traceparent"]
				kept.Store(out)
			}
		}),
		row("HTTP: cloning a request with one header, W3C injection", bg, func() func(context.Context) {
			r, p := request().WithContext(notSampled()), propagation.TraceContext{}
			return func(context.Context) {
				out := r.Clone(r.Context())
				p.Inject(out.Context(), carrier(out.Header))
			}
		}),
		row(sent0, bg, func() func(context.Context) {
			return sent(&telemetry.Options{SampleNone: true, NoMetrics: true}, false)
		}),
		row(stamped, bg, func() func(context.Context) {
			return sent(&telemetry.Options{SampleNone: true, NoMetrics: true}, true)
		}),
		row(composed0, bg, func() func(context.Context) { return stacked(true, alone) }),
		row(composed, bg, func() func(context.Context) { return stacked(true, inside) }),
		row(around, bg, func() func(context.Context) { return stacked(true, outside) }),
		row(composedR, bg, func() func(context.Context) { return stacked(false, inside) }),
		row("HTTP: our transport, tracing and RED metrics", bg, func() func(context.Context) {
			return sent(&telemetry.Options{SampleNone: true}, false)
		}),
		row(red, parent, func() func(context.Context) { return ourCall(&telemetry.Options{SampleNone: true}) }),
	}
}

// limits: three clock reads for tracing. Without a limit: what it costs to send
// somebody else's request, beside the copy that a RoundTripper has to make of
// it, and RED metrics beside what they are made of (the calls-under-way gauge and
// the question to the parent come on top).
func limits() []side.Limit {
	return []side.Limit{
		{Row: unsampled, Beside: clock, Ratio: 3, Allocs: 0},
		{Row: root, Beside: clock, Ratio: 3, Allocs: -1},
		{Row: served0, Beside: clock, Ratio: 3, Allocs: 2},
		{Row: stamped, Beside: clock, Ratio: 3, Allocs: 0},
		{Row: composed, Over: composed0, Beside: clock, Ratio: 3, Allocs: 0},
		{Row: around, Over: composed0, Beside: clock, Ratio: 3, Allocs: 0},
		{Row: composedR, Over: composed0, Beside: clock, Allocs: -1}, // without a parent to ask: IDs and a header are made
		{Row: sent0, Beside: clock, Allocs: -1},
		{Row: sent0, Beside: copied, Allocs: 3},
		{Row: red, Beside: bareRecord, Allocs: 0},
	}
}
