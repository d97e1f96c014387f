package membus_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/bus/membus"
)

func TestMain(m *testing.M) {
	drivertest.Announce("membus", "", func(string) driver.Bus { return membus.New(nil) })
	goleak.VerifyTestMain(m)
}

func TestDriver(t *testing.T) {
	t.Parallel()
	b := membus.NewBroker(nil)
	drivertest.Run(t, drivertest.Harness{
		Open:     func(testing.TB) driver.Bus { return b.Connect() },
		MaxBytes: 1<<20 + 1, AnyKey: true,
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	b := membus.NewBroker(nil)
	drivertest.Faults(t, drivertest.Harness{Open: func(testing.TB) driver.Bus { return b.Connect() }}, 1, drivertest.Count(20, 200))
}
