// Package membus is a broker in memory: for tests, and for programs that are one
// process and may forget on exit what was not handled. It keeps the whole
// contract of package bus, groups and their rebalancing included.
//
// Records stay until every group has committed them, and Options.Keep of them
// longer, so that a group may begin at an earlier place.
package membus

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Options configure a Broker. The zero value is the default.
type Options struct {
	Partitions int  // of topics that do not say; default 8
	Keep       int  // records a partition keeps after every group has committed them; default 10,000
	MaxBytes   int  // largest record; default 1 MiB, as Kafka's and NATS's
	NoCreate   bool // publishing to a missing topic, or subscribing to one, is an error instead of making it
}

// Broker holds topics and groups. It starts nothing and needs no Close.
type Broker struct {
	o Options

	mu      sync.Mutex
	changed sync.Cond // anything: a record, a member, a commit
	topics  map[string]*topic
	groups  map[string]*group
	fault   func(r *driver.Record) error
}

type topic struct {
	parts []log
	turn  int // the next partition for records without a key
}

type log struct {
	first   int64 // offset of records[0]
	records []driver.Record
}

func (l *log) end() int64 { return l.first + int64(len(l.records)) }

// NewBroker returns an empty broker.
func NewBroker(o *Options) *Broker {
	b := &Broker{topics: map[string]*topic{}, groups: map[string]*group{}}
	if o != nil {
		b.o = *o
	}
	if b.o.Partitions <= 0 {
		b.o.Partitions = 8
	}
	if b.o.Keep <= 0 {
		b.o.Keep = 10_000
	}
	if b.o.MaxBytes <= 0 {
		b.o.MaxBytes = 1 << 20
	}
	b.changed.L = &b.mu
	return b
}

// New returns a connection to a broker of its own, for the one argument of bus.New.
func New(o *Options) driver.Bus { return NewBroker(o).Connect() }

// Connect returns one more connection, as another process would have.
func (b *Broker) Connect() driver.Bus { return &conn{b: b, consumers: map[*consumer]struct{}{}} }

// Fault makes Publish fail the records for which f returns an error; nil ends
// that. For tests of what happens when a topic is down.
func (b *Broker) Fault(f func(r *driver.Record) error) {
	b.mu.Lock()
	b.fault = f
	b.mu.Unlock()
}

type conn struct {
	b         *Broker
	closed    bool // guarded by b.mu
	consumers map[*consumer]struct{}
}

var _ driver.Bus = (*conn)(nil)

func (c *conn) Traits() driver.Traits {
	return driver.Traits{Name: "memory", EventPrefix: "ce_", Scan: "any",
		Starts: []driver.StartAt{driver.Latest, driver.Earliest, driver.AtTime, driver.AtOffset}}
}

func (c *conn) Describe(context.Context) (driver.Broker, error) {
	return driver.Broker{Product: "memory", Version: "1", MaxBytes: c.b.o.MaxBytes}, nil
}

func (c *conn) Publish(ctx context.Context, records []driver.Record, done func([]error)) {
	done(c.publish(ctx, records))
}

func (c *conn) publish(ctx context.Context, records []driver.Record) (errs []error) {
	b := c.b
	b.mu.Lock()
	defer b.mu.Unlock()
	fail := func(i int, err error) {
		if errs == nil {
			errs = make([]error, len(records))
		}
		errs[i] = err
	}
	for i := range records {
		switch {
		case c.closed:
			fail(i, driver.ErrClosed)
		case ctx.Err() != nil:
			fail(i, ctx.Err())
		default:
			if err := b.append(records[i]); err != nil {
				fail(i, err)
			}
		}
	}
	b.changed.Broadcast()
	return errs
}

func (b *Broker) append(r driver.Record) error {
	if b.fault != nil {
		if err := b.fault(&r); err != nil {
			return err
		}
	}
	n := len(r.Key) + len(r.Body)
	for _, h := range r.Headers {
		n += len(h.Name) + len(h.Value)
	}
	if n > b.o.MaxBytes {
		return fmt.Errorf("%w: %d bytes, the limit is %d", driver.ErrTooLarge, n, b.o.MaxBytes)
	}
	t, err := b.topic(r.Topic)
	if err != nil {
		return err
	}
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	// The caller may change its bytes once this returns.
	r.Body = append([]byte(nil), r.Body...)
	hs := make([]driver.Header, len(r.Headers))
	for i, h := range r.Headers {
		hs[i] = driver.Header{Name: h.Name, Value: append([]byte(nil), h.Value...)}
	}
	r.Headers = hs
	p := driver.Hash(r.Key, len(t.parts))
	if r.Key == "" {
		p = int32(t.turn % len(t.parts))
		t.turn++
	}
	l := &t.parts[p]
	l.records = append(l.records, r)
	if len(l.records) > 2*b.o.Keep {
		b.trim(driver.Part{Topic: r.Topic, Partition: p}, l)
	}
	return nil
}

// trim drops what every group has committed, but for the newest Keep records.
func (b *Broker) trim(p driver.Part, l *log) {
	upTo := l.end() - int64(b.o.Keep)
	for _, g := range b.groups {
		if next, ok := g.committed[p]; ok {
			upTo = min(upTo, next)
		}
	}
	if n := upTo - l.first; n > 0 {
		l.records = append([]driver.Record(nil), l.records[n:]...)
		l.first = upTo
	}
}

func (b *Broker) topic(name string) (*topic, error) {
	t := b.topics[name]
	if t == nil {
		if b.o.NoCreate {
			return nil, fmt.Errorf("%w: %q", driver.ErrNoTopic, name)
		}
		t = b.create(name, 0)
	}
	return t, nil
}

func (b *Broker) create(name string, partitions int) *topic {
	if partitions <= 0 {
		partitions = b.o.Partitions
	}
	t := &topic{parts: make([]log, partitions)}
	b.topics[name] = t
	return t
}

func (c *conn) Ensure(_ context.Context, topics []driver.Topic) error {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	for _, t := range topics {
		if c.b.topics[t.Name] == nil {
			c.b.create(t.Name, t.Partitions)
		}
		for _, name := range t.Groups {
			g := c.b.group(name)
			g.begin(c.b, t.Name, driver.Subscription{Start: driver.Latest})
		}
	}
	return nil
}

func (c *conn) Scan(ctx context.Context, name string, from map[int32]int64, f func(*driver.Delivery) bool) error {
	c.b.mu.Lock()
	t := c.b.topics[name]
	if t == nil {
		c.b.mu.Unlock()
		return fmt.Errorf("%w: %q", driver.ErrNoTopic, name)
	}
	var all []driver.Delivery
	for p := range t.parts {
		l := &t.parts[p]
		for o := max(l.first, from[int32(p)]); o < l.end(); o++ {
			all = append(all, driver.Delivery{Record: l.records[o-l.first], Partition: int32(p), Offset: o})
		}
	}
	c.b.mu.Unlock()
	for i := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !f(&all[i]) {
			return nil
		}
	}
	return nil
}

// Close cuts off the consumers that are still open.
func (c *conn) Close(context.Context) error {
	c.b.mu.Lock()
	c.closed = true
	var cs []*consumer
	for m := range c.consumers {
		cs = append(cs, m)
	}
	sort.Slice(cs, func(i, j int) bool { return cs[i].id < cs[j].id })
	c.b.mu.Unlock()
	for _, m := range cs {
		m.leave()
	}
	return nil
}
