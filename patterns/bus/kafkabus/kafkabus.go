// Package kafkabus is the driver of package bus for Apache Kafka and what speaks
// its protocol, on franz-go: acks all, idempotent producing, cooperative
// rebalancing, static membership, and transactions for
// consume-transform-produce ([Transform]).
//
// A partition that moves to another member is given up only after the handlers
// of its events have ended and their acknowledgements are committed, while the
// other partitions go on.
package kafkabus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Options configure the driver. The zero value is the default.
type Options struct {
	// Compression of what is published: "snappy" (the default), "lz4", "zstd" or
	// "none". What is read may be compressed in any way.
	Compression string
	// Linger is how long a record may wait for others to share its request.
	// Default 10 ms: a lone Publish takes that much longer, and a busy program
	// sends several times as many records a second. Negative: none.
	Linger time.Duration
	// MaxBytes is the largest batch of records that is sent. Default 1,000,012,
	// which is the broker's default limit (message.max.bytes).
	MaxBytes int
	// SessionTimeout is how long the group waits for a member that gives no sign
	// of life. Default 45 s, as Kafka's own client.
	SessionTimeout time.Duration
	// Partitions and Replicas of topics that Ensure makes; default: the broker's.
	Partitions, Replicas int
	// Client are options for every client, for TLS, SASL and the like.
	Client []kgo.Opt
}

// Validate reports all faults of the options.
func (o *Options) Validate() error {
	var errs []error
	if _, ok := codecs[o.Compression]; !ok {
		errs = append(errs, fmt.Errorf("Compression %q: want snappy, lz4, zstd or none", o.Compression))
	}
	if o.MaxBytes < 0 || o.SessionTimeout < 0 || o.Partitions < 0 || o.Replicas < 0 {
		errs = append(errs, errors.New("MaxBytes, SessionTimeout, Partitions and Replicas must not be negative"))
	}
	return errors.Join(errs...)
}

var codecs = map[string]kgo.CompressionCodec{
	"": kgo.SnappyCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(),
	"zstd": kgo.ZstdCompression(), "none": kgo.NoCompression(),
}

type conn struct {
	seeds []string
	o     Options
	ctx   context.Context // ends with Close: consumers that are still open die
	die   context.CancelFunc

	mu        sync.Mutex
	client    *kgo.Client // for producing and for questions; made by the first use
	closed    bool
	err       error // of the options, told by every method
	consumers map[*consumer]struct{}
}

var _ driver.Bus = (*conn)(nil)

// New returns a driver for the cluster that the seeds ("host:port") belong to.
// It connects on first use. Faulty options are told by every method.
func New(seeds []string, o *Options) driver.Bus {
	c := &conn{seeds: seeds, consumers: map[*consumer]struct{}{}}
	if o != nil {
		c.o = *o
	}
	c.ctx, c.die = context.WithCancel(context.Background())
	if err := c.o.Validate(); err != nil {
		c.err = fmt.Errorf("kafkabus: options: %w", err)
	} else if len(seeds) == 0 {
		c.err = errors.New("kafkabus: at least one broker address is required")
	}
	if c.o.Linger == 0 {
		c.o.Linger = 10 * time.Millisecond
	}
	c.o.Linger = max(c.o.Linger, 0)
	if c.o.MaxBytes == 0 {
		c.o.MaxBytes = 1_000_012
	}
	return c
}

func (c *conn) options(more ...kgo.Opt) []kgo.Opt {
	opts := []kgo.Opt{kgo.SeedBrokers(c.seeds...), kgo.WithContext(c.ctx), kgo.MetadataMinAge(250 * time.Millisecond)}
	return append(append(opts, more...), c.o.Client...)
}

func (c *conn) producer() (*kgo.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return nil, c.err
	case c.closed:
		return nil, driver.ErrClosed
	case c.client != nil:
		return c.client, nil
	}
	cl, err := kgo.NewClient(c.options(
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.AllowIdempotentProduceCancellation(), // else an ended context would wait for a broker that is away
		kgo.ProducerBatchCompression(codecs[c.o.Compression], kgo.NoCompression()),
		kgo.ProducerLinger(c.o.Linger),
		kgo.ProducerBatchMaxBytes(int32(c.o.MaxBytes)),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), // murmur2, where Kafka's own clients put a key
		kgo.UnknownTopicRetries(4),
		kgo.MaxBufferedRecords(100_000), kgo.MaxBufferedBytes(64<<20), // batches fill while earlier ones are under way
	)...)
	if err != nil {
		return nil, fmt.Errorf("kafkabus: %w", err)
	}
	c.client = cl
	return cl, nil
}

func (c *conn) admin() (*kadm.Client, error) {
	cl, err := c.producer()
	if err != nil {
		return nil, err
	}
	return kadm.NewClient(cl), nil
}

func (c *conn) Traits() driver.Traits {
	return driver.Traits{Name: "kafka", EventPrefix: "ce_", Scan: "any",
		Starts: []driver.StartAt{driver.Latest, driver.Earliest, driver.AtTime, driver.AtOffset}}
}

