package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Header is where a sealed identity travels: HTTP header, gRPC metadata, header
// of an event.
const Header = "Ashlar-Identity"

// maxSealed bounds a sealed identity, in bytes.
const maxSealed = 8 << 10

// Carrier is where a sealed identity travels. http.Header is one.
type Carrier interface {
	Get(name string) string
	Set(name, value string)
}

// SealerKey is a secret that the services of one system share, with a name. At
// least 32 bytes.
type SealerKey struct {
	ID     string
	Secret *Secret
}

// SealerOptions of [NewSealer]; nil and the zero value are the default.
type SealerOptions struct {
	// MaxAge is how long a sealed identity counts; default 5 min. For events take
	// the longest that one may wait to be read, replays included.
	MaxAge time.Duration
	// Skew is how far the services' clocks may be apart; default 30 s.
	Skew time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Sealer carries identities between services that trust each other: verified
// once at the edge, then sealed, opened and believed inside. It is signed
// (HMAC-SHA256), not encrypted: what must not be read must not be in it. It is
// safe for concurrent use.
//
// A sealed identity proves who the caller was, not that this service is who the
// caller meant: use it inside mutual TLS or a network of the same trust.
type Sealer struct {
	purpose string
	keys    []SealerKey
	opts    SealerOptions
}

// NewSealer makes a sealer for a purpose: "http", "events". What was sealed for
// one is refused for another, so an identity lifted from an event, where it
// lives long, is of no use against an API. The first key seals, all open: to
// rotate, add the new key last everywhere, then move it first, then drop the
// old one.
func NewSealer(purpose string, keys []SealerKey, opts *SealerOptions) (*Sealer, error) {
	s := &Sealer{purpose: purpose, keys: append([]SealerKey(nil), keys...)}
	if opts != nil {
		s.opts = *opts
	}
	var errs []error
	if purpose == "" || len(keys) == 0 {
		errs = append(errs, errors.New("auth: a sealer needs a purpose and a key"))
	}
	seen := map[string]bool{}
	for i, k := range keys {
		if k.ID == "" || strings.ContainsAny(k.ID, ".\x00") || seen[k.ID] {
			errs = append(errs, fmt.Errorf("auth: sealer key %d: ID %q must be unique, not empty and without dots", i, k.ID))
		}
		seen[k.ID] = true
		if k.Secret == nil || len(k.Secret.Reveal()) < 32 {
			errs = append(errs, fmt.Errorf("auth: sealer key %q: %w", k.ID, errShort))
		}
	}
	if s.opts.MaxAge < 0 || s.opts.Skew < 0 {
		errs = append(errs, errors.New("auth: MaxAge and Skew must not be negative"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	def(&s.opts.MaxAge, 5*time.Minute)
	def(&s.opts.Skew, 30*time.Second)
	if s.opts.Now == nil {
		s.opts.Now = time.Now
	}
	return s, nil
}

// sealed is the payload.
type sealed struct {
	Identity
	SealedAt int64 `json:"at"` // Unix seconds
}

var b64 = base64.RawURLEncoding

// Seal returns v1.KEY.PAYLOAD.MAC.
func (s *Sealer) Seal(id Identity) (string, error) {
	b, err := json.Marshal(sealed{id, s.opts.Now().Unix()})
	if err != nil {
		return "", fmt.Errorf("auth: seal: %w", err)
	}
	k := &s.keys[0]
	text := "v1." + k.ID + "." + b64.EncodeToString(b)
	text += "." + b64.EncodeToString(s.mac(k, text))
	if len(text) > maxSealed {
		return "", &TokenError{Kind: ErrTooLarge, Detail: fmt.Sprintf("sealed identity of %d bytes, at most %d", len(text), maxSealed)}
	}
	return text, nil
}

func (s *Sealer) mac(k *SealerKey, text string) []byte {
	h := hmac.New(sha256.New, []byte(k.Secret.Reveal()))
	h.Write([]byte("ashlar identity\x00" + s.purpose + "\x00"))
	h.Write([]byte(text))
	return h.Sum(nil)
}

// Open returns what Seal sealed; a *TokenError when it was not sealed for this
// purpose by a key we know, or is too old, or from the future.
func (s *Sealer) Open(text string) (Identity, error) {
	refuse := func(kind error, detail string) (Identity, error) {
		return Identity{}, &TokenError{Kind: kind, Detail: detail}
	}
	switch {
	case text == "":
		return refuse(ErrMissing, "")
	case len(text) > maxSealed:
		return refuse(ErrTooLarge, fmt.Sprintf("%d bytes", len(text)))
	}
	parts := strings.Split(text, ".")
	if len(parts) != 4 || parts[0] != "v1" {
		return refuse(ErrMalformed, "not v1.KEY.PAYLOAD.MAC")
	}
	var k *SealerKey
	for i := range s.keys {
		if s.keys[i].ID == parts[1] {
			k = &s.keys[i]
		}
	}
	if k == nil {
		return Identity{}, &TokenError{Kind: ErrUnknownKey, Key: clip(parts[1])}
	}
	mac, err := b64.DecodeString(parts[3])
	if err != nil || !hmac.Equal(mac, s.mac(k, text[:len(text)-len(parts[3])-1])) {
		return refuse(ErrSignature, "sealed with another key or for another purpose than "+s.purpose)
	}
	b, err := b64.DecodeString(parts[2])
	if err != nil {
		return refuse(ErrMalformed, "payload is not base64url")
	}
	var p sealed
	if err := json.Unmarshal(b, &p); err != nil {
		return refuse(ErrMalformed, "payload is not an identity")
	}
	now, at := s.opts.Now(), time.Unix(p.SealedAt, 0)
	switch {
	case now.Sub(at) > s.opts.MaxAge+s.opts.Skew:
		return refuse(ErrExpired, fmt.Sprintf("sealed %s ago, counts for %s", now.Sub(at).Round(time.Second), s.opts.MaxAge))
	case at.Sub(now) > s.opts.Skew:
		return refuse(ErrNotYetValid, "sealed in the future")
	}
	return p.Identity, nil
}

// Inject writes the context's identity into a carrier; without one it writes
// nothing.
func (s *Sealer) Inject(ctx context.Context, c Carrier) error {
	id, ok := From(ctx)
	if !ok {
		return nil
	}
	text, err := s.Seal(id)
	if err != nil {
		return err
	}
	c.Set(Header, text)
	return nil
}

// Extract returns ctx with the identity that a carrier has. A *TokenError of
// kind ErrMissing when it has none: whether that may be is the caller's to say.
func (s *Sealer) Extract(ctx context.Context, c Carrier) (context.Context, error) {
	id, err := s.Open(c.Get(Header))
	if err != nil {
		return ctx, err
	}
	return With(ctx, id), nil
}

// Transport sends the context's identity with every request through base (nil:
// http.DefaultTransport). A header that was there already is dropped: what the
// caller cannot seal it must not pass on.
func (s *Sealer) Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		out := copied(r, base)
		out.Header.Del(Header)
		if err := s.Inject(r.Context(), out.Header); err != nil {
			closeBody(r)
			return nil, err
		}
		return base.RoundTrip(out)
	})
}

// Handler opens the identity of every request before next: 401 without one or
// with one that is refused.
func (s *Sealer) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, err := s.Extract(r.Context(), r.Header)
		if err != nil {
			var t *TokenError
			_ = errors.As(err, &t) // Extract returns nothing else
			http.Error(w, t.Kind.Error(), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// closeBody is a RoundTripper's duty when it does not send.
func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}
