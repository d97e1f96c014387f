package grpcresilience_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
	"github.com/ashlar-dev/ashlar/patterns/resilience/grpcresilience"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	check = "/grpc.health.v1.Health/Check"
	watch = "/grpc.health.v1.Health/Watch"
)

// service is gRPC's own health service with answers that a test chooses.
type service struct {
	healthpb.UnimplementedHealthServer
	check func(context.Context) error
	watch func(grpc.ServerStreamingServer[healthpb.HealthCheckResponse]) error
}

func (s *service) Check(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	return &healthpb.HealthCheckResponse{}, s.check(ctx)
}

func (s *service) Watch(_ *healthpb.HealthCheckRequest, ss grpc.ServerStreamingServer[healthpb.HealthCheckResponse]) error {
	return s.watch(ss)
}

func target(t *testing.T, c resilience.Config) *resilience.Target {
	t.Helper()
	tg, err := resilience.New("inventory", c, &resilience.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return tg
}

func dial(t *testing.T, s *service, client *resilience.Target, o *grpcresilience.Options, server *resilience.Target) healthpb.HealthClient {
	t.Helper()
	lis := bufconn.Listen(1 << 16)
	srv := grpc.NewServer(grpc.UnaryInterceptor(grpcresilience.UnaryServer(server)), grpc.StreamInterceptor(grpcresilience.StreamServer(server)))
	healthpb.RegisterHealthServer(srv, s)
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(lis) }()
	conn, err := grpc.NewClient("passthrough:///bufnet",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(grpcresilience.UnaryClient(client, o)),
		grpc.WithStreamInterceptor(grpcresilience.StreamClient(client, o)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); srv.Stop(); <-served })
	return healthpb.NewHealthClient(conn)
}

func TestCodesThatTripAndCodesThatAreRetried(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		err      error
		once     bool
		pushback string
		tries    int32
		failures int
	}{
		{name: "ok", tries: 1},
		{name: "not found", err: status.Error(codes.NotFound, ""), tries: 1},
		{name: "failed precondition", err: status.Error(codes.FailedPrecondition, ""), tries: 1},
		{name: "resource exhausted", err: status.Error(codes.ResourceExhausted, ""), tries: 3},
		{name: "unavailable", err: status.Error(codes.Unavailable, ""), tries: 3, failures: 3},
		{name: "unavailable, once", err: status.Error(codes.Unavailable, ""), once: true, tries: 1, failures: 1},
		{name: "unavailable, server says no", err: status.Error(codes.Unavailable, ""), pushback: "-1", tries: 1, failures: 1},
		{name: "unavailable, server says soon", err: status.Error(codes.Unavailable, ""), pushback: "1", tries: 3, failures: 3},
		{name: "internal", err: status.Error(codes.Internal, ""), tries: 1, failures: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			s := &service{check: func(ctx context.Context) error {
				tries.Add(1)
				if tc.pushback != "" {
					_ = grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", tc.pushback))
				}
				return tc.err
			}}
			o := &grpcresilience.Options{Idempotent: []string{check}}
			if tc.once {
				o = nil
			}
			tg := target(t, resilience.Config{Retry: &policy.RetryConfig{BaseWait: time.Microsecond}, Breaker: &policy.BreakerConfig{}})
			c := dial(t, s, tg, o, target(t, resilience.Config{}))
			_, err := c.Check(t.Context(), &healthpb.HealthCheckRequest{})
			if status.Code(err) != status.Code(tc.err) {
				t.Errorf("err = %v, want the status of %v", err, tc.err)
			}
			if s := tg.Snapshot(); tries.Load() != tc.tries || s.Breaker.Failures != tc.failures {
				t.Errorf("%d tries, %d failures; want %d, %d", tries.Load(), s.Breaker.Failures, tc.tries, tc.failures)
			}
		})
	}
}

