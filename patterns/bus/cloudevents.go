package bus

import (
	"encoding/base64"
	"encoding/json"
	"mime"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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

var specVersionValue = []byte(specVersion)

// Encode implements [Mapping].
func (m CloudEvents) Encode(e *Event, t driver.Traits) (driver.Record, error) {
	if e.Type == "" {
		return driver.Record{}, bad(e.Topic, nil, "a CloudEvent needs a type; set Event.Type, or map the topic with bus.Plain")
	}
	if m.Structured {
		return encodeStructured(e)
	}
	r := driver.Record{Topic: e.Topic, Key: e.Key, Time: e.Time, Body: e.Data}
	p := t.EventPrefix
	hs := make([]Header, 0, 9+len(e.Headers))
	add := func(name, value string) {
		if value != "" {
			hs = append(hs, Header{Name: p + name, Value: []byte(percent(p, value))})
		}
	}
	hs = append(hs, Header{Name: p + "specversion", Value: specVersionValue})
	add("id", e.ID)
	add("source", e.Source)
	add("type", e.Type)
	add("subject", e.Subject)
	add("dataschema", e.Schema)
	if !e.Time.IsZero() {
		hs = append(hs, Header{Name: p + "time", Value: e.Time.UTC().AppendFormat(nil, time.RFC3339Nano)})
	}
	if e.Version != 0 {
		hs = append(hs, Header{Name: p + versionAttribute, Value: strconv.AppendInt(nil, int64(e.Version), 10)})
	}
	ct := e.ContentType
	if ct == "" {
		ct = jsonType
	}
	hs = append(hs, Header{Name: contentType, Value: []byte(ct)})
	for _, h := range e.Headers {
		if _, ok := attributeName(h.Name, p); ok || strings.EqualFold(h.Name, contentType) {
			return r, bad(e.Topic, nil, "header %q would shadow a CloudEvents attribute; set the field of Event instead", h.Name)
		}
		hs = append(hs, h)
	}
	r.Headers = hs
	return r, nil
}

// Decode implements [Mapping].
func (m CloudEvents) Decode(r *driver.Record, e *Event, t driver.Traits) error {
	binary := false
	for i := range r.Headers {
		h := &r.Headers[i]
		if strings.EqualFold(h.Name, contentType) {
			e.ContentType = string(h.Value)
			continue
		}
		name, ok := attributeName(h.Name, t.EventPrefix)
		if !ok {
			e.Headers = append(e.Headers, *h)
			continue
		}
		if !utf8.Valid(h.Value) {
			return bad(r.Topic, nil, "header %q is not UTF-8", h.Name)
		}
		if name == "specversion" {
			binary = true
		}
		if err := setAttribute(e, name, unpercent(t.EventPrefix, string(h.Value))); err != nil {
			return err
		}
	}
	if mt, _, _ := mime.ParseMediaType(e.ContentType); mt == structuredType {
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

// attributeName strips the prefix of CloudEvents attributes: the protocol's own,
// or one of the two of AMQP, which are unmistakable.
func attributeName(header, prefix string) (string, bool) {
	for _, p := range [...]string{prefix, amqpPrefix, amqpPrefixColon} {
		if p != "" && len(header) > len(p) && strings.EqualFold(header[:len(p)], p) {
			return header[len(p):], true
		}
	}
	return "", false
}

func setAttribute(e *Event, name, value string) error {
	switch name {
	case "specversion":
		if value != specVersion {
			return bad(e.Topic, nil, "CloudEvents version %q; this understands %s", value, specVersion)
		}
	case "id":
		e.ID = value
	case "source":
		e.Source = value
	case "type":
		e.Type = value
	case "subject":
		e.Subject = value
	case "dataschema":
		e.Schema = value
	case "datacontenttype":
		e.ContentType = value
	case "time":
		ts, err := time.Parse(time.RFC3339Nano, value)
		if err != nil {
			return bad(e.Topic, err, "attribute time")
		}
		e.Time = ts
	case versionAttribute:
		v, err := strconv.Atoi(value)
		if err != nil || v < 0 {
			return bad(e.Topic, err, "attribute %s %q is not a version number", versionAttribute, value)
		}
		e.Version = v
	case keyAttribute:
		if e.Key == "" {
			e.Key = value
		}
	default:
		e.Headers = append(e.Headers, Header{Name: name, Value: []byte(value)})
	}
	return nil
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

func encodeStructured(e *Event) (driver.Record, error) {
	r := driver.Record{Topic: e.Topic, Key: e.Key, Time: e.Time}
	doc := map[string]any{"specversion": specVersion, "id": e.ID, "source": e.Source, "type": e.Type}
	put := func(name, value string) {
		if value != "" {
			doc[name] = value
		}
	}
	put("subject", e.Subject)
	put("dataschema", e.Schema)
	put(keyAttribute, e.Key)
	if !e.Time.IsZero() {
		doc["time"] = e.Time.UTC().Format(time.RFC3339Nano)
	}
	if e.Version != 0 {
		doc[versionAttribute] = e.Version
	}
	for _, h := range e.Headers {
		if !extension(h.Name) || doc[h.Name] != nil || !utf8.Valid(h.Value) {
			r.Headers = append(r.Headers, h) // a transport header, which no CloudEvents document can hold
			continue
		}
		doc[h.Name] = string(h.Value)
	}
	ct := e.ContentType
	if ct == "" {
		ct = jsonType
	}
	doc["datacontenttype"] = ct
	switch {
	case isJSON(ct) && json.Valid(e.Data):
		doc["data"] = json.RawMessage(e.Data)
	case isJSON(ct) && len(e.Data) > 0:
		return r, bad(e.Topic, nil, "data of content type %s is not JSON", ct)
	case len(e.Data) > 0:
		doc["data_base64"] = base64.StdEncoding.EncodeToString(e.Data)
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return r, bad(e.Topic, err, "structured CloudEvent")
	}
	r.Body = body
	r.Headers = append(r.Headers, Header{Name: contentType, Value: []byte(structuredType + "; charset=UTF-8")})
	return r, nil
}

func decodeStructured(r *driver.Record, e *Event) error {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(r.Body, &doc); err != nil {
		return bad(r.Topic, err, "structured CloudEvent")
	}
	e.ContentType = jsonType
	if doc["specversion"] == nil {
		return bad(r.Topic, nil, "the CloudEvent lacks specversion")
	}
	for name, raw := range doc {
		switch name {
		case "data":
			e.Data = raw
			continue
		case "data_base64":
			if err := json.Unmarshal(raw, &e.Data); err != nil {
				return bad(r.Topic, err, "data_base64")
			}
			continue
		}
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			s = strings.TrimSpace(string(raw)) // numbers and booleans have the same text as attribute
			if strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
				return bad(r.Topic, nil, "attribute %q is neither a string, a number nor a boolean", name)
			}
			if s == "null" {
				continue // the same as absent
			}
		}
		if err := setAttribute(e, name, s); err != nil {
			return err
		}
	}
	return complete(e)
}

// extension reports whether a header can be an extension attribute.
func extension(name string) bool {
	if name == "" || len(name) > maxAttributeName || name == "data" {
		return false
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func isJSON(ct string) bool {
	mt, _, err := mime.ParseMediaType(ct)
	return err == nil && (mt == jsonType || strings.HasSuffix(mt, "+json") || mt == "text/json")
}
