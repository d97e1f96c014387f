package rabbitbus_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/bus/rabbitbus"
)

const server = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// ownBroker starts a RabbitMQ of the test's own, under the user of its package
// when the test runs as root.
func ownBroker(t *testing.T) (*drivertest.Process, string) {
	t.Helper()
	drivertest.Need(t, "ASHLAR_RABBITMQ")
	dir, port := t.TempDir(), drivertest.FreePort(t)
	epmd := drivertest.FreePort(t)
	for name, text := range map[string]string{"plugins": "[].\n", "rabbitmq.conf": "loopback_users.guest = true\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var as []string
	if os.Getuid() == 0 {
		u, err := user.Lookup("rabbitmq")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		for _, f := range []string{dir, filepath.Join(dir, "plugins"), filepath.Join(dir, "rabbitmq.conf")} {
			if err := os.Chown(f, uid, -1); err != nil {
				t.Fatal(err)
			}
		}
		for up := dir; up != "/" && up != os.TempDir(); up = filepath.Dir(up) {
			if err := os.Chmod(up, 0o755); err != nil { // the server's user must reach it
				t.Fatal(err)
			}
		}
		as = []string{"setpriv", "--reuid=rabbitmq", "--regid=rabbitmq", "--clear-groups"}
	}
	env := []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8",
		fmt.Sprintf("RABBITMQ_NODENAME=own%d@localhost", port), "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", fmt.Sprintf("RABBITMQ_NODE_PORT=%d", port),
		fmt.Sprintf("RABBITMQ_DIST_PORT=%d", drivertest.FreePort(t)), "RABBITMQ_MNESIA_BASE=" + dir + "/data", "RABBITMQ_LOG_BASE=" + dir + "/logs", "RABBITMQ_LOGS=-",
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + dir + "/plugins", "RABBITMQ_CONF_ENV_FILE=/dev/null", "RABBITMQ_CONFIG_FILE=" + dir + "/rabbitmq",
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +S 2:2",
		"ERL_EPMD_ADDRESS=127.0.0.1", fmt.Sprintf("ERL_EPMD_PORT=%d", epmd)}
	p := &drivertest.Process{Address: drivertest.Local(port), Ready: "Server startup complete", Command: func() *exec.Cmd {
		args := append(append([]string(nil), as...), server)
		c := exec.Command(args[0], args[1:]...)
		c.Env = env
		return c
	}}
	// Erlang's port mapper would start itself as a daemon that outlives the node and
	// every process group. Started here first, it is a process like another: known by
	// its id, and ended after the node.
	mapper := &drivertest.Process{Address: drivertest.Local(epmd), Command: func() *exec.Cmd {
		args := append(append([]string(nil), as...), "epmd", "-port", strconv.Itoa(epmd), "-address", "127.0.0.1")
		c := exec.Command(args[0], args[1:]...)
		c.Env = env
		return c
	}}
	mapper.Start(t)
	p.Start(t)
	return p, "amqp://guest:guest@" + drivertest.Local(port) + "/"
}

func TestFaults(t *testing.T) {
	t.Parallel()
	p, url := ownBroker(t)
	drivertest.Faults(t, drivertest.Harness{
		Open:         func(testing.TB) driver.Bus { return rabbitbus.New(url, &rabbitbus.Options{Silence: 2 * time.Second}) },
		Restart:      p.Restart,
		RestartEvery: 20, // starting it is most of the test's time
	}, 4, drivertest.Count(20, 200))
}
