package kafkabus_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/bus/kafkabus"
	"github.com/ashlar-dev/ashlar/patterns/internal/crashtest"
)

func TestMain(m *testing.M) {
	crashtest.Main(map[string]func(context.Context) error{"transform": transformRole})
	drivertest.Announce("kafkabus", "ASHLAR_KAFKA", open)
	goleak.VerifyTestMain(m)
}

func open(seed string) driver.Bus {
	return kafkabus.New([]string{seed}, &kafkabus.Options{SessionTimeout: 3 * time.Second})
}

func TestDriver(t *testing.T) {
	t.Parallel()
	seed := drivertest.Need(t, "ASHLAR_KAFKA")
	drivertest.Run(t, drivertest.Harness{
		Open:     func(testing.TB) driver.Bus { return open(seed) },
		MaxBytes: 1<<20 + 1, AnyKey: true,
	})
}
