package telemetry_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/ashlar-dev/ashlar/patterns/telemetry"
)

// The short way to read a traceparent says what OpenTelemetry's own says.
func FuzzTraceparent(f *testing.F) {
	tel, err := telemetry.Start(context.Background(), telemetry.Service{Name: "x"}, &telemetry.Options{Log: io.Discard})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = tel.Shutdown(context.Background()) })
	const ids = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
	for _, s := range []string{
		"", "00-" + ids + "-00", "00-" + ids + "-01", "00-" + ids + "-02", "00-" + ids + "-03", "00-" + ids + "-ff", "01-" + ids + "-01", "01-" + ids + "-01-more", "ff-" + ids + "-01",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-" + ids + "-0g", "00_" + ids + "-01",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h := http.Header{"Traceparent": {s}}
		short := trace.SpanContextFromContext(tel.ExtractHeaders(context.Background(), h))
		long := trace.SpanContextFromContext(tel.Extract(context.Background(), telemetry.Headers(h)))
		if !short.Equal(long) {
			t.Fatalf("%q: %+v, want %+v", s, short, long)
		}
	})
}
