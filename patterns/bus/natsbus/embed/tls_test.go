package embed_test

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/bus/natsbus"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, client := drivertest.Certificate(t)
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(),
		TLS: true, TLSConfig: cert, TLSTimeout: 5, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server did not start")
	}
	with := func(c *tls.Config) driver.Bus {
		return natsbus.New(s.ClientURL(), &natsbus.Options{Client: []nats.Option{nats.Secure(c)}})
	}
	drivertest.Encrypted(t, with(client), with(&tls.Config{MinVersion: tls.VersionTLS12}), false)
}
