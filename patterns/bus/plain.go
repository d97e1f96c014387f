package bus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Place says where an attribute lies in the records of a plain topic. The zero
// Place is nowhere: the attribute is not written, and empty when read.
type Place struct {
	Header string // in this header
	Field  string // in this field of the JSON body: "type", "meta.id"
	Const  string // nowhere: every record of the topic has this value
}

// Plain is the mapping of topics as they are: bodies without an envelope,
// headers with names of their own, keys in odd places. The zero value takes the
// body as data and the record's key as key.
//
//	bus.Plain{Type: bus.Place{Header: "event-name"}, ID: bus.Place{Field: "meta.id"}, Data: "payload"}
type Plain struct {
	ID, Source, Type, Version, Subject, Time Place
	// Key, when set, takes the key from there instead of the record's key, and
	// writes it there as well as to the record's key.
	Key Place
	// Data is the field of the JSON body that holds the data; "": the whole body.
	Data string
	// TimeLayout is how Time is written; "": RFC 3339; "ms", "s": Unix time.
	TimeLayout string
	// ContentType of the data; "": the record's content-type header, else JSON.
	ContentType string
	// Rename gives headers other names on the broker: by the name in Event.Headers.
	Rename map[string]string
}

type placed struct {
	name  string
	place Place
	get   func(e *Event) string
	set   func(e *Event, s string) error
}

func (m *Plain) places() [7]placed {
	return [...]placed{
		{"id", m.ID, func(e *Event) string { return e.ID }, func(e *Event, s string) error { e.ID = s; return nil }},
		{"source", m.Source, func(e *Event) string { return e.Source }, func(e *Event, s string) error { e.Source = s; return nil }},
		{"type", m.Type, func(e *Event) string { return e.Type }, func(e *Event, s string) error { e.Type = s; return nil }},
		{"subject", m.Subject, func(e *Event) string { return e.Subject }, func(e *Event, s string) error { e.Subject = s; return nil }},
		{"key", m.Key, func(e *Event) string { return e.Key }, func(e *Event, s string) error { e.Key = s; return nil }},
		{"version", m.Version, func(e *Event) string {
			if e.Version == 0 {
				return ""
			}
			return strconv.Itoa(e.Version)
		}, func(e *Event, s string) (err error) { e.Version, err = strconv.Atoi(s); return err }},
		{"time", m.Time, m.formatTime, m.parseTime},
	}
}

func (m *Plain) formatTime(e *Event) string {
	switch {
	case e.Time.IsZero():
		return ""
	case m.TimeLayout == "ms":
		return strconv.FormatInt(e.Time.UnixMilli(), 10)
	case m.TimeLayout == "s":
		return strconv.FormatInt(e.Time.Unix(), 10)
	case m.TimeLayout == "":
		return e.Time.UTC().Format(time.RFC3339Nano)
	}
	return e.Time.Format(m.TimeLayout)
}

func (m *Plain) parseTime(e *Event, s string) (err error) {
	switch m.TimeLayout {
	case "ms", "s":
		var n int64
		n, err = strconv.ParseInt(s, 10, 64)
		if e.Time = time.UnixMilli(n); m.TimeLayout == "s" {
			e.Time = time.Unix(n, 0)
		}
	case "":
		e.Time, err = time.Parse(time.RFC3339Nano, s)
	default:
		e.Time, err = time.Parse(m.TimeLayout, s)
	}
	return err
}

func (m *Plain) usesBody() bool {
	for _, p := range m.places() {
		if p.place.Field != "" {
			return true
		}
	}
	return m.Data != ""
}

// bare reports whether no attribute has a place, the common case.
func (m *Plain) bare() bool {
	return m.Data == "" && m.ID.nowhere() && m.Source.nowhere() && m.Type.nowhere() && m.Version.nowhere() && m.Subject.nowhere() && m.Time.nowhere() && m.Key.nowhere()
}

func (p *Place) nowhere() bool { return len(p.Header)+len(p.Field)+len(p.Const) == 0 }

// Encode implements [Mapping].
func (m Plain) Encode(e *Event, _ driver.Traits) (driver.Record, error) { return m.encode(e) }

// Decode implements [Mapping].
func (m Plain) Decode(r *driver.Record, e *Event, _ driver.Traits) error { return m.decode(r, e) }

