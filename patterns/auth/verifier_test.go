package auth_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/ashlar-dev/ashlar/patterns/auth"
)

func TestGoodTokens(t *testing.T) {
	t.Parallel()
	i, c := newIssuer(t), newClock()
	v := newVerifier(t, i, c, nil)
	for name, token := range map[string]string{
		"RS256":                      sign(t, jwt.SigningMethodRS256, rsaKey(), "r1", i.good(nil)),
		"ES256":                      sign(t, jwt.SigningMethodES256, ecKey(), "e1", i.good(nil)),
		"EdDSA":                      sign(t, jwt.SigningMethodEdDSA, edKey(), "d1", i.good(nil)),
		"no kid, one key that fits":  sign(t, jwt.SigningMethodES256, ecKey(), "", i.good(nil)),
		"several audiences":          sign(t, jwt.SigningMethodES256, ecKey(), "e1", i.good(jwt.MapClaims{"aud": []string{"x", "payments"}})),
		"expired within the skew":    sign(t, jwt.SigningMethodES256, ecKey(), "e1", i.good(jwt.MapClaims{"exp": start.Add(-20 * time.Second).Unix()})),
		"from a clock that is ahead": sign(t, jwt.SigningMethodES256, ecKey(), "e1", i.good(jwt.MapClaims{"iat": start.Add(20 * time.Second).Unix(), "nbf": start.Add(20 * time.Second).Unix()})),
	} {
		id, err := v.Verify(t.Context(), token)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if id.Subject != "ann" || id.Tenant != "acme" || id.Client != "shop-web" || !id.HasScope("write") || !id.HasRole("admin") || id.HasScope("w") {
			t.Errorf("%s: %+v", name, id)
		}
	}
	if n := i.questions(); n != 1 {
		t.Errorf("the issuer was asked %d times for its keys", n)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	i, c := newIssuer(t), newClock()
	v := newVerifier(t, i, c, nil)
	es := func(edit jwt.MapClaims) string {
		return sign(t, jwt.SigningMethodES256, ecKey(), "e1", i.good(edit))
	}
	der, err := x509.MarshalPKIXPublicKey(&rsaKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	none := sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "e1", i.good(nil))
	crit := jwt.NewWithClaims(jwt.SigningMethodES256, i.good(nil))
	crit.Header["kid"], crit.Header["crit"] = "e1", []string{"b64"}
	withCrit, err := crit.SignedString(ecKey())
	if err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) int64 { return start.Add(d).Unix() }
	for _, tc := range []struct {
		name, token string
		kind        error
	}{
		{"no token", "", auth.ErrMissing},
		{"huge token", es(jwt.MapClaims{"x": strings.Repeat("x", 9000)}), auth.ErrTooLarge},
		{"not a token", "a.b.c", auth.ErrMalformed},
		{"two parts", "a.b", auth.ErrMalformed},
		{"alg none", none, auth.ErrAlgorithm},
		{"alg nOnE", strings.Replace(none, none[:strings.Index(none, ".")], b64([]byte(`{"alg":"nOnE","typ":"JWT","kid":"e1"}`)), 1), auth.ErrAlgorithm},
		{"HS256 with the public key as its secret", sign(t, jwt.SigningMethodHS256, asPEM, "r1", i.good(nil)), auth.ErrAlgorithm},
		{"an algorithm that is not allowed", sign(t, jwt.SigningMethodES384, ec384(), "e3", i.good(nil)), auth.ErrAlgorithm},
		{"no algorithm", b64([]byte(`{"kid":"e1"}`)) + "." + b64([]byte(`{}`)) + ".x", auth.ErrAlgorithm},
		{"wrong key type: RS256 with an EC key's kid", sign(t, jwt.SigningMethodRS256, rsaKey(), "e1", i.good(nil)), auth.ErrKeyType},
		{"wrong key type: ES256 with a P-384 key's kid", sign(t, jwt.SigningMethodES256, ecKey(), "e3", i.good(nil)), auth.ErrKeyType},
		{"wrong key type: PS256 where the key says RS256", sign(t, jwt.SigningMethodPS256, rsaKey(), "r1", i.good(nil)), auth.ErrKeyType},
		{"unknown kid", sign(t, jwt.SigningMethodES256, ecKey(), "zz", i.good(nil)), auth.ErrUnknownKey},
		{"a key for encryption", sign(t, jwt.SigningMethodRS256, rsaKey(), "enc", i.good(nil)), auth.ErrUnknownKey},
		{"signed by a stranger", sign(t, jwt.SigningMethodRS256, rsaKey2(), "r1", i.good(nil)), auth.ErrSignature},
		{"changed after signing", tamper(es(nil)), auth.ErrSignature},
		{"expired", es(jwt.MapClaims{"exp": at(-31 * time.Second)}), auth.ErrExpired},
		{"expired and by a stranger", sign(t, jwt.SigningMethodRS256, rsaKey2(), "r1", i.good(jwt.MapClaims{"exp": at(-time.Hour)})), auth.ErrSignature},
		{"never expires", es(jwt.MapClaims{"exp": nil}), auth.ErrClaims},
		{"not yet valid", es(jwt.MapClaims{"nbf": at(31 * time.Second)}), auth.ErrNotYetValid},
		{"issued in the future", es(jwt.MapClaims{"iat": at(time.Hour)}), auth.ErrNotYetValid},
		{"another issuer", es(jwt.MapClaims{"iss": "https://evil.example"}), auth.ErrIssuer},
		{"no issuer", es(jwt.MapClaims{"iss": nil}), auth.ErrClaims},
		{"another audience", es(jwt.MapClaims{"aud": "orders"}), auth.ErrAudience},
		{"no audience", es(jwt.MapClaims{"aud": nil}), auth.ErrClaims},
		{"no subject", es(jwt.MapClaims{"sub": nil}), auth.ErrClaims},
		{"a subject that is a number", es(jwt.MapClaims{"sub": 7}), auth.ErrClaims},
		{"an expiry that is a text", es(jwt.MapClaims{"exp": "soon"}), auth.ErrClaims},
		{"a header that must be understood", withCrit, auth.ErrMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			id, err := v.Verify(t.Context(), tc.token)
			var te *auth.TokenError
			if !errors.Is(err, tc.kind) || !errors.As(err, &te) || te.ErrorType() != tc.kind.Error() {
				t.Fatalf("got %+v, %v; want %v", id, err, tc.kind)
			}
			if id.Subject != "" {
				t.Fatalf("a refused token has an identity: %+v", id)
			}
			if len(tc.token) > 10 && strings.Contains(err.Error(), tc.token[:10]) {
				t.Fatalf("the error shows the token: %v", err)
			}
		})
	}
}

