package otlp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxMessage bounds one message of a stream: what a collector writes at once.
const MaxMessage = 64 << 20

// Protobuf reads messages as protobuf from a stream in the forms in which they
// come in files: one message; messages each behind its length, as 4 bytes with
// the high one first (the collector's file exporter) or as a varint (protobuf's
// own delimited form). Memory is bound by the largest ResourceSpans or message.
func (r *Reader) Protobuf(src io.Reader, each Each) error {
	p := &stream{r: bufio.NewReaderSize(src, 256<<10), dec: r, each: each}
	head, err := p.r.Peek(2)
	if err != nil && len(head) == 0 {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	switch {
	case head[0] == 0x0a && !p.delimited():
		return p.plain()
	case head[0] < MaxMessage>>24:
		return p.framed(p.fixed)
	default:
		return p.framed(p.varint)
	}
}

type stream struct {
	r    *bufio.Reader
	dec  *Reader
	each Each
	buf  []byte
	at   int64
}

// delimited: a first byte of 0x0a may also be the length of a message of 10
// bytes, which then begins with a field 1 that fills it.
func (p *stream) delimited() bool {
	head, _ := p.r.Peek(3)
	return len(head) == 3 && head[1] == 0x0a && head[2] == 8
}

// plain: a message without frame is a sequence of fields, so that it need not be
// held as a whole.
func (p *stream) plain() error {
	for {
		tag, err := p.uvarint()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if tag&7 != uint64(bytesType) {
			return &Fault{p.at, "this is no OTLP message"}
		}
		n, err := p.uvarint()
		if err != nil {
			return p.cut(err)
		}
		at := p.at
		b, err := p.take(n)
		if err != nil {
			return err
		}
		if tag>>3 == 1 {
			p.dec.base = at
			if err := p.dec.ResourceSpans(b, 0, p.each); err != nil {
				return err
			}
		}
	}
}

func (p *stream) framed(length func() (uint64, error)) error {
	for {
		n, err := length()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		at := p.at
		b, err := p.take(n)
		if err != nil {
			return err
		}
		p.dec.base = at
		if err := p.dec.Traces(b, p.each); err != nil {
			return err
		}
	}
}

func (p *stream) fixed() (uint64, error) {
	var b [4]byte
	n, err := io.ReadFull(p.r, b[:])
	p.at += int64(n)
	if err != nil && n > 0 {
		return 0, p.cut(err)
	}
	return uint64(binary.BigEndian.Uint32(b[:])), err
}

func (p *stream) varint() (uint64, error) { return p.uvarint() }

// uvarint returns io.EOF only when nothing is left.
func (p *stream) uvarint() (v uint64, err error) {
	for shift := uint(0); shift < 64; shift += 7 {
		c, err := p.r.ReadByte()
		if err != nil {
			if shift == 0 {
				return 0, err
			}
			return 0, p.cut(err)
		}
		p.at++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, nil
		}
	}
	return 0, &Fault{p.at, "a varint is too long"}
}

func (p *stream) take(n uint64) ([]byte, error) {
	if n > MaxMessage {
		return nil, &Fault{p.at, fmt.Sprintf("a message of %d bytes, over the %d MiB that are read at once; is this OTLP?", n, MaxMessage>>20)}
	}
	// Grow as bytes come, so that a false length costs nothing.
	p.buf = p.buf[:0]
	for left := int(n); left > 0; {
		step := min(left, max(64<<10, cap(p.buf)-len(p.buf)))
		from := len(p.buf)
		if cap(p.buf) < from+step {
			p.buf = append(make([]byte, 0, max(from+step, 2*cap(p.buf))), p.buf...)
		}
		p.buf = p.buf[:from+step]
		m, err := io.ReadFull(p.r, p.buf[from:])
		p.at += int64(m)
		if err != nil {
			return nil, p.cut(err)
		}
		left -= step
	}
	return p.buf, nil
}

func (p *stream) cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Fault{p.at, "the file ends inside a message"}
	}
	return fmt.Errorf("byte %d: %w", p.at, err)
}
