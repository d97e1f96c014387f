package grpcauth_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/ashlar-dev/ashlar/patterns/auth"
	"github.com/ashlar-dev/ashlar/patterns/auth/grpcauth"
)

// Two services of one system: the identity of whoever asked the first arrives at
// the second, sealed, and a call on nobody's behalf is refused.
func ExampleServer() {
	dir, _ := os.MkdirTemp("", "secrets")
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "sealing-key")
	_ = os.WriteFile(file, []byte("an example; take 32 random bytes in base64"), 0o600)
	secret, err := auth.OpenSecret(file, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	sealer, err := auth.NewSealer("grpc", []auth.SealerKey{{ID: "2026-11", Secret: secret}}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := grpc.NewServer(append(grpcauth.Server(grpcauth.Sealed(sealer)),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			id, _ := auth.From(ctx)
			fmt.Println("asked by", id.Subject, "of", id.Tenant)
			return next(ctx, req)
		}))...)
	healthpb.RegisterHealthServer(srv, health.NewServer())
	go func() { _ = srv.Serve(ln) }()
	defer srv.Stop()

	conn, err := grpc.NewClient(ln.Addr().String(), append(grpcauth.Seal(sealer), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = conn.Close() }()
	client := healthpb.NewHealthClient(conn)
	_, err = client.Check(auth.With(context.Background(), auth.Identity{Subject: "ann", Tenant: "acme"}), &healthpb.HealthCheckRequest{})
	fmt.Println(err)
	_, err = client.Check(context.Background(), &healthpb.HealthCheckRequest{})
	fmt.Println(status.Code(err))
	// Output:
	// asked by ann of acme
	// <nil>
	// Unauthenticated
}
