package otlp

import (
	"encoding/binary"
	"strings"
)

// answers remembers what Reader.Want said of keys: a span has a dozen, and all
// spans together a hundred. It is of a fixed size, so that a stream of ever new
// keys costs time and no memory.
type answers [512]answer

type answer struct {
	first, middle, last uint64 // of the key, overlapping: up to 24 bytes they are all of it
	key                 string
	mark                uint8
	known               bool
}

const exact = 24

// mark is what Want says of a key.
func (r *Reader) mark(b []byte, key string) uint8 {
	n := len(b)
	if n < 8 || r.wanted == nil {
		return r.ask(key, n)
	}
	first, middle, last := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n/2-4:]), binary.LittleEndian.Uint64(b[n-8:])
	a := &r.wanted[slot(first, middle, last)]
	if a.first == first && a.last == last && a.middle == middle && len(a.key) == n && (n <= exact || a.key == key) {
		return a.mark
	}
	mark := r.Want(key)
	if !a.known { // the first one stays: two keys that take turns would cost more than they save
		*a = answer{first, middle, last, strings.Clone(key), mark, true}
	}
	return mark
}

func slot(first, middle, last uint64) uint64 {
	return (first ^ middle*0x9e3779b97f4a7c15 ^ last*0xff51afd7ed558ccd) * 0x9e3779b97f4a7c15 >> 55
}

// ask is for short keys, of which there are few, and for the first key of all.
func (r *Reader) ask(key string, n int) uint8 {
	if n >= 8 {
		r.wanted = new(answers)
	}
	return r.Want(key)
}
