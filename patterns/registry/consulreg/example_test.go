package consulreg_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry"
	"github.com/ashlar-dev/ashlar/patterns/registry/consulreg"
	"github.com/ashlar-dev/ashlar/patterns/registry/consulreg/consultest"
)

// A service registers with Consul and finds itself. Here the agent is the fake;
// leave Address out for the one on this machine.
func Example() {
	ctx := context.Background()
	agent := consultest.Start(&consultest.Options{NodeAddress: "10.0.0.7"})
	defer agent.Close()
	consul, err := consulreg.New(&consulreg.Options{Address: agent.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	reg, err := registry.New(consul, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = reg.Close(ctx) }() // deregisters
	_, err = reg.Register(ctx, registry.Service{
		ID: "payments-1", Name: "payments", Port: 8080, // no address: the node's
		Checks:          []registry.Check{{TTL: 15 * time.Second}},
		DeregisterAfter: 30 * time.Second,
	})
	fmt.Println(err)

	_, err = reg.Register(ctx, registry.Service{
		Name: "payments", Port: 8080,
		Checks:          []registry.Check{{TTL: 15 * time.Second}},
		DeregisterAfter: time.Minute,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	w, err := reg.Watch(registry.Query{Service: "payments"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		found, err := w.Next(ctx)
		if err != nil || len(found) > 0 {
			fmt.Println(found[0].Address, found[0].Port, err)
			return
		}
	}
	// Output:
	// registry: register payments (payments-1): registry: DeregisterAfter: 30s is shorter than a minute, which is the least that Consul takes; it would wait a minute without saying so
	// 10.0.0.7 8080 <nil>
}
