package kafkabus_test

import (
	"context"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus"
	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/bus/kafkabus"
	"github.com/ashlar-dev/ashlar/patterns/bus/membus"
)

// What package bus shows on membus runs on Kafka by the change of one line.
func Example() {
	broker := kafkabus.New([]string{"127.0.0.1:9092"}, nil) // was: membus.New(nil)

	b, err := bus.New(broker, &bus.Options{Source: "/shop"})
	if err != nil {
		panic(err)
	}
	if err := b.Close(context.Background()); err != nil {
		panic(err)
	}
	// Output:
}

// One program, which is told its broker and nothing else, on both.
func TestOneLine(t *testing.T) {
	t.Parallel()
	program := func(broker driver.Bus) string {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		b, err := bus.New(broker, &bus.Options{Source: "/shop"})
		if err != nil {
			t.Fatal(err)
		}
		topic := drivertest.Name("orders")
		type Placed struct {
			Order string `json:"order"`
		}
		placed, err := bus.Define(nil, bus.EventType{Name: "shop.order.placed", Topic: topic, Version: 1}, func(p *Placed) string { return p.Order }, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Ensure(ctx, driver.Topic{Name: topic}); err != nil {
			t.Fatal(err)
		}
		done := make(chan string, 1)
		handler, err := bus.Routes(bus.On(placed, func(_ context.Context, e bus.Event, p *Placed) error {
			done <- e.Type + " of " + p.Order + " under " + e.Key
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Subscribe(ctx, bus.Subscription{Topics: []string{topic}, Group: drivertest.Name("billing")}, handler); err != nil {
			t.Fatal(err)
		}
		if err := placed.Publish(ctx, b, Placed{Order: "42"}); err != nil {
			t.Fatal(err)
		}
		got := <-done
		if err := b.Close(ctx); err != nil {
			t.Fatal(err)
		}
		return got
	}
	seed := drivertest.Need(t, "ASHLAR_KAFKA")
	for _, broker := range []driver.Bus{membus.New(nil), kafkabus.New([]string{seed}, nil)} {
		if got := program(broker); got != "shop.order.placed of 42 under 42" {
			t.Errorf("%s: %q", broker.Traits().Name, got)
		}
	}
}
