package auth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/auth"
)

// endpoint hands out tokens t1, t2, ...
type endpoint struct {
	*httptest.Server
	mu    sync.Mutex
	n     int
	life  int
	fail  int // status
	last  string
	token string        // handed out in place of t1, t2
	block chan struct{} // not nil: answers wait for it
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{life: 300}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e.block != nil {
			<-e.block
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		_ = r.ParseForm()
		id, secret, _ := r.BasicAuth()
		e.last = fmt.Sprint(id, ":", secret, " ", r.PostForm.Encode())
		e.n++
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		if e.fail != 0 {
			w.WriteHeader(e.fail)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client", "error_description": "who?"})
			return
		}
		token := e.token
		if token == "" {
			token = fmt.Sprint("t", e.n)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "bearer", "expires_in": e.life})
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) asked() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.n
}

func source(t *testing.T, e *endpoint, c *clock, edit func(*auth.ClientCredentials)) *auth.TokenSource {
	t.Helper()
	cc := auth.ClientCredentials{TokenURL: e.URL, ID: "shop web", Secret: secret(t, "p&ss"), Scopes: []string{"a", "b"}, Now: c.Now}
	if edit != nil {
		edit(&cc)
	}
	s, err := auth.NewTokenSource(cc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestTokensAreKeptAndRenewedEarly(t *testing.T) {
	t.Parallel()
	e, c := newEndpoint(t), newClock()
	s := source(t, e, c, nil)
	want := func(token string) {
		t.Helper()
		if got, err := s.Token(t.Context()); err != nil || got != token {
			t.Fatalf("%q, %v; want %q", got, err, token)
		}
	}
	want("t1")
	if e.last != "shop+web:p%26ss grant_type=client_credentials&scope=a+b" {
		t.Errorf("asked with %s", e.last)
	}
	c.Add(269 * time.Second)
	want("t1")
	c.Add(2 * time.Second) // within 30 s of its end
	want("t2")
	e.mu.Lock()
	e.fail = http.StatusServiceUnavailable
	e.mu.Unlock()
	c.Add(280 * time.Second)
	want("t2") // due, cannot be renewed, still counts
	c.Add(30 * time.Second)
	var refused *auth.TokenEndpointError
	if _, err := s.Token(t.Context()); !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable || refused.Code != "invalid_client" {
		t.Fatalf("ended and not renewed: %v", err)
	}
	if strings.Contains(refused.Error(), "p&ss") {
		t.Error("the error shows the secret")
	}
	inBody := source(t, e, c, func(cc *auth.ClientCredentials) { cc.InBody, cc.Audience = true, "payments" })
	_, _ = inBody.Token(t.Context())
	if e.last != ": audience=payments&client_id=shop+web&client_secret=p%26ss&grant_type=client_credentials&scope=a+b" {
		t.Errorf("asked with %s", e.last)
	}
}

func TestManyAskAtOnceAndOneQuestionGoesOut(t *testing.T) {
	t.Parallel()
	e, c := newEndpoint(t), newClock()
	e.block = make(chan struct{})
	s := source(t, e, c, nil)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if got, err := s.Token(t.Context()); err != nil || got != "t1" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	close(e.block)
	wg.Wait()
	if n := e.asked(); n != 1 {
		t.Fatalf("%d questions", n)
	}
}

func TestARefusedTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	e, c := newEndpoint(t), newClock()
	s := source(t, e, c, nil)
	var mu sync.Mutex
	var seen []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		seen = append(seen, r.Header.Get("Authorization")+" "+string(b))
		mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer t2" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(api.Close)
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	client := http.Client{Transport: s.Transport(base)}
	post := func(body io.Reader) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, api.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if code := post(strings.NewReader("hello")); code != http.StatusOK {
		t.Fatalf("%d, %q", code, seen)
	}
	if len(seen) != 2 || seen[0] != "Bearer t1 hello" || seen[1] != "Bearer t2 hello" {
		t.Fatalf("%q", seen)
	}
	s.Forget("t2")
	if code := post(io.NopCloser(strings.NewReader("once"))); code != http.StatusUnauthorized { // t3; its body cannot be sent again
		t.Fatalf("%d, %q", code, seen)
	}
}

func TestStrangeAnswersOfATokenEndpoint(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "<html>", `{}`, `{"access_token":"x","token_type":"mac"}`, `{"access_token":"x","token_type":"Bearer","expires_in":-1}`} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(srv.Close)
		s := source(t, &endpoint{Server: srv}, newClock(), nil)
		var refused *auth.TokenEndpointError
		if got, err := s.Token(t.Context()); !errors.As(err, &refused) {
			t.Errorf("%q: %q, %v", body, got, err)
		}
	}
	if _, err := auth.NewTokenSource(auth.ClientCredentials{TokenURL: "http://login.example/token"}); err == nil || !strings.Contains(err.Error(), "not https") || !strings.Contains(err.Error(), "secret") {
		t.Errorf("err = %v", err)
	}
}
