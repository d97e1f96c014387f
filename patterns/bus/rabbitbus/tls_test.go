package rabbitbus_test

import (
	"crypto/tls"
	"net/url"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/bus/rabbitbus"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	broker, err := url.Parse(drivertest.Need(t, "ASHLAR_RABBITMQ"))
	if err != nil {
		t.Fatal(err)
	}
	cert, client := drivertest.Certificate(t)
	front := *broker
	front.Scheme, front.Host = "amqps", drivertest.TLSFront(t, cert, broker.Host)
	with := func(c *tls.Config) driver.Bus {
		return rabbitbus.New(front.String(), &rabbitbus.Options{Silence: 2 * time.Second, Config: amqp.Config{TLSClientConfig: c}})
	}
	drivertest.Encrypted(t, with(client), with(&tls.Config{MinVersion: tls.VersionTLS12}), true)
}
