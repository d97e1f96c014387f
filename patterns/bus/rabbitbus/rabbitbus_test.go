package rabbitbus_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/bus/rabbitbus"
)

func TestMain(m *testing.M) {
	drivertest.Announce("rabbitbus", "ASHLAR_RABBITMQ", func(url string) driver.Bus { return rabbitbus.New(url, nil) })
	goleak.VerifyTestMain(m)
}

func TestDriver(t *testing.T) {
	t.Parallel()
	url := drivertest.Need(t, "ASHLAR_RABBITMQ")
	drivertest.Run(t, drivertest.Harness{
		Open:     func(testing.TB) driver.Bus { return rabbitbus.New(url, &rabbitbus.Options{Silence: 2 * time.Second}) },
		MaxBytes: 16<<20 + 1, AnyKey: true, Attempts: true,
	})
}
