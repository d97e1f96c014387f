package embed_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/bus/natsbus"
	"github.com/ashlar-dev/ashlar/patterns/bus/natsbus/embed"
)

// Set, this program is the server that a test kills: the folder and the port.
const childFolder, childPort = "ASHLAR_TEST_NATS_FOLDER", "ASHLAR_TEST_NATS_PORT"

func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		port, err := strconv.Atoi(os.Getenv(childPort))
		if err == nil {
			_, err = embed.Start(&embed.Options{Folder: folder, Port: port})
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		select {} // until it is killed
	}
	announce()
	goleak.VerifyTestMain(m)
}

// announce starts a server only to ask it: what it is does not depend on its data.
func announce() {
	folder, err := os.MkdirTemp("", "ashlar-nats-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer os.RemoveAll(folder)
	srv, err := embed.Start(&embed.Options{Folder: folder})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer srv.Close()
	drivertest.Announce("natsbus", "", func(string) driver.Bus { return natsbus.New(srv.URL(), nil) })
}

func ownServer(t *testing.T) (*drivertest.Process, string) {
	t.Helper()
	dir, port := t.TempDir(), drivertest.FreePort(t)
	p := &drivertest.Process{Address: drivertest.Local(port), Command: func() *exec.Cmd {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), childFolder+"="+dir, childPort+"="+strconv.Itoa(port))
		return c
	}}
	p.Start(t)
	return p, "nats://" + drivertest.Local(port)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	p, url := ownServer(t)
	drivertest.Faults(t, drivertest.Harness{
		Open:    func(testing.TB) driver.Bus { return natsbus.New(url, &natsbus.Options{Lease: 2 * time.Second}) },
		Restart: p.Restart,
	}, 3, drivertest.Count(20, 200))
}
