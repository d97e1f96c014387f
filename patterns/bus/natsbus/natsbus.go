// Package natsbus is the driver of package bus for NATS JetStream, server 2.12
// or newer. Package natsbus/embed has the server for laptops and programs that
// are one process.
//
// A topic is a stream. Its records go to numbered subjects, TOPIC._p.0 and on, by
// the hash of their key; what other programs publish to the subject TOPIC itself
// is one partition more. Records that wait together are published as one atomic
// batch: one sync to disk for all of them.
//
// JetStream hands a consumer's messages to whoever asks, and what is redelivered
// comes after what is new, so its consumers keep no order per key across members
// and deaths. Here a group's position in a partition is a lease in a key-value
// bucket instead: who holds it reads the partition in order from the position,
// and every commit renews it against its revision. A member that lost its lease
// cannot commit, as with Kafka's generations.
package natsbus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Options configure the driver. The zero value is the default.
type Options struct {
	Partitions int // of topics that Ensure makes and that do not say; default 8
	Replicas   int // of topics and of the groups' positions that the driver makes; default 1
	// Lease is how long a member keeps a partition without a sign of life.
	// Default 10 s.
	Lease time.Duration
	// AckWait is how long to wait for the broker's acknowledgement; then the
	// outcome is unknown. Default 10 s.
	AckWait time.Duration
	// Bucket holds the groups' positions. Default "ashlar-groups".
	Bucket string
	// Client are options of the connection: credentials, TLS, an in-process server.
	Client []nats.Option
}

// Validate reports all faults of the options.
func (o *Options) Validate() error {
	if o.Partitions < 0 || o.Replicas < 0 || o.Lease < 0 || o.AckWait < 0 {
		return errors.New("Partitions, Replicas, Lease and AckWait must not be negative")
	}
	return nil
}

type conn struct {
	url string
	o   Options
	err error
	ctx context.Context // ends with Close
	die context.CancelFunc

	mu        sync.Mutex
	nc        *nats.Conn
	js        jetstream.JetStream
	kv        jetstream.KeyValue
	streams   map[string]*stream // by topic
	publisher *publisher
	closed    bool
	consumers map[*consumer]struct{}
}

var _ driver.Bus = (*conn)(nil)

// New returns a driver for the servers at url ("nats://host:port", several
// separated by commas). It connects on first use. Faulty options are told by
// every method.
func New(url string, o *Options) driver.Bus {
	c := &conn{url: url, streams: map[string]*stream{}, consumers: map[*consumer]struct{}{}}
	if o != nil {
		c.o = *o
	}
	if err := c.o.Validate(); err != nil {
		c.err = fmt.Errorf("natsbus: options: %w", err)
	}
	if c.o.Partitions == 0 {
		c.o.Partitions = 8
	}
	if c.o.Replicas == 0 {
		c.o.Replicas = 1
	}
	if c.o.Lease == 0 {
		c.o.Lease = 10 * time.Second
	}
	if c.o.AckWait == 0 {
		c.o.AckWait = 10 * time.Second
	}
	if c.o.Bucket == "" {
		c.o.Bucket = "ashlar-groups"
	}
	c.ctx, c.die = context.WithCancel(context.Background())
	return c
}

// connect dials once; afterwards the client reconnects by itself for ever.
func (c *conn) connect() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return c.err
	case c.closed:
		return driver.ErrClosed
	case c.nc != nil:
		return nil
	}
	opts := append([]nats.Option{nats.MaxReconnects(-1), nats.ReconnectWait(100 * time.Millisecond), nats.ReconnectJitter(100*time.Millisecond, time.Second),
		nats.RetryOnFailedConnect(false), nats.DisconnectErrHandler(c.disconnected)}, c.o.Client...)
	nc, err := nats.Connect(c.url, opts...)
	if err != nil {
		return fmt.Errorf("natsbus: %s: %w", c.url, err)
	}
	js, err := jetstream.New(nc)
	if err == nil {
		c.publisher, err = newPublisher(c, nc)
	}
	if err != nil {
		nc.Close()
		return fmt.Errorf("natsbus: %w", err)
	}
	c.nc, c.js = nc, js
	return nil
}

func (c *conn) disconnected(*nats.Conn, error) {
	c.mu.Lock()
	p := c.publisher
	c.mu.Unlock()
	if p != nil {
		p.disconnected()
	}
}

func (c *conn) Traits() driver.Traits {
	return driver.Traits{Name: "nats", EventPrefix: "ce-", Scan: "any",
		Starts: []driver.StartAt{driver.Latest, driver.Earliest, driver.AtTime, driver.AtOffset}}
}

func (c *conn) Describe(context.Context) (driver.Broker, error) {
	if err := c.connect(); err != nil {
		return driver.Broker{}, err
	}
	return driver.Broker{Product: "NATS JetStream", Version: c.nc.ConnectedServerVersion(), MaxBytes: int(c.nc.MaxPayload())}, nil
}

