// Package eventstore keeps what happened as streams of events, one a thing, in
// one global order, on package journal: SQLite embedded, PostgreSQL in production.
//
//   - Append names the version that its writer saw; whoever comes second gets a
//     [ConflictError]. It returns after the events are on the disk, together with
//     those of all who wait at the same time.
//   - Positions are gap-free in commit order, so a [Store.Subscribe] that starts
//     with history and turns live misses nothing in between.
//   - Every event carries who caused it: [WithCause] hands correlation and
//     causation on by context.
//   - Old events are read in today's shape: an [Upcast] lifts one schema to the
//     next, on reading; what is stored is never touched.
//   - [Aggregate] folds a stream into a state and decides on it, with snapshots
//     that are only a cache.
//
// A Store is a source for cqrs.Projector.
package eventstore

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
)

// Versions for Append.
const (
	Any int64 = journal.Any // append at whatever version the stream has
	New int64 = 0           // the stream must not exist
)

// Errors of Append, as package journal makes them.
type (
	ConflictError  = journal.ConflictError  // the stream is at another version
	DuplicateError = journal.DuplicateError // some of the IDs are there already, others not
	SizeError      = journal.SizeError      // too much, with the limit
	InvalidError   = journal.InvalidError   // what no store takes
)

// Event is one thing that happened.
type Event struct {
	// Set by the store.
	Position int64 // in the global order, gap-free from 1
	Stream   string
	Version  int64 // in the stream, gap-free from 1
	Time     time.Time

	Type string // "order placed"; the past tense of a verb
	// Schema is the version of Data's shape, from 1. Zero, on Append: the newest
	// that the upcasts of this program lead to.
	Schema int
	// ID names the event. Empty, on Append: stream@version. One that the caller
	// gives makes the append repeatable: the same IDs again are answered with the
	// first's positions.
	ID   string
	Data []byte // usually JSON
	Meta Metadata
}

// Metadata says where an event comes from.
type Metadata struct {
	// Correlation is shared by all that one request set going. Empty, on Append:
	// from the context, else the event's own ID.
	Correlation string `json:"corr,omitempty"`
	// Causation is the ID of the event or command that led to this one. Empty,
	// on Append: from the context.
	Causation string            `json:"cause,omitempty"`
	Extra     map[string]string `json:"extra,omitempty"` // user, tenant, trace
}

// stored is the form of what has no column in the journal.
type stored struct {
	Metadata
	Schema int `json:"schema,omitempty"` // 0: 1
}

// encode returns it as JSON. What is plain is written here, byte for byte as
// encoding/json does: that took as long as the rest of Append.
func (m *stored) encode() ([]byte, error) {
	if len(m.Extra) > 0 || !plain(m.Correlation) || !plain(m.Causation) {
		return json.Marshal(m)
	}
	b := append(make([]byte, 0, len(m.Correlation)+len(m.Causation)+48), '{')
	for _, f := range [...]struct{ name, value string }{{`"corr":"`, m.Correlation}, {`"cause":"`, m.Causation}} {
		if f.value == "" {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, f.name...), f.value...), '"')
	}
	if m.Schema != 0 {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `"schema":`...), int64(m.Schema), 10)
	}
	return append(b, '}'), nil
}

// plain reports whether JSON writes s as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// Options of [New]; nil or zero is the default.
type Options struct {
	Upcasts []Upcast
}

// Log is the journal under a store; *journal.Journal is one.
type Log interface {
	Append(ctx context.Context, u journal.Unit) (journal.Result, error)
	Read(ctx context.Context, after int64, limit int) ([]journal.Record, error)
	ReadStream(ctx context.Context, stream string, after int64, limit int) ([]journal.Record, error)
	Head(ctx context.Context) (int64, error)
	Wait(ctx context.Context, after int64) (int64, error)
}

var _ Log = (*journal.Journal)(nil)

// Store is an event store. It may be used concurrently; closing the journal is
// its opener's business.
type Store struct {
	log  Log
	lift lifter
}

// Open returns the event store over a journal.
func Open(log Log, opts *Options) (*Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	lift, err := newLifter(o.Upcasts)
	if err != nil {
		return nil, fmt.Errorf("eventstore: %w", err)
	}
	return &Store{log: log, lift: lift}, nil
}

// Appended says where events came to stand.
type Appended struct {
	First, Last int64 // positions: wait for Last to read your own write
	Version     int64 // of the stream afterwards
	Repeated    bool  // the same IDs were there already; nothing was appended
}

