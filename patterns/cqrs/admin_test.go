package cqrs_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/cqrs"
	"github.com/ashlar-dev/ashlar/patterns/internal/testdb"
)

func TestSection(t *testing.T) {
	t.Parallel()
	db := cqrs.SQL(testdb.SQLite(t), cqrs.DialectSQLite)
	log := newMemoryLog()
	r := project(t, db, log, balances(db, 1, nil))
	truth, model := table{"a": "1"}, table{"a": "0"}
	s := cqrs.Section([]cqrs.ReadModel{r}, []*cqrs.Reconciler{{
		Name: "balances", Truth: side(truth, time.Now()), Model: side(model, time.Time{}),
		Repair: func(_ context.Context, key string) error { model[key] = truth[key]; return nil },
	}, {
		Name: "stubborn", Truth: side(truth, time.Now()), Model: side(model, time.Time{}),
		Repair: func(context.Context, string) error { return errors.New("disk full") },
	}})
	log.append("a", 1)
	text := func(v any, err error) string {
		t.Helper()
		must(t, err)
		b, err := json.Marshal(v)
		must(t, err)
		return string(b)
	}
	has := func(got string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %s", got, want)
			}
		}
	}
	page, err := s.List(t.Context(), admin.Query{Filter: map[string]string{"state": "behind"}})
	has(text(page, err), `"id":"balances"`, `"behind":1`)
	start(t, r)
	wait(t, r, 1)
	has(text(s.Show(t.Context(), "balances")), `"state":"current"`, `"generation":1`)
	has(text(s.Actions["rebuild"].Do(t.Context(), "balances", nil)), `"generation":2`)
	has(text(s.Actions["reconcile"].Do(t.Context(), "balances", json.RawMessage(`{"dry_run":true}`))), `"wrong":1`, `"repaired":0`, "a: different")
	has(text(s.Actions["reconcile"].Do(t.Context(), "balances", nil)), `"repaired":1`)
	model["a"] = "0"
	some, err := s.Actions["reconcile"].Do(t.Context(), "stubborn", nil) // the report comes with the error
	if rep, ok := some.(cqrs.Report); !ok || err == nil || rep.Wrong != 1 || len(rep.Failed) != 1 || rep.Took <= 0 {
		t.Errorf("failed repair: %+v, %v", some, err)
	}
	if _, err := s.Show(t.Context(), "nothing"); !errors.Is(err, admin.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := s.List(t.Context(), admin.Query{Filter: map[string]string{"x": "y"}}); !errors.Is(err, admin.ErrInvalid) {
		t.Errorf("unknown filter: %v", err)
	}
}
