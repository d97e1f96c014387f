package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/auth"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: start.Add(-time.Hour), NotAfter: start.Add(1000 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

// issue writes cert.pem, key.pem and ca.pem for a name into a folder.
func (a *authority) issue(t *testing.T, dir, name string, trusted ...*authority) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	tmpl := &x509.Certificate{SerialNumber: serial, NotBefore: start.Add(-time.Hour), NotAfter: start.Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	if strings.HasPrefix(name, "spiffe://") {
		u, err := url.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		tmpl.URIs = []*url.URL{u}
	} else {
		tmpl.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	pk, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	ca := ""
	for _, tr := range append(trusted, a) {
		ca += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tr.cert.Raw}))
	}
	put(t, filepath.Join(dir, "cert.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	put(t, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pk})))
	put(t, filepath.Join(dir, "ca.pem"), ca)
	return dir
}

func mutual(t *testing.T, dir string, c *clock, peers ...string) *auth.MutualTLS {
	t.Helper()
	m, err := auth.NewMutualTLS(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem"), &auth.MutualTLSOptions{Peers: peers, Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func serve(t *testing.T, m *auth.MutualTLS) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Join(auth.PeerNames(*r.TLS), " "))
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = m.Server()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.URL
}

func call(t *testing.T, cfg *tls.Config, url string) (string, error) {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: cfg}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func client(t *testing.T, m *auth.MutualTLS, name string) *tls.Config {
	t.Helper()
	cfg, err := m.Client(name)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestMutualTLS(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), newClock()
	a, stranger := newAuthority(t, "a"), newAuthority(t, "stranger")
	const orders, evil = "spiffe://shop/ns/default/sa/orders", "spiffe://shop/ns/default2/sa/orders"
	url := serve(t, mutual(t, a.issue(t, filepath.Join(dir, "payments"), "payments.shop.svc"), c, "spiffe://shop/ns/default/*"))
	good := mutual(t, a.issue(t, filepath.Join(dir, "orders"), orders), c)
	if body, err := call(t, client(t, good, "payments.shop.svc"), url); err != nil || body != orders {
		t.Fatalf("%q, %v", body, err)
	}
	var peer *auth.PeerError
	if _, err := call(t, client(t, good, "inventory.shop.svc"), url); !errors.As(err, &peer) || peer.Names[0] != "payments.shop.svc" {
		t.Errorf("another server: %v", err)
	}
	for name, m := range map[string]*auth.MutualTLS{
		"a client of another authority": mutual(t, stranger.issue(t, filepath.Join(dir, "s"), orders, a), c),
		"a client of another name":      mutual(t, a.issue(t, filepath.Join(dir, "e"), evil), c),
		"a client that climbs":          mutual(t, a.issue(t, filepath.Join(dir, "u"), "spiffe://shop/ns/default/../x"), c),
	} {
		if body, err := call(t, client(t, m, "payments.shop.svc"), url); err == nil {
			t.Errorf("%s is served: %s", name, body)
		}
	}
	bare := client(t, good, "payments.shop.svc")
	bare.GetClientCertificate = nil
	if body, err := call(t, bare, url); err == nil {
		t.Errorf("a client without a certificate is served: %s", body)
	}
	fake := serve(t, mutual(t, stranger.issue(t, filepath.Join(dir, "fake"), "payments.shop.svc", a), c))
	if _, err := call(t, client(t, good, "payments.shop.svc"), fake); !errors.As(err, &peer) || peer.Err == nil {
		t.Errorf("a server of another authority: %v", err)
	}
	c.Add(25 * time.Hour) // the certificates have ended
	if _, err := call(t, client(t, good, "payments.shop.svc"), url); err == nil {
		t.Error("an expired certificate is taken")
	}
	if err := good.Trouble(); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("trouble: %v", err)
	}
	if _, err := good.Client(""); err == nil {
		t.Error("a client that does not know whom it calls")
	}
}

func TestCertificatesAreRotatedWithoutARestart(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), newClock()
	old, next := newAuthority(t, "old"), newAuthority(t, "next")
	sdir, cdir := filepath.Join(dir, "payments"), filepath.Join(dir, "orders")
	server := mutual(t, old.issue(t, sdir, "payments"), c)
	url := serve(t, server)
	m := mutual(t, old.issue(t, cdir, "orders"), c)
	cfg := client(t, m, "payments")
	works := func() error { _, err := call(t, cfg, url); return err }
	if err := works(); err != nil {
		t.Fatal(err)
	}
	next.issue(t, sdir, "payments", old) // the server is first, and still trusts the old
	c.Add(6 * time.Second)
	if err := works(); err == nil {
		t.Fatal("the client takes an authority that it does not know")
	}
	next.issue(t, cdir, "orders", old)
	c.Add(6 * time.Second)
	if err := works(); err != nil {
		t.Fatal(err)
	}
	// Certificate and key that do not fit together are passed over, and told.
	put(t, filepath.Join(cdir, "key.pem"), "nonsense")
	c.Add(6 * time.Second)
	if err := works(); err != nil {
		t.Fatal(err)
	}
	if err := m.Trouble(); err == nil {
		t.Error("no trouble")
	}
}
