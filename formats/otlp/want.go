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
	var first, middle, last uint64
	switch {
	case n >= 8:
		first, middle, last = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n/2-4:]), binary.LittleEndian.Uint64(b[n-8:])
	case n >= 4:
		first, last = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[n-4:]))
	default:
		return r.Want(key)
	}
	if r.wanted == nil {
		r.wanted = new(answers)
	}
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
