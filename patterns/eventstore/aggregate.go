package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
)

// Aggregate folds the events of a stream into a state S and decides on it.
type Aggregate[S any] struct {
	// Prefix of its streams: an aggregate "order-" with the ID 42 is the stream "order-42".
	Prefix string
	// Fold returns the state after an event. It must not look at anything else:
	// the same events always give the same state.
	Fold func(state S, e Event) (S, error)
	// Snapshots, if not nil, keeps the state every SnapshotEvery events (default
	// 100), so that loading reads few. S must survive JSON. Raise SnapshotSchema
	// whenever S or Fold changes: older snapshots are ignored then.
	Snapshots      Snapshots
	SnapshotEvery  int
	SnapshotSchema int
	// Retries is how often Update decides anew after a conflict; default 5.
	Retries int
	Log     *slog.Logger // gets snapshots that could not be kept or read; default slog.Default()
}

// State is an aggregate as loaded.
type State[S any] struct {
	Value    S
	Version  int64 // of the stream; 0: it does not exist
	snapshot int64 // version of the snapshot that it was loaded from
}

const (
	defaultSnapshotEvery = 100
	defaultRetries       = 5
	loadBatch            = 500
)

// Load returns the state after all events of the stream.
func (a *Aggregate[S]) Load(ctx context.Context, store *Store, id string) (st State[S], err error) {
	stream := a.Prefix + id
	st = a.fromSnapshot(ctx, stream)
	for {
		events, err := store.ReadStream(ctx, stream, st.Version, loadBatch)
		if err != nil || len(events) == 0 {
			return st, err
		}
		for _, e := range events {
			if st.Value, err = a.Fold(st.Value, e); err != nil {
				return st, fmt.Errorf("eventstore: stream %q, version %d: fold %s: %w", stream, e.Version, e.Type, err)
			}
			st.Version = e.Version
		}
	}
}

// Update loads the state, lets decide say what happens next, and appends it on
// condition that nothing else happened meanwhile; otherwise it loads and decides
// anew. decide may run several times and returns no events to change nothing.
func (a *Aggregate[S]) Update(ctx context.Context, store *Store, id string, decide func(state S) ([]Event, error)) (State[S], Appended, error) {
	retries := a.Retries
	if retries == 0 {
		retries = defaultRetries
	}
	for try := 0; ; try++ {
		st, err := a.Load(ctx, store, id)
		if err != nil {
			return st, Appended{}, err
		}
		events, err := decide(st.Value)
		if err != nil || len(events) == 0 {
			return st, Appended{Version: st.Version}, err
		}
		done, err := store.Append(ctx, a.Prefix+id, st.Version, events...)
		var conflict *ConflictError
		if errors.As(err, &conflict) && try < retries {
			continue
		}
		if err != nil || done.Repeated { // a repetition's events are in the state already
			return st, done, err
		}
		if st, err = a.after(st, events); err != nil {
			return st, done, fmt.Errorf("eventstore: stream %q: fold what was appended up to version %d: %w", a.Prefix+id, done.Version, err)
		}
		a.keep(ctx, a.Prefix+id, &st)
		return st, done, nil
	}
}

// after folds the events that were just appended.
func (a *Aggregate[S]) after(st State[S], events []Event) (State[S], error) {
	for _, e := range events {
		var err error
		if st.Value, err = a.Fold(st.Value, e); err != nil {
			return st, err
		}
		st.Version = e.Version
	}
	return st, nil
}

func (a *Aggregate[S]) fromSnapshot(ctx context.Context, stream string) (st State[S]) {
	if a.Snapshots == nil {
		return st
	}
	snap, ok, err := a.Snapshots.Load(ctx, stream)
	if err == nil && (!ok || snap.Schema != a.SnapshotSchema) {
		return st
	}
	if err == nil {
		err = json.Unmarshal(snap.State, &st.Value)
	}
	if err != nil {
		a.warn(ctx, "read", stream, err)
		return State[S]{}
	}
	st.Version, st.snapshot = snap.Version, snap.Version
	return st
}

// keep stores a snapshot when it is due. Failing costs time later, no truth.
func (a *Aggregate[S]) keep(ctx context.Context, stream string, st *State[S]) {
	every := int64(a.SnapshotEvery)
	if every == 0 {
		every = defaultSnapshotEvery
	}
	if a.Snapshots == nil || st.Version-st.snapshot < every {
		return
	}
	state, err := json.Marshal(st.Value)
	if err == nil {
		err = a.Snapshots.Save(ctx, Snapshot{Stream: stream, Version: st.Version, Schema: a.SnapshotSchema, State: state})
	}
	if err != nil {
		a.warn(ctx, "keep", stream, err)
		return
	}
	st.snapshot = st.Version
}

func (a *Aggregate[S]) warn(ctx context.Context, what, stream string, err error) {
	log := a.Log
	if log == nil {
		log = slog.Default()
	}
	log.WarnContext(ctx, "eventstore: cannot "+what+" a snapshot; all events are read instead", "stream", stream, "error", err)
}
