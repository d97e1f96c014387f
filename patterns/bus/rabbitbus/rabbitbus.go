// Package rabbitbus is the driver of package bus for RabbitMQ 3.10 or newer,
// without plugins, over AMQP 0.9.1: publisher confirms, quorum queues, and order
// per key.
//
//	TOPIC (topic) --#--> TOPIC.GROUP (direct) --slots--> TOPIC.GROUP.0 … n-1 (quorum queues)
//	                          `--other routing keys--> TOPIC.GROUP.other --> TOPIC.GROUP.n
//
// A record's routing key is the slot of its key, 1 of 64, so equal keys meet in
// one queue, whatever happens. Messages of other programs have other routing
// keys, and one queue of their own, with the routing key as key. Each queue has
// a single active consumer: the broker lets one member at a time have it, and
// the members divide the queues among themselves.
//
// RabbitMQ's consistent hash exchange is not used: it builds its ring anew when
// the broker starts, and keys whose queue changes by that lose their order.
//
// A queue is no log: a group gets what is published after its queues were made,
// so only the start position Latest is there, and a record that no queue would
// get is refused. Topics made with driver.Topic.Log are streams, which Scan reads.
package rabbitbus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Options configure the driver. The zero value is the default.
type Options struct {
	// Partitions are the queues of a group that is new; default 8, at most 64. A group that
	// exists keeps its number, since another one would put keys elsewhere.
	Partitions int
	// MaxBytes is the largest record that is sent; default 16 MiB, RabbitMQ 4's own limit.
	MaxBytes int
	// ConfirmWait is how long to wait for a confirm; then the outcome is unknown.
	// Default 30 s.
	ConfirmWait time.Duration
	// Silence is how long a member may be silent before the others divide its
	// queues among themselves. Its connection's end frees them at once. Default 5 s.
	Silence time.Duration
	// Config is the connection's, for TLS and the like.
	Config amqp.Config
}

// Validate reports all faults of the options.
func (o *Options) Validate() error {
	var errs []error
	if o.Partitions < 0 || o.MaxBytes < 0 || o.ConfirmWait < 0 || o.Silence < 0 {
		errs = append(errs, errors.New("Partitions, MaxBytes, ConfirmWait and Silence must not be negative"))
	}
	if o.Partitions > slots {
		errs = append(errs, fmt.Errorf("Partitions %d: at most %d", o.Partitions, slots))
	}
	if o.Config.Recovery != nil {
		errs = append(errs, errors.New("Config.Recovery: the driver reconnects by itself, since a consumer must learn that its queues were lost"))
	}
	return errors.Join(errs...)
}

type conn struct {
	url string
	o   Options
	err error
	ctx context.Context // ends with Close
	die context.CancelFunc

	mu        sync.Mutex
	closed    bool
	link      *amqp.Connection // for everything but consuming
	publisher *publisher
	consumers map[*consumer]struct{}
}

var _ driver.Bus = (*conn)(nil)

// New returns a driver for the broker at url ("amqp://user:password@host:port/vhost").
// It connects on first use. Faulty options are told by every method.
func New(url string, o *Options) driver.Bus {
	c := &conn{url: url, consumers: map[*consumer]struct{}{}}
	if o != nil {
		c.o = *o
	}
	if err := c.o.Validate(); err != nil {
		c.err = fmt.Errorf("rabbitbus: options: %w", err)
	}
	if c.o.Partitions == 0 {
		c.o.Partitions = 8
	}
	if c.o.MaxBytes == 0 {
		c.o.MaxBytes = 16 << 20
	}
	if c.o.ConfirmWait == 0 {
		c.o.ConfirmWait = 30 * time.Second
	}
	if c.o.Silence == 0 {
		c.o.Silence = 5 * time.Second
	}
	if c.o.Config.Heartbeat == 0 {
		c.o.Config.Heartbeat = 10 * time.Second
	}
	if c.o.Config.Dial == nil {
		c.o.Config.Dial = amqp.DefaultDial(5 * time.Second) // a broker that starts accepts, but does not answer
	}
	c.ctx, c.die = context.WithCancel(context.Background())
	c.publisher = newPublisher(c)
	return c
}

func (c *conn) dial() (*amqp.Connection, error) {
	l, err := amqp.DialConfig(c.url, c.o.Config)
	if err != nil {
		return nil, fmt.Errorf("rabbitbus: %w", err) // the client leaves the password out of its errors
	}
	return l, nil
}

// connection returns the open connection for everything but consuming.
func (c *conn) connection() (*amqp.Connection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return nil, c.err
	case c.closed:
		return nil, driver.ErrClosed
	case c.link != nil && !c.link.IsClosed():
		return c.link, nil
	}
	l, err := c.dial()
	c.link = l
	return l, err
}

// with runs f on a channel of its own: the broker closes a channel on the first
// thing that it refuses.
func (c *conn) with(f func(ch *amqp.Channel) error) error {
	l, err := c.connection()
	if err != nil {
		return err
	}
	return on(l, f)
}

func on(l *amqp.Connection, f func(ch *amqp.Channel) error) error {
	ch, err := l.Channel()
	if err != nil {
		return translate(err)
	}
	defer func() { _ = ch.Close() }() // closed already when the broker refused something
	return translate(f(ch))
}

func (c *conn) Traits() driver.Traits {
	return driver.Traits{Name: "rabbitmq", EventPrefix: "cloudEvents_", Scan: "log", Starts: []driver.StartAt{driver.Latest}}
}

func (c *conn) Describe(context.Context) (driver.Broker, error) {
	l, err := c.connection()
	if err != nil {
		return driver.Broker{}, err
	}
	text := func(k string) string { s, _ := l.Properties[k].(string); return s }
	return driver.Broker{Product: text("product"), Version: text("version"), MaxBytes: c.o.MaxBytes}, nil
}

func (c *conn) Ensure(_ context.Context, topics []driver.Topic) error {
	var errs []error
	for _, t := range topics {
		err := c.with(func(ch *amqp.Channel) error { return declareTopic(ch, t) })
		for _, g := range t.Groups {
			if err == nil {
				l, lerr := c.connection()
				if err = lerr; err == nil {
					n := t.Partitions
					if n == 0 {
						n = c.o.Partitions
					}
					_, err = declareGroup(l, t.Name, g, n)
				}
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("topic %q: %w", t.Name, err))
		}
	}
	return errors.Join(errs...)
}

func translate(err error) error {
	var e *amqp.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e) && e.Code == amqp.NotFound:
		return fmt.Errorf("%w: %w", driver.ErrNoTopic, err)
	case errors.As(err, &e) && e.Code == amqp.AccessRefused, errors.As(err, &e) && e.Code == amqp.PreconditionFailed:
		return err
	}
	return err
}

// Close waits for the confirms of what was published, then closes the connections.
func (c *conn) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	l := c.link
	var cs []*consumer
	for m := range c.consumers {
		cs = append(cs, m)
	}
	c.mu.Unlock()
	err := c.publisher.close(ctx)
	c.die()
	for _, m := range cs {
		m.keeper.Wait()
	}
	if l != nil {
		_ = l.Close() // closed already when the broker is away
	}
	return err
}
