package otlp_test

import (
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/design/discover/traces"
	"github.com/ashlar-dev/ashlar/formats/otlp/otlptest"
)

// BenchmarkCached is BenchmarkAssemble with few spans open, so that the caches
// hold them: what the code costs apart from waiting for memory.
func BenchmarkCached(b *testing.B) {
	shape := otlptest.Shape{Spans: 5_000, Rate: 2500, Spread: .2}
	messages := otlptest.Messages(shape)
	a := traces.New(&traces.Options{Linger: 200 * time.Millisecond})
	round, n, took := uint64(0), 0, time.Duration(0)
	for b.Loop() {
		round++
		otlptest.Shift(messages, round, int64(float64(shape.Spans)/shape.Rate*1e9))
		before := cpu()
		feed(b, a, messages)
		took += cpu() - before
		n += shape.Spans
	}
	b.ReportMetric(float64(n)/took.Seconds(), "spans/cpu-s")
	b.ReportMetric(0, "ns/op")
}
