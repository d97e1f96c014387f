package grpcbalance_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/ashlar-dev/ashlar/patterns/balance"
	"github.com/ashlar-dev/ashlar/patterns/resilience/grpcbalance"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type service struct {
	healthpb.UnimplementedHealthServer
	calls atomic.Int64
	fail  bool
}

func (s *service) Check(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	s.calls.Add(1)
	if s.fail {
		return nil, status.Error(codes.Internal, "broken")
	}
	return &healthpb.HealthCheckResponse{}, nil
}

func TestFailingEndpointIsLeftOutAndZonesHold(t *testing.T) {
	t.Parallel()
	if err := grpcbalance.Register("test-choice", balance.Config{Zone: "here", ZoneMin: 0.3, ZoneGain: time.Minute, Outlier: balance.OutlierConfig{Failures: 2, EjectFor: time.Hour, EjectMax: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	if err := grpcbalance.Register("faulty", balance.Config{Choices: 1}); err == nil {
		t.Fatal("a faulty configuration was taken")
	}
	services := map[string]*service{"a": {}, "b": {fail: true}, "c": {}}
	listeners := map[string]*bufconn.Listener{}
	var addrs []resolver.Address
	for name, s := range services {
		lis := bufconn.Listen(1 << 16)
		listeners[name] = lis
		srv := grpc.NewServer()
		healthpb.RegisterHealthServer(srv, s)
		served := make(chan struct{})
		go func() { defer close(served); _ = srv.Serve(lis) }()
		t.Cleanup(func() { srv.Stop(); <-served })
		zone := "here"
		if name == "c" {
			zone = "there"
		}
		addrs = append(addrs, grpcbalance.Describe(resolver.Address{Addr: name}, zone, 1))
	}
	r := manual.NewBuilderWithScheme("test")
	r.InitialState(resolver.State{Addresses: addrs})
	conn, err := grpc.NewClient("test:///inventory", grpc.WithResolvers(r),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"test-choice":{}}]}`),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return listeners[addr].DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := healthpb.NewHealthClient(conn)
	failures := 0
	for range 400 {
		if _, err := c.Check(t.Context(), &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true)); err != nil {
			failures++
		}
	}
	if failures > 5 || services["a"].calls.Load() < 300 {
		t.Fatalf("%d failures; calls: a %d, b %d, c %d", failures, services["a"].calls.Load(), services["b"].calls.Load(), services["c"].calls.Load())
	}
}
