package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// ClientCredentials is how a service gets tokens for itself (RFC 6749, 4.4).
type ClientCredentials struct {
	TokenURL string
	ID       string
	Secret   *Secret
	Scopes   []string
	Audience string            // parameter audience, for servers that want it
	Params   map[string]string // further parameters: resource
	// InBody sends ID and secret as parameters, for servers that do not take them
	// by HTTP's basic authentication.
	InBody bool
	// Early is how long before its end a token is replaced; default 30 s, at most
	// half of its life.
	Early time.Duration
	// HTTP asks; default: one with a timeout of 10 s.
	HTTP *http.Client
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Validate joins all faults.
func (c *ClientCredentials) Validate() error {
	var errs []error
	if err := secure(c.TokenURL); err != nil {
		errs = append(errs, fmt.Errorf("auth: TokenURL: %w", err))
	}
	if c.ID == "" || c.Secret == nil {
		errs = append(errs, errors.New("auth: client credentials need an ID and a secret"))
	}
	if c.Early < 0 {
		errs = append(errs, fmt.Errorf("auth: Early %s is negative", c.Early))
	}
	return errors.Join(errs...)
}

// TokenSource fetches tokens and keeps the one that counts. It is safe for
// concurrent use; however many ask, one question goes out at a time.
type TokenSource struct {
	c   ClientCredentials
	own *http.Transport

	mu     sync.Mutex
	token  string
	renew  time.Time // from then on a new one is fetched
	end    time.Time
	flight *flight
}

type flight struct {
	done  chan struct{}
	token string
	err   error
}

// NewTokenSource makes a source; it fetches nothing before it is asked.
func NewTokenSource(c ClientCredentials) (*TokenSource, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &TokenSource{c: c}
	def(&s.c.Early, 30*time.Second)
	if s.c.Now == nil {
		s.c.Now = time.Now
	}
	if s.c.HTTP == nil {
		s.own = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 30 * time.Second}
		s.c.HTTP = &http.Client{Timeout: 10 * time.Second, Transport: s.own}
	}
	return s, nil
}

// Close closes idle connections.
func (s *TokenSource) Close() {
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
}

// TokenEndpointError is a token endpoint's refusal.
type TokenEndpointError struct {
	Status      int
	Code        string // "invalid_client", "" when the answer was not as it should be
	Description string
}

func (e *TokenEndpointError) Error() string {
	s := fmt.Sprintf("auth: token endpoint: status %d %s", e.Status, e.Code)
	if e.Description != "" {
		s += ": " + e.Description
	}
	if e.Code == "invalid_client" {
		s += "; see the client's ID and secret"
	}
	return s
}

// Token returns a token that counts for a while. One that is due for renewal
// and has not ended serves on when the renewal fails.
func (s *TokenSource) Token(ctx context.Context) (string, error) {
	s.mu.Lock()
	now := s.c.Now()
	if s.token != "" && now.Before(s.renew) {
		defer s.mu.Unlock()
		return s.token, nil
	}
	f := s.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		s.flight = f
		// The caller may leave; the token is for everyone.
		go s.fetch(context.WithoutCancel(ctx), f)
	}
	spare := ""
	if s.token != "" && now.Before(s.end) {
		spare = s.token
	}
	s.mu.Unlock()
	select {
	case <-f.done:
		if f.err != nil && spare != "" {
			return spare, nil
		}
		return f.token, f.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Forget drops a token that was refused: the next Token fetches another.
func (s *TokenSource) Forget(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == token {
		s.token = ""
	}
}

func (s *TokenSource) fetch(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	asked := s.c.Now()
	token, life, err := s.ask(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	f.token, f.err = token, err
	if err == nil {
		s.token, s.end = token, asked.Add(life)
		s.renew = s.end.Add(-min(s.c.Early, life/2))
	}
	s.flight = nil
	close(f.done)
}

func (s *TokenSource) ask(ctx context.Context) (string, time.Duration, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(s.c.Scopes) > 0 {
		form.Set("scope", strings.Join(s.c.Scopes, " "))
	}
	if s.c.Audience != "" {
		form.Set("audience", s.c.Audience)
	}
	for k, v := range s.c.Params {
		form.Set(k, v)
	}
	secret := s.c.Secret.Reveal()
	if s.c.InBody {
		form.Set("client_id", s.c.ID)
		form.Set("client_secret", secret)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.c.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if !s.c.InBody {
		// RFC 6749, 2.3.1: both are form-encoded first.
		req.SetBasicAuth(url.QueryEscape(s.c.ID), url.QueryEscape(secret))
	}
	resp, err := s.c.HTTP.Do(req)
	if err != nil {
		return "", 0, fmt.Errorf("auth: token endpoint: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxKeySet))
	if err != nil {
		return "", 0, fmt.Errorf("auth: token endpoint: %w", err)
	}
	return readToken(resp, b)
}

func readToken(resp *http.Response, b []byte) (string, time.Duration, error) {
	var out struct {
		AccessToken string  `json:"access_token"`
		TokenType   string  `json:"token_type"`
		ExpiresIn   float64 `json:"expires_in"`
		Error       string  `json:"error"`
		Description string  `json:"error_description"`
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // "" is wrong as well
	if err := json.Unmarshal(b, &out); err != nil || kind != "application/json" {
		return "", 0, &TokenEndpointError{Status: resp.StatusCode, Description: "the answer is not JSON but " + clip(kind)}
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		return "", 0, &TokenEndpointError{Status: resp.StatusCode, Code: out.Error, Description: out.Description}
	case out.AccessToken == "" || !strings.EqualFold(out.TokenType, "Bearer"):
		return "", 0, &TokenEndpointError{Status: resp.StatusCode, Description: fmt.Sprintf("no bearer token but type %q", clip(out.TokenType))}
	case out.ExpiresIn < 0 || out.ExpiresIn > 1e9:
		return "", 0, &TokenEndpointError{Status: resp.StatusCode, Description: fmt.Sprintf("expires_in is %g", out.ExpiresIn)}
	case out.ExpiresIn == 0:
		out.ExpiresIn = 60 // not said: assume little
	}
	return out.AccessToken, time.Duration(out.ExpiresIn * float64(time.Second)), nil
}

// Transport sends a token with every request through base (nil:
// http.DefaultTransport). On 401 it drops the token and asks once more with a
// new one, if the request's body can be sent again.
func (s *TokenSource) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		token, err := s.Token(r.Context())
		if err != nil {
			closeBody(r)
			return nil, err
		}
		resp, err := base.RoundTrip(authorized(r, base, token))
		if err != nil || resp.StatusCode != http.StatusUnauthorized {
			return resp, err
		}
		s.Forget(token)
		again := r
		if r.Body != nil && r.Body != http.NoBody {
			if r.GetBody == nil {
				return resp, nil
			}
			body, err := r.GetBody()
			if err != nil {
				return resp, nil //nolint:nilerr // the first answer stands
			}
			again = r.Clone(r.Context())
			again.Body = body
		}
		fresh, err := s.Token(r.Context())
		if err != nil || fresh == token {
			return resp, nil //nolint:nilerr // the first answer stands
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxSealed)) // so that the connection is used again
		_ = resp.Body.Close()
		return base.RoundTrip(authorized(again, base, fresh))
	})
}

func authorized(r *http.Request, base http.RoundTripper, token string) *http.Request {
	out := copied(r, base)
	out.Header.Set("Authorization", "Bearer "+token)
	return out
}
