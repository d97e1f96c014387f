package grpcresilience_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
	"github.com/ashlar-dev/ashlar/patterns/resilience/grpcresilience"
)

// A method that may be repeated is, while the callee is away for a moment.
func ExampleUnaryClient() {
	tries := 0
	srv := grpc.NewServer()
	healthpb.RegisterHealthServer(srv, &service{check: func(context.Context) error {
		if tries++; tries < 3 {
			return status.Error(codes.Unavailable, "restarting")
		}
		return nil
	}})
	lis := bufconn.Listen(1 << 16)
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(lis) }()
	defer func() { srv.Stop(); <-served }()

	inventory, err := resilience.New("inventory", resilience.Config{
		Timeout: &policy.TimeoutConfig{Total: 5 * time.Second},
		Retry:   &policy.RetryConfig{Tries: 3, BaseWait: time.Millisecond},
		Breaker: &policy.BreakerConfig{},
	}, &resilience.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := grpc.NewClient("passthrough:///inventory",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(grpcresilience.UnaryClient(inventory, &grpcresilience.Options{Idempotent: []string{"/grpc.health.v1.Health/Check"}})))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	_, err = healthpb.NewHealthClient(conn).Check(context.Background(), &healthpb.HealthCheckRequest{})
	fmt.Println(err, "after", tries, "tries")
	// Output: <nil> after 3 tries
}
