package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/journal"
)

// Event is one that passed on the bus.
type Event struct {
	ID       string    `json:"id"`       // of the event; a second time it is not noted again
	Instance string    `json:"instance"` // what belongs together: the correlation id
	Type     string    `json:"type"`
	Time     time.Time `json:"time"`
}

// State of an instance.
type State string

// States. Late is a running instance in which a service has not reacted in time.
const (
	Running State = "running"
	Late    State = "late"
	Done    State = "done"
	Undone  State = "undone"
)

// Due is a reaction that is still to come.
type Due struct {
	Service string    `json:"service"`
	On      string    `json:"on"`
	Emits   []string  `json:"emits"`
	By      time.Time `json:"by,omitzero"` // zero: no limit
}

// Progress of an instance.
type Progress struct {
	ID     string  `json:"id"`
	Flow   string  `json:"flow"`
	State  State   `json:"state"`
	Events []Event `json:"events"`
	Due    []Due   `json:"due,omitempty"`
}

// Tracker notes events and shows progress. All methods may be called concurrently.
type Tracker struct {
	j    *journal.Journal
	flow Flow
	now  func() time.Time

	mu   sync.Mutex
	open map[string][]Event // instances that have not ended
}

// Track reads the open instances of a flow from the journal and goes on noting
// theirs and new ones. Now is the clock; nil: time.Now.
func Track(ctx context.Context, j *journal.Journal, f Flow, now func() time.Time) (*Tracker, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if now == nil {
		now = time.Now
	}
	t := &Tracker{j: j, flow: f, now: now, open: map[string][]Event{}}
	for at := int64(0); ; {
		rs, err := j.Read(ctx, at, 0)
		if err != nil {
			return nil, fmt.Errorf("flow %s: %w", f.Name, err)
		}
		if len(rs) == 0 {
			return t, nil
		}
		for i := range rs {
			at = rs[i].Position
			id, ok := strings.CutPrefix(rs[i].Stream, t.stream(""))
			if !ok {
				continue
			}
			var e Event
			if err := json.Unmarshal(rs[i].Data, &e); err != nil {
				return nil, fmt.Errorf("flow %s: record %d is not readable: %w", f.Name, at, err)
			}
			if t.open[id] = append(t.open[id], e); rs[i].Final {
				delete(t.open, id)
			}
		}
	}
}

func (t *Tracker) stream(instance string) string { return "flow/" + t.flow.Name + "/" + instance }

// ErrUnexpected marks an event that its flow does not expect at this point. It
// is noted all the same: the bus may deliver events out of order.
var ErrUnexpected = errors.New("flow: unexpected event")

