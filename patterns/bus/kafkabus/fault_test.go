package kafkabus_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/bus/kafkabus"
)

const properties = `process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d
advertised.listeners=PLAINTEXT://127.0.0.1:%[1]d
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:%[2]d
log.dirs=%[3]s/data
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=16777216
`

// ownBroker starts a Kafka of the test's own from the jars that the shared one uses.
func ownBroker(t *testing.T) (*drivertest.Process, string) {
	t.Helper()
	lib := drivertest.Need(t, "ASHLAR_KAFKA_LIB")
	dir, port := t.TempDir(), drivertest.FreePort(t)
	conf := filepath.Join(dir, "server.properties")
	if err := os.WriteFile(conf, fmt.Appendf(nil, properties, port, drivertest.FreePort(t), dir), 0o600); err != nil {
		t.Fatal(err)
	}
	java := func(args ...string) *exec.Cmd {
		return exec.Command("java", append([]string{"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.configurationFile=" + lib + "/log4j2.properties", "-cp", lib + "/*"}, args...)...)
	}
	if out, err := java("kafka.tools.StorageTool", "format", "--standalone", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", conf).CombinedOutput(); err != nil {
		t.Fatalf("format: %v\n%s", err, out)
	}
	p := &drivertest.Process{Command: func() *exec.Cmd { return java("kafka.Kafka", conf) }, Address: drivertest.Local(port), Ready: "Kafka Server started"}
	p.Start(t)
	return p, drivertest.Local(port)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	p, seed := ownBroker(t)
	drivertest.Faults(t, drivertest.Harness{
		Open: func(testing.TB) driver.Bus {
			return kafkabus.New([]string{seed}, &kafkabus.Options{SessionTimeout: 2 * time.Second})
		},
		Restart:      p.Restart,
		RestartEvery: 20, // starting it is most of the test's time
	}, 2, drivertest.Count(20, 200))
}
