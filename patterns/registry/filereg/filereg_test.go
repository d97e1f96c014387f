package filereg_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/registry/filereg"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, func(t *testing.T) drivertest.Harness {
		dir := t.TempDir()
		return drivertest.Harness{
			Open: func(t *testing.T) driver.Registry {
				r, err := filereg.Open(dir, &filereg.Options{Poll: 10 * time.Millisecond, Lease: 3 * time.Second})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = r.Close() })
				return r
			},
			Interval:        50 * time.Millisecond,
			DeregisterAfter: 200 * time.Millisecond, GoneWithin: 10 * time.Second,
			Fallback: "127.0.0.1",
		}
	})
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
