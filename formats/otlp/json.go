package otlp

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc/jsonstream"
)

// maxHeld bounds the spans that are held when a resource comes after them.
const maxHeld = 100_000

// ErrNoTraces is wrapped when the JSON holds no resourceSpans.
var ErrNoTraces = errors.New("no OTLP traces: want an object with resourceSpans")

// JSON reads traces as JSON from a stream: one message, or one after the other
// as collectors write them to files; also inside result (Jaeger's query API),
// trace or batches (Tempo's). Memory is bound by one span, unless a resource
// comes after its spans.
func JSON(src io.Reader, each Each) error {
	d := &jsonReader{Reader: jsonstream.New(src, nil), each: each}
	for {
		k, err := d.Next()
		if err != nil {
			return err
		}
		if k == jsonstream.End {
			if !d.found {
				return ErrNoTraces
			}
			return nil
		}
		if err := d.message(); err != nil {
			return err
		}
	}
}

type jsonReader struct {
	*jsonstream.Reader
	each  Each
	found bool
	// Of the ResourceSpans at hand.
	resource Resource
	known    bool
	held     []Span
}

func (d *jsonReader) message() error {
	return d.object(func(key string) error {
		switch key {
		case "resourceSpans", "resource_spans", "batches":
			d.found = true
			return d.list(d.resourceSpans)
		case "result", "trace":
			return d.message()
		}
		return d.Skip()
	})
}

func (d *jsonReader) resourceSpans() error {
	d.resource, d.known, d.held = Resource{}, false, d.held[:0]
	err := d.object(func(key string) (err error) {
		switch key {
		case "resource":
			err = d.object(func(key string) (err error) {
				if key == "attributes" {
					d.resource.Attributes, err = d.attributes()
					return err
				}
				return d.Skip()
			})
			d.known = true
			return errors.Join(err, d.release())
		case "scopeSpans", "scope_spans", "instrumentationLibrarySpans", "ilSpans":
			return d.list(func() error {
				return d.object(func(key string) error {
					if key == "spans" {
						return d.list(d.span)
					}
					return d.Skip()
				})
			})
		}
		return d.Skip()
	})
	return errors.Join(err, d.release())
}

func (d *jsonReader) release() error {
	for i := range d.held {
		if err := d.each(&d.resource, &d.held[i]); err != nil {
			return err
		}
	}
	d.held = d.held[:0]
	return nil
}

