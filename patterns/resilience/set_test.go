package resilience_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

func TestOperatorsSeeAndSetBreakers(t *testing.T) {
	t.Parallel()
	var set resilience.Set
	with := target(t, resilience.Config{Breaker: &policy.BreakerConfig{}, Retry: &policy.RetryConfig{}}, resilience.Options{})
	without, err := resilience.New("ledger", resilience.Config{}, quiet(resilience.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	set.Add(with, without)
	h := admin.Handler(admin.Info{Program: "shop"}, set.Section())
	do := func(method, path string, want int) (body map[string]any) {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != want {
			t.Fatalf("%s %s: %d %s (%v)", method, path, w.Code, w.Body, err)
		}
		return body
	}
	if b := do("POST", "/v1/breakers/inventory/trip", 200); b["state"] != "open" {
		t.Fatalf("%v", b)
	}
	if _, err := resilience.Do(t.Context(), with, resilience.Once, answers); !errors.Is(err, resilience.ErrOpen) {
		t.Fatal(err)
	}
	items := do("GET", "/v1/breakers?state=open", 200)["items"].([]any)
	if len(items) != 1 || items[0].(map[string]any)["id"] != "inventory" {
		t.Fatalf("%v", items)
	}
	page := do("GET", "/v1/breakers?limit=1", 200)
	if page["next"] != "inventory" || page["total"] != 2.0 {
		t.Fatalf("%v", page)
	}
	if next := do("GET", "/v1/breakers?limit=1&cursor=inventory", 200); next["items"].([]any)[0].(map[string]any)["id"] != "ledger" || next["next"] != nil {
		t.Fatalf("%v", next)
	}
	shown := do("GET", "/v1/breakers/inventory", 200)["breaker"].(map[string]any)
	if shown["cause"] != "operator" || len(shown["changes"].([]any)) != 1 || shown["until"] != nil {
		t.Fatalf("%v", shown)
	}
	if b := do("POST", "/v1/breakers/inventory/reset", 200); b["state"] != "closed" {
		t.Fatalf("%v", b)
	}
	do("POST", "/v1/breakers/ledger/trip", http.StatusConflict)
	do("POST", "/v1/breakers/nobody/trip", http.StatusNotFound)
	if b, _ := json.Marshal(with.Snapshot()); !strings.Contains(string(b), `"retry_tokens":10`) {
		t.Fatalf("%s", b)
	}
}
