// Package bus lets services talk by events: at least once, in order per key,
// with dead letters that people can see, edit and replay, on the broker that a
// team already has. What a program does is written once; the broker is the one
// argument of [New]:
//
//	b, err := bus.New(membus.New(nil), nil)                             // in process
//	b, err := bus.New(natsbus.New("nats://127.0.0.1:4222", nil), nil)   // NATS JetStream
//	b, err := bus.New(kafkabus.New([]string{"127.0.0.1:9092"}, nil), nil)
//	b, err := bus.New(rabbitbus.New("amqp://127.0.0.1/", nil), nil)
//
// The contract, on every broker:
//
//   - Publish returns when the broker has acknowledged every event as durably as
//     it can, or says which failed and whether they may have been published.
//   - An event is acknowledged after its handler returned nil. A process that
//     dies before is followed by one that gets the event again: handlers see
//     events at least once and must bear that.
//   - Events of one topic with equal keys are handled one after the other in the
//     order of their publishing, while other keys go on in parallel, also across
//     the members of a group and while they come and go. A handler that fails is
//     tried again with growing pauses, and only its own key waits.
//   - An event that still fails, or cannot be read, goes to the dead letters with
//     its error, attempts, original position and headers. Only when it is safe
//     there is it acknowledged.
//   - No more than MaxInFlight events are in hand; a slow handler slows down the
//     reading, not the memory.
//
// An event's way through a consumer:
//
//	stateDiagram-v2
//	  [*] --> Queued: fetched
//	  Queued --> Running: its key is free
//	  Running --> Acknowledged: handler returned nil
//	  Running --> Parked: handler failed, tries left
//	  Parked --> Queued: after the pause
//	  Running --> DeadLetter: tries exhausted, or nothing to gain from another
//	  DeadLetter --> Acknowledged: stored
//	  DeadLetter --> Parked: could not be stored
//	  Queued --> [*]: partition revoked, another member gets it
//	  Acknowledged --> [*]: committed
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Errors that callers may ask for with errors.Is.
var (
	ErrClosed      = driver.ErrClosed
	ErrTooLarge    = driver.ErrTooLarge
	ErrUnknown     = driver.ErrUnknown
	ErrNoTopic     = driver.ErrNoTopic
	ErrInvalid     = driver.ErrInvalid
	ErrUnsupported = driver.ErrUnsupported
)

// Options configure a Bus. The zero value is the default.
type Options struct {
	// Source is the CloudEvents source of events that name none: a URI reference
	// of this service. Default "urn:ashlar:bus".
	Source string
	// Mapping is how events lie on topics; default CloudEvents{}.
	Mapping Mapping
	// Topics overrides Mapping by topic.
	Topics map[string]Mapping
	// Catalog, when set, is asked whether an event to publish keeps its schema.
	Catalog *Catalog
	// MaxBytes is the largest record, data and headers together, that Publish
	// hands to the broker. 0: the broker decides.
	MaxBytes int
	// Trace carries trace context across. Default: W3C traceparent and tracestate
	// go from a handled event to the events that are published under its context.
	Trace *Trace
	// Log is told of what no caller hears about: a retried handler, a dead letter,
	// a lost partition. Default: slog.Default().
	Log *slog.Logger
}

// Validate reports all faults of the options.
func (o *Options) Validate() error {
	var errs []error
	if o.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("MaxBytes %d: must not be negative", o.MaxBytes))
	}
	for t, m := range o.Topics {
		if t == "" || m == nil {
			errs = append(errs, fmt.Errorf("Topics[%q]: needs a topic and a mapping", t))
		}
	}
	if o.Trace != nil && (o.Trace.Inject == nil || o.Trace.Extract == nil) {
		errs = append(errs, errors.New("Trace: needs both Inject and Extract"))
	}
	return errors.Join(errs...)
}

