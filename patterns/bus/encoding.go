package bus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"mime"
	"strings"
)

// EncodingError refuses data in an encoding that the codec of its type does not
// read. Waiting does not help, so a received event becomes a dead letter at once.
type EncodingError struct {
	Topic, Type string
	Encoding    string // by name: "Avro"
	ContentType string // as declared, or as the event says; "" when only the data told
	Want        string // content type of the codec
	SchemaID    uint32 // of a schema registry's framing, which the data begins with; 0: none
}

func (e *EncodingError) Error() string {
	s := fmt.Sprintf("bus: topic %q: data of %s is %s", e.Topic, e.Type, e.Encoding)
	if e.ContentType != "" {
		s += fmt.Sprintf(" (%s)", e.ContentType)
	}
	if e.SchemaID != 0 {
		s += fmt.Sprintf(" with schema ID %d", e.SchemaID)
	}
	s += fmt.Sprintf(", the codec reads %s; ", e.Want)
	switch {
	case e.Encoding == avro:
		return s + "Avro cannot be read without its writer's schema: give bus.Define a Codec that has a schema registry, such as that of package bus/avrocodec"
	case e.SchemaID != 0:
		return s + "give bus.Define a Codec that takes the framing off, or let the producer write without a schema registry"
	}
	return s + "give bus.Define the codec of what is written there"
}

const (
	avro   = "Avro"
	framed = "framed for a schema registry"
)

// encoding names the encoding that a content type means; "" for one that it does
// not know, which is the codec's own affair.
func encoding(contentType string) string {
	m, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		m = strings.ToLower(contentType)
	}
	switch {
	case strings.Contains(m, "avro"): // avro/binary, application/avro, application/vnd.apache.avro+json
		return avro
	case strings.HasSuffix(m, "/json"), strings.HasSuffix(m, "+json"):
		return "JSON"
	case strings.Contains(m, "protobuf"):
		return "Protocol Buffers"
	}
	return ""
}

// readable asks before the codec whether the event claims to be something else.
func (t *Type[T]) readable(e *Event) error {
	want := t.codec.ContentType()
	is := encoding(e.ContentType)
	if is == "" || encoding(want) == "" || is == encoding(want) {
		return nil
	}
	return &EncodingError{Topic: e.Topic, Type: t.entry.Name, Encoding: is, ContentType: e.ContentType, Want: want}
}

// temporary reports an error of a codec that another try may not meet, such as a
// schema registry that is away: the event is tried again and not given up at once.
func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// unreadable says why the codec could not read the data, when its first bytes
// tell: a zero and the number of a schema, which no JSON and no message begins with.
func (t *Type[T]) unreadable(e *Event, err error) error {
	if len(e.Data) < 5 || e.Data[0] != 0 || encoding(t.codec.ContentType()) == avro {
		return bad(e.Topic, err, "data of %s version %d", t.entry.Name, t.entry.Version)
	}
	return &EncodingError{Topic: e.Topic, Type: t.entry.Name, Encoding: framed, Want: t.codec.ContentType(), SchemaID: binary.BigEndian.Uint32(e.Data[1:5])}
}
