// Package driver is what a message broker must offer to stand under package
// bus. Retries of handlers, dead letters, encoding, order per key among parallel
// handlers, back-pressure and tracing live in package bus, so a driver stays
// small: it moves records to the broker and back, it says when the broker has
// them for good, and it tells a consumer in time that a partition leaves.
//
// The suite in bus/drivertest holds every driver to these comments.
package driver

import (
	"context"
	"time"
)

// Header is one header field. Names may repeat; their order is kept where the
// broker keeps it.
type Header struct {
	Name  string
	Value []byte
}

// Record is what is published: bytes under a key on a topic.
type Record struct {
	Topic string
	// Key: records of one topic with equal keys keep their order. "": no order
	// asked for. A key is bytes; it need not be UTF-8 where the broker takes any.
	Key     string
	Headers []Header
	Body    []byte
	Time    time.Time // zero: the broker's or driver's clock
}

// Part is a partition of a topic: the unit that one consumer of a group owns.
// Kafka has them; NATS numbers subjects, RabbitMQ numbers queues.
type Part struct {
	Topic     string
	Partition int32
}

// Delivery is a record handed to a consumer. Its headers and bytes belong to the
// receiver and are never written to again by the driver.
type Delivery struct {
	Record
	Partition int32
	// Epoch tells ownerships of one partition by one consumer apart. It grows.
	Epoch uint32
	// Offset is the record's place in its partition, growing; -1: the broker has none.
	Offset int64
	// Attempt counts deliveries of this record to the group as far as the broker
	// tells, from 1; 0: it does not tell.
	Attempt int
	// Tag is the driver's own.
	Tag uint64
}

// Owned is one ownership of a partition, from its assignment to its revocation.
type Owned struct {
	Part
	Epoch uint32
}

// Part returns the partition that the delivery came from.
func (d *Delivery) Part() Part { return Part{d.Topic, d.Partition} }

// Bus is a connection to a broker. All methods may be called concurrently.
type Bus interface {
	// Traits says what this driver can do. It does not ask the broker.
	Traits() Traits
	// Publish hands over records. It may block while the driver's buffer is full
	// or ctx lasts, and it returns before the broker has answered. done is called
	// exactly once, perhaps before Publish returns, perhaps on another goroutine,
	// when the broker has acknowledged every record as durable as its settings
	// make it (Kafka acks all, NATS after its sync, RabbitMQ confirm) or failed
	// it: errs is nil when all went well, else it has one entry a record. The
	// driver must not keep or change records or their bytes after it called
	// done, nor may the caller before. done must not block.
	//
	// Records of one Publish with equal topic and key keep their order, also
	// after an earlier Publish that had returned. When one fails with an error
	// that does not wrap ErrUnknown, it is not on the broker.
	Publish(ctx context.Context, records []Record, done func(errs []error))
	// Subscribe joins a group. Records of one key come in order, to one consumer
	// of the group at a time.
	Subscribe(ctx context.Context, s Subscription) (Consumer, error)
	// Ensure makes the topics that are missing and leaves the others as they are.
	Ensure(ctx context.Context, topics []Topic) error
	// Scan reads a topic outside of any group, from the given next offset of each
	// partition (missing: its beginning) to the end that the topic has when Scan
	// starts, and hands each record to f until f returns false. Records of a
	// partition come in order. A driver whose Traits.Scan is "log" can scan only
	// topics that were made with Topic.Log.
	Scan(ctx context.Context, topic string, from map[int32]int64, f func(*Delivery) bool) error
	// Describe asks the broker for its product and version.
	Describe(ctx context.Context) (Broker, error)
	// Close closes the connection after what was handed to Publish is answered or
	// ctx ends. Consumers are closed by who made them; one still open is cut off
	// as if its process had died. Idempotent.
	Close(ctx context.Context) error
}

// Consumer is one member of a consumer group. Fetch is called by one goroutine
// at a time; the others may be called concurrently with it and each other.
type Consumer interface {
	// Fetch blocks until it has at least one record, at most limit of them, or
	// ctx ends; then the error is ctx's. It hands out no more than
	// Subscription.MaxInFlight records that were neither acknowledged nor
	// revoked. After a lost connection it goes on by itself; an error other than
	// ctx's is final. The slice is the driver's again when Fetch is called next;
	// the receiver copies the deliveries that it keeps.
	Fetch(ctx context.Context, limit int) ([]Delivery, error)
	// Ack says that the effects of these deliveries are done, in any order. It
	// does not wait for the broker: the driver commits what leaves no gap within
	// CommitEvery, before it gives up a partition, and on Close. What was not
	// committed when the process dies is delivered again. Acknowledging what
	// was revoked does nothing.
	Ack(ds []*Delivery)
	// Lag reports, for the partitions that this consumer owns, the records that
	// the group has not committed.
	Lag(ctx context.Context) ([]Lag, error)
	// Close commits what was acknowledged and leaves the group, so that others
	// take over at once. It does not wait for deliveries that are not
	// acknowledged and does not call OnRevoke. Idempotent.
	Close(ctx context.Context) error
}

// CommitEvery is the longest that a driver keeps an acknowledgement to itself.
const CommitEvery = 200 * time.Millisecond

// Lag is how far a group is behind in one partition.
type Lag struct {
	Part
	Records int64 // not committed
}

// StartAt says where a group that has no committed position begins.
type StartAt uint8

// The places to begin at.
const (
	Latest   StartAt = iota // after the newest record at the time of Subscribe
	Earliest                // at the oldest that the broker keeps
	AtTime                  // at the first record not older than StartTime
	AtOffset                // at StartOffset in each partition
)

// String returns the name of the start position.
func (s StartAt) String() string { return [...]string{"latest", "earliest", "time", "offset"}[s&3] }

// Subscription is what a consumer asks for.
type Subscription struct {
	Topics      []string
	Group       string // "": an own group that ends with this consumer and commits nothing
	Start       StartAt
	StartTime   time.Time // with AtTime
	StartOffset int64     // with AtOffset
	MaxInFlight int       // records handed out and not acknowledged; required, > 0
	Member      string    // stable name of this consumer where the broker knows static membership; "": none
	// OnRevoke is called when partitions leave this consumer, before another one
	// can get them, and returns when no handler of theirs runs any more: what was
	// acknowledged until then is committed. lost says that it is too late:
	// another consumer may have them already (the session ran out, the
	// connection broke), and acknowledgements will not count. Never nil, and not
	// called concurrently with itself. Deliveries of this or an earlier epoch that
	// a Fetch under way still returns are dropped by the receiver.
	OnRevoke func(parts []Owned, lost bool)
}

// Topic is what Ensure makes.
type Topic struct {
	Name       string
	Partitions int // 0: the driver's default
	// Log asks for a topic whose records stay after they were consumed and can be
	// scanned, also on brokers whose usual topics are queues.
	Log bool
	// Groups names consumer groups that must get every record published after
	// Ensure returned, on brokers where a group begins with its queues.
	Groups []string
}

// Traits is what a driver can do.
type Traits struct {
	Name string // "kafka", "nats", "rabbitmq", "memory"
	// EventPrefix stands before the CloudEvents attribute names in headers, as
	// the protocol's binding says: "ce_" for Kafka, "ce-" for NATS.
	EventPrefix string
	// Starts are the start positions that Subscribe takes; others it refuses with
	// a *StartError, which wraps ErrUnsupported.
	Starts []StartAt
	Scan   string // "any" topic or "log" topics only
}

// Broker describes what answers at the other end.
type Broker struct {
	Product, Version string
	MaxBytes         int // largest record it takes, 0: unknown
}
