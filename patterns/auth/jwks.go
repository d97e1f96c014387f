package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of the cache of keys.
const (
	minFresh     = time.Minute    // even if the issuer says no-cache
	maxFresh     = 24 * time.Hour // even if it says more
	defaultFresh = 10 * time.Minute
	maxKeySet    = 1 << 20
)

// keySet is an issuer's published keys, cached. Fresh keys are read without a
// lock. Keys past their time are renewed in the background while they serve on;
// a kid that nobody knows is looked for, but not more often than every pause,
// or anyone with random kids could have the issuer asked at will.
type keySet struct {
	discovery string // URL of the OpenID configuration, when the keys' URL is not known
	url       string
	http      *http.Client
	now       func() time.Time
	pause     time.Duration // between two tries
	maxStale  time.Duration // how long keys serve past their time while the issuer is away

	cached atomic.Pointer[cached]

	mu      sync.Mutex
	flight  chan struct{} // closed when the fetch under way is done; nil: none
	tried   time.Time
	lastErr error
	wg      sync.WaitGroup
}

type cached struct {
	keys    []key
	fetched time.Time
	fresh   time.Time // until then
}

// find returns the key for a token. The error is a kind of refusal.
func (s *keySet) find(ctx context.Context, kid, alg string) (*key, error) {
	c := s.cached.Load()
	now := s.now()
	switch {
	case c == nil || now.After(c.fresh.Add(s.maxStale)):
		// Nothing to judge by: wait for the issuer.
		if err := s.fetch(ctx); err != nil {
			return nil, &TokenError{Kind: ErrKeysUnavailable, Err: err}
		}
		c = s.cached.Load()
	case now.After(c.fresh):
		s.background(ctx)
	}
	k, err := c.pick(kid, alg)
	if !errors.Is(err, ErrUnknownKey) {
		return k, err
	}
	// The issuer may have begun to sign with a new key.
	if ferr := s.fetch(ctx); ferr != nil {
		return nil, &TokenError{Kind: ErrKeysUnavailable, Err: ferr, Detail: "the key is not among those known, and newer ones cannot be had"}
	}
	return s.cached.Load().pick(kid, alg)
}

func (c *cached) pick(kid, alg string) (*key, error) {
	var named, fitting []*key
	for i := range c.keys {
		k := &c.keys[i]
		if kid != "" && k.id != kid {
			continue
		}
		named = append(named, k)
		if k.fits(alg) {
			fitting = append(fitting, k)
		}
	}
	switch {
	case len(fitting) == 1 || (len(fitting) > 1 && kid != ""):
		return fitting[0], nil
	case len(fitting) > 1:
		return nil, &TokenError{Kind: ErrUnknownKey, Detail: fmt.Sprintf("the token names no kid, and %d keys fit", len(fitting))}
	case len(named) > 0 && kid != "":
		return nil, &TokenError{Kind: ErrKeyType, Detail: fmt.Sprintf("the key is a %T, for %q", named[0].public, named[0].alg)}
	}
	return nil, &TokenError{Kind: ErrUnknownKey, Detail: fmt.Sprintf("the issuer has published %d other keys", len(c.keys))}
}

// fetch asks the issuer, or joins who is asking. Within the pause after a try
// it returns that try's outcome.
func (s *keySet) fetch(ctx context.Context) error {
	done := s.begin(ctx)
	if done != nil {
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastErr
}

func (s *keySet) background(ctx context.Context) { s.begin(ctx) }

// begin starts a fetch unless one is under way, whose end it returns, or was
// just tried: nil then.
func (s *keySet) begin(ctx context.Context) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight != nil {
		return s.flight
	}
	if !s.tried.IsZero() && s.now().Sub(s.tried) < s.pause {
		return nil
	}
	done := make(chan struct{})
	s.flight = done
	// The caller may leave; the keys are for everyone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	s.wg.Go(func() {
		defer cancel()
		c, err := s.load(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil {
			s.cached.Store(c)
		}
		s.tried, s.lastErr, s.flight = s.now(), err, nil
		close(done)
	})
	return done
}

func (s *keySet) load(ctx context.Context) (*cached, error) {
	url := s.url
	if url == "" {
		var doc struct {
			Issuer  string `json:"issuer"`
			JWKSURI string `json:"jwks_uri"`
		}
		b, _, err := s.get(ctx, s.discovery)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, &doc); err != nil {
			return nil, fmt.Errorf("%s: %w", s.discovery, err)
		}
		// OpenID Connect Discovery 4.3: it must be the very same, or one issuer could answer for another.
		if want := strings.TrimSuffix(s.discovery, wellKnown); strings.TrimSuffix(doc.Issuer, "/") != want {
			return nil, fmt.Errorf("%s: says that it is the issuer %q", s.discovery, doc.Issuer)
		}
		if err := secure(doc.JWKSURI); err != nil {
			return nil, fmt.Errorf("%s: jwks_uri: %w", s.discovery, err)
		}
		url = doc.JWKSURI
	}
	b, header, err := s.get(ctx, url)
	if err != nil {
		return nil, err
	}
	keys, err := parseJWKS(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	now := s.now()
	return &cached{keys: keys, fetched: now, fresh: now.Add(freshFor(header))}, nil
}

func (s *keySet) get(ctx context.Context, url string) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxKeySet+1))
	if err == nil && len(b) > maxKeySet {
		err = fmt.Errorf("more than %d bytes", maxKeySet)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", url, err)
	}
	return b, resp.Header, nil
}

// freshFor reads max-age within our bounds.
func freshFor(h http.Header) time.Duration {
	for d := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		d = strings.ToLower(strings.TrimSpace(d))
		if d == "no-cache" || d == "no-store" {
			return minFresh
		}
		if age, ok := strings.CutPrefix(d, "max-age="); ok {
			if n, err := strconv.ParseInt(age, 10, 32); err == nil {
				return min(max(time.Duration(n)*time.Second, minFresh), maxFresh)
			}
		}
	}
	return defaultFresh
}
