package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Kind says which side of a call an operation is.
type Kind uint8

const (
	Internal Kind = iota
	Server
	Client
	Producer
	Consumer
)

var spanKinds = [...]trace.SpanKind{Internal: trace.SpanKindInternal, Server: trace.SpanKindServer, Client: trace.SpanKindClient, Producer: trace.SpanKindProducer, Consumer: trace.SpanKindConsumer}

// String returns the kind in small letters.
func (k Kind) String() string {
	if int(k) < len(spanKinds) {
		return spanKinds[k].String()
	}
	return "unknown"
}

// Operation is something that the service does again and again. It is made
// once, with everything that does not change from call to call, and safe for
// concurrent use.
type Operation struct {
	t      *Telemetry
	name   string
	start  []trace.SpanStartOption
	hist   metric.Float64Histogram // nil: no metrics
	base   []attribute.KeyValue
	ok     []metric.RecordOption
	by     atomic.Pointer[map[string][]metric.RecordOption] // by outcome, prepared when first seen
	codes  atomic.Pointer[map[int][]metric.RecordOption]    // by HTTP status, likewise
	gauge  metric.ObserveOption
	active atomic.Int64
}

// Call is one run of an operation, between Start and End. It is a value; use it
// from one goroutine.
type Call struct {
	op    *Operation
	span  trace.Span // nil: not sampled
	ctx   context.Context
	start time.Time
}

// Operation makes an operation of a name that is one of few: no IDs in it.
// Attributes go to its spans and metrics alike; the same rule holds. The same
// name and kind return the operation made first.
//
// Its metrics are ashlar.operation.duration, a histogram in seconds, and
// ashlar.operation.active; attributes operation, kind and, when a call failed,
// error.type.
func (t *Telemetry) Operation(name string, kind Kind, attrs ...slog.Attr) *Operation {
	type key struct {
		name string
		kind Kind
	}
	return t.operation(key{name, kind}, func() *Operation {
		kv := attributes(attrs)
		base := append([]attribute.KeyValue{attribute.String("operation", name), attribute.String("kind", kind.String())}, kv...)
		return t.newOperation(name, kind, t.generic, base, kv)
	})
}

// operation returns the operation of a key, made if need be.
func (t *Telemetry) operation(key any, make func() *Operation) *Operation {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.ops[key]; o != nil {
		return o
	}
	o := make()
	t.ops[key] = o
	t.operations = append(t.operations, o)
	return o
}

func (t *Telemetry) newOperation(name string, kind Kind, hist metric.Float64Histogram, base, spanAttrs []attribute.KeyValue) *Operation {
	o := &Operation{t: t, name: name, base: base, hist: hist}
	o.start = []trace.SpanStartOption{trace.WithSpanKind(spanKinds[min(int(kind), len(spanKinds)-1)]), trace.WithAttributes(spanAttrs...)}
	if t.opts.NoMetrics {
		o.hist = nil
	}
	o.ok = o.prepare()
	o.by.Store(&map[string][]metric.RecordOption{})
	o.gauge = metric.WithAttributeSet(attribute.NewSet(attribute.String("operation", name), attribute.String("kind", kind.String())))
	return o
}

func (o *Operation) prepare(more ...attribute.KeyValue) []metric.RecordOption {
	return []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(append(slices.Clone(o.base), more...)...))}
}

// Start begins a call. The context carries its trace on: hand it down.
func (o *Operation) Start(ctx context.Context) (context.Context, Call) {
	c := Call{op: o}
	// Asking the parent costs nanoseconds, a span that is then dropped hundreds.
	parent := trace.SpanContextFromContext(ctx)
	sampled := parent.IsSampled()
	if !sampled && !parent.IsValid() {
		var u *remote
		ctx, u = o.t.sampler.root(ctx)
		sampled = u == nil
	}
	if sampled {
		ctx, c.span = o.t.tracer.Start(ctx, o.name, o.start...)
	}
	if o.hist != nil {
		o.active.Add(1)
		c.ctx, c.start = ctx, time.Now()
	}
	return ctx, c
}

// Sampled reports whether the call is traced: whether it is worth to compute
// attributes for [Call.Set].
func (c *Call) Sampled() bool { return c.span != nil }

// Set adds attributes to the call's span, which may be anything, IDs included.
func (c *Call) Set(attrs ...slog.Attr) {
	if c.span != nil {
		c.span.SetAttributes(attributes(attrs)...)
	}
}

