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
	case k == End:
		return nil, r.ended("a value")
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
				r.scratch = []byte(string([]rune(string(r.scratch)))) // one U+FFFD for each wrong byte, as encoding/json does
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
	if r.end-r.pos < 2 && !r.need(2) {
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
	pair := r.need(12) // before anything is taken, since it moves the buffer
	u, err := r.hex4(0)
	if err != nil {
		return err
	}
	used := 6
	if utf16.IsSurrogate(u) {
		// Half a pair that has no other half becomes U+FFFD, and what follows stands
		// for itself.
		first := u
		u = utf8.RuneError
		if pair && r.buf[r.pos+6] == '\\' && r.buf[r.pos+7] == 'u' {
			low, err := r.hex4(6)
			if err != nil {
				return err
			}
			if c := utf16.DecodeRune(first, low); c != utf8.RuneError {
				u, used = c, 12
			}
		}
	}
	r.pos += used
	r.scratch = utf8.AppendRune(r.scratch, u)
	return nil
}

// hex4 reads the four digits of an escape that begins at pos+at.
func (r *Reader) hex4(at int) (rune, error) {
	if r.end-r.pos < at+6 {
		return 0, r.ended("a string")
	}
	var u rune
	for _, c := range r.buf[r.pos+at+2 : r.pos+at+6] {
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
