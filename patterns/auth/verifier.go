package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const wellKnown = "/.well-known/openid-configuration"

// VerifierOptions of [NewVerifier]; nil and the zero value are the default.
type VerifierOptions struct {
	// JWKS is the URL of the issuer's keys; default: what its OpenID
	// configuration says.
	JWKS string
	// Algorithms that tokens may be signed with; default RS256, PS256, ES256 and
	// EdDSA. Symmetric ones (HS256) and none are refused: published keys are no
	// secret.
	Algorithms []string
	// Skew is how far the issuer's clock and ours may be apart; default 30 s.
	Skew time.Duration
	// MaxToken is the largest token that is looked at, in bytes; default 8 KiB.
	MaxToken int
	// Type is what the token's header typ must be, "at+jwt" for access tokens by
	// RFC 9068; default: anything.
	Type string
	// TenantClaim, RolesClaim are where tenant and roles are; defaults "tenant"
	// and "roles". Dots go into objects: "realm_access.roles".
	TenantClaim, RolesClaim string
	// RequireTenant refuses tokens without a tenant.
	RequireTenant bool
	// Pause is the least time between two questions to the issuer; default 10 s.
	Pause time.Duration
	// MaxStale is how long keys count beyond their time while the issuer does not
	// answer; default 24 h. Signatures stay true; a key that was withdrawn in
	// that time still counts.
	MaxStale time.Duration
	// HTTP asks the issuer; default: one with a timeout of 10 s.
	HTTP *http.Client
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Validate joins all faults.
func (o *VerifierOptions) Validate() error {
	var errs []error
	for _, a := range o.Algorithms {
		if !slices.Contains(algorithms, a) {
			errs = append(errs, fmt.Errorf("auth: algorithm %q is not one of %v", a, algorithms))
		}
	}
	if o.JWKS != "" {
		if err := secure(o.JWKS); err != nil {
			errs = append(errs, fmt.Errorf("auth: JWKS: %w", err))
		}
	}
	if o.Skew < 0 || o.Skew > 5*time.Minute {
		errs = append(errs, fmt.Errorf("auth: Skew %s is not between 0 and 5 min", o.Skew))
	}
	if o.MaxToken < 0 || o.Pause < 0 || o.MaxStale < 0 {
		errs = append(errs, errors.New("auth: MaxToken, Pause and MaxStale must not be negative"))
	}
	return errors.Join(errs...)
}

var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// secure refuses keys over a wire that anyone may write on.
func secure(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%q is not a URL", s)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "https" || (u.Scheme == "http" && (u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback()))) {
		return nil
	}
	return fmt.Errorf("%q is not https; whoever sits on the way could put keys of his own there", s)
}

// Verifier verifies the tokens of one issuer for one audience. It is safe for
// concurrent use.
type Verifier struct {
	issuer, audience string
	opts             VerifierOptions
	keys             *keySet
	parser           *jwt.Parser
	own              *http.Transport
}

// NewVerifier makes a verifier. It does not ask the issuer before the first
// token comes; [Verifier.Ready] does.
func NewVerifier(issuer, audience string, opts *VerifierOptions) (*Verifier, error) {
	v := &Verifier{issuer: issuer, audience: audience}
	if opts != nil {
		v.opts = *opts
	}
	o := &v.opts
	errs := []error{o.Validate()}
	if issuer == "" || audience == "" {
		errs = append(errs, errors.New("auth: issuer and audience are required; without an audience a token for any other service would do"))
	}
	if o.JWKS == "" && issuer != "" {
		if err := secure(issuer); err != nil {
			errs = append(errs, fmt.Errorf("auth: issuer: %w; or set JWKS", err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(o.Algorithms) == 0 {
		o.Algorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}
	}
	def(&o.Skew, 30*time.Second)
	def(&o.MaxToken, 8<<10)
	def(&o.TenantClaim, "tenant")
	def(&o.RolesClaim, "roles")
	def(&o.Pause, 10*time.Second)
	def(&o.MaxStale, 24*time.Hour)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.HTTP == nil {
		v.own = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 30 * time.Second}
		o.HTTP = &http.Client{Timeout: 10 * time.Second, Transport: v.own}
	}
	v.keys = &keySet{discovery: strings.TrimSuffix(issuer, "/") + wellKnown, url: o.JWKS, http: o.HTTP, now: o.Now, pause: o.Pause, maxStale: o.MaxStale}
	v.parser = jwt.NewParser(jwt.WithValidMethods(o.Algorithms), jwt.WithLeeway(o.Skew), jwt.WithTimeFunc(o.Now),
		jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithJSONNumber())
	return v, nil
}

func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Ready asks the issuer for its keys unless they are known: a readiness test.
func (v *Verifier) Ready(ctx context.Context) error {
	if v.keys.cached.Load() != nil {
		return nil
	}
	if err := v.keys.fetch(ctx); err != nil {
		return &TokenError{Kind: ErrKeysUnavailable, Err: err}
	}
	return nil
}

// Close waits for a question to the issuer that is under way.
func (v *Verifier) Close() {
	v.keys.wg.Wait()
	if v.own != nil {
		v.own.CloseIdleConnections()
	}
}

// Verify says who a token speaks for, or why it does not: a *TokenError.
func (v *Verifier) Verify(ctx context.Context, token string) (Identity, error) {
	switch {
	case token == "":
		return Identity{}, &TokenError{Kind: ErrMissing}
	case len(token) > v.opts.MaxToken: // before any of it is looked at
		return Identity{}, &TokenError{Kind: ErrTooLarge, Detail: fmt.Sprintf("%d bytes, at most %d", len(token), v.opts.MaxToken)}
	}
	claims := jwt.MapClaims{}
	parsed, err := v.parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		kid, alg := names(t)
		k, err := v.keys.find(ctx, kid, alg)
		if err != nil {
			return nil, err
		}
		return k.public, nil
	})
	if err != nil {
		return Identity{}, v.refusal(parsed, err)
	}
	if typ, _ := parsed.Header["typ"].(string); v.opts.Type != "" && !strings.EqualFold(strings.TrimPrefix(typ, "application/"), v.opts.Type) {
		return Identity{}, v.refuse(parsed, ErrClaims, fmt.Sprintf("typ is %q, want %q", typ, v.opts.Type), nil)
	}
	if _, there := parsed.Header["crit"]; there {
		// RFC 7515 4.1.11: what must be understood and is not must be refused.
		return Identity{}, v.refuse(parsed, ErrMalformed, "its header has crit", nil)
	}
	id, err := v.identity(claims)
	if err != nil {
		return Identity{}, v.refuse(parsed, ErrClaims, "", err)
	}
	return id, nil
}

