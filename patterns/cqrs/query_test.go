package cqrs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/cqrs"
)

type orderFilter struct {
	State []string   `filter:"state,open|paid"`
	Min   *int       `filter:"min"`
	Since time.Time  `filter:"since"`
	Mine  bool       `filter:"mine"`
	Until *time.Time `filter:"until"`
	Own   string     // not a parameter
}

// orders is a query over numbers 1 to n, which may grow.
func orders(n *int) cqrs.Query[orderFilter, int] {
	return cqrs.Query[orderFilter, int]{
		Name: "orders", Limit: 2, MaxLimit: 3,
		Fetch: func(_ context.Context, p cqrs.Page[orderFilter]) ([]int, error) {
			after := 0
			if p.After != nil {
				if _, err := fmt.Sscan(p.After[0], &after); err != nil {
					return nil, err
				}
			}
			var items []int
			for i := after + 1; i <= *n && len(items) < p.Limit; i++ {
				items = append(items, i)
			}
			return items, nil
		},
		Place: func(i int) []string { return []string{fmt.Sprint(i)} },
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	n := 5
	q := orders(&n)
	var all []int
	cursor, pages := "", 0
	for {
		page, err := q.Do(t.Context(), orderFilter{}, cursor, 0)
		must(t, err)
		all = append(all, page.Items...)
		if pages++; pages == 1 {
			n = 6 // a row that comes later is seen, none is seen twice
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if !slices.Equal(all, []int{1, 2, 3, 4, 5, 6}) || pages != 3 {
		t.Errorf("%v in %d pages", all, pages)
	}
	if page, err := q.Do(t.Context(), orderFilter{}, "", 1000); err != nil || len(page.Items) != 3 {
		t.Errorf("a limit beyond the cap: %v %v", page, err)
	}
	page, err := q.Do(t.Context(), orderFilter{}, "", 1)
	must(t, err)
	for cursor, want := range map[string]string{page.Next: "other filters", "!": "not a cursor", page.Next[:8] + "A": "not a cursor", strings.Repeat("A", 5000): "too long"} {
		filter := orderFilter{}
		if want == "other filters" {
			filter.Mine = true
		}
		var bad *cqrs.ArgumentError
		if _, err := q.Do(t.Context(), filter, cursor, 0); !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("cursor %.20q: %v, want %q", cursor, err, want)
		}
	}
	n = 0
	if page, err := q.Do(t.Context(), orderFilter{}, "", 0); err != nil || page.Items == nil || page.Next != "" {
		t.Errorf("nothing there: %+v %v", page, err)
	}
}

func TestQueryOverHTTP(t *testing.T) {
	t.Parallel()
	n := 4
	h := orders(&n).Handler()
	for _, tt := range []struct {
		method, query string
		status        int
		says          string
	}{
		{"GET", "state=open&state=paid&min=3&since=2026-01-31T08:00:00Z&mine=true", 200, `"items":[1,2]`},
		{"GET", "limit=100", 200, `"items":[1,2,3]`},
		{"GET", "limit=0", 400, "at least 1"},
		{"GET", "limit=x", 400, "at least 1"},
		{"GET", "state=lost", 400, "want one of open, paid"},
		{"GET", "min=1.5", 400, "whole number"},
		{"GET", "min=1&min=2", 400, "more than once"},
		{"GET", "mine=perhaps&since=yesterday", 400, "true or false"},
		{"GET", "mine=perhaps&since=yesterday", 400, "2026-01-31T08:00:00Z"},
		{"GET", "stat=open", 400, "there are: state, min, since, mine, until, cursor, limit"},
		{"GET", "Own=1", 400, "unknown"},
		{"GET", "cursor=AAAA", 400, "start again"},
		{"POST", "", 405, "GET"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), tt.method, "/orders?"+tt.query, nil))
		// The body is JSON, in which a quotation mark inside a text is escaped.
		if body := strings.ReplaceAll(w.Body.String(), `\"`, `"`); w.Code != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("%s ?%s: %d %s, want %d %q", tt.method, tt.query, w.Code, body, tt.status, tt.says)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{"state=open&min=3", "since=2026-01-31T08:00:00Z", "mine=1&until=x", "%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		values, err := url.ParseQuery(s)
		if err != nil {
			return
		}
		filter, err := cqrs.ParseFilter[orderFilter](values)
		if err != nil {
			return
		}
		for _, state := range filter.State {
			if state != "open" && state != "paid" {
				t.Errorf("%q let %q through", s, state)
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	n := 10
	q := orders(&n)
	page, err := q.Do(context.Background(), orderFilter{}, "", 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(page.Next)
	f.Add("")
	f.Fuzz(func(t *testing.T, cursor string) {
		got := orders(&n)
		got.Fetch = func(_ context.Context, p cqrs.Page[orderFilter]) ([]int, error) {
			if cursor != "" && p.After == nil {
				t.Errorf("cursor %q reads as the start", cursor)
			}
			return nil, nil
		}
		page, err := got.Do(context.Background(), orderFilter{}, cursor, 1)
		var bad *cqrs.ArgumentError
		if err != nil && !errors.As(err, &bad) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
		if _, err := json.Marshal(page); err != nil {
			t.Error(err)
		}
	})
}