func TestRefusalsHaveAStatusAndAType(t *testing.T) {
	t.Parallel()
	s := &service{check: func(context.Context) error { return status.Error(codes.Unavailable, "down") }}
	tg := target(t, resilience.Config{Breaker: &policy.BreakerConfig{Window: policy.Consecutive, Size: 1}})
	c := dial(t, s, tg, nil, target(t, resilience.Config{}))
	_, _ = c.Check(t.Context(), &healthpb.HealthCheckRequest{})
	_, err := c.Check(t.Context(), &healthpb.HealthCheckRequest{})
	var e *resilience.Error
	if status.Code(err) != codes.Unavailable || !errors.As(err, &e) || !errors.Is(err, resilience.ErrOpen) || e.Op != check {
		t.Fatalf("err = %v", err)
	}
	if _, err := c.Watch(t.Context(), &healthpb.HealthCheckRequest{}); !errors.Is(err, resilience.ErrOpen) {
		t.Fatalf("stream: %v", err)
	}
}

func TestServerRefusesAndTellsWhenToComeAgain(t *testing.T) {
	t.Parallel()
	inside, release := make(chan struct{}), make(chan struct{})
	s := &service{check: func(context.Context) error { inside <- struct{}{}; <-release; return nil }}
	server := target(t, resilience.Config{Bulkhead: &policy.BulkheadConfig{Limit: 1}, Rate: &policy.RateConfig{PerSecond: 0.001, Burst: 2}})
	c := dial(t, s, target(t, resilience.Config{}), nil, server)
	done := make(chan error)
	go func() { _, err := c.Check(t.Context(), &healthpb.HealthCheckRequest{}); done <- err }()
	<-inside
	if _, err := c.Check(t.Context(), &healthpb.HealthCheckRequest{}); status.Code(err) != codes.Unavailable {
		t.Errorf("full: %v", err)
	}
	var trailer metadata.MD
	if _, err := c.Check(t.Context(), &healthpb.HealthCheckRequest{}, grpc.Trailer(&trailer)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("above the rate: %v", err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if s := server.Snapshot(); s.Bulkhead.InFlight != 0 {
		t.Errorf("%+v", s.Bulkhead)
	}
}

func TestDeadlineAndPriorityTravel(t *testing.T) {
	t.Parallel()
	type got struct {
		left time.Duration
		prio policy.Priority
	}
	seen := make(chan got, 1)
	s := &service{check: func(ctx context.Context) error {
		left, _ := resilience.Left(ctx)
		seen <- got{left, resilience.PriorityOf(ctx)}
		return nil
	}}
	c := dial(t, s, target(t, resilience.Config{Timeout: &policy.TimeoutConfig{Total: 20 * time.Second, Reserve: 5 * time.Second}}), nil, target(t, resilience.Config{}))
	if _, err := c.Check(resilience.WithPriority(t.Context(), policy.Critical), &healthpb.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	if g := <-seen; g.left > 15*time.Second || g.left < 10*time.Second || g.prio != policy.Critical {
		t.Fatalf("%+v", g)
	}
}

func TestStreamsHoldTheirPlacesUntilTheyEnd(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := &service{watch: func(ss grpc.ServerStreamingServer[healthpb.HealthCheckResponse]) error {
		_ = ss.Send(&healthpb.HealthCheckResponse{})
		<-release
		return status.Error(codes.Unavailable, "going away")
	}}
	client := target(t, resilience.Config{Bulkhead: &policy.BulkheadConfig{Limit: 1}, Breaker: &policy.BreakerConfig{}, Timeout: &policy.TimeoutConfig{Try: time.Millisecond}})
	server := target(t, resilience.Config{Bulkhead: &policy.BulkheadConfig{Limit: 1}})
	c := dial(t, s, client, nil, server)
	stream, err := c.Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Watch(t.Context(), &healthpb.HealthCheckRequest{}); !errors.Is(err, resilience.ErrFull) {
		t.Fatalf("second stream: %v", err)
	}
	close(release)
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Fatalf("end: %v", err)
	}
	if s := client.Snapshot(); s.Bulkhead.InFlight != 0 || s.Breaker.Failures != 1 {
		t.Fatalf("%+v %+v", s.Bulkhead, s.Breaker)
	}
}
