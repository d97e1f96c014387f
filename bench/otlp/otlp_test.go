// Package otlp_test reads OTLP beside the collector's own reader.
package otlp_test

import (
	"crypto/sha256"
	"runtime"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ashlar-dev/ashlar/design/discover/otlp"
	"github.com/ashlar-dev/ashlar/design/discover/traces"
	format "github.com/ashlar-dev/ashlar/formats/otlp"
	"github.com/ashlar-dev/ashlar/formats/otlp/otlptest"
)

func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkOTLP reads the same messages, spans of about 434 bytes with 12
// attributes, in three ways: with Ashlar's reader, with the reader that looks at
// the attributes which an architecture needs and assembles the traces, and with
// the collector's pdata. Each round takes every way once, so that what else the
// machine does hits all of them.
func BenchmarkOTLP(b *testing.B) {
	shape := otlptest.Shape{Spans: 50_000, Rate: 1250}
	messages := otlptest.Messages(shape)
	nothing := func(*format.Resource, *format.Span) error { return nil }
	var all format.Reader
	var c otlp.Converter
	some := format.Reader{Want: c.Want}
	a := traces.New(nil)
	var sum [32]byte
	var unmarshal ptrace.ProtoUnmarshaler
	ways := []struct {
		name string
		read func(m []byte) error
		took time.Duration
	}{
		{name: "ashlar-decode", read: func(m []byte) error { return all.Traces(m, nothing) }},
		{name: "ashlar-decode+assemble", read: func(m []byte) error {
			return some.Traces(m, func(r *format.Resource, s *format.Span) error { a.Add(c.Convert(r, s)); return nil })
		}},
		{name: "pdata-decode", read: func(m []byte) error { _, err := unmarshal.UnmarshalTraces(m); return err }},
		// What the machine gives while this runs: the same bytes through a hash that is
		// as fast on every run of a quiet machine.
		{name: "calibration", read: func(m []byte) error { sum = sha256.Sum256(m); return nil }},
	}
	round, spans := uint64(0), 0
	once := func(count bool) {
		round++
		otlptest.Shift(messages, round, int64(float64(shape.Spans)/shape.Rate*1e9))
		for i := range ways {
			before := cpu()
			for _, m := range messages {
				if err := ways[i].read(m); err != nil {
					b.Fatal(err)
				}
			}
			if count {
				ways[i].took += cpu() - before
			}
		}
	}
	for range 4 {
		once(false) // fill the window of open traces
	}
	runtime.GC()
	b.ResetTimer()
	for b.Loop() {
		once(true)
		spans += shape.Spans
	}
	for _, w := range ways {
		b.ReportMetric(float64(spans)/w.took.Seconds(), w.name+"-spans/cpu-s")
	}
	b.ReportMetric(ways[2].took.Seconds()/ways[0].took.Seconds(), "x-pdata-decode")
	b.ReportMetric(ways[2].took.Seconds()/ways[1].took.Seconds(), "x-pdata-assemble")
	_ = sum
	b.ReportMetric(0, "ns/op")
}
