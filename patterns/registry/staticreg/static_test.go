package staticreg_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/registry/staticreg"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuite(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, func(*testing.T) drivertest.Harness {
		var all []*staticreg.Static
		return drivertest.Harness{
			Open: func(*testing.T) driver.Registry {
				s := staticreg.New()
				all = append(all, s)
				return s
			},
			Set: func(t *testing.T, service string, instances []driver.Instance) {
				for _, s := range all {
					if err := s.Set(service, instances...); err != nil {
						t.Fatal(err)
					}
				}
			},
		}
	})
}

func TestSetRefusesWhatCannotBeCalled(t *testing.T) {
	t.Parallel()
	s := staticreg.New()
	err := s.Set("payments", driver.Instance{Address: "10.0.0.1:80"}, driver.Instance{Port: 80})
	var invalid *driver.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("err = %v", err)
	}
	t.Log(err)
}
