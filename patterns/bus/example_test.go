package bus_test

import (
	"context"
	"fmt"

	"github.com/ashlar-dev/ashlar/patterns/bus"
	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/membus"
)

// To run on Kafka, change the one line that makes the driver, and nothing else:
//
//	broker := kafkabus.New([]string{"127.0.0.1:9092"}, nil)
func Example() {
	broker := membus.New(nil)

	ctx := context.Background()
	b, err := bus.New(broker, &bus.Options{Source: "/shop"})
	if err != nil {
		panic(err)
	}
	type Placed struct {
		Order string `json:"order"`
	}
	placed, err := bus.Define(nil, bus.EventType{Name: "shop.order.placed", Topic: "orders", Version: 1}, func(p *Placed) string { return p.Order }, nil)
	if err != nil {
		panic(err)
	}
	if err := b.Ensure(ctx, driver.Topic{Name: "orders"}); err != nil {
		panic(err)
	}
	done := make(chan struct{})
	handler, err := bus.Routes(bus.On(placed, func(_ context.Context, e bus.Event, p *Placed) error {
		fmt.Println(e.Type, "of", p.Order)
		close(done)
		return nil
	}))
	if err != nil {
		panic(err)
	}
	if _, err := b.Subscribe(ctx, bus.Subscription{Topics: []string{"orders"}, Group: "billing"}, handler); err != nil {
		panic(err)
	}
	if err := placed.Publish(ctx, b, Placed{Order: "42"}); err != nil {
		panic(err)
	}
	<-done
	if err := b.Close(ctx); err != nil {
		panic(err)
	}
	// Output: shop.order.placed of 42
}
