package cqrs_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/cqrs"
	"github.com/ashlar-dev/ashlar/patterns/internal/testdb"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

type request struct{ method, key, auth, body string }

func ask(t *testing.T, h http.Handler, r request) *http.Response {
	t.Helper()
	if r.method == "" {
		r.method = http.MethodPost
	}
	req := httptest.NewRequestWithContext(t.Context(), r.method, "/orders", strings.NewReader(r.body))
	if r.key != "" {
		req.Header.Set(cqrs.KeyHeader, r.key)
	}
	req.Header.Set("Authorization", r.auth)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Result()
}

func TestCommandOverHTTP(t *testing.T) {
	t.Parallel()
	db := cqrs.SQL(testdb.SQLite(t), cqrs.DialectSQLite)
	exec(t, db, `CREATE TABLE orders (item text, n int)`)
	h := placeCommand(db).Handler(newKeys(t, db, nil), &cqrs.HTTPOptions{Log: quiet(), MaxBody: 200})
	steps := []struct {
		name     string
		req      request
		status   int
		replayed bool
		says     string
		orders   int64
	}{
		{"no key", request{body: `{"item":"cup","n":1}`}, 400, false, "draw a random one", 0},
		{"first", request{key: `"k1"`, auth: "ann", body: `{"item":"cup","n":1}`}, 200, false, `{"order":"o-cup"}`, 1},
		{"repeat, bare key", request{key: "k1", auth: "ann", body: `{"item":"cup","n":1}`}, 200, true, `{"order":"o-cup"}`, 1},
		{"other body", request{key: "k1", auth: "ann", body: `{"item":"cup","n":2}`}, 422, false, "different request", 1},
		{"other caller", request{key: "k1", auth: "bob", body: `{"item":"cup","n":1}`}, 200, false, "o-cup", 2},
		{"rejected", request{key: "k2", body: `{"item":"unicorn","n":1}`}, 409, false, "sold_out", 2},
		{"rejected again", request{key: "k2", body: `{"item":"unicorn","n":1}`}, 409, true, "no unicorn left", 2},
		{"failing", request{key: "k3", body: `{"item":"fire","n":1}`}, 500, false, "repeat it with the same key", 2},
		{"failing again", request{key: "k3", body: `{"item":"fire","n":1}`}, 500, false, "nothing was changed", 2},
		{"invalid", request{key: "k4", body: `{"item":"cup","n":0}`}, 400, false, "at least 1", 2},
		{"unknown field", request{key: "k5", body: `{"itme":"cup"}`}, 400, false, "itme", 2},
		{"too large", request{key: "k6", body: strings.Repeat(" ", 201)}, 413, false, "too large", 2},
		{"wrong method", request{method: "GET", key: "k7"}, 405, false, "POST", 2},
		{"key of two lines", request{key: "a b", body: `{}`}, 400, false, "visible ASCII", 2},
	}
	for _, s := range steps {
		res := ask(t, h, s.req)
		body, err := io.ReadAll(res.Body)
		must(t, err)
		if res.StatusCode != s.status || (res.Header.Get(cqrs.ReplayedHeader) == "true") != s.replayed || !strings.Contains(string(body), s.says) {
			t.Errorf("%s: %d %v %s, want %d %q", s.name, res.StatusCode, res.Header, body, s.status, s.says)
		}
		if n := number(t, db, `SELECT count(*) FROM orders`); n != s.orders {
			t.Errorf("%s: %d orders, want %d", s.name, n, s.orders)
		}
		if s.status >= 400 {
			var p cqrs.Rejection
			if err := json.Unmarshal(body, &p); err != nil || p.Status != s.status || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: not a problem: %s", s.name, body)
			}
		}
	}
}

func TestMiddlewareRecordsWhatIsFinal(t *testing.T) {
	t.Parallel()
	db := cqrs.SQL(testdb.SQLite(t), cqrs.DialectSQLite)
	exec(t, db, `CREATE TABLE effect (n int)`)
	var status int
	h := newKeys(t, db, nil).Middleware(&cqrs.HTTPOptions{Optional: true, MaxReply: 10, Log: quiet(), Headers: []string{"X-Own", "set-cookie"}})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tx, ok := cqrs.TxFrom[sqlTx](r.Context()); ok {
			_, err := db.Exec(r.Context(), tx, `INSERT INTO effect VALUES (1)`)
			must(t, err)
		}
		w.Header().Set("X-Own", "1")
		w.Header().Set("Set-Cookie", "session=secret")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "body")
		if r.URL.RawQuery == "" && r.Header.Get("Authorization") == "large" {
			_, _ = io.WriteString(w, strings.Repeat("x", 10))
		}
	}))
	for i, tt := range []struct {
		status   int
		recorded bool
		effects  int64
	}{{201, true, 1}, {302, true, 2}, {404, true, 2}, {429, false, 2}, {401, false, 2}, {503, false, 2}} {
		key := string(rune('a' + i))
		status = tt.status
		first := ask(t, h, request{key: key})
		if first.StatusCode != tt.status || first.Header.Get("X-Own") != "1" {
			t.Errorf("%d: first answer %d %v", tt.status, first.StatusCode, first.Header)
		}
		status = 200
		again := ask(t, h, request{key: key})
		if got := again.Header.Get(cqrs.ReplayedHeader) == "true"; got != tt.recorded {
			t.Errorf("%d: recorded %v, want %v", tt.status, got, tt.recorded)
		}
		if tt.recorded && (again.StatusCode != tt.status || again.Header.Get("Set-Cookie") != "") {
			t.Errorf("%d: replay %d %v", tt.status, again.StatusCode, again.Header)
		}
		if !tt.recorded {
			exec(t, db, `DELETE FROM effect WHERE rowid = (SELECT max(rowid) FROM effect)`) // of the second try
		}
		if n := number(t, db, `SELECT count(*) FROM effect`); n != tt.effects {
			t.Errorf("%d: %d effects, want %d", tt.status, n, tt.effects)
		}
	}
	if res := ask(t, h, request{}); res.StatusCode != 200 {
		t.Errorf("optional key: %d", res.StatusCode)
	}
	if res := ask(t, h, request{method: "GET", key: "g"}); res.StatusCode != 200 || res.Header.Get(cqrs.ReplayedHeader) != "" {
		t.Errorf("GET: %d", res.StatusCode)
	}
	if res := ask(t, h, request{key: "z", auth: "large"}); res.StatusCode != 500 {
		t.Errorf("an answer too large to record: %d", res.StatusCode)
	}
}

func TestExecute(t *testing.T) {
	t.Parallel()
	db := cqrs.SQL(testdb.SQLite(t), cqrs.DialectSQLite)
	exec(t, db, `CREATE TABLE orders (item text, n int)`)
	keys := newKeys(t, db, nil)
	cmd := placeCommand(db)
	for i := range 2 {
		r, err := cmd.Execute(t.Context(), keys, "ann", "k", place{"cup", 1})
		if err != nil || r.Result.Order != "o-cup" || r.Replayed != (i == 1) {
			t.Errorf("try %d: %+v %v", i, r, err)
		}
		_, err = cmd.Execute(t.Context(), keys, "ann", "u", place{"unicorn", 1})
		var no *cqrs.Rejection
		if !errors.As(err, &no) || no.Code != "sold_out" {
			t.Errorf("try %d: %v", i, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cmd.Execute(ctx, keys, "ann", "c", place{"cup", 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