func names(t *jwt.Token) (kid, alg string) {
	if t == nil {
		return "", ""
	}
	kid, _ = t.Header["kid"].(string)
	alg, _ = t.Header["alg"].(string)
	return kid, alg
}

func (v *Verifier) refuse(t *jwt.Token, kind error, detail string, err error) error {
	kid, alg := names(t)
	return &TokenError{Kind: kind, Alg: clip(alg), Key: clip(kid), Detail: detail, Err: err}
}

// clip keeps what a stranger wrote short: it goes into logs.
func clip(s string) string { return s[:min(len(s), 64)] }

// refusal turns the library's error into ours. The order matters: a token with
// a wrong signature says nothing true about its times.
func (v *Verifier) refusal(t *jwt.Token, err error) error {
	kid, alg := names(t)
	var own *TokenError
	if errors.As(err, &own) { // from the search for the key
		own.Alg, own.Key = clip(alg), clip(kid)
		return own
	}
	if t != nil && t.Header != nil && !slices.Contains(v.opts.Algorithms, alg) && !errors.Is(err, jwt.ErrTokenMalformed) {
		return v.refuse(t, ErrAlgorithm, fmt.Sprintf("allowed are %v", v.opts.Algorithms), nil)
	}
	for _, m := range []struct{ is, kind error }{
		{jwt.ErrTokenMalformed, ErrMalformed},
		{jwt.ErrTokenSignatureInvalid, ErrSignature},
		{jwt.ErrTokenExpired, ErrExpired},
		{jwt.ErrTokenNotValidYet, ErrNotYetValid},
		{jwt.ErrTokenUsedBeforeIssued, ErrNotYetValid},
		{jwt.ErrTokenInvalidIssuer, ErrIssuer},
		{jwt.ErrTokenInvalidAudience, ErrAudience},
		{jwt.ErrTokenRequiredClaimMissing, ErrClaims},
		{jwt.ErrTokenInvalidClaims, ErrClaims},
	} {
		if errors.Is(err, m.is) {
			return v.refuse(t, m.kind, "", nil)
		}
	}
	return v.refuse(t, ErrMalformed, "", err)
}

func (v *Verifier) identity(c jwt.MapClaims) (Identity, error) {
	id := Identity{Issuer: v.issuer, Claims: c}
	var errs []error
	text := func(claim string, required bool) string {
		switch x := at(c, claim).(type) {
		case string:
			if x != "" || !required {
				return x
			}
		case nil:
			if !required {
				return ""
			}
		}
		errs = append(errs, fmt.Errorf("claim %q is not a text", claim))
		return ""
	}
	id.Subject = text("sub", true)
	id.Tenant = text(v.opts.TenantClaim, v.opts.RequireTenant)
	if id.Client = text("azp", false); id.Client == "" {
		id.Client = text("client_id", false)
	}
	id.Scopes = list(c["scope"])
	if len(id.Scopes) == 0 {
		id.Scopes = list(c["scp"])
	}
	id.Roles = list(at(c, v.opts.RolesClaim))
	if d, err := c.GetIssuedAt(); err == nil && d != nil {
		id.IssuedAt = d.Time
	}
	if d, err := c.GetExpirationTime(); err == nil && d != nil {
		id.Expires = d.Time
	}
	return id, errors.Join(errs...)
}

// at follows a path of names into objects; a claim with the whole path as its
// name goes first, since claims are often named by URLs.
func at(c map[string]any, path string) any {
	if v, ok := c[path]; ok {
		return v
	}
	head, tail, deeper := strings.Cut(path, ".")
	if !deeper {
		return nil
	}
	inner, _ := c[head].(map[string]any)
	return at(inner, tail)
}

// list reads "a b" and ["a", "b"].
func list(v any) []string {
	switch x := v.(type) {
	case string:
		return strings.Fields(x)
	case []any:
		var out []string
		for _, e := range x {
			if s, ok := e.(string); ok {
				out = append(out, s)
			} else if n, ok := e.(json.Number); ok {
				out = append(out, n.String())
			}
		}
		return out
	}
	return nil
}
