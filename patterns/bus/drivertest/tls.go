package drivertest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Certificate returns settings of a server at 127.0.0.1 and of clients that trust it.
func Certificate(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "drivertest"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12},
		&tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
}

// TLSFront listens with the server's certificate and passes what it decrypts on
// to a broker that speaks plainly, as a balancer in front of one does.
func TLSFront(t testing.TB, server *tls.Config, broker string) (address string) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { relay(in, broker) })
		}
	})
	return l.Addr().String()
}

// relay copies both ways until either side ends.
func relay(in net.Conn, broker string) {
	defer in.Close()
	out, err := net.Dial("tcp", broker)
	if err != nil {
		return
	}
	defer out.Close()
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
	_, _ = io.Copy(in, out) // how it ended does not matter
	_ = in.Close()
	wg.Wait()
}

// Encrypted sends a record through the bus and back. The other bus does not
// trust the server and must refuse it.
func Encrypted(t *testing.T, trusting, other driver.Bus, groups bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	t.Cleanup(func() { cut(trusting); cut(other) })
	g := Name("g")
	to := driver.Topic{Name: Name("t"), Partitions: 1}
	if groups {
		to.Groups = []string{g}
	}
	if err := trusting.Ensure(ctx, []driver.Topic{to}); err != nil {
		t.Fatalf("Ensure over TLS: %v", err)
	}
	c, err := trusting.Subscribe(ctx, driver.Subscription{Topics: []string{to.Name}, Group: g, Start: start(trusting), MaxInFlight: 1, OnRevoke: func([]driver.Owned, bool) {}})
	if err != nil {
		t.Fatalf("Subscribe over TLS: %v", err)
	}
	publish(t, trusting, driver.Record{Topic: to.Name, Key: "k", Body: []byte("secret")})
	ds, err := c.Fetch(ctx, 1)
	if err != nil || string(ds[0].Body) != "secret" {
		t.Errorf("Fetch over TLS: %v, %v", ds, err)
	}
	if err := c.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
	short, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	if _, err := other.Describe(short); err == nil {
		t.Error("a client that does not trust the server's certificate talks to it all the same")
	}
}
