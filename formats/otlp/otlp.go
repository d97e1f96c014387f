// Package otlp reads and writes traces of the OpenTelemetry protocol: protobuf
// and JSON, single messages and the streams of them that collectors write to
// files, and it receives them over HTTP and gRPC ([Receiver]).
//
// The protobuf reader walks the wire format itself and makes nothing: strings
// of a span share the memory of the message, and the span is reused for the next.
// What it does not know it skips, as the protocol asks.
//
// Specification: opentelemetry-proto v1.
package otlp

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"unsafe"
)

// Kind is SpanKind of the protocol.
type Kind uint8

const (
	KindUnspecified Kind = iota
	KindInternal
	KindServer
	KindClient
	KindProducer
	KindConsumer
)

// Status codes.
const (
	StatusUnset = 0
	StatusOK    = 1
	StatusError = 2
)

// Span is one span. Events and links are not kept.
type Span struct {
	TraceID    [16]byte
	SpanID     [8]byte
	ParentID   [8]byte // zero: a root
	State      string  // W3C trace state
	Flags      uint32
	Name       string
	Kind       Kind
	Start, End uint64 // nanoseconds since 1970
	Attributes []KeyValue
	Status     uint8
	Message    string // of the status
}

// KeyValue is an attribute.
type KeyValue struct {
	Key   string
	Mark  uint8 // what Reader.Want says of the key
	Value Value
}

// ValueType is the type of a Value.
type ValueType uint8

const (
	Empty ValueType = iota
	String
	Bool
	Int
	Double
	Array // Raw is an encoded ArrayValue
	Map   // Raw is an encoded KeyValueList
	Bytes
)

// Value is an AnyValue. Arrays and maps are kept as they are encoded.
type Value struct {
	Type ValueType
	Str  string // String; Raw of Array and Map; Bytes
	Num  uint64 // Bool (0, 1), Int (two's complement), Double (IEEE bits)
}

// StringValue, IntValue, DoubleValue and BoolValue make values.
func StringValue(s string) Value  { return Value{Type: String, Str: s} }
func IntValue(i int64) Value      { return Value{Type: Int, Num: uint64(i)} }
func DoubleValue(f float64) Value { return Value{Type: Double, Num: math.Float64bits(f)} }
func BoolValue(b bool) (v Value) {
	v.Type = Bool
	if b {
		v.Num = 1
	}
	return v
}

// Text is a scalar value as text; "" for the others.
func (v Value) Text() string {
	switch v.Type {
	case String:
		return v.Str
	case Bool:
		return strconv.FormatBool(v.Num != 0)
	case Int:
		return strconv.FormatInt(int64(v.Num), 10)
	case Double:
		return strconv.FormatFloat(math.Float64frombits(v.Num), 'g', -1, 64)
	}
	return ""
}

// Resource is what spans come from.
type Resource struct {
	Attributes []KeyValue
	service    string // found while reading
}

// Service is the attribute service.name, or "".
func (r *Resource) Service() string {
	if r.service != "" {
		return r.service
	}
	for i := range r.Attributes {
		if r.Attributes[i].Key == "service.name" {
			return r.Attributes[i].Value.Text()
		}
	}
	return ""
}

// ResourceSpans are spans of one resource; scopes are not told apart.
type ResourceSpans struct {
	Resource Resource
	Spans    []Span
}

// Fault is what is wrong with a message, and where.
type Fault struct {
	Offset int64 // bytes from the start of the stream
	What   string
}

func (f *Fault) Error() string { return fmt.Sprintf("byte %d: %s", f.Offset, f.What) }

// Each is called for every span. The span, its resource and their strings are
// good until it returns. An error ends the reading and is returned.
type Each func(r *Resource, s *Span) error

// Reader decodes messages one after the other and reuses its memory between
// them. The zero value is ready; it is not safe for concurrent use.
type Reader struct {
	// Want, if set, chooses the attributes of spans: those for which it is 0 are
	// left out, the others have it as their Mark. It must always say the same of a
	// key, since the answers are remembered. The key is only good during the call.
	Want func(key string) uint8

	wanted   *answers
	resource Resource
	span     Span
	base     int64
}

// Traces reads one TracesData or ExportTraceServiceRequest, which are the same
// on the wire.
func (r *Reader) Traces(b []byte, each Each) error {
	return r.walk(b, 0, func(field int, w wireType, v []byte, _ uint64, at int) error {
		if field == 1 && w == bytesType {
			return r.ResourceSpans(v, at, each)
		}
		return nil
	})
}

// view is the bytes as a string without a copy: who changes them changes it.
func view(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}

type wireType uint8

const (
	varintType  wireType = 0
	fixed64Type wireType = 1
	bytesType   wireType = 2
	groupType   wireType = 3
	endType     wireType = 4
	fixed32Type wireType = 5
)

func (r *Reader) fault(at int, what string) error { return &Fault{r.base + int64(at), what} }

// walk calls f for every field of a message that begins at offset at.
func (r *Reader) walk(b []byte, at int, f func(field int, w wireType, v []byte, n uint64, at int) error) error {
	for i := 0; i < len(b); {
		tag, n := uvarint(b[i:])
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
			return r.fault(at+i, "a field's tag is broken; is this protobuf?")
		}
		i += n
		w := wireType(tag & 7)
		var v []byte
		var num uint64
		switch w {
		case varintType:
			if num, n = uvarint(b[i:]); n <= 0 {
				return r.fault(at+i, "a varint is cut off or too long")
			}
			i += n
		case fixed64Type:
			if len(b)-i < 8 {
				return r.fault(at+i, "a 64-bit field is cut off")
			}
			num = binary.LittleEndian.Uint64(b[i:])
			i += 8
		case fixed32Type:
			if len(b)-i < 4 {
				return r.fault(at+i, "a 32-bit field is cut off")
			}
			num = uint64(binary.LittleEndian.Uint32(b[i:]))
			i += 4
		case bytesType:
			l, n := uvarint(b[i:])
			if n <= 0 || l > uint64(len(b)-i-n) {
				return r.fault(at+i, "a field is longer than what holds it")
			}
			i += n
			v = b[i : i+int(l)]
			i += int(l)
		default:
			return r.fault(at+i, "groups are not part of this protocol")
		}
		if err := f(int(tag>>3), w, v, num, at+i-len(v)); err != nil {
			return err
		}
	}
	return nil
}

// uvarint is binary.Uvarint with the short cases first, which are nearly all.
func uvarint(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	if len(b) > 1 && b[1] < 0x80 {
		return uint64(b[0]&0x7f) | uint64(b[1])<<7, 2
	}
	return binary.Uvarint(b)
}
