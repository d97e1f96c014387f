package grpcreg_test

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/ashlar-dev/ashlar/patterns/registry"
	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/grpcreg"
	"github.com/ashlar-dev/ashlar/patterns/registry/staticreg"
)

// A client that names a service, not an address.
func ExampleDial() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := grpc.NewServer()
	healthpb.RegisterHealthServer(srv, health.NewServer())
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(ln) }()
	defer func() { srv.Stop(); <-served }()

	list := staticreg.New()
	port := ln.Addr().(*net.TCPAddr).Port
	if err := list.Set("payments", driver.Instance{ID: "payments-1", Address: "127.0.0.1", Port: port}); err != nil {
		fmt.Println(err)
		return
	}
	reg, err := registry.New(list, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = reg.Close(context.Background()) }()

	conn, err := grpc.NewClient("registry:///payments", append(grpcreg.Dial(reg), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	answer, err := healthpb.NewHealthClient(conn).Check(context.Background(), &healthpb.HealthCheckRequest{})
	fmt.Println(answer.GetStatus(), err)
	// Output: SERVING <nil>
}
