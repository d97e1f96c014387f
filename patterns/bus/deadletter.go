package bus

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Headers that dead letters and replays carry, beside the original's own.
const (
	headerDead      = "ashlar-dead-"
	headerReplayFor = "ashlar-replay-for" // group: others pass the event over
	headerReplayOf  = "ashlar-replay-of"  // id of the dead letter

	maxError     = 2 << 10
	truncateBody = 16 << 10
)

// States of a dead letter.
const (
	Dead      = "dead"
	Replayed  = "replayed"
	Discarded = "discarded"
)

// DeadLetter is an event that a group gave up on: the record as it was, and why.
// On the broker it is a record with the original's headers and body, headers
// "ashlar-dead-…" beside them, and its ID as key.
type DeadLetter struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Group string `json:"group"`
	// Where the event lay.
	Topic      string    `json:"topic"`
	Partition  int32     `json:"partition"`
	Offset     int64     `json:"offset"`
	Key        string    `json:"key,omitempty"`
	RecordTime time.Time `json:"record_time"`

	Error       string    `json:"error"`
	Tries       int       `json:"tries"`
	FirstFailed time.Time `json:"first_failed"`
	Died        time.Time `json:"died"`

	Headers []Header `json:"headers,omitempty"`
	Body    []byte   `json:"body,omitempty"`
	// Truncated: the record and these facts together were larger than the broker
	// takes, and the body was cut. The whole lies at its original position.
	Truncated bool `json:"truncated,omitempty"`
	Edited    bool `json:"edited,omitempty"` // Body is not the original's any more
	// Settled is when it was replayed or discarded.
	Settled time.Time `json:"settled,omitzero"`
}

func newDeadLetter(group string, d *driver.Delivery, tries int, since time.Time, cause error) *DeadLetter {
	l := &DeadLetter{State: Dead, Group: group, Topic: d.Topic, Partition: d.Partition, Offset: d.Offset, Key: d.Key,
		RecordTime: d.Time, Error: clip(cause.Error(), maxError), Tries: tries, FirstFailed: since, Died: now(), Body: d.Body}
	for _, h := range d.Headers {
		if h.Name != headerReplayFor && h.Name != headerReplayOf {
			l.Headers = append(l.Headers, h)
		}
	}
	// The place of the record is its identity: the same event that dies twice,
	// because its acknowledgement was lost, is one dead letter.
	l.ID = fmt.Sprintf("%s.%s.%d.%d", group, d.Topic, d.Partition, d.Offset)
	if d.Offset < 0 {
		l.ID = fmt.Sprintf("%s.%s.%s", group, d.Topic, newID(l.Died))
	}
	return l
}

func (l *DeadLetter) truncate() {
	l.Truncated = true
	if len(l.Body) > truncateBody {
		l.Body = l.Body[:truncateBody]
	}
}

func (l *DeadLetter) record(topic string) driver.Record {
	r := driver.Record{Topic: topic, Key: l.ID, Time: l.Died, Body: l.Body}
	r.Headers = append(make([]Header, 0, len(l.Headers)+12), l.Headers...)
	add := func(name, value string) {
		r.Headers = append(r.Headers, Header{Name: headerDead + name, Value: []byte(value)})
	}
	add("state", Dead)
	add("group", l.Group)
	add("topic", l.Topic)
	add("partition", strconv.Itoa(int(l.Partition)))
	add("offset", strconv.FormatInt(l.Offset, 10))
	add("key", strconv.QuoteToASCII(l.Key)) // keys are bytes; headers are text on some brokers
	add("record-time", stamp(l.RecordTime))
	add("error", oneLine(l.Error))
	add("tries", strconv.Itoa(l.Tries))
	add("first-failed", stamp(l.FirstFailed))
	if l.Truncated {
		add("truncated", "true")
	}
	return r
}

// readDeadLetter is record's inverse. It reports false for a record that is no
// dead letter, which some other program must have written.
func readDeadLetter(d *driver.Delivery) (*DeadLetter, bool) {
	l := &DeadLetter{ID: d.Key, Body: d.Body, Died: d.Time}
	for _, h := range d.Headers {
		name, ok := strings.CutPrefix(h.Name, headerDead)
		if !ok {
			l.Headers = append(l.Headers, h)
			continue
		}
		v := string(h.Value)
		switch name {
		case "state":
			l.State = v
		case "group":
			l.Group = v
		case "topic":
			l.Topic = v
		case "partition":
			n, _ := strconv.ParseInt(v, 10, 32)
			l.Partition = int32(n)
		case "offset":
			l.Offset, _ = strconv.ParseInt(v, 10, 64)
		case "key":
			l.Key, _ = strconv.Unquote(v)
		case "record-time":
			l.RecordTime = unstamp(v)
		case "error":
			l.Error = v
		case "tries":
			l.Tries, _ = strconv.Atoi(v)
		case "first-failed":
			l.FirstFailed = unstamp(v)
		case "truncated":
			l.Truncated = v == "true"
		case "settled":
			l.Settled = unstamp(v)
		}
	}
	return l, l.State != "" && l.ID != ""
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func unstamp(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s) // zero when another program wrote nonsense
	return t
}

// clip cuts s to at most n bytes at the border of a rune.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