// tamper makes the subject another one.
func tamper(token string) string {
	parts := strings.Split(token, ".")
	var claims map[string]any
	mustDecode(parts[1], &claims)
	claims["sub"] = "root"
	parts[1] = encode(claims)
	return strings.Join(parts, ".")
}

func TestKeysDown(t *testing.T) {
	t.Parallel()
	i, c := newIssuer(t), newClock()
	i.set(func() { i.down = true })
	v := newVerifier(t, i, c, func(o *auth.VerifierOptions) { o.JWKS = i.URL + "/jwks"; o.MaxStale = time.Hour })
	token := sign(t, jwt.SigningMethodES256, ecKey(), "e1", i.good(jwt.MapClaims{"exp": start.Add(24 * time.Hour).Unix()}))
	for range 100 {
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, auth.ErrKeysUnavailable) {
			t.Fatalf("err = %v", err)
		}
	}
	if n := i.questions(); n != 1 {
		t.Fatalf("100 tokens asked an issuer that is down %d times", n)
	}
	if err := v.Ready(t.Context()); !errors.Is(err, auth.ErrKeysUnavailable) {
		t.Fatalf("ready: %v", err)
	}
	rec := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	v.Handler(http.NotFoundHandler()).ServeHTTP(rec, req)
	if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
		t.Errorf("a valid token while the keys are away: %d", rec.Code)
	}
	verify := func() error { _, err := v.Verify(t.Context(), token); return err }
	i.set(func() { i.down = false })
	c.Add(11 * time.Second) // past the pause
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	// It goes away again: known keys count on, up to MaxStale beyond their time.
	i.set(func() { i.down = true })
	for range 6 {
		c.Add(11 * time.Minute)
		if err := verify(); err != nil {
			t.Fatal(err)
		}
	}
	c.Add(5 * time.Minute) // 10 min fresh + 60 min stale are over
	if err := verify(); !errors.Is(err, auth.ErrKeysUnavailable) {
		t.Fatalf("keys count on after MaxStale: %v", err)
	}
	// An unknown kid while nobody can be asked is not the caller's fault for sure.
	i.set(func() { i.down = false })
	c.Add(11 * time.Second)
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	i.set(func() { i.down = true })
	c.Add(11 * time.Second)
	if _, err := v.Verify(t.Context(), sign(t, jwt.SigningMethodES256, ecKey(), "new", i.good(nil))); !errors.Is(err, auth.ErrKeysUnavailable) {
		t.Fatalf("err = %v", err)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	i, c := newIssuer(t), newClock()
	i.set(func() { i.age = "3600" })
	v := newVerifier(t, i, c, nil)
	exp := jwt.MapClaims{"exp": start.Add(24 * time.Hour).Unix()}
	old := sign(t, jwt.SigningMethodRS256, rsaKey(), "r1", i.good(exp))
	fresh := sign(t, jwt.SigningMethodRS256, rsaKey2(), "r2", i.good(exp))
	verify := func(token string) error { _, err := v.Verify(t.Context(), token); return err }
	if err := verify(old); err != nil {
		t.Fatal(err)
	}
	// The new key is found although the cached ones are fresh ...
	i.publish("r2", "RS256", &rsaKey2().PublicKey)
	c.Add(11 * time.Second)
	if err := verify(fresh); err != nil {
		t.Fatal(err)
	}
	// ... and made-up kids do not have the issuer asked at will.
	before := i.questions()
	var wg sync.WaitGroup
	for n := range 50 {
		wg.Go(func() {
			if err := verify(sign(t, jwt.SigningMethodRS256, rsaKey(), fmt.Sprint("made-up-", n), i.good(exp))); !errors.Is(err, auth.ErrUnknownKey) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := i.questions() - before; n > 1 {
		t.Errorf("50 made-up kids asked the issuer %d times", n)
	}
	// A key that was withdrawn stops counting once the cache has had its time.
	i.set(func() { i.keys = slices.DeleteFunc(i.keys, func(k map[string]string) bool { return k["kid"] == "r1" }) })
	c.Add(time.Hour + time.Minute)
	_ = verify(fresh) // starts the renewal in the background
	v.Close()         // waits for it
	if err := verify(old); !errors.Is(err, auth.ErrUnknownKey) {
		t.Fatalf("a withdrawn key: %v", err)
	}
	if err := verify(fresh); err != nil {
		t.Fatal(err)
	}
}

func TestAnIssuerThatIsNotWhoItSays(t *testing.T) {
	t.Parallel()
	i, c := newIssuer(t), newClock()
	i.set(func() { i.claims = "https://evil.example" })
	v := newVerifier(t, i, c, nil)
	_, err := v.Verify(t.Context(), sign(t, jwt.SigningMethodES256, ecKey(), "e1", i.good(nil)))
	if !errors.Is(err, auth.ErrKeysUnavailable) || !strings.Contains(err.Error(), "evil.example") {
		t.Fatalf("err = %v", err)
	}
}

func TestUselessKeySets(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"<html>", `{"keys":[]}`, `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`, `{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`,
		`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`, strings.Repeat(" ", 2<<20),
	} {
		i, c := newIssuer(t), newClock()
		i.set(func() { i.raw = raw })
		v := newVerifier(t, i, c, nil)
		if _, err := v.Verify(t.Context(), sign(t, jwt.SigningMethodES256, ecKey(), "e1", i.good(nil))); !errors.Is(err, auth.ErrKeysUnavailable) {
			t.Errorf("%.30q: %v", raw, err)
		}
	}
}

func TestOptionsOfClaims(t *testing.T) {
	t.Parallel()
	i, c := newIssuer(t), newClock()
	v := newVerifier(t, i, c, func(o *auth.VerifierOptions) {
		o.TenantClaim, o.RolesClaim, o.RequireTenant, o.Type = "https://shop.example/tenant", "realm_access.roles", true, "at+jwt"
	})
	token := func(typ string, edit jwt.MapClaims) string {
		tok := jwt.NewWithClaims(jwt.SigningMethodES256, i.good(edit))
		tok.Header["kid"], tok.Header["typ"] = "e1", typ
		s, err := tok.SignedString(ecKey())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	full := jwt.MapClaims{"https://shop.example/tenant": "acme", "realm_access": map[string]any{"roles": []string{"ops"}}, "tenant": nil}
	id, err := v.Verify(t.Context(), token("application/AT+jwt", full))
	if err != nil || id.Tenant != "acme" || !id.HasRole("ops") {
		t.Fatalf("%+v, %v", id, err)
	}
	if _, err := v.Verify(t.Context(), token("JWT", full)); !errors.Is(err, auth.ErrClaims) {
		t.Errorf("an ID token for an access token: %v", err)
	}
	delete(full, "https://shop.example/tenant")
	if _, err := v.Verify(t.Context(), token("at+jwt", full)); !errors.Is(err, auth.ErrClaims) {
		t.Errorf("no tenant: %v", err)
	}
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	i, c := newIssuer(t), newClock()
	v := newVerifier(t, i, c, nil)
	h := v.Handler(auth.RequireScope("write", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, auth.Tenant(r.Context()))
	})))
	get := func(headers ...string) *httptest.ResponseRecorder {
		rec, req := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		req.Header["Authorization"] = headers
		h.ServeHTTP(rec, req)
		return rec
	}
	es := func(edit jwt.MapClaims) string {
		return sign(t, jwt.SigningMethodES256, ecKey(), "e1", i.good(edit))
	}
	if r := get("Bearer " + es(nil)); r.Code != http.StatusOK || r.Body.String() != "acme" {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := get("bearer " + es(nil)); r.Code != http.StatusOK {
		t.Errorf("the scheme's case: %d", r.Code)
	}
	for want, headers := range map[string][]string{
		"401 Bearer": nil,
		`401 Bearer error="invalid_token", error_description="expired"`:                             {"Bearer " + es(jwt.MapClaims{"exp": 1})},
		`403 Bearer error="insufficient_scope", error_description="needs scope write"`:              {"Bearer " + es(jwt.MapClaims{"scope": "read"})},
		`400 Bearer error="invalid_request", error_description="2 Authorization headers"`:           {"Bearer " + es(nil), "Bearer x"},
		`401 Bearer error="invalid_token", error_description="token malformed"`:                     {"Bearer x"},
		`401 Bearer error="invalid_token", error_description="algorithm not allowed"`:               {"Bearer " + b64([]byte(`{"alg":"x"}`)) + ".e30."},
		`401 Bearer error="invalid_token", error_description="unknown key"`:                         {"Bearer " + sign(t, jwt.SigningMethodES256, ecKey(), "nope", i.good(nil))},
		`401 Bearer error="invalid_token", error_description="claims missing or of the wrong type"`: {"Bearer " + es(jwt.MapClaims{"sub": nil})},
	} {
		r := get(headers...)
		if got := fmt.Sprint(r.Code, " ", r.Header().Get("WWW-Authenticate")); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestVerifierFaultsAreJoined(t *testing.T) {
	t.Parallel()
	_, err := auth.NewVerifier("http://login.example", "", &auth.VerifierOptions{Algorithms: []string{"HS256", "none"}, JWKS: "http://login.example/keys", Skew: time.Hour})
	for _, want := range []string{"HS256", "none", "not https", "Skew", "audience"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	c := newClock()
	i := &issuer{}
	i.publish("e1", "", &ecKey().PublicKey)
	srv := httptest.NewServer(i)
	f.Cleanup(srv.Close)
	i.Server = srv
	v, err := auth.NewVerifier(srv.URL, "payments", &auth.VerifierOptions{Now: c.Now})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(v.Close)
	f.Add("e30.e30.x")
	f.Add(b64([]byte(`{"alg":"ES256","kid":"e1"}`)) + "." + b64([]byte(`{"sub":"root"}`)) + ".AAAA")
	f.Add(b64([]byte(`{"alg":7,"kid":[]}`)) + "." + b64([]byte(`{"exp":1e400}`)) + ".")
	f.Fuzz(func(t *testing.T, token string) {
		id, err := v.Verify(t.Context(), token)
		var te *auth.TokenError
		if !errors.As(err, &te) || id.Subject != "" {
			t.Fatalf("%+v, %v", id, err) // nobody can sign by chance
		}
	})
}

func FuzzKeys(f *testing.F) {
	f.Add(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`)
	f.Add(`{"keys":[{"kty":"EC","crv":"P-521","x":"","y":"AA"},{"kty":"OKP","crv":"Ed25519","x":"AA"}]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		keys, err := auth.ParseJWKS([]byte(raw))
		if (keys == 0) != (err != nil) {
			t.Fatalf("%d keys, %v", keys, err)
		}
	})
}
