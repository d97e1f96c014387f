package telemetry

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// sampler decides for a trace that begins here, from its trace ID alone, as
// OpenTelemetry's TraceIDRatioBased does: the low 63 bits below ratio times
// 2^63. So the decision can be known before a span is started, and a service
// that decides again about the same trace, with the same ratio, agrees.
type sampler struct {
	bound uint64 // 0: none; 1<<63: all
	ratio float64
}

var _ sdktrace.Sampler = sampler{}

func newSampler(ratio float64) sampler {
	return sampler{bound: uint64(ratio * (1 << 63)), ratio: ratio}
}

func (s sampler) samples(low uint64) bool { return low>>1 < s.bound }

// ShouldSample decides for spans that are started past our operations.
func (s sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	r := sdktrace.SamplingResult{Decision: sdktrace.Drop, Tracestate: trace.SpanContextFromContext(p.ParentContext).TraceState()}
	if s.samples(binary.BigEndian.Uint64(p.TraceID[8:])) {
		r.Decision = sdktrace.RecordAndSample
	}
	return r
}

func (s sampler) Description() string { return fmt.Sprintf("TraceIDRatioBased{%g}", s.ratio) }

// root begins a trace: a decided trace ID for the SDK to take over when it is
// sampled, otherwise the finished span context that tells callees not to sample.
func (s sampler) root(ctx context.Context) (_ context.Context, unsampled *remote) {
	if d, ok := ctx.Value(decidedKey{}).(*decided); ok && !d.taken.Load() {
		return ctx, nil // drawn when the request was prepared; a second draw would sample more
	}
	high, low := rand.Uint64()|1, rand.Uint64() //nolint:gosec // as the SDK's own generator; not a secret
	if s.samples(low) {
		d := &decided{}
		binary.BigEndian.PutUint64(d.id[:8], high)
		binary.BigEndian.PutUint64(d.id[8:], low)
		return context.WithValue(ctx, decidedKey{}, d), nil
	}
	r := root(ctx, high, low, rand.Uint64()|1) //nolint:gosec // likewise
	return r, r
}

type decidedKey struct{}

// decided is taken over once: a later trace in the same context needs an ID of
// its own.
type decided struct {
	id    trace.TraceID
	taken atomic.Bool
}

// idGenerator makes IDs, and takes over a trace ID that was decided upon.
type idGenerator struct{}

var _ sdktrace.IDGenerator = idGenerator{}

func (g idGenerator) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	var id trace.TraceID
	if d, ok := ctx.Value(decidedKey{}).(*decided); ok && !d.taken.Swap(true) {
		id = d.id
	} else {
		binary.BigEndian.PutUint64(id[:8], rand.Uint64()|1) // never all zero
		binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	}
	return id, g.NewSpanID(ctx, id)
}

func (idGenerator) NewSpanID(context.Context, trace.TraceID) trace.SpanID {
	var span trace.SpanID
	binary.BigEndian.PutUint64(span[:], rand.Uint64()|1)
	return span
}
