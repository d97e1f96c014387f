package eventstore

import (
	"errors"
	"fmt"
)

// Upcast lifts events of a type from one schema to the next.
type Upcast struct {
	Type string
	From int // schema, 1 or more
	// Rename is the type afterwards; empty: the same. The new type goes on at
	// schema From+1.
	Rename string
	// Do returns Data in the new shape. It may look at the whole event; Data must
	// not be changed in place.
	Do func(e Event) (data []byte, err error)
}

// SchemaError says that an event's schema is unknown here: a newer program
// wrote it, or is about to be needed to read it.
type SchemaError struct {
	Stream, Type   string
	Version        int64 // in the stream; 0: it was to be appended
	Schema, Newest int
}

func (e *SchemaError) Error() string {
	if e.Version == 0 {
		return fmt.Sprintf("eventstore: stream %q: %s with schema %d: this program knows 1 to %d; declare the Upcast from %d first, so that it can read what it writes", e.Stream, e.Type, e.Schema, e.Newest, e.Newest)
	}
	return fmt.Sprintf("eventstore: stream %q, version %d: %s has schema %d, this program knows up to %d; deploy the program that wrote it, or add the missing Upcast", e.Stream, e.Version, e.Type, e.Schema, e.Newest)
}

type shape struct {
	typ    string
	schema int
}

type lifter struct {
	steps map[shape]Upcast
	top   map[string]int // newest schema by type
}

func newLifter(upcasts []Upcast) (lifter, error) {
	l := lifter{steps: map[shape]Upcast{}, top: map[string]int{}}
	var errs []error
	for _, u := range upcasts {
		if u.Type == "" || u.From < 1 || u.Do == nil {
			errs = append(errs, fmt.Errorf("upcast of %q from schema %d: want a Type, From of 1 or more, and Do", u.Type, u.From))
			continue
		}
		at := shape{u.Type, u.From}
		if _, twice := l.steps[at]; twice {
			errs = append(errs, fmt.Errorf("upcast of %q from schema %d is declared twice", u.Type, u.From))
		}
		l.steps[at] = u
		to := u.Type
		if u.Rename != "" {
			to = u.Rename
			l.top[u.Type] = max(l.top[u.Type], u.From)
		}
		l.top[to] = max(l.top[to], u.From+1)
	}
	// Each type's schemas from the lowest upcast on must lead to the newest.
	for _, u := range upcasts {
		for at := (shape{u.Type, u.From}); ; {
			step, ok := l.steps[at]
			if !ok {
				if at.schema < l.top[at.typ] {
					errs = append(errs, fmt.Errorf("upcast of %q from schema %d is missing: older events would stop there, newest is %d", at.typ, at.schema, l.top[at.typ]))
				}
				break
			}
			if step.Rename != "" {
				at.typ = step.Rename
			}
			at.schema++
		}
	}
	return l, errors.Join(errs...)
}

// newest is the schema that appended events of the type have.
func (l lifter) newest(typ string) int { return max(1, l.top[typ]) }

func (l lifter) knows(typ string) bool { return l.top[typ] > 0 }

func (l lifter) lift(e Event) (Event, error) {
	for {
		u, ok := l.steps[shape{e.Type, e.Schema}]
		if !ok {
			break
		}
		data, err := u.Do(e)
		if err != nil {
			return e, fmt.Errorf("eventstore: stream %q, version %d: upcast of %s from schema %d: %w", e.Stream, e.Version, e.Type, e.Schema, err)
		}
		e.Data = data
		e.Schema++
		if u.Rename != "" {
			e.Type = u.Rename
		}
	}
	if newest := l.newest(e.Type); e.Schema > newest {
		return e, &SchemaError{Stream: e.Stream, Type: e.Type, Version: e.Version, Schema: e.Schema, Newest: newest}
	}
	return e, nil
}
