package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/auth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Keys are made once: RSA takes its time.
var (
	rsaKey  = sync.OnceValue(func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k })
	rsaKey2 = sync.OnceValue(func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k })
	ecKey   = sync.OnceValue(func() *ecdsa.PrivateKey { k, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader); return k })
	ec384   = sync.OnceValue(func() *ecdsa.PrivateKey { k, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader); return k })
	edKey   = sync.OnceValue(func() ed25519.PrivateKey { _, k, _ := ed25519.GenerateKey(rand.Reader); return k })
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: start} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// issuer publishes keys and signs tokens.
type issuer struct {
	*httptest.Server
	mu     sync.Mutex
	keys   []map[string]string
	age    string
	down   bool
	raw    string // served in place of the keys
	asked  int    // for keys
	claims string // issuer that the discovery document says; "": the true one
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewServer(i)
	t.Cleanup(func() { i.CloseClientConnections(); i.Close() })
	i.publish("r1", "RS256", &rsaKey().PublicKey)
	i.publish("e1", "", &ecKey().PublicKey)
	i.publish("e3", "", &ec384().PublicKey)
	i.publish("d1", "EdDSA", edKey().Public())
	i.mu.Lock()
	i.keys = append(i.keys, map[string]string{"kid": "enc", "use": "enc", "kty": "RSA"}, map[string]string{"kid": "odd", "kty": "PQC"})
	i.mu.Unlock()
	return i
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (i *issuer) publish(kid, alg string, k crypto.PublicKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	j := map[string]string{"kid": kid, "use": "sig", "alg": alg}
	switch p := k.(type) {
	case *rsa.PublicKey:
		j["kty"], j["n"], j["e"] = "RSA", b64(p.N.Bytes()), b64(big.NewInt(int64(p.E)).Bytes())
	case *ecdsa.PublicKey:
		b, _ := p.Bytes()
		n := (len(b) - 1) / 2
		j["kty"], j["crv"], j["x"], j["y"] = "EC", p.Params().Name, b64(b[1:1+n]), b64(b[1+n:])
	case ed25519.PublicKey:
		j["kty"], j["crv"], j["x"] = "OKP", "Ed25519", b64(p)
	}
	i.keys = append(i.keys, j)
}

func (i *issuer) set(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f()
}

func (i *issuer) questions() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if r.URL.Path == "/jwks" {
		i.asked++
	}
	switch {
	case i.down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/.well-known/openid-configuration":
		iss := i.claims
		if iss == "" {
			iss = i.URL
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": iss, "jwks_uri": i.URL + "/jwks"})
	case r.URL.Path == "/jwks" && i.raw != "":
		_, _ = w.Write([]byte(i.raw))
	case r.URL.Path == "/jwks":
		if i.age != "" {
			w.Header().Set("Cache-Control", "public, max-age="+i.age)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": i.keys})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// claims are those of a good token, edited.
func (i *issuer) good(edit jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{
		"iss": i.URL, "aud": "payments", "sub": "ann", "tenant": "acme", "azp": "shop-web",
		"iat": start.Unix(), "exp": start.Add(5 * time.Minute).Unix(), "scope": "read write", "roles": []string{"admin"},
	}
	for k, v := range edit {
		if v == nil {
			delete(c, k)
		} else {
			c[k] = v
		}
	}
	return c
}

func sign(t *testing.T, m jwt.SigningMethod, key any, kid string, c jwt.MapClaims) string {
	t.Helper()
	tok := jwt.NewWithClaims(m, c)
	if kid != "" {
		tok.Header["kid"] = kid
	}
	s, err := tok.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newVerifier(t *testing.T, i *issuer, c *clock, edit func(*auth.VerifierOptions)) *auth.Verifier {
	t.Helper()
	o := &auth.VerifierOptions{Now: c.Now}
	if edit != nil {
		edit(o)
	}
	v, err := auth.NewVerifier(i.URL, "payments", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func mustDecode(s string, v any) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		panic(err)
	}
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b64(b)
}