// Saw notes an event. Events that are no part of the flow are passed over. The
// note is durable when Saw returns; a repeated event changes nothing.
func (t *Tracker) Saw(ctx context.Context, e Event) error {
	if !t.flow.knows(e.Type) {
		return nil
	}
	if e.ID == "" || e.Instance == "" {
		return fmt.Errorf("flow %s: event %+v lacks its id or its instance", t.flow.Name, e)
	}
	if e.Time.IsZero() {
		e.Time = t.now().UTC()
	}
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("flow %s: %w", t.flow.Name, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock() // events of one instance are noted one after the other
	before := slices.Clone(t.open[e.Instance])
	after := append(before, e)
	ended := t.flow.state(after, t.now()) == Done || t.flow.state(after, t.now()) == Undone
	res, err := t.j.Append(ctx, journal.Unit{Stream: t.stream(e.Instance), Expected: journal.Any, Records: []journal.Record{{Type: e.Type, ID: e.ID, Data: data, Final: ended}}})
	if err != nil || res.Repeated {
		return err
	}
	if t.open[e.Instance] = after; ended {
		delete(t.open, e.Instance)
	}
	expected := e.Type == t.flow.Start || slices.ContainsFunc(t.flow.due(before), func(d Due) bool { return slices.Contains(d.Emits, e.Type) })
	if !expected {
		return fmt.Errorf("flow %s: %s of %s: %w", t.flow.Name, e.Type, e.Instance, ErrUnexpected)
	}
	return nil
}

func (f *Flow) knows(typ string) bool {
	return typ == f.Start || slices.ContainsFunc(f.Reactions, func(r Reaction) bool { return r.On == typ || slices.Contains(r.Emits, typ) })
}

// due lists the reactions that the events call for and that have not come.
func (f *Flow) due(events []Event) (out []Due) {
	for _, e := range events {
		for _, r := range f.reactions(e.Type) {
			if slices.ContainsFunc(events, func(x Event) bool { return slices.Contains(r.Emits, x.Type) }) {
				continue
			}
			d := Due{Service: r.Service, On: r.On, Emits: r.Emits}
			if r.Within > 0 {
				d.By = e.Time.Add(r.Within)
			}
			out = append(out, d)
		}
	}
	return out
}

// state is ended when an end was seen and nothing is due any more.
func (f *Flow) state(events []Event, now time.Time) State {
	due := f.due(events)
	if len(due) == 0 {
		saw := func(types []string) bool {
			return slices.ContainsFunc(events, func(e Event) bool { return slices.Contains(types, e.Type) })
		}
		switch {
		case saw(f.Undone):
			return Undone
		case saw(f.Done):
			return Done
		}
	}
	if slices.ContainsFunc(due, func(d Due) bool { return !d.By.IsZero() && d.By.Before(now) }) {
		return Late
	}
	return Running
}

func (t *Tracker) progress(id string, events []Event) Progress {
	return Progress{ID: id, Flow: t.flow.Name, State: t.flow.state(events, t.now()), Events: events, Due: t.flow.due(events)}
}

// List shows the instances that have not ended, the late ones first, then the oldest.
func (t *Tracker) List() []Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]Progress, 0, len(t.open))
	for id, events := range t.open {
		out = append(out, t.progress(id, slices.Clone(events)))
	}
	slices.SortFunc(out, func(a, b Progress) int {
		if (a.State == Late) != (b.State == Late) {
			return map[bool]int{true: -1, false: 1}[a.State == Late]
		}
		if c := a.Events[0].Time.Compare(b.Events[0].Time); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// ErrNotFound: no instance of the flow has this id.
var ErrNotFound = errors.New("flow: no such instance")

// Show returns one instance, ended or not, from the journal.
func (t *Tracker) Show(ctx context.Context, id string) (Progress, error) {
	rs, err := t.j.ReadStream(ctx, t.stream(id), 0, 0)
	if err != nil {
		return Progress{}, fmt.Errorf("flow %s: %w", t.flow.Name, err)
	}
	if len(rs) == 0 {
		return Progress{}, fmt.Errorf("flow %s: %q: %w", t.flow.Name, id, ErrNotFound)
	}
	events := make([]Event, len(rs))
	for i := range rs {
		if err := json.Unmarshal(rs[i].Data, &events[i]); err != nil {
			return Progress{}, fmt.Errorf("flow %s: record %d is not readable: %w", t.flow.Name, rs[i].Position, err)
		}
	}
	return t.progress(id, events), nil
}

// Section offers the flow's instances to the command line and a console; filter:
// state.
func (t *Tracker) Section() admin.Section {
	return admin.Section{
		Name: "flow-" + t.flow.Name, Title: "Flow " + t.flow.Name,
		List: func(_ context.Context, q admin.Query) (admin.Page, error) {
			var p admin.Page
			passed := q.Cursor == ""
			for _, i := range t.List() {
				switch {
				case !passed:
					passed = i.ID == q.Cursor
				case q.Filter["state"] != "" && q.Filter["state"] != string(i.State):
				case len(p.Items) == q.Limit:
					p.Next = p.Items[len(p.Items)-1].(Progress).ID
					return p, nil
				default:
					p.Items = append(p.Items, i)
				}
			}
			return p, nil
		},
		Show: func(ctx context.Context, id string) (any, error) {
			p, err := t.Show(ctx, id)
			if errors.Is(err, ErrNotFound) {
				err = errors.Join(err, admin.ErrNotFound)
			}
			return p, err
		},
	}
}
