package kafkabus_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/bus/kafkabus"
)

func TestMain(m *testing.M) {
	if args := os.Getenv(childTransform); args != "" {
		if err := transform(args); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
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
