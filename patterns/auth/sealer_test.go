package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/auth"
)

func secret(t testing.TB, value string) *auth.Secret {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	put(t, path, value)
	s, err := auth.OpenSecret(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sealer(t testing.TB, c *clock, purpose string, keys ...auth.SealerKey) *auth.Sealer {
	t.Helper()
	s, err := auth.NewSealer(purpose, keys, &auth.SealerOptions{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var ann = auth.Identity{Subject: "ann", Tenant: "acme", Scopes: []string{"read"}, Claims: map[string]any{"x": 1}}

func TestSealedIdentities(t *testing.T) {
	t.Parallel()
	c := newClock()
	one := auth.SealerKey{ID: "one", Secret: secret(t, strings.Repeat("1", 32))}
	two := auth.SealerKey{ID: "two", Secret: secret(t, strings.Repeat("2", 32))}
	impostor := auth.SealerKey{ID: "one", Secret: secret(t, strings.Repeat("3", 32))}
	text, err := sealer(t, c, "http", one).Seal(ann)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := sealer(t, c, "http", two, one).Open(text); err != nil || id.Subject != "ann" || id.Tenant != "acme" || !id.HasScope("read") || id.Claims != nil {
		t.Fatalf("%+v, %v", id, err)
	}
	parts := strings.Split(text, ".")
	other := parts[0] + "." + parts[1] + "." + encode(map[string]any{"sub": "root", "at": start.Unix()}) + "." + parts[3]
	for name, tc := range map[string]struct {
		by   *auth.Sealer
		text string
		kind error
	}{
		"none":                {sealer(t, c, "http", one), "", auth.ErrMissing},
		"another purpose":     {sealer(t, c, "events", one), text, auth.ErrSignature},
		"another secret":      {sealer(t, c, "http", impostor), text, auth.ErrSignature},
		"unknown key":         {sealer(t, c, "http", two), text, auth.ErrUnknownKey},
		"changed":             {sealer(t, c, "http", one), other, auth.ErrSignature},
		"key changed":         {sealer(t, c, "http", one, two), "v1.two." + parts[2] + "." + parts[3], auth.ErrSignature},
		"malformed":           {sealer(t, c, "http", one), "v1.x", auth.ErrMalformed},
		"another version":     {sealer(t, c, "http", one), "v2" + text[2:], auth.ErrMalformed},
		"huge":                {sealer(t, c, "http", one), strings.Repeat("x", 10_000), auth.ErrTooLarge},
		"an unsigned payload": {sealer(t, c, "http", one), parts[0] + "." + parts[1] + "." + parts[2] + ".", auth.ErrSignature},
	} {
		id, err := tc.by.Open(tc.text)
		if !errors.Is(err, tc.kind) || id.Subject != "" {
			t.Errorf("%s: %+v, %v; want %v", name, id, err, tc.kind)
		}
	}
	s := sealer(t, c, "http", one)
	c.Add(5*time.Minute + 31*time.Second)
	if _, err := s.Open(text); !errors.Is(err, auth.ErrExpired) {
		t.Errorf("old: %v", err)
	}
	c.Add(-10 * time.Minute)
	if _, err := s.Open(text); !errors.Is(err, auth.ErrNotYetValid) {
		t.Errorf("from the future: %v", err)
	}
}

func TestIdentityOverHTTP(t *testing.T) {
	t.Parallel()
	s := sealer(t, newClock(), "http", auth.SealerKey{ID: "one", Secret: secret(t, strings.Repeat("1", 32))})
	srv := httptest.NewServer(s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.From(r.Context())
		_, _ = fmt.Fprintf(w, "%s of %s", id.Subject, id.Tenant)
	})))
	t.Cleanup(srv.Close)
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	client := http.Client{Transport: s.Transport(base)}
	do := func(edit func(*http.Request) *http.Request) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(edit(req))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		b := make([]byte, 100)
		n, _ := resp.Body.Read(b)
		return resp.StatusCode, string(b[:n])
	}
	if code, body := do(func(r *http.Request) *http.Request { return r.WithContext(auth.With(r.Context(), ann)) }); code != http.StatusOK || body != "ann of acme" {
		t.Errorf("%d %s", code, body)
	}
	valid, err := s.Seal(ann)
	if err != nil {
		t.Fatal(err)
	}
	// A header that a caller smuggled in is not passed on in someone's name.
	if code, _ := do(func(r *http.Request) *http.Request { r.Header.Set(auth.Header, valid); return r }); code != http.StatusUnauthorized {
		t.Errorf("smuggled: %d", code)
	}
}

func TestSealerFaults(t *testing.T) {
	t.Parallel()
	_, err := auth.NewSealer("", []auth.SealerKey{{ID: "a.b", Secret: secret(t, "short")}}, nil)
	for _, want := range []string{"purpose", "a.b", "32 bytes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	s := sealer(f, newClock(), "http", auth.SealerKey{ID: "one", Secret: secret(f, strings.Repeat("1", 32))})
	good, err := s.Seal(ann)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good[:len(good)-1])
	f.Add("v1.one..")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := s.Open(text)
		if (err == nil) != (text == good) || (err != nil && id.Subject != "") {
			t.Fatalf("%q: %+v, %v", text, id, err)
		}
	})
}
