package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/ashlar-dev/ashlar/patterns/auth"
)

// An API that lets only verified callers in.
func ExampleVerifier_Handler() {
	v, err := auth.NewVerifier("https://login.example", "payments", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	api := v.Handler(auth.RequireScope("charge", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.From(r.Context())
		_, _ = fmt.Fprintln(w, "hello", id.Subject, "of", id.Tenant)
	})))

	rec := httptest.NewRecorder()
	api.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/charges", nil))
	fmt.Println(rec.Code, rec.Header().Get("WWW-Authenticate"))

	_, err = v.Verify(context.Background(), strings.Repeat("x", 100_000))
	fmt.Println(errors.Is(err, auth.ErrTooLarge), err)
	// Output:
	// 401 Bearer
	// true auth: token too large: 100000 bytes, at most 8192
}

// An identity travels with an event, and is of no use elsewhere.
func ExampleSealer() {
	dir, _ := os.MkdirTemp("", "secrets")
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "sealing-key")
	_ = os.WriteFile(file, []byte("an example; take 32 random bytes in base64"), 0o600)
	secret, err := auth.OpenSecret(file, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	keys := []auth.SealerKey{{ID: "2026-11", Secret: secret}}
	events, _ := auth.NewSealer("events", keys, nil)
	api, _ := auth.NewSealer("http", keys, nil)

	headers := http.Header{} // of the event
	producer := auth.With(context.Background(), auth.Identity{Subject: "ann", Tenant: "acme"})
	_ = events.Inject(producer, headers)

	consumer, err := events.Extract(context.Background(), headers)
	fmt.Println(auth.Tenant(consumer), err)
	_, err = api.Extract(context.Background(), headers)
	fmt.Println(errors.Is(err, auth.ErrSignature))
	fmt.Println(secret) // never shows itself
	// Output:
	// acme <nil>
	// true
	// [redacted]
}
