package otlp

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
)

// AppendTraces appends the protobuf encoding of a TracesData message.
func AppendTraces(b []byte, all []ResourceSpans) []byte {
	for i := range all {
		rs := &all[i]
		b = nested(b, 1, func(b []byte) []byte {
			b = nested(b, 1, func(b []byte) []byte { return appendAttributes(b, 1, rs.Resource.Attributes) })
			return nested(b, 2, func(b []byte) []byte {
				for j := range rs.Spans {
					b = nested(b, 2, func(b []byte) []byte { return appendSpan(b, &rs.Spans[j]) })
				}
				return b
			})
		})
	}
	return b
}

// nested appends a field that holds what f appends; its length is known after.
func nested(b []byte, field int, f func([]byte) []byte) []byte {
	inner := f(nil)
	return appendBytes(b, field, inner)
}

func appendBytes[T ~string | ~[]byte](b []byte, field int, v T) []byte {
	b = binary.AppendUvarint(b, uint64(field)<<3|uint64(bytesType))
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

func appendSpan(b []byte, s *Span) []byte {
	b = appendBytes(b, 1, s.TraceID[:])
	b = appendBytes(b, 2, s.SpanID[:])
	if s.State != "" {
		b = appendBytes(b, 3, s.State)
	}
	if s.ParentID != [8]byte{} {
		b = appendBytes(b, 4, s.ParentID[:])
	}
	b = appendBytes(b, 5, s.Name)
	b = binary.AppendUvarint(b, 6<<3|uint64(varintType))
	b = binary.AppendUvarint(b, uint64(s.Kind))
	b = append(b, 7<<3|byte(fixed64Type))
	b = binary.LittleEndian.AppendUint64(b, s.Start)
	b = append(b, 8<<3|byte(fixed64Type))
	b = binary.LittleEndian.AppendUint64(b, s.End)
	b = appendAttributes(b, 9, s.Attributes)
	if s.Status != StatusUnset || s.Message != "" {
		b = nested(b, 15, func(b []byte) []byte {
			if s.Message != "" {
				b = appendBytes(b, 2, s.Message)
			}
			return append(b, 3<<3|byte(varintType), s.Status)
		})
	}
	if s.Flags != 0 {
		b = binary.AppendUvarint(b, 16<<3|uint64(fixed32Type))
		b = binary.LittleEndian.AppendUint32(b, s.Flags)
	}
	return b
}

func appendAttributes(b []byte, field int, kvs []KeyValue) []byte {
	for i := range kvs {
		b = nested(b, field, func(b []byte) []byte {
			b = appendBytes(b, 1, kvs[i].Key)
			return appendBytes(b, 2, appendValue(nil, kvs[i].Value))
		})
	}
	return b
}

func appendValue(b []byte, v Value) []byte {
	switch v.Type {
	case String:
		b = appendBytes(b, 1, v.Str)
	case Bool:
		b = append(b, 2<<3|byte(varintType), byte(v.Num))
	case Int:
		b = binary.AppendUvarint(append(b, 3<<3|byte(varintType)), v.Num)
	case Double:
		b = binary.LittleEndian.AppendUint64(append(b, 4<<3|byte(fixed64Type)), v.Num)
	case Array:
		b = appendBytes(b, 5, v.Str)
	case Map:
		b = appendBytes(b, 6, v.Str)
	case Bytes:
		b = appendBytes(b, 7, v.Str)
	}
	return b
}

// AppendJSON appends the JSON encoding of a TracesData message: IDs in
// hexadecimal, whole numbers of 64 bits as strings. The error is one of a value
// that is not encoded right.
func AppendJSON(b []byte, all []ResourceSpans) ([]byte, error) {
	list := []any{}
	for i := range all {
		attrs, err := jsonAttributes(all[i].Resource.Attributes)
		if err != nil {
			return nil, err
		}
		spans := []any{}
		for j := range all[i].Spans {
			s, err := jsonSpan(&all[i].Spans[j])
			if err != nil {
				return nil, err
			}
			spans = append(spans, s)
		}
		list = append(list, map[string]any{"resource": map[string]any{"attributes": attrs}, "scopeSpans": []any{map[string]any{"spans": spans}}})
	}
	out, err := json.Marshal(map[string]any{"resourceSpans": list})
	return append(b, out...), err
}

func jsonSpan(s *Span) (map[string]any, error) {
	attrs, err := jsonAttributes(s.Attributes)
	m := map[string]any{
		"traceId": hex.EncodeToString(s.TraceID[:]), "spanId": hex.EncodeToString(s.SpanID[:]), "name": s.Name, "kind": s.Kind,
		"startTimeUnixNano": strconv.FormatUint(s.Start, 10), "endTimeUnixNano": strconv.FormatUint(s.End, 10),
		"attributes": attrs, "status": map[string]any{"code": s.Status, "message": s.Message},
	}
	if s.ParentID != [8]byte{} {
		m["parentSpanId"] = hex.EncodeToString(s.ParentID[:])
	}
	if s.State != "" {
		m["traceState"] = s.State
	}
	if s.Flags != 0 {
		m["flags"] = s.Flags
	}
	return m, err
}

func jsonAttributes(kvs []KeyValue) ([]any, error) {
	out := []any{}
	for _, kv := range kvs {
		v, err := jsonValue(kv.Value, 0)
		if err != nil {
			return nil, err
		}
		out = append(out, map[string]any{"key": kv.Key, "value": v})
	}
	return out, nil
}

// maxNesting of arrays and maps in an attribute.
const maxNesting = 64

func jsonValue(v Value, depth int) (map[string]any, error) {
	var r Reader
	list := []any{}
	if depth > maxNesting {
		return nil, r.fault(0, "an attribute is nested too deep")
	}
	switch v.Type {
	case String:
		return map[string]any{"stringValue": v.Str}, nil
	case Bool:
		return map[string]any{"boolValue": v.Num != 0}, nil
	case Int:
		return map[string]any{"intValue": v.Text()}, nil
	case Double:
		f := math.Float64frombits(v.Num)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return map[string]any{"doubleValue": map[bool]string{true: "Infinity", false: map[bool]string{true: "-Infinity", false: "NaN"}[f < 0]}[f > 0]}, nil
		}
		return map[string]any{"doubleValue": f}, nil
	case Bytes:
		return map[string]any{"bytesValue": base64.StdEncoding.EncodeToString([]byte(v.Str))}, nil
	case Array:
		err := r.walk([]byte(v.Str), 0, func(field int, w wireType, b []byte, _ uint64, at int) error {
			if field != 1 || w != bytesType {
				return nil
			}
			e, err := r.value(b, at)
			if err != nil {
				return err
			}
			j, err := jsonValue(e, depth+1)
			list = append(list, j)
			return err
		})
		return map[string]any{"arrayValue": map[string]any{"values": list}}, err
	case Map:
		err := r.walk([]byte(v.Str), 0, func(field int, w wireType, b []byte, _ uint64, at int) error {
			if field != 1 || w != bytesType {
				return nil
			}
			kvs, err := r.attribute(nil, b, at)
			if err != nil {
				return err
			}
			j, err := jsonValue(kvs[0].Value, depth+1)
			list = append(list, map[string]any{"key": kvs[0].Key, "value": j})
			return err
		})
		return map[string]any{"kvlistValue": map[string]any{"values": list}}, err
	}
	return map[string]any{}, nil
}
