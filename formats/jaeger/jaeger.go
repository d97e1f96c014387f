// Package jaeger reads and writes the JSON in which Jaeger's query service and
// its page export traces:
//
//	{"data":[{"traceID":…,"spans":[…],"processes":{…}}]}
//
// Files are read as a stream that holds one trace at a time. Exports of some
// versions embed in each reference a copy of the span that it points to, with the
// references of that span, and so on up to the root: the copies are skipped, else
// a trace would count many times.
package jaeger

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/ashlar-dev/ashlar/formats/doc/jsonstream"
)

// Trace is one trace with the processes that its spans came from.
type Trace struct {
	ID        string             `json:"traceID"`
	Spans     []Span             `json:"spans"`
	Processes map[string]Process `json:"processes"`
	Warnings  []string           `json:"warnings,omitempty"`
	// Faults of single spans; those spans are not in Spans.
	Faults []*jsonstream.Fault `json:"-"`
}

// Span is a span as Jaeger exports it.
type Span struct {
	TraceID    string      `json:"traceID"`
	SpanID     string      `json:"spanID"`
	ParentID   string      `json:"parentSpanID,omitempty"` // of old exports; the others have References
	Flags      int64       `json:"flags,omitempty"`
	Operation  string      `json:"operationName"`
	References []Reference `json:"references"`
	Start      int64       `json:"startTime"` // microseconds since 1970
	Duration   int64       `json:"duration"`  // microseconds
	Tags       []Tag       `json:"tags"`
	Logs       []Log       `json:"logs"`
	ProcessID  string      `json:"processID,omitempty"`
	Process    *Process    `json:"process,omitempty"` // where the process is inline
	Warnings   []string    `json:"warnings,omitempty"`
}

// Reference types.
const (
	ChildOf     = "CHILD_OF"
	FollowsFrom = "FOLLOWS_FROM"
)

// Reference points to another span.
type Reference struct {
	Type    string `json:"refType"`
	TraceID string `json:"traceID"`
	SpanID  string `json:"spanID"`
}

// Tag is a key with a value; Value is the value's text.
type Tag struct {
	Key   string
	Type  string // string, bool, int64, float64, binary; "" when not said
	Value string
}

// Log is something that happened during a span.
type Log struct {
	Timestamp int64 `json:"timestamp"` // microseconds since 1970
	Fields    []Tag `json:"fields"`
}

// Process is where spans come from.
type Process struct {
	Service string `json:"serviceName"`
	Tags    []Tag  `json:"tags"`
}

// Parent is the ID of the span's parent in the same trace, or "": the first
// CHILD_OF reference, else the first FOLLOWS_FROM one.
func (s *Span) Parent() string {
	follows := ""
	for _, r := range s.References {
		if r.TraceID != s.TraceID && r.TraceID != "" {
			continue
		}
		if r.Type == ChildOf {
			return r.SpanID
		}
		if follows == "" {
			follows = r.SpanID
		}
	}
	if follows == "" {
		return s.ParentID
	}
	return follows
}

// Tag returns the value of a tag.
func (s *Span) Tag(key string) (string, bool) {
	for _, t := range s.Tags {
		if t.Key == key {
			return t.Value, true
		}
	}
	return "", false
}

// Limits bound what a file may ask for; zero fields mean the default.
type Limits struct {
	Spans  int // of one trace; default 200,000: the rest of such a trace is a fault
	Tags   int // of one span, its logs and references included; default 2,000: the rest is left out
	Text   int // bytes of one string; default 1 MiB
	Depth  int // nesting; default 10,000, since copies of ancestors nest as deep as calls do
	Faults int // kept per trace; default 100
}

func (l *Limits) or() Limits {
	d := Limits{200_000, 2_000, 1 << 20, 10_000, 100}
	if l == nil {
		return d
	}
	for _, f := range []struct {
		to   *int
		from int
	}{{&d.Spans, l.Spans}, {&d.Tags, l.Tags}, {&d.Text, l.Text}, {&d.Depth, l.Depth}, {&d.Faults, l.Faults}} {
		if f.from > 0 {
			*f.to = f.from
		}
	}
	return d
}

// ErrNoTraces is wrapped when the JSON is none of the forms that Jaeger exports.
var ErrNoTraces = errors.New("no Jaeger traces: want an object with data, or with spans and processes")

// Traces reads the traces of r one by one: an export, an array of traces, single
// traces one after the other. A *[jsonstream.Fault] in the JSON itself ends the
// sequence as its last element; what is wrong with a single span is in the
// trace's Faults. The trace is the caller's; nil limits are the defaults.
func Traces(r io.Reader, limits *Limits) iter.Seq2[*Trace, error] {
	return func(yield func(*Trace, error) bool) {
		l := limits.or()
		d := &decoder{Reader: jsonstream.New(r, &jsonstream.Limits{Depth: l.Depth, Text: l.Text}), limits: l}
		d.yield = func(t *Trace) error {
			d.found = true
			if !yield(t, nil) {
				return errStop
			}
			return nil
		}
		err := d.stream()
		if err == nil && !d.found && !d.empty {
			err = ErrNoTraces
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	}
}

var errStop = errors.New("stop")

func (t Tag) String() string { return fmt.Sprintf("%s=%s", t.Key, t.Value) }
