// Package jsonstream reads JSON of any size from a stream in bounded memory:
// a value at a time, what is not wanted is skipped without being kept, and every
// fault says at which byte it stands.
//
// The caller drives: it looks at the kind of the next value ([Reader.Next]) and
// takes it ([Reader.Object], [Reader.Array], [Reader.Text], [Reader.Int], ...) or
// leaves it ([Reader.Skip]). A function that is given to Object or Array has to
// take or skip exactly one value each time it is called.
package jsonstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Limits bound what a stream may ask for; zero fields mean the default.
type Limits struct {
	Depth int // nesting; default 1,000
	Text  int // bytes of one string; default 4 MiB
}

// Fault is what is wrong with the JSON, and where.
type Fault struct {
	Offset int64 // bytes from the start of the stream
	What   string
}

func (f *Fault) Error() string { return fmt.Sprintf("byte %d: %s", f.Offset, f.What) }

// Kind is the kind of a value, named by the byte that such a value starts with.
type Kind byte

const (
	End    Kind = 0 // of the stream
	Object Kind = '{'
	Array  Kind = '['
	Text   Kind = '"'
	Number Kind = '0'
	Bool   Kind = 't'
	Null   Kind = 'n'
)

func (k Kind) String() string {
	switch k {
	case End:
		return "the end"
	case Object:
		return "an object"
	case Array:
		return "an array"
	case Text:
		return "a string"
	case Number:
		return "a number"
	case Bool:
		return "a boolean"
	case Null:
		return "null"
	}
	return "no value"
}

// Reader reads from one stream. It is not safe for concurrent use.
type Reader struct {
	src      io.Reader
	buf      []byte
	pos, end int
	base     int64 // offset of buf[0] in the stream
	depth    int
	limits   Limits
	scratch  []byte
	keys     map[string]string
	failed   error
}

const bufSize = 64 << 10

// New reads from r; nil limits are the defaults.
func New(r io.Reader, limits *Limits) *Reader {
	l := Limits{Depth: 1000, Text: 4 << 20}
	if limits != nil && limits.Depth > 0 {
		l.Depth = limits.Depth
	}
	if limits != nil && limits.Text > 0 {
		l.Text = limits.Text
	}
	return &Reader{src: r, buf: make([]byte, bufSize), limits: l, keys: map[string]string{}}
}

// Offset is how many bytes have been taken.
func (r *Reader) Offset() int64 { return r.base + int64(r.pos) }

// Fault makes a fault at the present place.
func (r *Reader) Fault(format string, args ...any) error {
	return &Fault{r.Offset(), fmt.Sprintf(format, args...)}
}