func (d *jsonReader) span() error {
	var s Span
	at := d.Offset()
	err := d.object(func(key string) (err error) {
		switch key {
		case "traceId", "trace_id", "traceID":
			err = d.id(s.TraceID[:])
		case "spanId", "span_id", "spanID":
			err = d.id(s.SpanID[:])
		case "parentSpanId", "parent_span_id", "parentSpanID":
			err = d.id(s.ParentID[:])
		case "traceState", "trace_state":
			s.State, err = d.Text()
		case "flags":
			var n int64
			n, err = d.Int()
			s.Flags = uint32(n)
		case "name":
			s.Name, err = d.Text()
		case "kind":
			s.Kind, err = d.kind()
		case "startTimeUnixNano", "start_time_unix_nano":
			var n int64
			n, err = d.Int()
			s.Start = uint64(n)
		case "endTimeUnixNano", "end_time_unix_nano":
			var n int64
			n, err = d.Int()
			s.End = uint64(n)
		case "attributes":
			s.Attributes, err = d.attributes()
		case "status":
			err = d.status(&s)
		default:
			return d.Skip()
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case d.known:
		return d.each(&d.resource, &s)
	case len(d.held) >= maxHeld:
		return &jsonstream.Fault{Offset: at, What: fmt.Sprintf("more than %d spans before their resource", maxHeld)}
	}
	d.held = append(d.held, s)
	return nil
}

// id reads hexadecimal, as OTLP has it, or base64, as plain protobuf JSON does.
func (d *jsonReader) id(to []byte) error {
	b, err := d.Bytes()
	if err != nil {
		return err
	}
	switch len(b) {
	case 0:
		return nil
	case 2 * len(to):
		if _, err := hex.Decode(to, b); err == nil {
			return nil
		}
	case base64.StdEncoding.EncodedLen(len(to)):
		var buf [24]byte
		if n, err := base64.StdEncoding.Decode(buf[:], b); err == nil && n == len(to) {
			copy(to, buf[:])
			return nil
		}
	}
	return d.Fault("%.40q is no ID of %d bytes", b, len(to))
}

func (d *jsonReader) kind() (Kind, error) {
	s, _, err := d.Scalar()
	if n, e := strconv.Atoi(s); e == nil && n >= 0 && n <= int(KindConsumer) {
		return Kind(n), err
	}
	switch strings.TrimPrefix(s, "SPAN_KIND_") {
	case "INTERNAL":
		return KindInternal, err
	case "SERVER":
		return KindServer, err
	case "CLIENT":
		return KindClient, err
	case "PRODUCER":
		return KindProducer, err
	case "CONSUMER":
		return KindConsumer, err
	}
	return KindUnspecified, err
}

func (d *jsonReader) status(s *Span) error {
	return d.object(func(key string) (err error) {
		switch key {
		case "message":
			s.Message, err = d.Text()
		case "code":
			var c string
			c, _, err = d.Scalar()
			switch strings.TrimPrefix(c, "STATUS_CODE_") {
			case "1", "OK":
				s.Status = StatusOK
			case "2", "ERROR":
				s.Status = StatusError
			}
		default:
			return d.Skip()
		}
		return err
	})
}

// maxAttributes of one span or resource are kept.
const maxAttributes = 2000

func (d *jsonReader) attributes() (kvs []KeyValue, err error) {
	err = d.list(func() error {
		kv, err := d.keyValue(0)
		if len(kvs) < maxAttributes {
			kvs = append(kvs, kv)
		}
		return err
	})
	return kvs, err
}

func (d *jsonReader) keyValue(depth int) (kv KeyValue, err error) {
	err = d.object(func(key string) (err error) {
		switch key {
		case "key":
			kv.Key, err = d.Text()
		case "value":
			kv.Value, err = d.value(depth)
		default:
			return d.Skip()
		}
		return err
	})
	return kv, err
}

func (d *jsonReader) value(depth int) (v Value, err error) {
	if depth > maxNesting {
		return v, d.Fault("an attribute is nested deeper than %d", maxNesting)
	}
	err = d.object(func(key string) error {
		switch key {
		case "stringValue", "string_value":
			s, err := d.Text()
			v = StringValue(s)
			return err
		case "boolValue", "bool_value":
			s, _, err := d.Scalar()
			v = BoolValue(s == "true")
			return err
		case "intValue", "int_value":
			n, err := d.Int()
			v = IntValue(n)
			return err
		case "doubleValue", "double_value":
			s, _, err := d.Scalar()
			f, e := strconv.ParseFloat(s, 64)
			if e != nil && !math.IsInf(f, 0) && err == nil {
				err = d.Fault("%.40q is no number", s)
			}
			v = DoubleValue(f)
			return err
		case "bytesValue", "bytes_value":
			s, err := d.Text()
			b, e := base64.StdEncoding.DecodeString(s)
			if e != nil && err == nil {
				err = d.Fault("a bytesValue is not base64")
			}
			v = Value{Type: Bytes, Str: string(b)}
			return err
		case "arrayValue", "array_value", "kvlistValue", "kvlist_value":
			list, err := d.values(key[0] == 'a', depth)
			v = list
			return err
		}
		return d.Skip()
	})
	return v, err
}

// values reads an array or a map into its wire form.
func (d *jsonReader) values(array bool, depth int) (Value, error) {
	var raw []byte
	v := Value{Type: Map}
	if array {
		v.Type = Array
	}
	err := d.object(func(key string) error {
		if key != "values" {
			return d.Skip()
		}
		return d.list(func() error {
			if array {
				e, err := d.value(depth + 1)
				raw = appendBytes(raw, 1, appendValue(nil, e))
				return err
			}
			kv, err := d.keyValue(depth + 1)
			raw = appendAttributes(raw, 1, []KeyValue{kv})
			return err
		})
	})
	v.Str = string(raw)
	return v, err
}

// list and object read what may also be null.
func (d *jsonReader) list(each func() error) error {
	if k, err := d.Next(); err != nil || k == jsonstream.Null {
		return errors.Join(err, d.Skip())
	}
	return d.Array(each)
}

func (d *jsonReader) object(each func(string) error) error {
	if k, err := d.Next(); err != nil || k == jsonstream.Null {
		return errors.Join(err, d.Skip())
	}
	return d.Object(each)
}
