package grpcauth_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ashlar-dev/ashlar/patterns/auth"
	"github.com/ashlar-dev/ashlar/patterns/auth/grpcauth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sealer(t *testing.T) *auth.Sealer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(strings.Repeat("k", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	secret, err := auth.OpenSecret(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := auth.NewSealer("grpc", []auth.SealerKey{{ID: "1", Secret: secret}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start serves gRPC health and returns a client of it, and who was seen.
func start(t *testing.T, a grpcauth.Authenticator, dial ...grpc.DialOption) (healthpb.HealthClient, <-chan string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed by the server
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan string, 10)
	note := func(ctx context.Context) {
		id, _ := auth.From(ctx)
		seen <- id.Subject + "@" + id.Tenant
	}
	s := grpc.NewServer(append(grpcauth.Server(a, "/grpc.health.v1.Health/List"),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			note(ctx)
			return next(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			note(ss.Context())
			return next(srv, ss)
		}))...)
	healthpb.RegisterHealthServer(s, health.NewServer())
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(s.Stop)
	conn, err := grpc.NewClient(ln.Addr().String(), append(dial, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return healthpb.NewHealthClient(conn), seen
}

func TestSealedIdentities(t *testing.T) {
	t.Parallel()
	s := sealer(t)
	client, seen := start(t, grpcauth.Sealed(s), grpcauth.Seal(s)...)
	ctx := auth.With(t.Context(), auth.Identity{Subject: "ann", Tenant: "acme"})
	if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != "ann@acme" {
		t.Errorf("unary: %s", got)
	}
	streaming, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.Watch(streaming, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != "ann@acme" {
		t.Errorf("stream: %s", got)
	}
	if _, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("nobody: %v", err)
	}
	valid, err := s.Seal(auth.Identity{Subject: "root"})
	if err != nil {
		t.Fatal(err)
	}
	smuggled := metadata.AppendToOutgoingContext(t.Context(), auth.Header, valid)
	if _, err := client.Check(smuggled, &healthpb.HealthCheckRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("smuggled: %v", err)
	}
	if _, err := client.List(t.Context(), &healthpb.HealthListRequest{}); err != nil {
		t.Errorf("an open method: %v", err)
	}
}

func TestTokensAndTheirTroubles(t *testing.T) {
	t.Parallel()
	down := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(down.Close)
	v, err := auth.NewVerifier(down.URL, "payments", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	client, _ := start(t, grpcauth.Tokens(v))
	const signed = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImUxIn0.eyJzdWIiOiJhbm4ifQ.AAAA"
	for name, c := range map[string]struct {
		headers []string
		code    codes.Code
	}{
		"none":          {nil, codes.Unauthenticated},
		"basic":         {[]string{"authorization", "Basic eDp5"}, codes.Unauthenticated},
		"garbage":       {[]string{"authorization", "Bearer x"}, codes.Unauthenticated},
		"two":           {[]string{"authorization", "Bearer x", "authorization", "Bearer y"}, codes.Unauthenticated},
		"no keys known": {[]string{"authorization", "Bearer " + signed}, codes.Unavailable},
	} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), c.headers...)
		if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{}); status.Code(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}
