package otlp

import "encoding/binary"

// ResourceSpans reads one ResourceSpans message, which begins at offset at of
// the stream.
func (r *Reader) ResourceSpans(b []byte, at int, each Each) error {
	// The resource is the first field in practice, but the wire does not promise
	// it, and spans need it.
	r.resource.Attributes = r.resource.Attributes[:0]
	err := r.walk(b, at, func(field int, w wireType, v []byte, _ uint64, at int) error {
		if field == 1 && w == bytesType {
			return r.walk(v, at, func(field int, w wireType, v []byte, _ uint64, at int) (err error) {
				if field == 1 && w == bytesType {
					r.resource.Attributes, err = r.attribute(r.resource.Attributes, v, at)
				}
				return err
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.walk(b, at, func(field int, w wireType, v []byte, _ uint64, at int) error {
		if (field == 2 || field == 1000) && w == bytesType { // 1000: instrumentation_library_spans of protocols before 1.0
			return r.scopeSpans(v, at, each)
		}
		return nil
	})
}

func (r *Reader) scopeSpans(b []byte, at int, each Each) error {
	return r.walk(b, at, func(field int, w wireType, v []byte, _ uint64, at int) error {
		if field != 2 || w != bytesType {
			return nil
		}
		if err := r.readSpan(v, at); err != nil {
			return err
		}
		return each(&r.resource, &r.span)
	})
}

// readSpan is the hot loop: it walks by itself, without a call for each field.
func (r *Reader) readSpan(b []byte, at int) error {
	s := &r.span
	*s = Span{Attributes: s.Attributes[:0]}
	for i := 0; i < len(b); {
		tag, n := uvarint(b[i:])
		if n <= 0 || tag>>3 == 0 {
			return r.fault(at+i, "a field's tag is broken; is this protobuf?")
		}
		i += n
		switch tag & 7 {
		case uint64(bytesType):
			l, n := uvarint(b[i:])
			if n <= 0 || l > uint64(len(b)-i-n) {
				return r.fault(at+i, "a field is longer than what holds it")
			}
			i += n
			if err := r.spanBytes(tag>>3, b[i:i+int(l)], at+i); err != nil {
				return err
			}
			i += int(l)
		case uint64(fixed64Type):
			if len(b)-i < 8 {
				return r.fault(at+i, "a 64-bit field is cut off")
			}
			switch tag >> 3 {
			case 7:
				s.Start = binary.LittleEndian.Uint64(b[i:])
			case 8:
				s.End = binary.LittleEndian.Uint64(b[i:])
			}
			i += 8
		case uint64(varintType):
			v, n := uvarint(b[i:])
			if n <= 0 {
				return r.fault(at+i, "a varint is cut off or too long")
			}
			if tag>>3 == 6 && v <= uint64(KindConsumer) {
				s.Kind = Kind(v)
			}
			i += n
		case uint64(fixed32Type):
			if len(b)-i < 4 {
				return r.fault(at+i, "a 32-bit field is cut off")
			}
			if tag>>3 == 16 {
				s.Flags = binary.LittleEndian.Uint32(b[i:])
			}
			i += 4
		default:
			return r.fault(at+i, "groups are not part of this protocol")
		}
	}
	return nil
}

func (r *Reader) spanBytes(field uint64, v []byte, at int) (err error) {
	s := &r.span
	switch field {
	case 9:
		s.Attributes, err = r.attribute(s.Attributes, v, at)
		return err
	case 1:
		if len(v) != 16 && len(v) != 0 {
			return r.fault(at, "a trace ID is not 16 bytes long")
		}
		copy(s.TraceID[:], v)
	case 2:
		if len(v) != 8 && len(v) != 0 {
			return r.fault(at, "a span ID is not 8 bytes long")
		}
		copy(s.SpanID[:], v)
	case 3:
		s.State = view(v)
	case 4:
		if len(v) != 8 && len(v) != 0 {
			return r.fault(at, "a parent's span ID is not 8 bytes long")
		}
		copy(s.ParentID[:], v)
	case 5:
		s.Name = view(v)
	case 15:
		return r.walk(v, at, func(field int, w wireType, v []byte, n uint64, _ int) error {
			switch {
			case field == 2 && w == bytesType:
				s.Message = view(v)
			case field == 3 && w == varintType && n <= StatusError:
				s.Status = uint8(n)
			}
			return nil
		})
	}
	return nil
}

// attribute appends a KeyValue. Nearly all are a key and a string, both shorter
// than 128 bytes, one right after the other.
func (r *Reader) attribute(to []KeyValue, b []byte, at int) ([]KeyValue, error) {
	if len(to) < cap(to) {
		to = to[:len(to)+1]
	} else {
		to = append(to, KeyValue{})
	}
	kv := &to[len(to)-1]
	if len(b) > 2 && b[0] == 1<<3|2 && b[1] < 0x80 {
		if k := 2 + int(b[1]); k+4 <= len(b) && b[k] == 2<<3|2 && b[k+1] < 0x80 && k+2+int(b[k+1]) == len(b) {
			if v := b[k+2:]; v[0] == 1<<3|2 && v[1] < 0x80 && 2+int(v[1]) == len(v) {
				kv.Key, kv.Value = view(b[2:k]), Value{Type: String, Str: view(v[2:])}
				return to, nil
			}
		}
	}
	*kv = KeyValue{}
	err := r.walk(b, at, func(field int, w wireType, v []byte, _ uint64, at int) (err error) {
		switch {
		case field == 1 && w == bytesType:
			kv.Key = view(v)
		case field == 2 && w == bytesType:
			kv.Value, err = r.value(v, at)
		}
		return err
	})
	return to, err
}

func (r *Reader) value(b []byte, at int) (out Value, err error) {
	err = r.walk(b, at, func(field int, w wireType, v []byte, n uint64, _ int) error {
		switch {
		case field == 1 && w == bytesType:
			out = Value{Type: String, Str: view(v)}
		case field == 2 && w == varintType:
			out = BoolValue(n != 0)
		case field == 3 && w == varintType:
			out = Value{Type: Int, Num: n}
		case field == 4 && w == fixed64Type:
			out = Value{Type: Double, Num: n}
		case field == 5 && w == bytesType:
			out = Value{Type: Array, Str: view(v)}
		case field == 6 && w == bytesType:
			out = Value{Type: Map, Str: view(v)}
		case field == 7 && w == bytesType:
			out = Value{Type: Bytes, Str: view(v)}
		}
		return nil
	})
	return out, err
}
