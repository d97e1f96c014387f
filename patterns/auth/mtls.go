package auth

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// MutualTLSOptions of [NewMutualTLS]; nil and the zero value are the default.
type MutualTLSOptions struct {
	// Peers are the names that the other side may have, of which its certificate
	// must bear one: DNS names, or SPIFFE IDs such as
	// spiffe://shop/ns/default/sa/orders; a trailing /* takes all below. Default:
	// a server takes every client that the authorities have signed; a client must
	// name the server, here or as ServerName.
	Peers []string
	// Check is how often the files are looked at, at most; default 5 s.
	Check time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// MutualTLS makes TLS configurations in which both sides show certificates.
// Files are read again when they change: a rotated certificate, or another
// authority, holds for the next handshake without a restart. Versions that do
// not fit together (certificate and key are two files) are passed over.
type MutualTLS struct {
	opts          MutualTLSOptions
	cert, key, ca *Secret

	mu   sync.Mutex
	seen [3]uint64
	pair tls.Certificate
	pool *x509.CertPool
	err  error
}

// NewMutualTLS reads a certificate with its chain, its key, and the authorities
// that the other side's certificate must come from, all PEM.
func NewMutualTLS(certFile, keyFile, caFile string, opts *MutualTLSOptions) (*MutualTLS, error) {
	m := &MutualTLS{}
	if opts != nil {
		m.opts = *opts
	}
	if m.opts.Now == nil {
		m.opts.Now = time.Now
	}
	var errs []error
	for _, p := range m.opts.Peers {
		if p == "" || (strings.Contains(p, "://") && !strings.HasPrefix(p, "spiffe://")) {
			errs = append(errs, fmt.Errorf("auth: peer %q is neither a DNS name nor a SPIFFE ID", p))
		}
	}
	for _, f := range []struct {
		to   **Secret
		path string
	}{{&m.cert, certFile}, {&m.key, keyFile}, {&m.ca, caFile}} {
		s, err := OpenSecret(f.path, &SecretOptions{Check: m.opts.Check, Now: m.opts.Now})
		*f.to = s
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if _, _, err := m.current(); err != nil {
		return nil, err
	}
	return m, nil
}

// current returns what counts for a handshake that begins now.
func (m *MutualTLS) current() (*tls.Certificate, *x509.CertPool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := [3]uint64{m.cert.Version(), m.key.Version(), m.ca.Version()}
	if now != m.seen {
		pair, pool, err := m.load()
		m.err = err
		if err == nil {
			m.pair, m.pool, m.seen = pair, pool, now
		}
	}
	if m.pool == nil {
		return nil, nil, m.err
	}
	return &m.pair, m.pool, nil
}

// Trouble returns why the files as they are now cannot be used; the last good
// ones serve meanwhile. A readiness test.
func (m *MutualTLS) Trouble() error {
	_, _, _ = m.current()
	m.mu.Lock()
	defer m.mu.Unlock()
	errs := []error{m.err, m.cert.Trouble(), m.key.Trouble(), m.ca.Trouble()}
	if leaf := m.pair.Leaf; leaf != nil && m.opts.Now().After(leaf.NotAfter) {
		errs = append(errs, fmt.Errorf("auth: our certificate ended at %s", leaf.NotAfter.UTC().Format(time.RFC3339)))
	}
	return errors.Join(errs...)
}

func (m *MutualTLS) load() (tls.Certificate, *x509.CertPool, error) {
	pair, err := tls.X509KeyPair([]byte(m.cert.Reveal()), []byte(m.key.Reveal()))
	if err != nil {
		return pair, nil, fmt.Errorf("auth: certificate %s and key %s: %w", m.cert.path, m.key.path, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(m.ca.Reveal())) {
		return pair, nil, fmt.Errorf("auth: authorities %s: no certificate in PEM", m.ca.path)
	}
	return pair, pool, nil
}

// Server returns the configuration of a server: clients must show a certificate.
func (m *MutualTLS) Server() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, _, err := m.current()
			return pair, err
		},
		// Verified here and not by ClientAuth: so that the authorities of this
		// moment count, also for sessions that are resumed.
		VerifyConnection: func(cs tls.ConnectionState) error {
			return m.verify(cs, x509.ExtKeyUsageClientAuth, m.opts.Peers)
		},
		NextProtos: []string{"h2", "http/1.1"},
	}
}

