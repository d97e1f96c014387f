package bus

import (
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// attributes are the header names of one protocol's binding.
type attributes struct{ specVersion, id, source, kind, subject, schema, time, version string }

func attributesOf(prefix string) *attributes {
	switch prefix {
	case "ce_":
		return &kafkaAttributes
	case "ce-":
		return &httpAttributes
	case amqpPrefix:
		return &amqpAttributes
	}
	a := prefixed(prefix)
	return &a
}

// Joined once and not for every event.
var kafkaAttributes, httpAttributes, amqpAttributes = prefixed("ce_"), prefixed("ce-"), prefixed(amqpPrefix)

func prefixed(p string) attributes {
	return attributes{p + "specversion", p + "id", p + "source", p + "type", p + "subject", p + "dataschema", p + "time", p + versionAttribute}
}

// attributeRoom is what the attributes of an event with names of usual length take.
const attributeRoom = 192

// encodeBinary writes the attributes as headers. All of their values lie in one
// piece of memory.
func encodeBinary(e *Event, prefix string) (driver.Record, error) {
	r := driver.Record{Topic: e.Topic, Key: e.Key, Time: e.Time, Body: e.Data}
	a := attributesOf(prefix)
	hs := make([]Header, 0, 9+len(e.Headers))
	buf := make([]byte, 0, attributeRoom)
	add := func(name string, before int) { // what buf grew by since before
		if len(buf) > before {
			hs = append(hs, Header{Name: name, Value: buf[before:len(buf):len(buf)]})
		}
	}
	put := func(name, value string) {
		before := len(buf)
		buf = append(buf, percent(prefix, value)...)
		add(name, before)
	}
	hs = append(hs, Header{Name: a.specVersion, Value: specVersionValue})
	put(a.id, e.ID)
	put(a.source, e.Source)
	put(a.kind, e.Type)
	put(a.subject, e.Subject)
	put(a.schema, e.Schema)
	if !e.Time.IsZero() {
		before := len(buf)
		buf = e.Time.UTC().AppendFormat(buf, time.RFC3339Nano)
		add(a.time, before)
	}
	if e.Version != 0 {
		before := len(buf)
		buf = strconv.AppendInt(buf, int64(e.Version), 10)
		add(a.version, before)
	}
	if e.ContentType == "" || e.ContentType == jsonType {
		hs = append(hs, Header{Name: contentType, Value: jsonTypeValue})
	} else {
		hs = append(hs, Header{Name: contentType, Value: []byte(e.ContentType)})
	}
	for _, h := range e.Headers {
		if _, ok := attributeName(h.Name, prefix); ok || strings.EqualFold(h.Name, contentType) {
			return r, bad(e.Topic, nil, "header %q would shadow a CloudEvents attribute; set the field of Event instead", h.Name)
		}
		hs = append(hs, h)
	}
	r.Headers = hs
	return r, nil
}
