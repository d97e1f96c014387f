// Package admin is the one door by which the command line and a console reach a
// running program: its sagas, dead letters, breakers, consumers.
//
// Each part of the program offers a [Section]; [Handler] serves them all as
// JSON over HTTP. [Listen] binds it to loopback, guards it with a token and
// leaves a note in the user's runtime folder, so that `ashlar saga list` finds
// the program without being told where it is.
//
//	GET  /v1                       the program and its sections
//	GET  /v1/{section}             items: ?cursor= &limit= and the section's filters
//	GET  /v1/{section}/{id}        one item whole
//	POST /v1/{section}/{id}/{act}  act on it; a JSON object of arguments in the body
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strconv"
)

// Limits of the door.
const (
	DefaultLimit = 50
	MaxLimit     = 1000
	maxBody      = 1 << 20
)

// Section is one kind of thing that an operator can see and act on.
type Section struct {
	Name  string // in the path: "sagas"
	Title string // for people: "Sagas"
	// List returns a page of items, newest or most urgent first.
	List func(ctx context.Context, q Query) (Page, error)
	// Show returns one item whole; an error that wraps ErrNotFound when there is none.
	Show func(ctx context.Context, id string) (any, error)
	// Actions by name: retry, skip, force, replay.
	Actions map[string]Action
}

// Action changes something. Args is the JSON object that the caller sent, or nil.
type Action struct {
	Title   string // for people: "Retry now"
	Confirm string // non-empty: what a person should be asked first
	// Do may answer beside its error: how far it came.
	Do func(ctx context.Context, id string, args json.RawMessage) (any, error)
}

// Query selects items of a section.
type Query struct {
	Cursor string
	Limit  int // 1..MaxLimit
	Filter map[string]string
}

// Page is a part of a section's items, each a JSON object with at least "id"
// and "state".
type Page struct {
	Items  []any  `json:"items"`
	Next   string `json:"next,omitempty"` // cursor of the following page
	Total  int    `json:"total,omitempty"`
	Notice string `json:"notice,omitempty"`
}

// Errors that sections return, wrapped with what and which.
var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("not possible in this state")
	ErrInvalid  = errors.New("invalid argument")
)

// Info describes the program.
type Info struct {
	Program  string        `json:"program"`
	Version  string        `json:"version,omitempty"`
	PID      int           `json:"pid"`
	Sections []SectionInfo `json:"sections"`
}

// SectionInfo describes a section to a client.
type SectionInfo struct {
	Name    string       `json:"name"`
	Title   string       `json:"title"`
	Actions []ActionInfo `json:"actions,omitempty"`
}

// ActionInfo describes an action to a client.
type ActionInfo struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Confirm string `json:"confirm,omitempty"`
}

// Problem is the body of every error answer. Result is what an action answered
// beside its error: how far it came.
type Problem struct {
	Status int             `json:"status"`
	Detail string          `json:"detail"`
	Result json.RawMessage `json:"result,omitempty"`
}

func (p *Problem) Error() string { return p.Detail }

// Handler serves the sections. It trusts its caller: [Listen] adds the guard.
func Handler(info Info, sections ...Section) http.Handler {
	byName := make(map[string]Section, len(sections))
	for _, s := range sections {
		byName[s.Name] = s
		info.Sections = append(info.Sections, describe(s))
	}
	find := func(r *http.Request) (Section, error) {
		s, ok := byName[r.PathValue("section")]
		if !ok {
			return s, fmt.Errorf("section %q: %w; this program has: %s", r.PathValue("section"), ErrNotFound, names(byName))
		}
		return s, nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1", func(w http.ResponseWriter, _ *http.Request) { answer(w, info, nil) })
	mux.HandleFunc("GET /v1/{section}", func(w http.ResponseWriter, r *http.Request) {
		s, err := find(r)
		if err != nil {
			answer(w, nil, err)
			return
		}
		q, err := parseQuery(r)
		if err != nil {
			answer(w, nil, err)
			return
		}
		page, err := s.List(r.Context(), q)
		if err != nil {
			answer(w, nil, err)
			return
		}
		if page.Items == nil {
			page.Items = []any{}
		}
		answer(w, page, nil)
	})
	mux.HandleFunc("GET /v1/{section}/{id}", func(w http.ResponseWriter, r *http.Request) {
		s, err := find(r)
		if err != nil {
			answer(w, nil, err)
			return
		}
		if s.Show == nil {
			answer(w, nil, fmt.Errorf("%s cannot be shown singly: %w", s.Name, ErrNotFound))
			return
		}
		v, err := s.Show(r.Context(), r.PathValue("id"))
		if err != nil {
			v = nil
		}
		answer(w, v, err)
	})
	mux.HandleFunc("POST /v1/{section}/{id}/{action}", func(w http.ResponseWriter, r *http.Request) {
		s, err := find(r)
		if err != nil {
			answer(w, nil, err)
			return
		}
		a, ok := s.Actions[r.PathValue("action")]
		if !ok {
			answer(w, nil, fmt.Errorf("action %q on %s: %w; there are: %s", r.PathValue("action"), s.Name, ErrNotFound, names(s.Actions)))
			return
		}
		var args json.RawMessage
		if r.ContentLength != 0 {
			dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
			if err := dec.Decode(&args); err != nil {
				answer(w, nil, fmt.Errorf("body is not JSON: %w (%w)", err, ErrInvalid))
				return
			}
		}
		v, err := a.Do(r.Context(), r.PathValue("id"), args)
		if v == nil && err == nil {
			v = struct{}{}
		}
		answer(w, v, err)
	})
	return mux
}

func describe(s Section) SectionInfo {
	si := SectionInfo{Name: s.Name, Title: s.Title}
	for name, a := range s.Actions {
		si.Actions = append(si.Actions, ActionInfo{Name: name, Title: a.Title, Confirm: a.Confirm})
	}
	sort.Slice(si.Actions, func(i, j int) bool { return si.Actions[i].Name < si.Actions[j].Name })
	return si
}

func parseQuery(r *http.Request) (Query, error) {
	q := Query{Limit: DefaultLimit, Filter: map[string]string{}}
	for k, v := range r.URL.Query() {
		switch k {
		case "cursor":
			q.Cursor = v[0]
		case "limit":
			n, err := strconv.Atoi(v[0])
			if err != nil || n < 1 || n > MaxLimit {
				return q, fmt.Errorf("limit %q: want 1 to %d: %w", v[0], MaxLimit, ErrInvalid)
			}
			q.Limit = n
		default:
			q.Filter[k] = v[0]
		}
	}
	return q, nil
}

func answer(w http.ResponseWriter, v any, err error) {
	status := http.StatusOK
	if err != nil {
		switch {
		case errors.Is(err, ErrNotFound):
			status = http.StatusNotFound
		case errors.Is(err, ErrConflict):
			status = http.StatusConflict
		case errors.Is(err, ErrInvalid):
			status = http.StatusBadRequest
		default:
			status = http.StatusInternalServerError
		}
		p := Problem{Status: status, Detail: err.Error()}
		if v != nil {
			p.Result, _ = json.Marshal(v) // without it the error still says what is wrong
		}
		v = p
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the connection is gone; nobody is left to tell
}

func names[T any](m map[string]T) string {
	s := make([]string, 0, len(m))
	for k := range m {
		s = append(s, k)
	}
	sort.Strings(s)
	return fmt.Sprint(s)
}