// Client returns the configuration of a client. The server must be serverName,
// or when that is empty one of Peers. What the connection is dialled to does not
// count: services behind a registry are dialled by address.
func (m *MutualTLS) Client(serverName string) (*tls.Config, error) {
	peers := m.opts.Peers
	if serverName != "" {
		peers = []string{serverName}
	}
	if len(peers) == 0 {
		return nil, errors.New("auth: a client must know whom it calls: name the server, or set Peers")
	}
	sni := ""
	if !strings.Contains(peers[0], "://") {
		sni = peers[0]
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: sni,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, _, err := m.current()
			return pair, err
		},
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection verifies all of it: chain, times, usage, name
		VerifyConnection: func(cs tls.ConnectionState) error {
			return m.verify(cs, x509.ExtKeyUsageServerAuth, peers)
		},
	}, nil
}

// PeerError is a certificate of the other side that was refused.
type PeerError struct {
	Names  []string // that it bears
	Wanted []string // of which it should bear one; nil: any
	Err    error    // why the chain does not hold; nil: it does, the name is wrong
}

func (e *PeerError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("auth: peer %v: %v", e.Names, e.Err)
	}
	return fmt.Sprintf("auth: peer is %v, want one of %v", e.Names, e.Wanted)
}

func (e *PeerError) Unwrap() error { return e.Err }

func (m *MutualTLS) verify(cs tls.ConnectionState, usage x509.ExtKeyUsage, peers []string) error {
	_, pool, err := m.current()
	if err != nil {
		return err
	}
	if len(cs.PeerCertificates) == 0 {
		return &PeerError{Wanted: peers, Err: errors.New("shows no certificate")}
	}
	leaf := cs.PeerCertificates[0]
	opts := x509.VerifyOptions{Roots: pool, Intermediates: x509.NewCertPool(), CurrentTime: m.opts.Now(), KeyUsages: []x509.ExtKeyUsage{usage}}
	for _, c := range cs.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	if _, err := leaf.Verify(opts); err != nil {
		return &PeerError{Names: PeerNames(cs), Wanted: peers, Err: err}
	}
	if len(peers) > 0 && !slices.ContainsFunc(peers, func(p string) bool { return bears(leaf, p) }) {
		return &PeerError{Names: PeerNames(cs), Wanted: peers}
	}
	return nil
}

// bears reports whether a certificate has a name.
func bears(c *x509.Certificate, want string) bool {
	if !strings.HasPrefix(want, "spiffe://") {
		return c.VerifyHostname(want) == nil
	}
	prefix, below := strings.CutSuffix(want, "/*")
	// SPIFFE's X.509-SVID, 2: exactly one URI, or it is none.
	if len(c.URIs) != 1 {
		return false
	}
	got := c.URIs[0].String()
	return got == want || (below && strings.HasPrefix(got, prefix+"/") && clean(c.URIs[0]))
}

// clean refuses paths that climb out of where they seem to be.
func clean(u *url.URL) bool {
	return !slices.ContainsFunc(strings.Split(u.Path, "/"), func(s string) bool { return s == "." || s == ".." })
}

// PeerNames returns the names that the other side's certificate bears: SPIFFE
// IDs first, then DNS names.
func PeerNames(cs tls.ConnectionState) []string {
	if len(cs.PeerCertificates) == 0 {
		return nil
	}
	var out []string
	for _, u := range cs.PeerCertificates[0].URIs {
		out = append(out, u.String())
	}
	return append(out, cs.PeerCertificates[0].DNSNames...)
}
