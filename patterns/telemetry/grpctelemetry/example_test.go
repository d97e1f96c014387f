package grpctelemetry_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/ashlar-dev/ashlar/patterns/telemetry"
	"github.com/ashlar-dev/ashlar/patterns/telemetry/grpctelemetry"
)

// A server that counts its calls by method and status.
func ExampleServer() {
	ctx := context.Background()
	tel, err := telemetry.Start(ctx, telemetry.Service{Name: "inventory"}, &telemetry.Options{Log: io.Discard})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = tel.Shutdown(ctx) }()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := grpc.NewServer(grpctelemetry.Server(tel)...)
	healthpb.RegisterHealthServer(srv, health.NewServer())
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(ln) }()

	conn, err := grpc.NewClient(ln.Addr().String(), append(grpctelemetry.Dial(tel), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	fmt.Println(err)
	_ = conn.Close()
	srv.GracefulStop() // the call's end is measured
	<-served

	rec := httptest.NewRecorder()
	tel.MetricsHandler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(rec.Body.String()) {
		if strings.HasPrefix(line, "rpc_server_call_duration_seconds_count") {
			fmt.Println(strings.Contains(line, `rpc_method="grpc.health.v1.Health/Check"`), strings.HasSuffix(line, " 1\n"))
		}
	}
	// Output:
	// <nil>
	// true true
}
