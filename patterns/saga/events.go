package saga

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
)

// Kind of an event.
type Kind string

// Kinds. Failed is the decision to compensate, Compensated the end of it.
const (
	SagaStarted     Kind = "started"
	SagaAdopted     Kind = "adopted"
	StepDone        Kind = "done"
	SagaFailed      Kind = "failed"
	StepUndone      Kind = "undone"
	SagaCompleted   Kind = "completed"
	SagaCompensated Kind = "compensated"
)

// Event is something that happened to a saga, durably.
type Event struct {
	Position   int64           `json:"position"` // in the journal: where to go on from
	ID         string          `json:"id"`
	Kind       Kind            `json:"kind"`
	Definition string          `json:"definition,omitempty"` // of started
	Version    int             `json:"version,omitempty"`    // of started
	Step       string          `json:"step,omitempty"`
	Cause      string          `json:"cause,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"` // the input, or a step's result
	By         string          `json:"by,omitempty"`   // an operator and why
	Time       time.Time       `json:"time"`
}

// Events yields what happened to all sagas after a position of the journal,
// whoever drove them, first the past and then each event as it happens. It ends
// with an error: ctx's, journal.ErrClosed, or the store's.
func (o *Orchestrator) Events(ctx context.Context, after int64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for r, err := range o.j.Follow(ctx, after) {
			if err != nil {
				yield(Event{}, err)
				return
			}
			if !strings.HasPrefix(r.Stream, prefix) {
				continue
			}
			e, err := event(&r)
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func event(r *journal.Record) (Event, error) {
	var e entry
	if len(r.Data) > 0 {
		if err := json.Unmarshal(r.Data, &e); err != nil {
			return Event{}, fmt.Errorf("saga: record %d of %s is not readable: %w", r.Position, r.Stream, err)
		}
	}
	out := Event{
		Position: r.Position, ID: strings.TrimPrefix(r.Stream, prefix), Kind: Kind(strings.TrimPrefix(r.Type, "saga.")),
		Definition: e.Definition, Version: e.Version, Step: e.Step, Cause: e.Cause, Data: e.Result, By: e.By, Time: r.Time,
	}
	if r.Type == tStarted {
		out.Data = e.Input
	}
	return out, nil
}

// history is all events of one saga.
func (o *Orchestrator) history(ctx context.Context, id string) (out []Event, err error) {
	for at := int64(0); ; {
		rs, err := o.j.ReadStream(ctx, prefix+id, at, 0)
		if err != nil {
			return nil, fmt.Errorf("saga %q: reading its history: %w", id, err)
		}
		if len(rs) == 0 {
			return out, nil
		}
		for i := range rs {
			e, err := event(&rs[i])
			if err != nil {
				return nil, err
			}
			out, at = append(out, e), rs[i].Version
		}
	}
}
