package grpctelemetry_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/ashlar-dev/ashlar/patterns/telemetry"
	"github.com/ashlar-dev/ashlar/patterns/telemetry/grpctelemetry"
	"github.com/ashlar-dev/ashlar/patterns/telemetry/otelapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) *telemetry.Telemetry {
	t.Helper()
	tel, err := telemetry.Start(t.Context(), telemetry.Service{Name: "x"}, &telemetry.Options{Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tel.Shutdown(context.Background()) })
	return tel
}

func scrape(tel *telemetry.Telemetry) string {
	rec := httptest.NewRecorder()
	tel.MetricsHandler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return rec.Body.String()
}

func has(text string, parts ...string) bool {
	for line := range strings.Lines(text) {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			return true
		}
	}
	return false
}

// eventually asks again and again: a stream ends on its server a moment after
// its client has left.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-deadline.C:
			t.Fatal(what)
		}
	}
}

func TestCallsAreMeasuredAndTraced(t *testing.T) {
	t.Parallel()
	server, client := start(t), start(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed by the server
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 10)
	note := grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		got <- strings.Join(md.Get("traceparent"), "") + " " + strings.Join(md.Get("x-own"), "")
		return next(ctx, req)
	})
	s := grpc.NewServer(append(grpctelemetry.Server(server), note)...)
	healthpb.RegisterHealthServer(s, health.NewServer())
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(s.Stop)
	conn, err := grpc.NewClient(ln.Addr().String(), append(grpctelemetry.Dial(client), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	hc := healthpb.NewHealthClient(conn)
	ctx, call := client.Operation("buy", telemetry.Internal).Start(metadata.AppendToOutgoingContext(t.Context(), "x-own", "kept"))
	h := http.Header{}
	client.Inject(ctx, telemetry.Headers(h))
	if _, err := hc.Check(ctx, &healthpb.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	if seen := <-got; !strings.Contains(seen, h.Get("Traceparent")[3:35]) || !strings.HasSuffix(seen, " kept") {
		t.Errorf("the server is told %q, the caller is in %q", seen, h.Get("Traceparent"))
	}
	if _, err := hc.Check(ctx, &healthpb.HealthCheckRequest{Service: "nobody"}); err == nil {
		t.Fatal("no error")
	}
	streaming, cancel := context.WithCancel(ctx)
	stream, err := hc.Watch(streaming, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	cancel()
	call.End(nil)

	const method = `rpc_method="grpc.health.v1.Health/`
	eventually(t, "the client's stream was not ended by its context", func() bool {
		return has(scrape(client), "rpc_client_call_duration_seconds_count", method+`Watch"`, `error_type="Canceled"`, " 1")
	})
	text := scrape(client)
	if !has(text, "rpc_client_call_duration_seconds_count", method+`Check"`, `error_type="NotFound"`, " 1") {
		t.Error(text)
	}
	// What the caller asked wrongly is no failure of the server.
	eventually(t, "the server's metrics", func() bool {
		text := scrape(server)
		return has(text, "rpc_server_call_duration_seconds_count", method+`Check"`, " 2") && !strings.Contains(text, `error_type="NotFound"`)
	})
}

func TestOpenTelemetrysOwnTypes(t *testing.T) {
	t.Parallel()
	tel := start(t)
	ctx, span := otelapi.TracerProvider(tel).Tracer("library").Start(t.Context(), "inside")
	defer span.End()
	h := http.Header{}
	tel.Inject(ctx, telemetry.Headers(h))
	if !strings.Contains(h.Get("Traceparent"), span.SpanContext().TraceID().String()) {
		t.Fatalf("%v", h)
	}
	c, err := otelapi.MeterProvider(tel).Meter("library").Int64Counter("library.calls")
	if err != nil {
		t.Fatal(err)
	}
	c.Add(ctx, 3)
	if !has(scrape(tel), "library_calls", " 3") {
		t.Error(scrape(tel))
	}
}
