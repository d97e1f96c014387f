package bus

import (
	"encoding/hex"
	mrand "math/rand/v2"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Header is a header field of a record. Names may repeat.
type Header = driver.Header

// Event is what is published and handled: data under a key on a topic, with the
// attributes of CloudEvents 1.0. How it lies on the broker is the topic's
// [Mapping]; on topics that others made, most attributes may be empty.
type Event struct {
	Topic string
	// Key: events of one topic with equal keys are handled in order. "": none.
	Key string

	ID      string // unique per Source; "": Publish makes one
	Source  string // who says so, a URI reference; "": Options.Source
	Type    string // "shop.order.placed"
	Version int    // of the type's schema; 0: unversioned
	Subject string
	Time    time.Time // when it happened; zero: Publish takes the clock
	Schema  string    // URI of the data's schema
	// ContentType of Data; "" is application/json.
	ContentType string
	// Headers are the other header fields of the record. With CloudEvents,
	// extension attributes are among them under their bare names.
	Headers []Header
	Data    []byte

	// Origin says where a received event lay; zero on events to publish.
	Origin Origin
}

// Origin is a received event's place on the broker.
type Origin struct {
	Partition int32
	Offset    int64     // -1: the broker has none
	Time      time.Time // the record's, by the producer or the broker
	// Attempt counts the handler's tries of this event in this process, from 1.
	Attempt int
	// Delivered counts deliveries to the group as far as the broker tells; 0: it does not.
	Delivered int
}

// Header returns the first header of that name, names compared without regard
// to case, and whether there is one.
func (e *Event) Header(name string) (string, bool) {
	return header(e.Headers, name)
}

func header(hs []Header, name string) (string, bool) {
	for i := range hs {
		if strings.EqualFold(hs[i].Name, name) {
			return string(hs[i].Value), true
		}
	}
	return "", false
}

// addTrace adds the headers of the context's trace, unless the event carries one
// of its own. It does not change the caller's slice.
func (e *Event) addTrace(trace []Header) {
	for _, h := range trace {
		if _, carried := e.Header(h.Name); carried {
			return
		}
	}
	e.Headers = append(append(make([]Header, 0, len(e.Headers)+len(trace)), e.Headers...), trace...)
}

// newID returns a version 7 UUID: ids made later sort later, so a store that
// indexes them appends.
func newID(now time.Time) string {
	var b [16]byte
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	// The runtime's generator is seeded per process from the system and cannot
	// collide in practice; ids are no secrets.
	x, y := mrand.Uint64(), mrand.Uint64()
	for i := range 8 {
		b[8+i] = byte(y >> (8 * i))
	}
	b[6], b[7] = 0x70|byte(x)&0x0f, byte(x>>8)
	b[8] = 0x80 | b[8]&0x3f
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:], b[10:])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}
