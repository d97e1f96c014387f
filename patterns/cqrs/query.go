package cqrs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// Query defaults.
const (
	DefaultLimit    = 50
	DefaultMaxLimit = 500
	maxCursor       = 4096 // bytes
)

// Query is one question to a read model: F filters it, T is an item of the answer.
type Query[F, T any] struct {
	Name string
	// Limit is what callers get who do not say, MaxLimit what they get at most,
	// however much they ask for; default DefaultLimit and DefaultMaxLimit.
	Limit, MaxLimit int
	// Fetch returns up to page.Limit items in a fixed order without ties, those
	// behind page.After. It asks for one item more than is shown, to know
	// whether there is a next page.
	Fetch func(ctx context.Context, page Page[F]) ([]T, error)
	// Place returns where an item stands in that order: the values of the
	// columns it is ordered by, the last of them unique.
	Place func(item T) []string
}

// Page is what Fetch is asked for.
type Page[F any] struct {
	Filter F
	After  []string // from Place; nil: from the start. From a client: bind it as values, never as SQL.
	Limit  int
}

// Items is one page of an answer.
type Items[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // cursor of the following page; empty: this is the last
}

// ArgumentError is a query that cannot be answered as it was asked, HTTP 400.
type ArgumentError struct{ Name, Value, Reason string }

func (e *ArgumentError) Error() string {
	return fmt.Sprintf("%s=%q: %s", e.Name, e.Value, e.Reason)
}

// Do answers the query. Cursor "" is the first page; limit 0 the default one.
func (q Query[F, T]) Do(ctx context.Context, filter F, cursor string, limit int) (Items[T], error) {
	page := Page[F]{Filter: filter, Limit: limit}
	usual, most := q.Limit, q.MaxLimit
	if most == 0 {
		most = max(DefaultMaxLimit, usual)
	}
	if usual == 0 {
		usual = min(DefaultLimit, most)
	}
	switch {
	case limit < 0:
		return Items[T]{}, &ArgumentError{"limit", strconv.Itoa(limit), fmt.Sprintf("want 1 to %d", most)}
	case limit == 0:
		page.Limit = usual
	default:
		page.Limit = min(limit, most)
	}
	tag, err := q.tag(filter)
	if err != nil {
		return Items[T]{}, err
	}
	if cursor != "" {
		if page.After, err = readCursor(cursor, tag); err != nil {
			return Items[T]{}, err
		}
	}
	shown := page.Limit
	page.Limit++
	items, err := q.Fetch(ctx, page)
	if err != nil {
		return Items[T]{}, fmt.Errorf("query %s: %w", q.Name, err)
	}
	answer := Items[T]{Items: items}
	if len(items) > shown {
		answer.Items = items[:shown]
		answer.Next = writeCursor(tag, q.Place(items[shown-1]))
	}
	if answer.Items == nil {
		answer.Items = []T{}
	}
	return answer, nil
}

// tag ties a cursor to its query and filter: with another filter, "after this
// item" would mean something else.
func (q Query[F, T]) tag(filter F) ([]byte, error) {
	text, err := json.Marshal(filter)
	if err != nil {
		return nil, fmt.Errorf("query %s: filter: %w", q.Name, err)
	}
	sum := sha256.Sum256(append([]byte(q.Name+"\x00"), text...))
	return sum[:6], nil
}

func writeCursor(tag []byte, place []string) string {
	text, err := json.Marshal(place)
	if err != nil {
		panic(err) // strings always marshal
	}
	return base64.RawURLEncoding.EncodeToString(append(bytes.Clone(tag), text...))
}

func readCursor(cursor string, tag []byte) (place []string, err error) {
	fail := func(reason string) ([]string, error) {
		return nil, &ArgumentError{"cursor", cursor, reason + "; start again without a cursor"}
	}
	if len(cursor) > maxCursor {
		cursor = cursor[:32] + "…"
		return fail("too long")
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) < len(tag) {
		return fail("not a cursor of this service")
	}
	if !bytes.Equal(raw[:len(tag)], tag) {
		return fail("it belongs to another query or other filters")
	}
	if err := json.Unmarshal(raw[len(tag):], &place); err != nil || place == nil {
		return fail("not a cursor of this service")
	}
	return place, nil
}

// Handler serves the query over HTTP: GET with cursor, limit and the filter's
// fields, see [ParseFilter]. Unknown parameters are an error.
func (q Query[F, T]) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			problem(w, http.StatusMethodNotAllowed, "method", "a query is asked with GET")
			return
		}
		answer, err := q.ask(r.Context(), r.URL.Query())
		var bad *ArgumentError
		switch {
		case errors.As(err, &bad):
			problem(w, http.StatusBadRequest, "argument", err.Error())
			return
		case err != nil:
			problem(w, http.StatusInternalServerError, "failed", "the query failed")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // the client is gone
	})
}

func (q Query[F, T]) ask(ctx context.Context, values url.Values) (answer Items[T], err error) {
	limit := 0
	if text := values.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 {
			return answer, &ArgumentError{"limit", text, "want a number of at least 1"}
		}
	}
	cursor := values.Get("cursor")
	values.Del("limit")
	values.Del("cursor")
	filter, err := ParseFilter[F](values)
	if err != nil {
		return answer, err
	}
	return q.Do(ctx, filter, cursor, limit)
}
