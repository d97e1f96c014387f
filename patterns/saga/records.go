package saga

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
)

// Types of the records of a saga's stream, "saga/" and its id.
const (
	tStarted     = "saga.started"
	tAdopted     = "saga.adopted" // by another process
	tDone        = "saga.done"
	tFailed      = "saga.failed" // from here on it compensates
	tUndone      = "saga.undone"
	tCompleted   = "saga.completed"   // final
	tCompensated = "saga.compensated" // final
)

// entry is the data of every record; each type uses some fields.
type entry struct {
	Definition string          `json:"definition,omitempty"`
	Version    int             `json:"version,omitempty"`
	Node       string          `json:"node,omitempty"`
	Input      json.RawMessage `json:"input,omitempty"`
	Step       string          `json:"step,omitempty"`
	Result     json.RawMessage `json:"result,omitempty"`
	Cause      string          `json:"cause,omitempty"`
	Unknown    []string        `json:"unknown,omitempty"` // steps that failed without a definite no
	Next       []string        `json:"next,omitempty"`    // the intent: steps to do, or the step to undo
	By         string          `json:"by,omitempty"`      // an operator's reason, when one did it
	Operator   bool            `json:"operator,omitempty"`
}

func (e *entry) record(typ string) journal.Record {
	return journal.Record{Type: typ, Data: e.encode(), Final: typ == tCompleted || typ == tCompensated}
}

// encode writes what json.Marshal would. It is on the way of every record, and
// reflection took a tenth of a saga's time. RawMessages were checked and
// compacted when they were made.
func (e *entry) encode() []byte {
	b := make([]byte, 1, 96+len(e.Input)+len(e.Result)+len(e.Cause))
	b[0] = '{'
	b = appendField(b, "definition", e.Definition)
	if e.Version != 0 {
		b = strconv.AppendInt(appendName(b, "version"), int64(e.Version), 10)
	}
	b = appendField(b, "node", e.Node)
	if len(e.Input) > 0 {
		b = append(appendName(b, "input"), e.Input...)
	}
	b = appendField(b, "step", e.Step)
	if len(e.Result) > 0 {
		b = append(appendName(b, "result"), e.Result...)
	}
	b = appendField(b, "cause", e.Cause)
	b = appendList(b, "unknown", e.Unknown)
	b = appendList(b, "next", e.Next)
	b = appendField(b, "by", e.By)
	if e.Operator {
		b = append(appendName(b, "operator"), "true"...)
	}
	return append(b, '}')
}

func appendName(b []byte, name string) []byte {
	if len(b) > 1 {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func appendField(b []byte, name, v string) []byte {
	if v == "" {
		return b
	}
	return appendString(appendName(b, name), v)
}

func appendList(b []byte, name string, v []string) []byte {
	if len(v) == 0 {
		return b
	}
	b = append(appendName(b, name), '[')
	for i, s := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string has no way to fail
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// state is what the records of a saga add up to.
type state struct {
	definition string
	version    int
	node       string
	input      json.RawMessage
	started    time.Time
	position   int64 // of its start
	at         int64 // version of the stream
	phase      State
	next       []string
	done       map[string]json.RawMessage
	unknown    map[string]bool
	undone     map[string]bool
	failedStep string
	cause      string
	updated    time.Time
}

// fold adds a record to the state.
func (s *state) fold(r *journal.Record) error {
	var e entry
	if len(r.Data) > 0 {
		if err := json.Unmarshal(r.Data, &e); err != nil {
			return fmt.Errorf("saga: record %d of %s is not readable: %w", r.Position, r.Stream, err)
		}
	}
	if r.Type == tStarted {
		s.started, s.position = r.Time, r.Position
	}
	if !s.apply(r.Type, &e) {
		return fmt.Errorf("saga: record %d of %s has type %q, which this program does not know; run the newer program", r.Position, r.Stream, r.Type)
	}
	s.at, s.updated = r.Version, r.Time
	return nil
}

// apply is what a record means. It reports whether the type is known.
func (s *state) apply(typ string, e *entry) bool {
	switch typ {
	case tStarted:
		s.definition, s.version, s.node, s.input = e.Definition, e.Version, e.Node, e.Input
		s.phase, s.next = Running, e.Next
		s.done, s.unknown, s.undone = map[string]json.RawMessage{}, nil, nil
	case tAdopted:
		s.node = e.Node
	case tDone:
		s.done[e.Step] = e.Result
		if s.next = without(s.next, e.Step); len(e.Next) > 0 {
			s.next = e.Next
		}
	case tFailed:
		s.phase, s.failedStep, s.cause, s.next = Compensating, e.Step, e.Cause, e.Next
		s.unknown, s.undone = map[string]bool{}, map[string]bool{}
		for _, u := range e.Unknown {
			s.unknown[u] = true
		}
	case tUndone:
		s.undone[e.Step] = true
		s.next = e.Next
	case tCompleted:
		s.phase, s.next = Completed, nil
	case tCompensated:
		s.phase, s.next = Compensated, nil
	default:
		return false
	}
	return true
}

func without(names []string, name string) []string {
	var out []string
	for _, n := range names {
		if n != name {
			out = append(out, n)
		}
	}
	return out
}
