package otlp_test

import (
	"crypto/sha256"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/design/discover/otlp"
	"github.com/ashlar-dev/ashlar/design/discover/traces"
	format "github.com/ashlar-dev/ashlar/formats/otlp"
	"github.com/ashlar-dev/ashlar/formats/otlp/otlptest"
)

// cpu is the processor time that the process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func feed(b testing.TB, a *traces.Aggregate, messages [][]byte) {
	var c otlp.Converter
	r := format.Reader{Want: c.Want}
	each := func(res *format.Resource, s *format.Span) error {
		a.Add(c.Convert(res, s))
		return nil
	}
	for _, m := range messages {
		if err := r.Traces(m, each); err != nil {
			b.Fatal(err)
		}
	}
}

// hash keeps the calibration from being optimized away.
var hash [32]byte

// BenchmarkAssemble decodes, assembles and aggregates a stream in its steady
// state: 300,000 spans are open at any time. Its measure is spans per second of
// processor time, the collector's share included.
func BenchmarkAssemble(b *testing.B) {
	shape := otlptest.Shape{Spans: 100_000, Rate: 2500}
	messages := otlptest.Messages(shape)
	size, round := 0, uint64(0)
	for _, m := range messages {
		size += len(m)
	}
	a := traces.New(nil)
	next := func() time.Duration {
		round++
		otlptest.Shift(messages, round, int64(float64(shape.Spans)/shape.Rate*1e9))
		before := cpu()
		feed(b, a, messages)
		return cpu() - before
	}
	for range 5 {
		next()
	}
	runtime.GC() // what making the messages left is not to be measured
	n, best, took, hashed := 0, 0.0, time.Duration(0), time.Duration(0)
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		round := next()
		took += round
		best = max(best, float64(shape.Spans)/round.Seconds())
		n += shape.Spans
		before := cpu()
		for _, m := range messages {
			hash = sha256.Sum256(m)
		}
		hashed += cpu() - before
	}
	if s := a.Stats(); s.Orphans+s.Late+s.Evicted > 0 {
		b.Fatalf("%+v", s)
	}
	b.ReportMetric(float64(n)/took.Seconds(), "spans/cpu-s")
	b.ReportMetric(best, "best-round-spans/cpu-s") // what the code does when nothing else is at the caches
	b.ReportMetric(float64(size)/float64(shape.Spans), "bytes/span")
	// The same bytes through a hash, in turns: what the machine gave meanwhile.
	b.ReportMetric(float64(size)*float64(n/shape.Spans)/1e6/hashed.Seconds(), "sha256-MB/cpu-s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkDecode is the wire reader alone.
func BenchmarkDecode(b *testing.B) {
	messages := otlptest.Messages(otlptest.Shape{Spans: 50_000})
	n := 0
	var r format.Reader
	runtime.GC()
	before := cpu()
	for b.Loop() {
		for _, m := range messages {
			if err := r.Traces(m, func(*format.Resource, *format.Span) error { n++; return nil }); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(n)/(cpu()-before).Seconds(), "spans/cpu-s")
	b.ReportMetric(0, "ns/op")
}

// Ten times the spans of the same stream take no more memory.
func TestMemoryIsBounded(t *testing.T) {
	short, rounds := 80_000, []int{4, 16}
	if os.Getenv("ASHLAR_SOAK") != "" {
		short, rounds = 200_000, []int{5, 50} // 1 M and 10 M spans
	}
	if testing.Short() {
		t.Skip("feeds millions of spans")
	}
	peaks := make([]uint64, len(rounds))
	for i, n := range rounds {
		shape := otlptest.Shape{Spans: short, Rate: 2500}
		messages := otlptest.Messages(shape)
		runtime.GC()
		var peak atomic.Uint64
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					peak.Store(max(peak.Load(), m.HeapInuse))
				}
			}
		}()
		a := traces.New(nil)
		var took time.Duration
		for round := range n {
			otlptest.Shift(messages, uint64(round+1), int64(float64(short)/shape.Rate*1e9))
			began := cpu()
			feed(t, a, messages)
			took += cpu() - began
		}
		a.Flush()
		close(stop)
		<-done
		peaks[i] = peak.Load()
		s := a.Stats()
		if want := int64(n * short); s.Spans != want || s.Traces != want/otlptest.SpansPerTrace || s.Late+s.Orphans+s.Evicted+s.Duplicates != 0 {
			t.Errorf("%d rounds: %+v, want %d spans", n, s, want)
		}
		t.Logf("%d spans: peak heap %d MiB (with the messages), %.0f spans per CPU-second", s.Spans, peaks[i]>>20, float64(s.Spans)/took.Seconds())
		runtime.GC()
	}
	if last := len(peaks) - 1; float64(peaks[last]) > 1.2*float64(peaks[0]) {
		t.Errorf("peak heap %v: it grows with the number of spans", peaks)
	}
}