// Bus publishes and handles events over one broker. Its methods may be called
// concurrently.
type Bus struct {
	driver driver.Bus
	traits driver.Traits
	o      Options
	other  Mapping            // of topics that Options.Topics does not name
	topics map[string]Mapping // of those that it names

	mu        sync.Mutex
	closed    bool
	consumers map[*Consumer]struct{}
	published counts
}

// New returns a Bus over the driver, which it owns from then on. It does not
// connect: the first use does, and a broker that is away for a while is waited
// for, not an error.
func New(d driver.Bus, o *Options) (*Bus, error) {
	b := &Bus{driver: d, traits: d.Traits(), consumers: map[*Consumer]struct{}{}}
	if o != nil {
		b.o = *o
	}
	if err := b.o.Validate(); err != nil {
		return nil, fmt.Errorf("bus: options: %w", err)
	}
	if b.o.Source == "" {
		b.o.Source = "urn:ashlar:bus"
	}
	if b.o.Mapping == nil {
		b.o.Mapping = CloudEvents{}
	}
	b.other, b.topics = light(b.o.Mapping), make(map[string]Mapping, len(b.o.Topics))
	for t, m := range b.o.Topics {
		b.topics[t] = light(m)
	}
	if b.o.Trace == nil {
		b.o.Trace = &passTrace
	}
	if b.o.Log == nil {
		b.o.Log = slog.Default()
	}
	return b, nil
}

// Describe asks the broker for its product and version.
func (b *Bus) Describe(ctx context.Context) (driver.Broker, error) { return b.driver.Describe(ctx) }

// Ensure makes the topics that are missing: on brokers, or in environments,
// where that is the services' task.
func (b *Bus) Ensure(ctx context.Context, topics ...driver.Topic) error {
	if err := b.driver.Ensure(ctx, topics); err != nil {
		return fmt.Errorf("bus: ensure topics: %w", err)
	}
	return nil
}

// Close drains every consumer, then closes the connection. When ctx ends
// before, handlers are cancelled and what they did not finish is delivered
// again to whoever comes next. Idempotent.
func (b *Bus) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	var cs []*Consumer
	for c := range b.consumers {
		cs = append(cs, c)
	}
	b.mu.Unlock()
	errs := make([]error, len(cs)+1)
	var wg sync.WaitGroup
	for i, c := range cs {
		wg.Go(func() { errs[i] = c.Close(ctx) })
	}
	wg.Wait()
	errs[len(cs)] = b.driver.Close(ctx)
	return errors.Join(errs...)
}

func (b *Bus) mapping(topic string) Mapping {
	if len(b.topics) > 0 {
		if m, ok := b.topics[topic]; ok {
			return m
		}
	}
	return b.other
}

// light replaces a Plain, which is large, by something that is not copied for
// every event.
func light(m Mapping) Mapping {
	p, ok := m.(Plain)
	if !ok {
		return m
	}
	if p.bare() && p.Rename == nil {
		return &barePlain{&p}
	}
	return &lightPlain{&p}
}

type lightPlain struct{ p *Plain }

func (m *lightPlain) Encode(e *Event, _ driver.Traits) (driver.Record, error) { return m.p.encode(e) }
func (m *lightPlain) Decode(r *driver.Record, e *Event, _ driver.Traits) error {
	return m.p.decode(r, e)
}

// barePlain is a Plain that gives no attribute a place.
type barePlain struct{ p *Plain }

func (m *barePlain) Encode(e *Event, _ driver.Traits) (driver.Record, error) { return m.p.encode(e) }
func (m *barePlain) Decode(r *driver.Record, e *Event, _ driver.Traits) error {
	e.Data, e.ContentType = r.Body, m.p.ContentType
	for _, h := range r.Headers {
		if m.p.ContentType == "" && strings.EqualFold(h.Name, contentType) {
			e.ContentType = string(h.Value)
		} else {
			e.Headers = append(e.Headers, h)
		}
	}
	return nil
}

// now is the clock; testing/synctest bends it in tests.
func now() time.Time { return time.Now() }
