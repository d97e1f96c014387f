package bus

import (
	"mime"
	"strings"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// CloudEvents is the mapping of CloudEvents 1.0, and the default one. The zero
// value writes the binary mode: attributes as headers ("ce_id" on Kafka, "ce-id"
// on NATS), data as the body. It reads both modes, whichever it writes.
//
// Beyond the specification's attributes it writes Event.Version as the extension
// "dataversion" and, in structured mode, Event.Key as the extension
// "partitionkey".
type CloudEvents struct {
	// Structured writes the whole event as one JSON document.
	Structured bool
	// Strict refuses records that are no CloudEvents. By default they are taken
	// as plain: the body as data, no attributes.
	Strict bool
}

const (
	contentType       = "content-type"
	structuredType    = "application/cloudevents+json"
	jsonType          = "application/json"
	versionAttribute  = "dataversion"
	keyAttribute      = "partitionkey"
	maxAttributeName  = 20 // what the specification recommends not to exceed
	specVersion       = "1.0"
	amqpPrefix        = "cloudEvents_"
	amqpPrefixColon   = "cloudEvents:"
	traceparentHeader = "traceparent"
	tracestateHeader  = "tracestate"
)

// Values that many records share; nobody writes to them.
var specVersionValue, jsonTypeValue = []byte(specVersion), []byte(jsonType)

// Encode implements [Mapping].
func (m CloudEvents) Encode(e *Event, t driver.Traits) (driver.Record, error) {
	if e.Type == "" {
		return driver.Record{}, bad(e.Topic, nil, "a CloudEvent needs a type; set Event.Type, or map the topic with bus.Plain")
	}
	if m.Structured {
		return encodeStructured(e)
	}
	return encodeBinary(e, t.EventPrefix)
}

// Decode implements [Mapping].
func (m CloudEvents) Decode(r *driver.Record, e *Event, t driver.Traits) error {
	return m.decode(r, e, &seen{}, t)
}

func (m CloudEvents) decode(r *driver.Record, e *Event, s *seen, t driver.Traits) error {
	binary := false
	for i := range r.Headers {
		h := &r.Headers[i]
		what := s.what(i, h.Name, t.EventPrefix)
		if what == noAttribute {
			e.Headers = append(e.Headers, *h)
			continue
		}
		binary = binary || what == specVersionAttribute
		name := h.Name
		if what == extensionAttribute {
			name, _ = attributeName(name, t.EventPrefix)
		}
		if err := s.set(e, what, name, unpercent(t.EventPrefix, h.Value)); err != nil {
			return err
		}
	}
	if isStructured(e.ContentType) {
		return decodeStructured(r, e)
	}
	e.Data = r.Body
	if !binary {
		if m.Strict {
			return bad(r.Topic, nil, "the record is no CloudEvent: it has neither a specversion header nor the content type %s", structuredType)
		}
		return nil
	}
	return complete(e)
}

func isStructured(contentType string) bool {
	if contentType == "" || contentType == jsonType {
		return false
	}
	mt, _, _ := mime.ParseMediaType(contentType)
	return mt == structuredType
}

func complete(e *Event) error {
	var missing []string
	for _, a := range [...]struct{ name, value string }{{"id", e.ID}, {"source", e.Source}, {"type", e.Type}} {
		if a.value == "" {
			missing = append(missing, a.name)
		}
	}
	if missing != nil {
		return bad(e.Topic, nil, "the CloudEvent lacks %s", strings.Join(missing, ", "))
	}
	return nil
}
