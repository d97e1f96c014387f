package grpcreg_test

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/ashlar-dev/ashlar/patterns/registry"
	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/grpcreg"
	"github.com/ashlar-dev/ashlar/patterns/registry/probe"
	"github.com/ashlar-dev/ashlar/patterns/registry/staticreg"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a gRPC health server and counts its calls.
func start(t *testing.T) (registry.Instance, *atomic.Int64) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed by the server
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int64
	s := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		calls.Add(1)
		return next(ctx, req)
	}))
	hs := health.NewServer()
	hs.SetServingStatus("sick", healthpb.HealthCheckResponse_NOT_SERVING)
	healthpb.RegisterHealthServer(s, hs)
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(s.Stop)
	return registry.Instance{Address: "127.0.0.1", Port: ln.Addr().(*net.TCPAddr).Port}, &calls
}

func TestCallsFollowTheRegistry(t *testing.T) {
	t.Parallel()
	list := staticreg.New()
	reg, err := registry.New(list, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reg.Close(context.Background()) })
	a, callsA := start(t)
	b, callsB := start(t)
	c, callsC := start(t)
	a.Tags, b.Tags = []string{"v2"}, []string{"v2"}
	if err := list.Set("payments", a, b, c); err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("registry:///payments?tag=v2", append(grpcreg.Dial(reg), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	client := healthpb.NewHealthClient(conn)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	call := func() {
		t.Helper()
		if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true)); err != nil {
			t.Fatal(err)
		}
	}
	for callsA.Load() == 0 || callsB.Load() == 0 {
		call()
	}
	if callsC.Load() > 0 {
		t.Fatal("the filter by tag was not kept")
	}
	c.Tags = []string{"v2"}
	if err := list.Set("payments", c); err != nil {
		t.Fatal(err)
	}
	for callsC.Load() == 0 {
		call()
	}
	before := callsA.Load() + callsB.Load()
	for range 50 {
		call()
	}
	if after := callsA.Load() + callsB.Load(); after != before {
		t.Fatalf("%d calls went to instances that left", after-before)
	}
	if err := list.Set("payments"); err != nil {
		t.Fatal(err)
	}
	for {
		_, err := client.Check(ctx, &healthpb.HealthCheckRequest{})
		if status.Code(err) == codes.Unavailable {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"registry:///payments":                          "payments",
		"registry:///payments?tag=a&tag=b&meta.tier=au": "payments, tags [a b], meta [tier=au]",
		"registry://payments":                           "!three slashes",
		"registry:///payments?zone=x":                   "!parameter \"zone\"",
		"registry:///":                                  "!is empty",
	} {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		q, err := grpcreg.ParseTarget(*u)
		if text, bad := strings.CutPrefix(want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v, want %q", target, err, text)
			}
		} else if err != nil || q.String() != want {
			t.Errorf("%s: %q, %v", target, q, err)
		}
	}
}

// The probe speaks gRPC without its library; here it meets the real one.
func TestProbeMeetsARealHealthServer(t *testing.T) {
	t.Parallel()
	in, _ := start(t)
	addr := net.JoinHostPort(in.Address, strconv.Itoa(in.Port))
	for service, want := range map[string]driver.Status{"": driver.Passing, "/sick": driver.Critical, "/unknown": driver.Critical} {
		s, note := probe.Run(t.Context(), driver.Check{GRPC: addr + service})
		if s != want {
			t.Errorf("%q: %s, %s", service, s, note)
		}
	}
}
