package resilience

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"sync"

	"github.com/ashlar-dev/ashlar/patterns/admin"
)

// Set is a program's targets, for its console.
type Set struct {
	mu      sync.Mutex
	targets map[string]*Target
}

// Add puts targets into the set; one of the same name takes the other's place.
func (s *Set) Add(ts ...*Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.targets == nil {
		s.targets = map[string]*Target{}
	}
	for _, t := range ts {
		s.targets[t.name] = t
	}
}

// Snapshots describes all targets, by name.
func (s *Set) Snapshots() []Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Snapshot, 0, len(s.targets))
	for _, t := range s.targets {
		out = append(out, t.Snapshot())
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Target < out[j].Target })
	return out
}

func (s *Set) find(name string) (*Target, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.targets[name]
	if t == nil {
		return nil, fmt.Errorf("target %q: %w", name, admin.ErrNotFound)
	}
	return t, nil
}

// Section offers the set to operators as "breakers": filter by state, open a
// breaker by hand, close it again.
func (s *Set) Section() admin.Section {
	act := func(title, confirm string, do func(*Target) bool) admin.Action {
		return admin.Action{Title: title, Confirm: confirm, Do: func(_ context.Context, id string, _ json.RawMessage) (any, error) {
			t, err := s.find(id)
			if err != nil {
				return nil, err
			}
			if !do(t) {
				return nil, fmt.Errorf("target %q has no breaker: %w", id, admin.ErrConflict)
			}
			return t.Snapshot(), nil
		}}
	}
	return admin.Section{
		Name: "breakers", Title: "Breakers",
		List: func(_ context.Context, q admin.Query) (admin.Page, error) {
			p := admin.Page{}
			for _, v := range s.Snapshots() {
				if want := q.Filter["state"]; want != "" && want != v.State {
					continue
				}
				p.Total++
				switch {
				case q.Cursor != "" && v.Target <= q.Cursor:
				case q.Limit == 0 || len(p.Items) < q.Limit:
					p.Items = append(p.Items, v)
				case p.Next == "":
					p.Next = p.Items[len(p.Items)-1].(Snapshot).Target
				}
			}
			return p, nil
		},
		Show: func(_ context.Context, id string) (any, error) {
			t, err := s.find(id)
			if err != nil {
				return nil, err
			}
			return t.Snapshot(), nil
		},
		Actions: map[string]admin.Action{
			"trip":  act("Open the breaker", "All calls to this target will be refused until it is reset.", (*Target).Trip),
			"reset": act("Close the breaker", "", (*Target).Reset),
		},
	}
}