// fill reads more; false at the end or on an error.
func (r *Reader) fill() bool {
	if r.failed != nil {
		return false
	}
	r.base += int64(r.pos)
	r.end = copy(r.buf, r.buf[r.pos:r.end])
	r.pos = 0
	for range 100 {
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		if err != nil {
			r.failed = err
		}
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	r.failed = io.ErrNoProgress
	return false
}

// ended is the error for a stream that stops in the middle of something.
func (r *Reader) ended(what string) error {
	if r.failed != nil && !errors.Is(r.failed, io.EOF) {
		return fmt.Errorf("byte %d: %w", r.Offset(), r.failed)
	}
	return r.Fault("the file ends inside %s", what)
}

// peek returns the next byte that is not white space; 0 at the end.
func (r *Reader) peek() byte {
	for {
		for ; r.pos < r.end; r.pos++ {
			switch c := r.buf[r.pos]; c {
			case ' ', '\t', '\r', '\n':
			default:
				return c
			}
		}
		if !r.fill() {
			return 0
		}
	}
}

// Next returns the kind of the next value without taking it. An error is one of
// the stream itself, or a byte that starts no value.
func (r *Reader) Next() (Kind, error) {
	switch c := r.peek(); {
	case c == 0 && r.pos >= r.end:
		if r.failed != nil && !errors.Is(r.failed, io.EOF) {
			return End, fmt.Errorf("byte %d: %w", r.Offset(), r.failed)
		}
		return End, nil
	case c == '{' || c == '[' || c == '"' || c == 'n':
		return Kind(c), nil
	case c == 't' || c == 'f':
		return Bool, nil
	case c == '-' || c >= '0' && c <= '9':
		return Number, nil
	default:
		return End, r.Fault("%q starts no JSON value", c)
	}
}

func (r *Reader) want(k Kind) error {
	got, err := r.Next()
	if err != nil {
		return err
	}
	if got == End {
		return r.ended("a value")
	}
	if got != k {
		return r.Fault("want %s, have %s", k, got)
	}
	return nil
}

func (r *Reader) enter() error {
	r.pos++
	if r.depth++; r.depth > r.limits.Depth {
		return r.Fault("nested deeper than %d", r.limits.Depth)
	}
	return nil
}

// Object takes an object: each is called for every member and takes its value.
// The key may be kept.
func (r *Reader) Object(each func(key string) error) error {
	if err := r.want(Object); err != nil {
		return err
	}
	if err := r.enter(); err != nil {
		return err
	}
	if r.peek() == '}' {
		r.pos++
		r.depth--
		return nil
	}
	for {
		if r.peek() != '"' {
			return r.misplaced("a member's name", "an object")
		}
		b, err := r.Bytes()
		if err != nil {
			return err
		}
		key := r.key(b)
		if r.peek() != ':' {
			return r.misplaced("a colon", "an object")
		}
		r.pos++
		if err := each(key); err != nil {
			return err
		}
		switch r.peek() {
		case ',':
			r.pos++
		case '}':
			r.pos++
			r.depth--
			return nil
		default:
			return r.misplaced("a comma or }", "an object")
		}
	}
}

// Array takes an array: each is called for every element and takes it.
func (r *Reader) Array(each func() error) error {
	if err := r.want(Array); err != nil {
		return err
	}
	if err := r.enter(); err != nil {
		return err
	}
	if r.peek() == ']' {
		r.pos++
		r.depth--
		return nil
	}
	for {
		if err := each(); err != nil {
			return err
		}
		switch r.peek() {
		case ',':
			r.pos++
		case ']':
			r.pos++
			r.depth--
			return nil
		default:
			return r.misplaced("a comma or ]", "an array")
		}
	}
}

func (r *Reader) misplaced(want, inside string) error {
	if r.pos >= r.end {
		return r.ended(inside)
	}
	return r.Fault("want %s, have %q", want, r.buf[r.pos])
}

// maxKeys bounds the names that are kept so that equal ones share one string.
const maxKeys = 1024

func (r *Reader) key(b []byte) string {
	if s, ok := r.keys[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(r.keys) < maxKeys && len(s) <= 64 {
		r.keys[s] = s
	}
	return s
}

// Int takes a whole number; one in quotes too, as protobuf's JSON has it, and
// null as zero.
func (r *Reader) Int() (int64, error) {
	k, err := r.Next()
	if err != nil {
		return 0, err
	}
	at := r.Offset()
	var b []byte
	switch k {
	case Number:
		b, err = r.number()
	case Text:
		b, err = r.Bytes()
	case Null:
		return 0, r.literal("null")
	default:
		return 0, r.Fault("want a number, have %s", k)
	}
	if err != nil {
		return 0, err
	}
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		return n, nil
	}
	if n, err := strconv.ParseUint(string(b), 10, 64); err == nil {
		return int64(n), nil // unsigned 64-bit IDs keep their bits
	}
	if f, err := strconv.ParseFloat(string(b), 64); err == nil && f >= -1<<63 && f < 1<<63 {
		return int64(f), nil
	}
	return 0, &Fault{at, fmt.Sprintf("%.40q is no whole number of 64 bits", b)}
}

// Scalar takes a string, number or boolean as text, null as "", and skips
// objects and arrays, whose text is "".
func (r *Reader) Scalar() (s string, k Kind, err error) {
	if k, err = r.Next(); err != nil {
		return "", k, err
	}
	var b []byte
	switch k {
	case Text:
		b, err = r.Bytes()
	case Number:
		b, err = r.number()
	case Bool:
		if r.buf[r.pos] == 't' {
			return "true", k, r.literal("true")
		}
		return "false", k, r.literal("false")
	case Null:
		return "", k, r.literal("null")
	case End:
		return "", k, r.ended("a value")
	default:
		return "", k, r.Skip()
	}
	return string(b), k, err
}

// Text takes a string, or null as "".
func (r *Reader) Text() (string, error) {
	b, err := r.Bytes()
	return string(b), err
}

// Skip leaves out one value, whatever it is.
func (r *Reader) Skip() error {
	k, err := r.Next()
	if err != nil {
		return err
	}
	switch k {
	case Object, Array:
		return r.skipNested()
	case Text:
		return r.skipText()
	case Number:
		_, err = r.number()
		return err
	case Bool:
		if r.buf[r.pos] == 'f' {
			return r.literal("false")
		}
		return r.literal("true")
	case Null:
		return r.literal("null")
	}
	return r.ended("a value")
}

// skipNested counts brackets; what stands between them is only looked at for
// strings, so that copies that a format repeats thousands of times cost little.
func (r *Reader) skipNested() error {
	open := 0
	for {
		for r.pos < r.end {
			switch r.buf[r.pos] {
			case '{', '[':
				open++
				if r.depth+open > r.limits.Depth {
					return r.Fault("nested deeper than %d", r.limits.Depth)
				}
			case '}', ']':
				if open--; open == 0 {
					r.pos++
					return nil
				}
			case '"':
				if err := r.skipText(); err != nil {
					return err
				}
				continue
			}
			r.pos++
		}
		if !r.fill() {
			return r.ended("an object or array")
		}
	}
}

func (r *Reader) skipText() error {
	r.pos++
	for {
		b := r.buf[r.pos:r.end]
		quote := bytes.IndexByte(b, '"')
		if quote < 0 {
			quote = len(b)
		}
		if slash := bytes.IndexByte(b[:quote], '\\'); slash >= 0 {
			if r.pos += slash + 1; r.pos >= r.end && !r.fill() {
				return r.ended("a string")
			}
			r.pos++
			continue
		}
		if quote < len(b) {
			r.pos += quote + 1
			return nil
		}
		if r.pos = r.end; !r.fill() {
			return r.ended("a string")
		}
	}
}
