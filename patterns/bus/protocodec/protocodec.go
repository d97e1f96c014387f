// Package protocodec reads and writes the data of events as Protocol Buffers: in
// their binary form, or as the JSON that they define.
//
// Generated messages must not be copied, so an event type of this package is of
// the pointer: Define[*orderpb.Placed]. Fields that a message does not know are
// kept by the binary form and passed over by the JSON one, so producers may add
// some first.
package protocodec

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/ashlar-dev/ashlar/patterns/bus"
)

// Binary is the codec of the binary form, written deterministically: the same
// message gives the same bytes in one build of a program.
type Binary struct{}

var _, _ bus.Codec = Binary{}, JSON{}

// ContentType implements [bus.Codec].
func (Binary) ContentType() string { return "application/protobuf" }

// Marshal implements [bus.Codec]. v is a message, or a pointer to one that is a
// pointer itself.
func (Binary) Marshal(v any) ([]byte, error) {
	m, err := written(v)
	if err != nil {
		return nil, err
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

// Unmarshal implements [bus.Codec]. A missing required field is an error.
func (Binary) Unmarshal(data []byte, v any) error {
	m, err := read(v)
	if err != nil {
		return err
	}
	return proto.Unmarshal(data, m)
}

// JSON is the codec of the JSON form, which programs without the definitions read.
type JSON struct{}

// ContentType implements [bus.Codec].
func (JSON) ContentType() string { return "application/json" }

// Marshal implements [bus.Codec]. v is as in [Binary].
func (JSON) Marshal(v any) ([]byte, error) {
	m, err := written(v)
	if err != nil {
		return nil, err
	}
	return protojson.Marshal(m)
}

// Unmarshal implements [bus.Codec].
func (JSON) Unmarshal(data []byte, v any) error {
	m, err := read(v)
	if err != nil {
		return err
	}
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, m)
}

// Define declares an event type whose data is the message M in binary form. key
// returns the key of an event; nil: none. c may be nil, as in [bus.Define].
//
// A schema is refused: those of package bus are JSON Schemas, and a message's own
// is its definition.
func Define[M proto.Message](c *bus.Catalog, t bus.EventType, key func(M) string) (*bus.Type[M], error) {
	schemas := t.Schema != nil
	for _, old := range t.Earlier {
		schemas = schemas || old.Schema != nil
	}
	if schemas {
		return nil, fmt.Errorf("protocodec: event type %q: a JSON Schema cannot be held against binary data; leave Schema out, or use bus.Define with protocodec.JSON", t.Name)
	}
	var k func(*M) string
	if key != nil {
		k = func(m *M) string { return key(*m) }
	}
	return bus.Define(c, t, k, Binary{})
}

// On handles the events of a type, as [bus.On] does.
func On[M proto.Message](t *bus.Type[M], h func(ctx context.Context, e bus.Event, m M) error) bus.Route {
	return bus.On(t, func(ctx context.Context, e bus.Event, m *M) error { return h(ctx, e, *m) })
}

var errNil = errors.New("protocodec: a nil message cannot be written")

func written(v any) (proto.Message, error) {
	m, ok := v.(proto.Message)
	if !ok {
		p := reflect.ValueOf(v)
		if p.Kind() == reflect.Pointer && !p.IsNil() {
			m, ok = p.Elem().Interface().(proto.Message)
		}
	}
	switch {
	case !ok:
		return nil, noMessage(v)
	case !m.ProtoReflect().IsValid():
		return nil, errNil
	}
	return m, nil
}

func read(v any) (proto.Message, error) {
	if m, ok := v.(proto.Message); ok {
		return m, nil
	}
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() || p.Elem().Kind() != reflect.Pointer {
		return nil, noMessage(v)
	}
	fresh := reflect.New(p.Type().Elem().Elem())
	m, ok := fresh.Interface().(proto.Message)
	if !ok {
		return nil, noMessage(v)
	}
	p.Elem().Set(fresh)
	return m, nil
}

func noMessage(v any) error {
	return fmt.Errorf("protocodec: %T is no Protocol Buffers message; define the event type of a pointer to a generated one", v)
}