// Append adds events to a stream, all or none, if it is at the expected
// version: Any, New, or the version of the last event seen. It returns after
// they are synced to disk. What it fills in, it fills into the slice, too, so that
// an event can be the cause of the next: [Because].
func (s *Store) Append(ctx context.Context, stream string, expected int64, events ...Event) (Appended, error) {
	records := make([]journal.Record, len(events))
	for i := range events {
		e := &events[i]
		e.Stream = stream
		if e.Schema == 0 {
			e.Schema = s.lift.newest(e.Type)
		}
		if newest := s.lift.newest(e.Type); e.Schema < 0 || e.Schema > newest && s.lift.knows(e.Type) {
			return Appended{}, &SchemaError{Stream: stream, Type: e.Type, Schema: e.Schema, Newest: newest}
		}
		e.Meta.inherit(ctx)
		meta := stored{Metadata: e.Meta}
		if e.Schema != 1 {
			meta.Schema = e.Schema
		}
		text, err := meta.encode()
		if err != nil {
			return Appended{}, fmt.Errorf("eventstore: metadata of %s: %w", e.Type, err)
		}
		records[i] = journal.Record{Type: e.Type, ID: e.ID, Data: e.Data, Meta: text}
	}
	r, err := s.log.Append(ctx, journal.Unit{Stream: stream, Expected: expected, Records: records})
	if err != nil {
		return Appended{}, err // it says stream and what to do
	}
	if !r.Repeated {
		for i := range events {
			events[i].Position, events[i].Version = r.First+int64(i), r.Version-int64(len(events)-1-i)
			events[i].name()
		}
	}
	return Appended{First: r.First, Last: r.Last, Version: r.Version, Repeated: r.Repeated}, nil
}

// Read returns events of all streams behind a position, in order, at most limit
// (0: as many as one read gives). None means that the end is reached.
func (s *Store) Read(ctx context.Context, after int64, limit int) ([]Event, error) {
	return s.events(s.log.Read(ctx, after, limit))
}

// ReadStream returns events of a stream behind a version, in order, at most
// limit. None means that the end is reached; an unknown stream has none.
func (s *Store) ReadStream(ctx context.Context, stream string, after int64, limit int) ([]Event, error) {
	return s.events(s.log.ReadStream(ctx, stream, after, limit))
}

// Head returns the last position; 0 when empty.
func (s *Store) Head(ctx context.Context) (int64, error) { return s.log.Head(ctx) }

// Wait blocks until the head is above a position, and returns it.
func (s *Store) Wait(ctx context.Context, after int64) (int64, error) { return s.log.Wait(ctx, after) }

func (s *Store) events(records []journal.Record, err error) ([]Event, error) {
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(records))
	for i, r := range records {
		if events[i], err = s.event(r); err != nil {
			return nil, err
		}
	}
	return events, nil
}

func (s *Store) event(r journal.Record) (Event, error) {
	e := Event{Position: r.Position, Stream: r.Stream, Version: r.Version, Time: r.Time, Type: r.Type, ID: r.ID, Data: r.Data, Schema: 1}
	if len(r.Meta) > 0 {
		var meta stored
		if err := json.Unmarshal(r.Meta, &meta); err != nil {
			return e, fmt.Errorf("eventstore: stream %q, version %d: metadata: %w; was it appended by something other than an event store?", r.Stream, r.Version, err)
		}
		e.Meta = meta.Metadata
		e.Schema = max(1, meta.Schema)
	}
	e.name()
	return s.lift.lift(e)
}

// name fills in what follows from the event's place.
func (e *Event) name() {
	if e.ID == "" {
		e.ID = e.Stream + "@" + strconv.FormatInt(e.Version, 10)
	}
	if e.Meta.Correlation == "" {
		e.Meta.Correlation = e.ID
	}
}

// Filter selects events; nil and empty fields select all.
type Filter struct {
	Streams func(stream string) bool
	Types   []string
	// Live is called, between two events, when history has been read and the
	// subscription begins to wait; again after each time that it fell behind.
	Live func()
}

func (f *Filter) match(e *Event) bool {
	if f == nil {
		return true
	}
	if f.Streams != nil && !f.Streams(e.Stream) {
		return false
	}
	if len(f.Types) == 0 {
		return true
	}
	for _, t := range f.Types {
		if t == e.Type {
			return true
		}
	}
	return false
}

const subscribeBatch = 1000

// Subscribe yields events behind a position: first those that are there, then
// each as it is committed, without a gap or a double between the two. It ends
// when the loop does, or with an error, ctx's among them; subscribe again from
// the last position seen.
func (s *Store) Subscribe(ctx context.Context, after int64, filter *Filter) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for head := int64(0); ; {
			events, err := s.Read(ctx, after, subscribeBatch)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for i := range events {
				after = events[i].Position
				if filter.match(&events[i]) && !yield(events[i], nil) {
					return
				}
			}
			if len(events) > 0 {
				continue
			}
			// The head was known before that read found nothing: what lies
			// between belonged to streams that were removed.
			after = max(after, head)
			if filter != nil && filter.Live != nil {
				filter.Live()
			}
			if head, err = s.log.Wait(ctx, after); err != nil {
				yield(Event{}, err)
				return
			}
		}
	}
}
