package embed_test

import (
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/bus/natsbus"
	"github.com/ashlar-dev/ashlar/patterns/bus/natsbus/embed"
)

func TestDriver(t *testing.T) {
	t.Parallel()
	srv, err := embed.Start(&embed.Options{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	drivertest.Run(t, drivertest.Harness{
		Open:     func(testing.TB) driver.Bus { return natsbus.New(srv.URL(), &natsbus.Options{Lease: 2 * time.Second}) },
		MaxBytes: 1<<20 + 1, AnyKey: true,
	})
}
