package jsonstream

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Bytes takes a string, or null as none. The result is good until the next call.
func (r *Reader) Bytes() ([]byte, error) {
	switch k, err := r.Next(); {
	case err != nil:
		return nil, err
	case k == Null:
		return nil, r.literal("null")
	case k != Text:
		return nil, r.Fault("want a string, have %s", k)
	}
	r.pos++
	// The common case: the string lies in the buffer and has no escapes.
	b := r.buf[r.pos:r.end]
	if q := bytes.IndexByte(b, '"'); q >= 0 && q <= r.limits.Text && plain(b[:q]) {
		r.pos += q + 1
		return b[:q], nil
	}
	r.scratch = r.scratch[:0]
	for {
		if r.pos >= r.end && !r.fill() {
			return nil, r.ended("a string")
		}
		c := r.buf[r.pos]
		switch {
		case c == '"':
			r.pos++
			if !utf8.Valid(r.scratch) {
				r.scratch = bytes.ToValidUTF8(r.scratch, []byte("\uFFFD"))
			}
			return r.scratch, nil
		case c == '\\':
			if err := r.escape(); err != nil {
				return nil, err
			}
		case c < ' ':
			return nil, r.Fault("a control character inside a string; write it as an escape")
		default:
			r.scratch = append(r.scratch, c)
			r.pos++
		}
		if len(r.scratch) > r.limits.Text {
			return nil, r.Fault("a string of more than %d bytes", r.limits.Text)
		}
	}
}

// plain: no escape, no control character, valid UTF-8.
func plain(b []byte) bool {
	high := byte(0)
	for _, c := range b {
		if c == '\\' || c < ' ' {
			return false
		}
		high |= c
	}
	return high < utf8.RuneSelf || utf8.Valid(b)
}

// need makes sure that n bytes lie in the buffer.
func (r *Reader) need(n int) bool {
	for r.end-r.pos < n {
		if !r.fill() {
			return false
		}
	}
	return true
}

func (r *Reader) escape() error {
	if !r.need(2) {
		return r.ended("a string")
	}
	c := r.buf[r.pos+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return r.unicode()
	default:
		return r.Fault("unknown escape \\%c", c)
	}
	r.scratch = append(r.scratch, c)
	r.pos += 2
	return nil
}

func (r *Reader) unicode() error {
	u, err := r.hex4()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(u) && r.need(6) && r.buf[r.pos] == '\\' && r.buf[r.pos+1] == 'u' {
		low, err := r.hex4()
		if err != nil {
			return err
		}
		u = utf16.DecodeRune(u, low) // U+FFFD when the two are no pair
	}
	r.scratch = utf8.AppendRune(r.scratch, u)
	return nil
}

func (r *Reader) hex4() (rune, error) {
	if !r.need(6) {
		return 0, r.ended("a string")
	}
	var u rune
	for _, c := range r.buf[r.pos+2 : r.pos+6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, r.Fault("\\u wants four hexadecimal digits")
		}
		u = u<<4 | rune(c)
	}
	r.pos += 6
	return u, nil
}

// maxNumber bounds the digits of a number; longer ones are noise.
const maxNumber = 512

func (r *Reader) number() ([]byte, error) {
	r.scratch = r.scratch[:0]
	for {
		for r.pos < r.end {
			switch c := r.buf[r.pos]; {
			case c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E':
				r.scratch = append(r.scratch, c)
				r.pos++
			default:
				return r.scratch, nil
			}
			if len(r.scratch) > maxNumber {
				return nil, r.Fault("a number of more than %d digits", maxNumber)
			}
		}
		if !r.fill() {
			return r.scratch, nil
		}
	}
}

func (r *Reader) literal(want string) error {
	if !r.need(len(want)) || string(r.buf[r.pos:r.pos+len(want)]) != want {
		return r.Fault("want %s", want)
	}
	r.pos += len(want)
	return nil
}
