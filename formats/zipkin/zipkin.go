// Package zipkin reads and writes Zipkin's JSON format, version 2: a list of
// spans, or, as its API returns traces, a list of lists.
package zipkin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/ashlar-dev/ashlar/formats/doc/jsonstream"
)

// Span is a span as Zipkin has it.
type Span struct {
	TraceID        string            `json:"traceId"`
	ID             string            `json:"id"`
	ParentID       string            `json:"parentId,omitempty"`
	Kind           string            `json:"kind,omitempty"` // CLIENT, SERVER, PRODUCER, CONSUMER
	Name           string            `json:"name,omitempty"`
	Timestamp      int64             `json:"timestamp,omitempty"` // microseconds since 1970
	Duration       int64             `json:"duration,omitempty"`  // microseconds
	Debug          bool              `json:"debug,omitempty"`
	Shared         bool              `json:"shared,omitempty"` // a server's half that has its client's ID
	LocalEndpoint  Endpoint          `json:"localEndpoint,omitzero"`
	RemoteEndpoint Endpoint          `json:"remoteEndpoint,omitzero"`
	Annotations    []Annotation      `json:"annotations,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
}

// Endpoint is one side of a call.
type Endpoint struct {
	ServiceName string `json:"serviceName,omitempty"`
	IPv4        string `json:"ipv4,omitempty"`
	IPv6        string `json:"ipv6,omitempty"`
	Port        int64  `json:"port,omitempty"`
}

// Annotation is something that happened during a span.
type Annotation struct {
	Timestamp int64  `json:"timestamp"`
	Value     string `json:"value"`
}

// Limits bound what a file may ask for; zero fields mean the default.
type Limits struct {
	Spans int // of one trace of a list of lists; default 200,000
	Tags  int // of one span, annotations included; default 2,000
	Text  int // bytes of one string; default 1 MiB
}

func (l *Limits) or() Limits {
	d := Limits{200_000, 2_000, 1 << 20}
	if l == nil {
		return d
	}
	if l.Spans > 0 {
		d.Spans = l.Spans
	}
	if l.Tags > 0 {
		d.Tags = l.Tags
	}
	if l.Text > 0 {
		d.Text = l.Text
	}
	return d
}

// Handler takes what is read; an error ends the reading and is returned.
type Handler struct {
	// Span takes a span of a list of spans; it is reused for the next.
	Span func(*Span) error
	// Trace takes the spans of one of a list of lists; they are reused.
	Trace func([]Span) error
	// Fault takes what is wrong with one span, which is left out.
	Fault func(*jsonstream.Fault)
}

// ErrNoSpans is returned when the JSON is no list.
var ErrNoSpans = errors.New("no Zipkin spans: want a list of spans, or a list of lists")

// Read reads a stream of JSON: one list or several one after the other.
func Read(r io.Reader, limits *Limits, h Handler) error {
	l := limits.or()
	d := &decoder{Reader: jsonstream.New(r, &jsonstream.Limits{Text: l.Text}), limits: l, h: h}
	for {
		k, err := d.Next()
		switch {
		case err != nil || k == jsonstream.End && d.found:
			return err
		case k != jsonstream.Array && k != jsonstream.Object || k == jsonstream.End:
			return ErrNoSpans
		case k == jsonstream.Object: // spans one after the other
			err = d.single()
		default:
			err = d.Array(d.element)
			d.found = true
		}
		if err != nil {
			return err
		}
	}
}

type decoder struct {
	*jsonstream.Reader
	limits Limits
	h      Handler
	found  bool
	one    Span
	spans  []Span
}

func (d *decoder) element() error {
	k, err := d.Next()
	switch {
	case err != nil:
		return err
	case k == jsonstream.Object:
		return d.single()
	case k != jsonstream.Array:
		d.fault(fmt.Sprintf("want a span, have %s", k))
		return d.Skip()
	}
	d.spans = d.spans[:0]
	err = d.Array(func() error {
		if k, err := d.Next(); err != nil || k != jsonstream.Object || len(d.spans) >= d.limits.Spans {
			d.fault("not a span, or too many in one trace")
			return errors.Join(err, d.Skip())
		}
		var s Span
		ok, err := d.span(&s)
		if ok && err == nil {
			d.spans = append(d.spans, s)
		}
		return err
	})
	if err != nil || len(d.spans) == 0 {
		return err
	}
	return d.h.Trace(d.spans)
}

func (d *decoder) single() error {
	d.one = Span{}
	ok, err := d.span(&d.one)
	if err != nil || !ok {
		return err
	}
	d.found = true
	return d.h.Span(&d.one)
}

func (d *decoder) fault(what string) {
	if d.h.Fault != nil {
		d.h.Fault(&jsonstream.Fault{Offset: d.Offset(), What: what})
	}
}

// span reads one; ok is false when it lacks what makes it one.
func (d *decoder) span(s *Span) (ok bool, err error) {
	room := d.limits.Tags
	err = d.Object(func(key string) (err error) {
		switch key {
		case "traceId":
			s.TraceID, err = d.Text()
		case "id":
			s.ID, err = d.Text()
		case "parentId":
			s.ParentID, err = d.Text()
		case "kind":
			s.Kind, err = d.Text()
		case "name":
			s.Name, err = d.Text()
		case "timestamp":
			s.Timestamp, err = d.Int()
		case "duration":
			s.Duration, err = d.Int()
		case "debug", "shared":
			var v string
			v, _, err = d.Scalar()
			if key == "debug" {
				s.Debug = v == "true"
			} else {
				s.Shared = v == "true"
			}
		case "localEndpoint":
			s.LocalEndpoint, err = d.endpoint()
		case "remoteEndpoint":
			s.RemoteEndpoint, err = d.endpoint()
		case "annotations":
			s.Annotations, err = d.annotations(&room)
		case "tags":
			s.Tags, err = d.tags(&room)
		default:
			return d.Skip()
		}
		return err
	})
	if err == nil && (s.TraceID == "" || s.ID == "") {
		d.fault("a span without traceId or id")
		return false, nil
	}
	if err == nil && s.Duration < 0 {
		d.fault(fmt.Sprintf("span %.40s has a duration below zero", s.ID))
		return false, nil
	}
	return true, err
}

func (d *decoder) endpoint() (e Endpoint, err error) {
	if k, err := d.Next(); err != nil || k != jsonstream.Object {
		return e, errors.Join(err, d.Skip())
	}
	err = d.Object(func(key string) (err error) {
		switch key {
		case "serviceName":
			e.ServiceName, err = d.Text()
		case "ipv4":
			e.IPv4, err = d.Text()
		case "ipv6":
			e.IPv6, err = d.Text()
		case "port":
			e.Port, err = d.Int()
		default:
			return d.Skip()
		}
		return err
	})
	return e, err
}

func (d *decoder) annotations(room *int) (out []Annotation, err error) {
	if k, err := d.Next(); err != nil || k != jsonstream.Array {
		return nil, errors.Join(err, d.Skip())
	}
	err = d.Array(func() error {
		var a Annotation
		if k, err := d.Next(); err != nil || k != jsonstream.Object {
			return errors.Join(err, d.Skip())
		}
		err := d.Object(func(key string) (err error) {
			switch key {
			case "timestamp":
				a.Timestamp, err = d.Int()
			case "value":
				a.Value, _, err = d.Scalar()
			default:
				return d.Skip()
			}
			return err
		})
		if *room--; *room >= 0 {
			out = append(out, a)
		}
		return err
	})
	return out, err
}

func (d *decoder) tags(room *int) (map[string]string, error) {
	if k, err := d.Next(); err != nil || k != jsonstream.Object {
		return nil, errors.Join(err, d.Skip())
	}
	out := map[string]string{}
	err := d.Object(func(key string) error {
		v, _, err := d.Scalar()
		if *room--; *room >= 0 {
			out[key] = v
		}
		return err
	})
	return out, err
}

// Append appends a list of spans as JSON.
func Append(b []byte, spans []Span) ([]byte, error) {
	if len(spans) == 0 {
		return append(b, "[]"...), nil
	}
	j, err := json.Marshal(spans)
	return append(b, j...), err
}
