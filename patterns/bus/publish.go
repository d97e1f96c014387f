package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// PublishError says which events of a Publish failed. It unwraps to their
// errors: errors.Is(err, ErrUnknown) when some may have been published all the
// same, errors.Is(err, ErrTooLarge) and so on.
type PublishError struct {
	Of     int // how many events the call had
	Failed []Failure
}

// Failure is one event that was not published, or perhaps not.
type Failure struct {
	Index int // in the call's arguments
	Topic string
	ID    string
	Err   error
}

func (e *PublishError) Error() string {
	f := e.Failed[0]
	s := fmt.Sprintf("bus: %d of %d events not published; event %d (%s) to topic %q: %v", len(e.Failed), e.Of, f.Index, f.ID, f.Topic, f.Err)
	return s + hint(f.Err)
}

// Unwrap returns the errors of the failed events.
func (e *PublishError) Unwrap() []error {
	errs := make([]error, len(e.Failed))
	for i, f := range e.Failed {
		errs[i] = f.Err
	}
	return errs
}

func hint(err error) string {
	switch {
	case errors.Is(err, ErrTooLarge):
		return "; store the data elsewhere and publish a reference to it, or raise the broker's limit"
	case errors.Is(err, ErrNoTopic):
		return "; make the topic, or call Bus.Ensure"
	case errors.Is(err, ErrUnknown):
		return "; it may have been published: publish again only if its consumers bear doubles"
	}
	return ""
}

// Publish sends the events and returns when the broker has acknowledged all of
// them, or a *PublishError that says which failed. Events with equal topic and
// key keep their order. Events that fail before they are sent (schema, mapping,
// size) do not stop the others of the call.
func (b *Bus) Publish(ctx context.Context, events ...Event) error {
	// The channel has room, so done never blocks, also after ctx ended.
	ch := make(chan error, 1)
	b.PublishAsync(ctx, events, func(err error) { ch <- err })
	return <-ch // the driver ends with ctx: it knows what had left by then
}

// PublishAsync is Publish without the wait for the broker: done is called once,
// with what Publish would return, on a goroutine that it must not block. It
// waits itself while the driver's buffer is full.
func (b *Bus) PublishAsync(ctx context.Context, events []Event, done func(error)) {
	records := make([]driver.Record, 0, len(events))
	var failed []Failure
	var sent []int // index of each record's event; nil while they are equal
	var trace []Header
	b.o.Trace.Inject(ctx, func(name, value string) { trace = append(trace, Header{Name: name, Value: []byte(value)}) })
	e := new(Event) // one for all: mappings do not keep it
	at := now()
	for i := range events {
		var r driver.Record
		var err error
		if ev := &events[i]; len(trace)+len(ev.Headers)+len(ev.ContentType) == 0 && b.asIs(ev) {
			r = driver.Record{Topic: ev.Topic, Key: ev.Key, Body: ev.Data, Time: ev.Time}
			if r.Time.IsZero() {
				r.Time = at
			}
		} else {
			*e = events[i]
			r, err = b.encode(e, trace)
		}
		if err != nil {
			if sent == nil {
				sent = make([]int, 0, len(events))
				for j := range records {
					sent = append(sent, j)
				}
			}
			failed = append(failed, Failure{Index: i, Topic: e.Topic, ID: e.ID, Err: err})
			continue
		}
		if sent != nil {
			sent = append(sent, i)
		}
		records = append(records, r)
	}
	b.published.ok.Add(int64(len(records)))
	finish := func(errs []error) {
		for j, err := range errs {
			if err != nil {
				i := j
				if sent != nil {
					i = sent[j]
				}
				failed = append(failed, Failure{Index: i, Topic: events[i].Topic, ID: events[i].ID, Err: err})
			}
		}
		if len(failed) == 0 {
			done(nil)
			return
		}
		b.published.failed.Add(int64(len(failed)))
		done(&PublishError{Of: len(events), Failed: failed})
	}
	if len(records) == 0 {
		finish(nil)
		return
	}
	b.driver.Publish(ctx, records, finish)
}

// asIs reports that the event's record is its key and data, nothing else, so that
// the way through the mapping would only copy it.
func (b *Bus) asIs(e *Event) bool {
	if e.Topic == "" || b.o.Catalog != nil || b.o.MaxBytes > 0 {
		return false
	}
	_, bare := b.mapping(e.Topic).(*barePlain)
	return bare
}

func (b *Bus) encode(e *Event, trace []Header) (driver.Record, error) {
	if e.Topic == "" {
		return driver.Record{}, bad("", nil, "an event needs a topic")
	}
	m := b.mapping(e.Topic)
	if e.Time.IsZero() {
		e.Time = now()
	}
	// An identity that the mapping has no place for is not worth its making.
	if _, bare := m.(*barePlain); !bare {
		if e.ID == "" {
			e.ID = newID(e.Time)
		}
		if e.Source == "" {
			e.Source = b.o.Source
		}
	}
	if c := b.o.Catalog; c != nil {
		if err := c.check(e); err != nil {
			return driver.Record{}, err
		}
	}
	for i := range e.Headers {
		if name := e.Headers[i].Name; name == "" || strings.ContainsAny(name, "\r\n\x00") {
			return driver.Record{}, fmt.Errorf("%w: %w", ErrInvalid, bad(e.Topic, nil, "header name %q", name))
		}
	}
	if len(trace) > 0 {
		e.addTrace(trace)
	}
	r, err := m.Encode(e, b.traits)
	if err != nil {
		return r, err
	}
	if b.o.MaxBytes > 0 {
		if n := size(&r); n > b.o.MaxBytes {
			return r, fmt.Errorf("%w: %d bytes with headers, Options.MaxBytes is %d", ErrTooLarge, n, b.o.MaxBytes)
		}
	}
	return r, nil
}

func size(r *driver.Record) int {
	n := len(r.Key) + len(r.Body)
	for i := range r.Headers {
		n += len(r.Headers[i].Name) + len(r.Headers[i].Value)
	}
	return n
}
