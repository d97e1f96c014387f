package otlp

import "encoding/binary"

// ResourceSpans reads one ResourceSpans message, which begins at offset at of
// the stream.
func (r *Reader) ResourceSpans(b []byte, at int, each Each) error {
	// The resource is the first field in practice, but the wire does not promise
	// it, and spans need it.
	r.resource = Resource{Attributes: r.resource.Attributes[:0]}
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
	r.resource.service = r.resource.Service()
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
	text := view(b)
	for i := 0; i < len(b); {
		switch b[i] {
		case 9<<3 | 2: // most fields are attributes
			if n := r.quick(b[i:], text[i:]); n > 0 {
				i += n
				continue
			}
		case 1<<3 | 2:
			if len(b)-i >= 18 && b[i+1] == 16 {
				s.TraceID = [16]byte(b[i+2 : i+18])
				i += 18
				continue
			}
		case 2<<3 | 2:
			if len(b)-i >= 10 && b[i+1] == 8 {
				s.SpanID = [8]byte(b[i+2 : i+10])
				i += 10
				continue
			}
		case 4<<3 | 2:
			if len(b)-i >= 10 && b[i+1] == 8 {
				s.ParentID = [8]byte(b[i+2 : i+10])
				i += 10
				continue
			}
		}
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
		if s.Attributes, err = r.attribute(s.Attributes, v, at); err != nil || r.Want == nil {
			return err
		}
		kv := &s.Attributes[len(s.Attributes)-1]
		if kv.Mark = r.mark([]byte(kv.Key), kv.Key); kv.Mark == 0 {
			s.Attributes = s.Attributes[:len(s.Attributes)-1]
		}
		return nil
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

// quick appends the attribute field at the beginning of b when it has the form
// that nearly all have: a key and a string or a small number, each shorter than
// 128 bytes, one right after the other. It returns the length of the field, or 0.
// text is b as a string.
func (r *Reader) quick(b []byte, text string) int {
	if len(b) < 8 || b[1] >= 0x80 || b[2] != 1<<3|2 || b[3] >= 0x80 {
		return 0
	}
	end := 2 + int(b[1])
	k := 4 + int(b[3]) // behind the key
	if end > len(b) || k+4 > end || b[k] != 2<<3|2 || int(b[k+1]) != end-k-2 {
		return 0
	}
	var mark uint8
	if r.Want != nil {
		if mark = r.mark(b[4:k], text[4:k]); mark == 0 {
			return end // broken or not, nobody looks at it
		}
	}
	var v Value
	switch {
	case b[k+2] == 1<<3|2 && b[k+3] < 0x80 && k+4+int(b[k+3]) == end:
		v.Type, v.Str = String, text[k+4:end]
	case b[k+2] == 3<<3 && b[k+3] < 0x80 && k+4 == end:
		v.Type, v.Num = Int, uint64(b[k+3])
	case b[k+2] == 3<<3 && k+5 == end && b[k+4] < 0x80:
		v.Type, v.Num = Int, uint64(b[k+3]&0x7f)|uint64(b[k+4])<<7
	default:
		return 0
	}
	r.span.Attributes = append(r.span.Attributes, KeyValue{Key: text[4:k], Mark: mark, Value: v})
	return end
}

// attribute appends a KeyValue of any form.
func (r *Reader) attribute(to []KeyValue, b []byte, at int) ([]KeyValue, error) {
	to = append(to, KeyValue{})
	kv := &to[len(to)-1]
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