func (m *Plain) encode(e *Event) (driver.Record, error) {
	r := driver.Record{Topic: e.Topic, Key: e.Key, Time: e.Time, Body: e.Data}
	if m.bare() && len(e.Headers) == 0 && (e.ContentType == "" || m.ContentType != "") {
		return r, nil
	}
	var doc any
	if m.usesBody() {
		var data any
		dec := json.NewDecoder(bytes.NewReader(e.Data))
		dec.UseNumber() // a float64 would round large integers
		if err := dec.Decode(&data); err != nil {
			return r, bad(e.Topic, err, "the topic's mapping puts attributes into the body, so data must be JSON")
		}
		doc = data
		if m.Data != "" {
			doc = map[string]any{}
			if err := setField(doc, m.Data, json.RawMessage(e.Data)); err != nil {
				return r, bad(e.Topic, err, "field %q", m.Data)
			}
		}
	}
	for _, h := range e.Headers {
		if name, ok := m.Rename[h.Name]; ok {
			h.Name = name
		}
		r.Headers = append(r.Headers, h)
	}
	for _, p := range m.places() {
		v := p.get(e)
		switch {
		case p.place.Const != "" && v != "" && v != p.place.Const:
			return r, bad(e.Topic, nil, "%s %q: every record of this topic has %q", p.name, v, p.place.Const)
		case v == "":
		case p.place.Header != "":
			r.Headers = append(r.Headers, Header{Name: p.place.Header, Value: []byte(v)})
		case p.place.Field != "":
			if err := setField(doc, p.place.Field, v); err != nil {
				return r, bad(e.Topic, err, "field %q for %s", p.place.Field, p.name)
			}
		}
	}
	if e.ContentType != "" && m.ContentType == "" {
		r.Headers = append(r.Headers, Header{Name: contentType, Value: []byte(e.ContentType)})
	}
	if doc != nil {
		body, err := json.Marshal(doc)
		if err != nil {
			return r, bad(e.Topic, err, "body")
		}
		r.Body = body
	}
	return r, nil
}

func (m *Plain) decode(r *driver.Record, e *Event) error {
	e.Data, e.ContentType = r.Body, m.ContentType
	if m.bare() {
		return m.decodeHeaders(r, e, nil)
	}
	var doc map[string]json.RawMessage
	if m.usesBody() {
		if err := json.Unmarshal(r.Body, &doc); err != nil {
			return bad(r.Topic, err, "the topic's mapping reads fields of the body, which is no JSON object")
		}
		if m.Data != "" {
			raw, ok := field(doc, m.Data)
			if !ok {
				return bad(r.Topic, nil, "the body has no field %q", m.Data)
			}
			e.Data = raw
		}
	}
	places := m.places()
	headers := make(map[string]*placed, len(places))
	for i := range places {
		p := &places[i]
		v := p.place.Const
		if p.place.Header != "" {
			headers[strings.ToLower(p.place.Header)] = p
		}
		if p.place.Field != "" {
			v = text(field(doc, p.place.Field))
		}
		if v != "" {
			if err := p.set(e, v); err != nil {
				return bad(r.Topic, err, "%s %q", p.name, v)
			}
		}
	}
	return m.decodeHeaders(r, e, headers)
}

func (m *Plain) decodeHeaders(r *driver.Record, e *Event, headers map[string]*placed) error {
	for _, h := range r.Headers {
		low := strings.ToLower(h.Name)
		if p, ok := headers[low]; ok {
			if err := p.set(e, string(h.Value)); err != nil {
				return bad(r.Topic, err, "header %q", h.Name)
			}
			continue
		}
		if low == contentType && m.ContentType == "" {
			e.ContentType = string(h.Value)
			continue
		}
		for inside, outside := range m.Rename {
			if outside == h.Name {
				h.Name = inside
				break
			}
		}
		e.Headers = append(e.Headers, h)
	}
	return nil
}

func field(doc map[string]json.RawMessage, path string) (json.RawMessage, bool) {
	name, rest, deeper := strings.Cut(path, ".")
	raw, ok := doc[name]
	if !ok || !deeper {
		return raw, ok
	}
	var inner map[string]json.RawMessage
	if json.Unmarshal(raw, &inner) != nil {
		return nil, false
	}
	return field(inner, rest)
}

// text returns a JSON scalar as a string; "" for anything else.
func text(raw json.RawMessage, ok bool) string {
	if !ok {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if s = string(raw); s == "null" || s[0] == '{' || s[0] == '[' {
		return ""
	}
	return s
}

func setField(doc any, path string, v any) error {
	m, ok := doc.(map[string]any)
	if !ok {
		return errors.New("its parent is no JSON object")
	}
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		m[name] = v
		return nil
	}
	if m[name] == nil {
		m[name] = map[string]any{}
	}
	if err := setField(m[name], rest, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
