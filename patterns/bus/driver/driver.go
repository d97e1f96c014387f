// Package driver is what a message broker must offer to stand under package
// bus. Retries of handlers, dead letters, encoding, order per key among parallel
// handlers, back-pressure and tracing live in package bus, so a driver stays
// small: it moves records to the broker and back, and it says when the broker
// has them for good.
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
	Topic   string
	Key     []byte // records of one topic with equal keys keep their order; nil: no order asked for
	Headers []Header
	Body    []byte
	Time    time.Time // zero: the broker's or driver's clock
}

// Position is a record's place in its partition of the topic: what dead
// letters carry and what Start may name. It is opaque to package bus.
type Position struct {
	Partition string // Kafka: partition number; NATS: stream; RabbitMQ: queue
	Offset    uint64 // grows within a partition; 0: the broker gives none
}

// Delivery is a record handed to a consumer.
type Delivery struct {
	Record
	Position Position
	// Attempt counts deliveries of this record to the group as far as the broker
	// tells, from 1; 0: the broker does not tell.
	Attempt int
}

// Bus is a connection to a broker. All methods may be called concurrently.
type Bus interface {
	// Publish hands over records and returns when the broker has acknowledged
	// every one of them as durable as the broker's settings make it (Kafka acks
	// all, NATS after its sync, RabbitMQ confirm), or failed it. The slice of
	// errors is nil when all went well; otherwise it has one entry a record.
	// The driver must not keep records or their bytes after it returns. An error
	// that says "perhaps published" wraps ErrUnknown.
	Publish(ctx context.Context, records []Record) []error
	// Subscribe starts a consumer of a group. Records of one key come in order
	// to one consumer of the group at a time.
	Subscribe(ctx context.Context, s Subscription) (Consumer, error)
	// Describe names the broker: product and version as it reports them.
	Describe(ctx context.Context) (Broker, error)
	// Close ends every consumer and the connection; idempotent.
	Close(ctx context.Context) error
}

// Consumer is one member of a consumer group. Fetch and Ack may be called
// concurrently with each other; Fetch from one goroutine at a time.
type Consumer interface {
	// Fetch blocks until it has at least one record, at most max of them, or ctx
	// ends. The driver stops asking the broker for more while the records
	// handed out and not yet acknowledged reach Subscription.MaxInFlight.
	// After a lost connection it goes on by itself.
	Fetch(ctx context.Context, max int) ([]Delivery, error)
	// Ack says that the effects of these deliveries are done. Acknowledging out
	// of order is allowed: the driver commits only what leaves no gap. An error
	// means that they may be delivered again.
	Ack(ctx context.Context, ds []Delivery) error
	// Revoked delivers the partitions that the broker took away from this
	// consumer; handlers of those may finish, their Ack may be lost.
	Revoked() <-chan []string
	// Drain stops fetching, waits until what was handed out is acknowledged or
	// ctx ends, commits, and leaves the group.
	Drain(ctx context.Context) error
}

// StartAt says where a group that has no committed position begins.
type StartAt uint8

const (
	Latest StartAt = iota
	Earliest
	AtTime
	AtOffset
)

// Subscription is what a consumer asks for.
type Subscription struct {
	Topics      []string
	Group       string // "": an own, throw-away group
	Start       StartAt
	StartTime   time.Time // with AtTime
	StartOffset uint64    // with AtOffset
	MaxInFlight int       // records handed out and not acknowledged; required, > 0
	Member      string    // stable id of this consumer where the broker knows static membership; "": none
}

// Broker describes what answers at the other end.
type Broker struct {
	Product, Version string
	MaxBytes         int // largest record it takes, 0: unknown
}
