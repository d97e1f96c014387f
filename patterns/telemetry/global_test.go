package telemetry_test

import (
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"

	"github.com/ashlar-dev/ashlar/patterns/telemetry"
)

// A library that looks into OpenTelemetry's globals is part of the same trace.
func TestGlobal(t *testing.T) {
	tel, _ := start(t, func(o *telemetry.Options) { o.Global = true })
	ctx, call := tel.Operation("charge", telemetry.Internal).Start(t.Context())
	defer call.End(nil)
	inner, span := otel.Tracer("library").Start(ctx, "inside")
	defer span.End()
	h := http.Header{}
	otel.GetTextMapPropagator().Inject(inner, propagation.HeaderCarrier(h))
	if !span.SpanContext().IsSampled() || h.Get("Traceparent")[3:35] != header(t, tel, ctx).Get("Traceparent")[3:35] {
		t.Fatalf("%v", h)
	}
	c, err := otel.Meter("library").Int64Counter("library.things")
	if err != nil {
		t.Fatal(err)
	}
	c.Add(ctx, 1)
	if !strings.Contains(scrape(t, tel), "library_things") {
		t.Error("a library's metric is missing")
	}
}