// End ends the call with its error, or nil. The kinds of failure in metrics are
// timeout, cancelled, and error; an error with a method ErrorType() string, few
// and stable, names its own.
func (c *Call) End(err error) {
	if err == nil {
		c.end("", "")
		return
	}
	c.end(errorType(err), err.Error())
}

func (c *Call) end(outcome, text string) {
	o := c.op
	if o == nil {
		return // the zero Call, or ended before
	}
	if o.hist != nil {
		o.active.Add(-1)
		opts := o.ok
		if outcome != "" {
			opts = o.outcome(outcome)
		}
		o.hist.Record(c.ctx, time.Since(c.start).Seconds(), opts...)
	}
	if c.span != nil {
		if outcome != "" {
			c.span.SetStatus(codes.Error, text)
			c.span.SetAttributes(attribute.String("error.type", outcome))
		}
		c.span.End()
	}
	c.op = nil
}

// maxOutcomes bounds how many kinds of failure one operation tells apart.
const maxOutcomes = 64

func (o *Operation) outcome(name string) []metric.RecordOption {
	for {
		old := o.by.Load()
		if opts, ok := (*old)[name]; ok {
			return opts
		}
		if len(*old) >= maxOutcomes && name != "_OTHER" {
			return o.outcome("_OTHER")
		}
		next := maps.Clone(*old)
		next[name] = o.prepare(attribute.String("error.type", name))
		if o.by.CompareAndSwap(old, &next) {
			return next[name]
		}
	}
}

func errorType(err error) string {
	var typed interface{ ErrorType() string }
	switch {
	case errors.As(err, &typed):
		return typed.ErrorType()
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	}
	return "error"
}

// buckets are the boundaries, in seconds, that OpenTelemetry's conventions give
// for durations of requests.
var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}

func (t *Telemetry) instruments() error {
	m := t.bridge.Metrics.Meter(scope)
	for _, h := range []struct {
		to         *metric.Float64Histogram
		name, what string
	}{
		{&t.generic, "ashlar.operation.duration", "Duration of operations."},
		{&t.server, "http.server.request.duration", "Duration of HTTP server requests."},
		{&t.client, "http.client.request.duration", "Duration of HTTP client requests."},
		{&t.rpc[0], "rpc.server.call.duration", "Duration of RPC server calls."},
		{&t.rpc[1], "rpc.client.call.duration", "Duration of RPC client calls."},
	} {
		var err error
		if *h.to, err = m.Float64Histogram(h.name, metric.WithUnit("s"), metric.WithDescription(h.what), metric.WithExplicitBucketBoundaries(buckets...)); err != nil {
			return fmt.Errorf("telemetry: %s: %w", h.name, err)
		}
	}
	_, err := m.Int64ObservableUpDownCounter("ashlar.operation.active", metric.WithDescription("Calls under way."), metric.WithInt64Callback(t.observeActive))
	if err != nil {
		return fmt.Errorf("telemetry: ashlar.operation.active: %w", err)
	}
	return nil
}

func (t *Telemetry) observeActive(_ context.Context, obs metric.Int64Observer) error {
	t.mu.Lock()
	all := t.operations
	t.mu.Unlock()
	for _, o := range all {
		if o.hist != nil {
			obs.Observe(o.active.Load(), o.gauge)
		}
	}
	return nil
}

// attributes turns slog's attributes into OpenTelemetry's; groups become dotted.
func attributes(attrs []slog.Attr) []attribute.KeyValue {
	var out []attribute.KeyValue
	var add func(prefix string, a slog.Attr)
	add = func(prefix string, a slog.Attr) {
		v := a.Value.Resolve()
		key := prefix + a.Key
		switch v.Kind() {
		case slog.KindGroup:
			if a.Key != "" {
				prefix = key + "."
			}
			for _, g := range v.Group() {
				add(prefix, g)
			}
		case slog.KindInt64:
			out = append(out, attribute.Int64(key, v.Int64()))
		case slog.KindFloat64:
			out = append(out, attribute.Float64(key, v.Float64()))
		case slog.KindBool:
			out = append(out, attribute.Bool(key, v.Bool()))
		default:
			out = append(out, attribute.String(key, v.String()))
		}
	}
	for _, a := range attrs {
		add("", a)
	}
	return out
}
