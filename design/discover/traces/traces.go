// Package traces turns spans of any format into an architecture: spans are put
// together to traces, traces to runs of operations, runs to operation-level call
// trees with how often, in which order, how long and how well.
//
//	a := traces.New(nil)
//	for … { a.Add(&span) }
//	a.Flush()
//	sys, err := a.System(traces.Witness{By: "jaeger"})
//
// # Bounded
//
// An [Aggregate] keeps open traces, which [Options] cap, and one entry for each
// distinct operation and call site; never the spans of a trace that is done. Two
// Aggregates of different traces add up ([Aggregate.Merge]) to what one would
// have been, as long as no cap was reached ([Stats] tells).
//
// # What a trace means
//
// A run of an operation begins at its entry span: a server or consumer span, a
// span whose parent is another service's, a root. Its exits are the client and
// producer spans below it. What an exit leads to is the run that begins below it;
// else the store, topic or peer that its attributes name; else, where neither is
// there, what its name says. Exits of a run that overlap in time are parallel.
//
// Times that are compared were measured by one process (exits of a run with each
// other and with their entry), or are durations, so that clocks that differ do no
// harm.
package traces

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// TraceID identifies a trace; IDs of 64 bits stand in the last 8 bytes.
type TraceID [16]byte

// ParseTraceID reads 1 to 32 hexadecimal digits.
func ParseTraceID(s string) (TraceID, error) {
	var id TraceID
	if s == "" || len(s) > 32 {
		return id, fmt.Errorf("trace ID %.40q: want 1 to 32 hexadecimal digits", s)
	}
	if _, err := hex.Decode(id[:], []byte(strings.Repeat("0", 32-len(s))+s)); err != nil {
		return id, fmt.Errorf("trace ID %q: want hexadecimal digits", s)
	}
	return id, nil
}

// String is 32 hexadecimal digits, or 16 when the first half is zero, as the
// tools that use short IDs show them.
func (t TraceID) String() string {
	if binary.BigEndian.Uint64(t[:8]) == 0 {
		return hex.EncodeToString(t[8:])
	}
	return hex.EncodeToString(t[:])
}

// SpanID identifies a span within its trace; 0 is none.
type SpanID uint64

// ParseSpanID reads 1 to 16 hexadecimal digits.
func ParseSpanID(s string) (SpanID, error) {
	if s == "" || len(s) > 16 {
		return 0, fmt.Errorf("span ID %.40q: want 1 to 16 hexadecimal digits", s)
	}
	var b [8]byte
	if _, err := hex.Decode(b[:], []byte(strings.Repeat("0", 16-len(s))+s)); err != nil {
		return 0, fmt.Errorf("span ID %q: want hexadecimal digits", s)
	}
	return SpanID(binary.BigEndian.Uint64(b[:])), nil
}

func (s SpanID) String() string { return fmt.Sprintf("%016x", uint64(s)) }

// Kind is the side of a call that a span stands on.
type Kind uint8

const (
	Unspecified Kind = iota // the format does not say: names and structure decide
	Internal
	Server
	Client
	Producer
	Consumer
)

// ParseKind reads span kinds as formats write them; "" and unknown words are
// Unspecified.
func ParseKind(s string) Kind {
	switch strings.ToLower(strings.TrimPrefix(s, "SPAN_KIND_")) {
	case "internal", "local":
		return Internal
	case "server":
		return Server
	case "client":
		return Client
	case "producer":
		return Producer
	case "consumer":
		return Consumer
	}
	return Unspecified
}

// Span is a span of any format. Add keeps nothing of it: strings and Attrs may
// be reused afterwards.
type Span struct {
	Trace    TraceID
	ID       SpanID
	Parent   SpanID // 0: a root
	Start    int64  // nanoseconds since 1970
	Duration int64  // nanoseconds
	Service  string
	Name     string
	Kind     Kind
	Failed   bool
	// Shared: a server's span that has the ID of its client's span (Zipkin).
	Shared bool
	// Weight is how many requests the trace stands for when it was sampled; 0
	// counts as 1. A trace's weight is the largest of its spans'.
	Weight float64
	// Attrs in any order; [KeyOf] tells which are worth passing.
	Attrs []Attr
}

// Attr is an attribute that means something here.
type Attr struct {
	Key   Key
	Value string
}
