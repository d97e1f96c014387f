// Package avrocodec reads and writes the data of events as Avro, with the
// writer's schema in a schema registry that has Confluent's API: Confluent's own,
// Redpanda's, Karapace, Apicurio's compatible one.
//
// The data is framed as Confluent's serializers do: a zero byte, the schema's
// number in the registry as four bytes, big end first, then Avro's binary form.
// What was written with another version of the schema is resolved to the
// program's own by Avro's rules: added fields get their defaults, removed ones
// are passed over.
//
//	r, err := avrocodec.NewRegistry("https://registry:8081", nil)
//	c, err := avrocodec.New(r, avrocodec.Options{Schema: text, Subject: "orders-value"})
//	placed, err := bus.Define[Placed](nil, bus.EventType{Name: "placed", Topic: "orders", Version: 1}, nil, c)
//
// Fields of Go structs have the names of the schema's, or say so by an avro tag.
package avrocodec

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/avro"

	"github.com/ashlar-dev/ashlar/patterns/bus"
)

// ContentType is what events with Avro data say.
const ContentType = "application/avro"

// Options configure a Codec. Schema is required.
type Options struct {
	// Schema is the program's own: what it writes, and what it reads others' data as.
	Schema string
	// References are the schemas of the registry whose named types Schema uses.
	References []Reference
	// Subject is where Schema is in the registry: "TOPIC-value" by custom. "":
	// the codec only reads.
	Subject string
	// Register puts Schema into the registry when the subject does not have it.
	// Default: writing what nobody registered is refused, so that a schema's
	// compatibility is decided where it is reviewed and not by the first program
	// that starts.
	Register bool
	// Timeout of one event's questions to the registry. Default 10 s. Answers
	// are kept, so few events ask.
	Timeout time.Duration
}

// Codec is a [bus.Codec]. Its methods may be called concurrently.
type Codec struct {
	registry *Registry
	o        Options
	own      memo[struct{}, *avro.Schema] // Schema, with its references resolved
	number   memo[struct{}, uint32]       // of Schema in the registry
	readers  memo[uint32, *avro.Schema]   // from a writer's schema to the own
}

var _ bus.Codec = (*Codec)(nil)

// ErrReadOnly says that a codec without a subject was to write.
var ErrReadOnly = errors.New("avrocodec: no Options.Subject: the codec only reads")

// New returns a codec for one schema. It does not ask the registry yet: the first
// event does.
func New(r *Registry, o Options) (*Codec, error) {
	if r == nil || o.Schema == "" || o.Timeout < 0 {
		return nil, errors.New("avrocodec: a registry and Options.Schema are required, and a Timeout that is not negative")
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	c := &Codec{registry: r, o: o}
	if len(o.References) == 0 { // else its names are known only with the registry's help
		if _, err := avro.Parse(o.Schema); err != nil {
			return nil, fmt.Errorf("avrocodec: Options.Schema: %w", err)
		}
	}
	return c, nil
}

// ContentType implements [bus.Codec].
func (*Codec) ContentType() string { return ContentType }

const header = 5 // a zero byte and the schema's number

// Marshal implements [bus.Codec].
func (c *Codec) Marshal(v any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.o.Timeout)
	defer cancel()
	own, err := c.schema(ctx)
	if err != nil {
		return nil, err
	}
	id, err := c.number.get(ctx, struct{}{}, func(ctx context.Context) (uint32, error) {
		s := Schema{Text: c.o.Schema, References: c.o.References}
		switch {
		case c.o.Subject == "":
			return 0, ErrReadOnly
		case c.o.Register:
			return c.registry.Register(ctx, c.o.Subject, s)
		}
		return c.registry.Find(ctx, c.o.Subject, s)
	})
	if err != nil {
		return nil, err
	}
	out, err := own.AppendEncode(binary.BigEndian.AppendUint32(make([]byte, 1, 64), id), v)
	if err != nil {
		return nil, fmt.Errorf("avrocodec: %w", err)
	}
	return out, nil
}

// FramingError says that data does not begin as a registry's serializers write it.
type FramingError struct{ First []byte } // the first bytes, at most five

func (e *FramingError) Error() string {
	return fmt.Sprintf("avrocodec: data begins with % x, not with a zero byte and the number of its schema; was it written without a schema registry?", e.First)
}

// Unmarshal implements [bus.Codec].
func (c *Codec) Unmarshal(data []byte, v any) error {
	if len(data) < header || data[0] != 0 {
		return &FramingError{First: data[:min(len(data), header)]}
	}
	id := binary.BigEndian.Uint32(data[1:])
	ctx, cancel := context.WithTimeout(context.Background(), c.o.Timeout)
	defer cancel()
	s, err := c.readers.get(ctx, id, func(ctx context.Context) (*avro.Schema, error) { return c.reader(ctx, id) })
	if err != nil {
		return err
	}
	rest, err := s.Decode(data[header:], v)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes are left behind the value", len(rest))
	}
	if err != nil {
		return fmt.Errorf("avrocodec: data of schema %d: %w", id, err)
	}
	return nil
}

// reader returns the schema that reads what was written with another one.
func (c *Codec) reader(ctx context.Context, id uint32) (*avro.Schema, error) {
	own, err := c.schema(ctx)
	if err != nil {
		return nil, err
	}
	text, err := c.registry.Schema(ctx, id)
	if err != nil {
		return nil, err
	}
	writer, err := c.parse(ctx, text)
	if err == nil {
		writer, err = avro.Resolve(writer, own)
	}
	if err != nil {
		return nil, fmt.Errorf("avrocodec: schema %d cannot be read as this program's: %w", id, err)
	}
	return writer, nil
}

func (c *Codec) schema(ctx context.Context) (*avro.Schema, error) {
	return c.own.get(ctx, struct{}{}, func(ctx context.Context) (*avro.Schema, error) {
		s, err := c.parse(ctx, Schema{Text: c.o.Schema, References: c.o.References})
		if err != nil {
			return nil, fmt.Errorf("avrocodec: Options.Schema: %w", err)
		}
		return s, nil
	})
}

// maxReferences is how deep references may lie: a registry has no cycles, but
// what answers may be no registry.
const maxReferences = 32

// parse compiles a schema after those that it refers to.
func (c *Codec) parse(ctx context.Context, s Schema) (*avro.Schema, error) {
	return c.compile(ctx, &avro.SchemaCache{}, s, 0)
}

func (c *Codec) compile(ctx context.Context, known *avro.SchemaCache, s Schema, depth int) (*avro.Schema, error) {
	if depth > maxReferences {
		return nil, fmt.Errorf("references lie deeper than %d", maxReferences)
	}
	for _, ref := range s.References {
		text, err := c.registry.Version(ctx, ref.Subject, ref.Version)
		if err != nil {
			return nil, err
		}
		if _, err := c.compile(ctx, known, text, depth+1); err != nil {
			return nil, fmt.Errorf("reference %q: %w", ref.Name, err)
		}
	}
	return known.Parse(s.Text)
}
