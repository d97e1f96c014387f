package otelapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"

	"github.com/ashlar-dev/ashlar/patterns/telemetry"
	"github.com/ashlar-dev/ashlar/patterns/telemetry/otelapi"
)

// A library that is instrumented with OpenTelemetry itself gets the providers;
// what it counts is at the same /metrics.
func Example() {
	ctx := context.Background()
	tel, err := telemetry.Start(ctx, telemetry.Service{Name: "orders"}, &telemetry.Options{Log: io.Discard})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = tel.Shutdown(ctx) }()

	hits, err := otelapi.MeterProvider(tel).Meter("cache").Int64Counter("cache.hits")
	if err != nil {
		fmt.Println(err)
		return
	}
	hits.Add(ctx, 3)

	page := httptest.NewRecorder()
	tel.MetricsHandler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	fmt.Println(strings.Contains(page.Body.String(), "cache_hits_total"))
	// Output: true
}
