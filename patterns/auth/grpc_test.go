package auth_test

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/ashlar-dev/ashlar/patterns/auth"
	"github.com/ashlar-dev/ashlar/patterns/auth/grpcauth"
)

// Over mutual TLS, a service shows its own token, which the callee verifies.
func TestServicesOverGRPC(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), newClock()
	a, stranger := newAuthority(t, "a"), newAuthority(t, "stranger")
	i := newIssuer(t)
	v := newVerifier(t, i, c, nil)
	seen := make(chan string, 10)
	s := grpc.NewServer(append(grpcauth.Server(grpcauth.Tokens(v)),
		grpc.Creds(grpcauth.ServerTLS(mutual(t, a.issue(t, filepath.Join(dir, "server"), "payments"), c))),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			id, _ := auth.From(ctx)
			seen <- id.Subject
			return next(ctx, req)
		}))...)
	healthpb.RegisterHealthServer(s, health.NewServer())
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed by the server
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(s.Stop)

	token := sign(t, jwt.SigningMethodES256, ecKey(), "e1", i.good(jwt.MapClaims{"sub": "orders"}))
	e := newEndpoint(t)
	e.token = token
	own := source(t, e, c, nil)
	call := func(m *auth.MutualTLS, name string) error {
		creds, err := grpcauth.ClientTLS(m, name)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := grpc.NewClient(ln.Addr().String(), grpc.WithTransportCredentials(creds), grpc.WithPerRPCCredentials(grpcauth.Credentials(own)))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, err = healthpb.NewHealthClient(conn).Check(t.Context(), &healthpb.HealthCheckRequest{})
		return err
	}
	orders := mutual(t, a.issue(t, filepath.Join(dir, "client"), "orders"), c)
	if err := call(orders, "payments"); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != "orders" {
		t.Fatalf("seen as %q", got)
	}
	if err := call(orders, "inventory"); status.Code(err) != codes.Unavailable {
		t.Errorf("another server: %v", err)
	}
	if err := call(mutual(t, stranger.issue(t, filepath.Join(dir, "s"), "orders", a), c), "payments"); status.Code(err) != codes.Unavailable {
		t.Errorf("a stranger: %v", err)
	}
}