// Describe guesses the version from the requests that the broker understands,
// since Kafka tells none.
func (c *conn) Describe(ctx context.Context) (driver.Broker, error) {
	adm, err := c.admin()
	if err != nil {
		return driver.Broker{}, err
	}
	all, err := adm.ApiVersions(ctx)
	if err != nil {
		return driver.Broker{}, translate(err)
	}
	b := driver.Broker{Product: "Apache Kafka", MaxBytes: c.o.MaxBytes}
	all.Each(func(v kadm.BrokerApiVersions) { b.Version = v.VersionGuess() })
	return b, nil
}

func (c *conn) Ensure(ctx context.Context, topics []driver.Topic) error {
	adm, err := c.admin()
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range topics {
		partitions, replicas := int32(t.Partitions), int16(c.o.Replicas)
		if partitions == 0 {
			partitions = int32(c.o.Partitions)
		}
		if partitions == 0 {
			partitions = -1 // the broker's default
		}
		if replicas == 0 {
			replicas = -1
		}
		configs := map[string]*string{}
		if t.Log {
			forever := "-1" // dead letters must not fade away unseen
			configs["retention.ms"] = &forever
		}
		r, err := adm.CreateTopic(ctx, partitions, replicas, configs, t.Name)
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			errs = append(errs, fmt.Errorf("topic %q: %w %s", t.Name, translate(err), r.ErrMessage))
			continue
		}
		errs = append(errs, patiently(ctx, func() error { return c.begin(ctx, adm, t) }))
	}
	return errors.Join(errs...)
}

// patiently repeats what fails because the cluster has not heard of a new topic
// everywhere yet, or looks for a coordinator.
func patiently(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := f()
		if err == nil || !kerr.IsRetriable(err) && !errors.Is(err, driver.ErrNoTopic) {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return err
		}
	}
}

// begin commits the end of the topic for groups that have no position, so that
// they get what is published from now on, whenever they start.
func (c *conn) begin(ctx context.Context, adm *kadm.Client, t driver.Topic) error {
	ends, err := c.list(ctx, adm, driver.Subscription{Topics: []string{t.Name}})
	if err != nil {
		return err
	}
	for _, g := range t.Groups {
		have, err := adm.FetchOffsetsForTopics(ctx, g, t.Name)
		if err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // some brokers say so of a new group
			return fmt.Errorf("group %q: %w", g, translate(err))
		}
		set := kadm.Offsets{}
		for p, at := range ends {
			if o, ok := have.Lookup(p.Topic, p.Partition); !ok || o.At < 0 {
				set.AddOffset(p.Topic, p.Partition, at, -1)
			}
		}
		if len(set) == 0 {
			continue
		}
		if err := adm.CommitAllOffsets(ctx, g, set); err != nil && !errors.Is(err, kerr.UnknownMemberID) {
			return fmt.Errorf("group %q: %w", g, translate(err))
		} // unknown member: the group is at work and has begun
	}
	return nil
}

// list returns the offset at which the subscription would begin, by partition.
func (c *conn) list(ctx context.Context, adm *kadm.Client, s driver.Subscription) (map[driver.Part]int64, error) {
	lo, err := adm.ListStartOffsets(ctx, s.Topics...)
	if err != nil {
		return nil, translate(err)
	}
	hi, err := adm.ListEndOffsets(ctx, s.Topics...)
	if err != nil {
		return nil, translate(err)
	}
	at := hi
	if s.Start == driver.AtTime {
		if at, err = adm.ListOffsetsAfterMilli(ctx, s.StartTime.UnixMilli(), s.Topics...); err != nil {
			return nil, translate(err)
		}
	}
	out := map[driver.Part]int64{}
	var errs []error
	hi.Each(func(end kadm.ListedOffset) {
		if end.Err != nil {
			errs = append(errs, fmt.Errorf("topic %q: %w", end.Topic, translate(end.Err)))
			return
		}
		id := driver.Part{Topic: end.Topic, Partition: end.Partition}
		first, _ := lo.Lookup(end.Topic, end.Partition)
		switch s.Start {
		case driver.Earliest:
			out[id] = first.Offset
		case driver.AtOffset:
			out[id] = min(max(s.StartOffset, first.Offset), end.Offset)
		default:
			out[id] = end.Offset
			if o, ok := at.Lookup(end.Topic, end.Partition); ok && o.Err == nil && o.Offset >= 0 {
				out[id] = o.Offset
			}
		}
	})
	return out, errors.Join(errs...)
}

// Close flushes what was published, then ends the connections.
func (c *conn) Close(ctx context.Context) error {
	c.mu.Lock()
	cl := c.client
	c.closed = true
	var cs []*consumer
	for m := range c.consumers {
		cs = append(cs, m)
	}
	c.mu.Unlock()
	var err error
	if cl != nil {
		err = cl.Flush(ctx)
	}
	c.die()
	for _, m := range cs {
		m.died()
	}
	if cl != nil {
		cl.Close()
	}
	return err
}

// translate maps Kafka's errors to the driver's.
func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.MessageTooLarge), errors.Is(err, kerr.RecordListTooLarge):
		return fmt.Errorf("%w: %w", driver.ErrTooLarge, err)
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return fmt.Errorf("%w: %w", driver.ErrNoTopic, err)
	case errors.Is(err, kerr.InvalidTopicException):
		return fmt.Errorf("%w: %w", driver.ErrInvalid, err)
	case errors.Is(err, kgo.ErrClientClosed):
		return fmt.Errorf("%w: %w", driver.ErrClosed, err)
	}
	return err
}
