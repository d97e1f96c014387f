package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/jsonschema-go/jsonschema"
)

// Type ties an event type to the Go type of its data.
type Type[T any] struct {
	entry *entry
	codec Codec
	key   func(*T) string
}

// Define declares an event type whose data is a T. key returns the key of an
// event; nil: none. codec nil is JSON; then a missing schema is inferred from T.
// c may be nil: then the type is checked but not listed anywhere. A type that
// declares Avro needs a codec for it: without one it is an [*EncodingError].
func Define[T any](c *Catalog, t EventType, key func(*T) string, codec Codec) (*Type[T], error) {
	if codec == nil {
		codec = JSON{}
	}
	if is := encoding(t.ContentType); is == avro && encoding(codec.ContentType()) != avro {
		return nil, &EncodingError{Topic: t.Topic, Type: t.Name, Encoding: is, ContentType: t.ContentType, Want: codec.ContentType()}
	}
	t.ContentType = codec.ContentType()
	if _, ok := codec.(JSON); ok && t.Schema == nil {
		s, err := jsonschema.For[T](nil)
		if err == nil {
			t.Schema, err = json.Marshal(s)
		}
		if err != nil {
			return nil, fmt.Errorf("bus: event type %q: no schema can be inferred from %T, set EventType.Schema: %w", t.Name, *new(T), err)
		}
	}
	if c != nil {
		if err := c.Add(t); err != nil {
			return nil, err
		}
	}
	e, err := compile(t)
	if err != nil {
		return nil, fmt.Errorf("bus: event type %q: %w", t.Name, err)
	}
	return &Type[T]{entry: e, codec: codec, key: key}, nil
}

// EventType returns the declaration.
func (t *Type[T]) EventType() EventType { return t.entry.EventType }

// Event makes an event of the value, to be published as it is or after changes.
func (t *Type[T]) Event(v *T) (Event, error) {
	data, err := t.codec.Marshal(v)
	if temporary(err) {
		return Event{}, fmt.Errorf("bus: data of %s version %d: %w", t.entry.Name, t.entry.Version, err)
	}
	if err != nil {
		return Event{}, &SchemaError{Type: t.entry.Name, Version: t.entry.Version, Err: err}
	}
	e := Event{Topic: t.entry.Topic, Type: t.entry.Name, Version: t.entry.Version, ContentType: t.entry.ContentType, Data: data}
	if t.key != nil {
		e.Key = t.key(v)
	}
	return e, nil
}

// Publish publishes the values as events of this type. None is sent when one
// cannot be encoded.
func (t *Type[T]) Publish(ctx context.Context, b *Bus, values ...T) error {
	events := make([]Event, len(values))
	for i := range values {
		var err error
		if events[i], err = t.Event(&values[i]); err != nil {
			return err
		}
	}
	return b.Publish(ctx, events...)
}

// Decode reads a received event of this type, in whichever version it came.
func (t *Type[T]) Decode(e *Event) (*T, error) {
	if err := t.readable(e); err != nil {
		return nil, err
	}
	if err := t.entry.upcast(e); err != nil {
		return nil, err
	}
	v := new(T)
	if err := t.codec.Unmarshal(e.Data, v); temporary(err) {
		return nil, fmt.Errorf("bus: data of %s version %d: %w", t.entry.Name, t.entry.Version, err)
	} else if err != nil {
		return nil, t.unreadable(e, err)
	}
	return v, nil
}

// Route is what [Routes] does with the events of one type.
type Route struct {
	name    string
	handler Handler
}

// On handles the events of a type.
func On[T any](t *Type[T], h func(ctx context.Context, e Event, v *T) error) Route {
	return Route{t.entry.Name, func(ctx context.Context, e Event) error {
		v, err := t.Decode(&e)
		if err != nil {
			return err
		}
		return h(ctx, e, v)
	}}
}

// Ignore passes events of the named types over.
func Ignore(names ...string) []Route {
	rs := make([]Route, len(names))
	for i, n := range names {
		rs[i] = Route{n, func(context.Context, Event) error { return nil }}
	}
	return rs
}

// Routes makes one handler of several. A record that names no type, as on plain
// topics, goes to the only route there is. An event of a type without a route
// becomes a dead letter, since nobody would see that it was passed over; name it
// in [Ignore] if that is meant.
func Routes(routes ...Route) (Handler, error) {
	byName := make(map[string]Handler, len(routes))
	known := make([]string, 0, len(routes))
	for _, r := range routes {
		if r.handler == nil {
			return nil, errors.New("bus: an empty route")
		}
		if byName[r.name] != nil {
			return nil, fmt.Errorf("bus: two routes for event type %q", r.name)
		}
		byName[r.name] = r.handler
		known = append(known, r.name)
	}
	if len(routes) == 0 {
		return nil, errors.New("bus: no routes")
	}
	return func(ctx context.Context, e Event) error {
		h := byName[e.Type]
		if h == nil && e.Type == "" && len(routes) == 1 {
			h = routes[0].handler
		}
		if h == nil {
			return &UnknownTypeError{Topic: e.Topic, Type: e.Type, Known: known}
		}
		return h(ctx, e)
	}, nil
}
