package grpcbalance_test

import (
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/ashlar-dev/ashlar/patterns/balance"
	"github.com/ashlar-dev/ashlar/patterns/resilience/grpcbalance"
)

// A client that prefers its own zone and picks the faster of two. The scheme
// matters: without dns:/// all calls share the one connection of the first
// address.
func ExampleRegister() {
	if err := grpcbalance.Register("shop", balance.Config{Zone: "eu-1a"}); err != nil { // once, in main
		fmt.Println(err)
		return
	}
	conn, err := grpc.NewClient("dns:///inventory.shop.svc:8080",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"shop":{}}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(conn.Target())
	_ = conn.Close()

	fmt.Println(grpcbalance.Register("one", balance.Config{Choices: 1}) == nil)
	// Output:
	// dns:///inventory.shop.svc:8080
	// false
}
