package telemetry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/ashlar-dev/ashlar/patterns/telemetry"
)

// A service's main: one call, one operation, probes, and an orderly end.
func Example() {
	ctx := context.Background()
	tel, err := telemetry.Start(ctx, telemetry.Service{Name: "payments", Version: "1.4.2", Environment: "production"}, &telemetry.Options{
		SampleRatio: 0.1, Log: io.Discard,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	tel.Ready("database", func(context.Context) error { return nil })

	mux := http.NewServeMux()
	mux.Handle("GET /metrics", tel.MetricsHandler())
	mux.Handle("GET /readyz", tel.ReadyHandler())
	mux.Handle("GET /livez", tel.LiveHandler())
	srv := httptest.NewServer(mux)
	tel.OnShutdown(telemetry.Deregister, "registry", func(context.Context) error { fmt.Println("leave the registry"); return nil })
	tel.OnShutdown(telemetry.Drain, "http", func(context.Context) error { fmt.Println("drain"); srv.Close(); return nil })

	charge := tel.Operation("charge", telemetry.Internal)
	ctx, call := charge.Start(ctx)
	tel.Logger().InfoContext(ctx, "charging", "order", 17)
	call.End(nil)

	resp, err := http.Get(srv.URL + "/readyz")
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = resp.Body.Close()
	fmt.Println("ready:", resp.StatusCode)
	http.DefaultClient.CloseIdleConnections()
	fmt.Println(tel.Shutdown(ctx))
	// Output:
	// ready: 200
	// leave the registry
	// drain
	// <nil>
}

// A trace travels with an event: written by the producer, read by the consumer.
func ExampleTelemetry_Inject() {
	ctx := context.Background()
	tel, err := telemetry.Start(ctx, telemetry.Service{Name: "orders"}, &telemetry.Options{Log: io.Discard})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = tel.Shutdown(ctx) }()
	headers := http.Header{} // of the event

	produce, call := tel.Operation("publish orders", telemetry.Producer).Start(ctx)
	tel.Inject(produce, telemetry.Headers(headers))
	call.End(nil)

	consume, call := tel.Operation("process orders", telemetry.Consumer).Start(tel.Extract(ctx, telemetry.Headers(headers)))
	again := http.Header{}
	tel.Inject(consume, telemetry.Headers(again))
	call.End(nil)
	trace := func(h http.Header) string { return strings.Split(h.Get("Traceparent"), "-")[1] }
	fmt.Println(trace(headers) == trace(again))
	// Output: true
}