// stream is what is known of a topic's stream.
type stream struct {
	topic      string
	name       string
	partitions int  // numbered subjects; 0: a stream that others made, with the topic's own subject only
	atomic     bool // takes atomic batches
	maxBytes   int  // of a message; 0 or less: the server's limit alone
}

const metaPartitions = "ashlar-partitions"

// subject of a partition; the one past the last is the topic's own.
func (s *stream) subject(p int32) string {
	if int(p) >= s.partitions {
		return s.topic
	}
	return s.topic + "._p." + strconv.Itoa(int(p))
}

func (s *stream) partition(key string) int32 {
	if s.partitions == 0 {
		return 0
	}
	return driver.Hash(key, s.partitions)
}

// stream finds the topic's stream: the one that holds its subject, whoever made it.
func (c *conn) stream(ctx context.Context, topic string) (*stream, error) {
	if err := c.connect(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	s := c.streams[topic]
	c.mu.Unlock()
	if s != nil {
		return s, nil
	}
	if err := valid(topic); err != nil {
		return nil, err
	}
	name, err := c.js.StreamNameBySubject(ctx, topic)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("%w: %q is a subject of no stream", driver.ErrNoTopic, topic)
	}
	if err != nil {
		return nil, c.translate(err)
	}
	st, err := c.js.Stream(ctx, name)
	if err != nil {
		return nil, c.translate(err)
	}
	cfg := st.CachedInfo().Config
	s = &stream{topic: topic, name: name, atomic: cfg.AllowAtomicPublish, maxBytes: int(cfg.MaxMsgSize)}
	if n, err := strconv.Atoi(cfg.Metadata[metaPartitions]); err == nil && cfg.Name == streamName(topic) {
		s.partitions = n
	}
	c.mu.Lock()
	c.streams[topic] = s
	c.mu.Unlock()
	return s, nil
}

// valid refuses topics that are no literal subjects.
func valid(topic string) error {
	if topic == "" || strings.ContainsAny(topic, " \t\r\n*>") || strings.HasPrefix(topic, ".") || strings.HasSuffix(topic, ".") || strings.Contains(topic, "..") || strings.HasPrefix(topic, "$") {
		return fmt.Errorf("%w: topic %q: a NATS subject has no spaces, wildcards or empty tokens", driver.ErrInvalid, topic)
	}
	return nil
}

// streamName replaces what a stream's name cannot have. Different topics could
// become equal by that, so those that change carry a hash.
func streamName(topic string) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("./\\", r) {
			return '_'
		}
		return r
	}, topic)
	if name != topic {
		name += "-" + strconv.FormatUint(uint64(driver.Hash(topic, 1<<30)), 36)
	}
	return name
}

func (c *conn) Ensure(ctx context.Context, topics []driver.Topic) error {
	if err := c.connect(); err != nil {
		return err
	}
	var errs []error
	for _, t := range topics {
		if err := c.ensure(ctx, t); err != nil {
			errs = append(errs, fmt.Errorf("topic %q: %w", t.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (c *conn) ensure(ctx context.Context, t driver.Topic) error {
	s, err := c.stream(ctx, t.Name)
	if errors.Is(err, driver.ErrNoTopic) {
		n := t.Partitions
		if n == 0 {
			n = c.o.Partitions
		}
		_, err = c.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: streamName(t.Name), Subjects: []string{t.Name, t.Name + "._p.*"}, Storage: jetstream.FileStorage, Replicas: c.o.Replicas,
			AllowDirect: true, AllowAtomicPublish: true, Metadata: map[string]string{metaPartitions: strconv.Itoa(n)},
		})
		if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return c.translate(err)
		}
		s, err = c.stream(ctx, t.Name)
	}
	if err != nil || len(t.Groups) == 0 {
		return err
	}
	begins, err := c.begins(ctx, s, driver.Subscription{})
	if err != nil {
		return err
	}
	kv, err := c.bucket(ctx)
	if err != nil {
		return err
	}
	for _, g := range t.Groups {
		for p, at := range begins {
			_, err := kv.Create(ctx, leaseKey(g, t.Name, p), position{Next: at}.encode())
			if err != nil && !isConflict(err) {
				return c.translate(err)
			}
		}
	}
	return nil
}

// translate maps the client's errors to the driver's.
func (c *conn) translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionDraining):
		return fmt.Errorf("%w: %w", driver.ErrClosed, err)
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return fmt.Errorf("%w: %w", driver.ErrNoTopic, err)
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %w", driver.ErrTooLarge, err)
	}
	return err
}

// Close waits for the answers to what was published, then closes the connection.
func (c *conn) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	nc, p := c.nc, c.publisher
	var cs []*consumer
	for m := range c.consumers {
		cs = append(cs, m)
	}
	c.mu.Unlock()
	var err error
	if p != nil {
		err = p.close(ctx)
	}
	c.die()
	if nc != nil {
		nc.Close() // first, so that readers who wait for an answer need not
	}
	for _, m := range cs {
		m.died()
	}
	return err
}
