package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Handler does an event's effect and returns nil when it is done for good: the
// event is acknowledged then. An error, or a panic, means another try, unless it
// is [Terminal]. The event is the handler's own, to keep and to change. The context ends when the partition was taken away, the
// consumer is cut off, or Subscription.Timeout is over.
type Handler func(ctx context.Context, e Event) error

// Order says which events of a topic are handled one after the other.
type Order uint8

const (
	// ByKey keeps the order of events with equal keys; those without a key have none.
	ByKey Order = iota
	// ByPartition keeps the order of each partition, for topics whose producers
	// rely on it without setting keys.
	ByPartition
)

// Defaults of a Subscription.
const (
	DefaultParallel    = 16
	DefaultMaxInFlight = 1000
	DefaultMaxParked   = 10_000
	DefaultTries       = 6
	DefaultBase        = 100 * time.Millisecond
	DefaultCap         = 30 * time.Second
	DefaultHandOver    = 20 * time.Second
)

// NoDeadLetters, as Subscription.DeadLetters, keeps trying for ever.
const NoDeadLetters = "-"

// Subscription says what a consumer wants. Topics are required.
type Subscription struct {
	Topics []string
	// Group shares the topics' events among its members, each event going to one
	// of them, and keeps the position on the broker. "": a group of this consumer
	// alone that ends with it.
	Group string
	// Member is a stable name of this consumer within the group. On brokers with
	// static membership (Kafka) a restart within the session keeps its
	// partitions and nobody else is disturbed. "": none.
	Member string
	// Start says where a group begins that has no position yet. Default Latest.
	Start       driver.StartAt
	StartTime   time.Time
	StartOffset int64

	Order       Order
	Parallel    int // handlers at once; default DefaultParallel
	MaxInFlight int // events queued or running; default DefaultMaxInFlight
	// MaxParked is how many events more may wait behind failing ones of their
	// key before the consumer stops reading; default DefaultMaxParked.
	MaxParked int
	// Timeout ends the context of one try. Default: none.
	Timeout time.Duration
	// HandOver is how long handlers may go on when their partition moves to
	// another member, before their contexts are cancelled. Default DefaultHandOver.
	HandOver time.Duration
	Retry    Retry
	// DeadLetters is the topic for events that fail for good. Default: the group's
	// name with ".dead-letters"; without a group, NoDeadLetters.
	DeadLetters string
}

// Retry says how often a failing event is tried and how long the pauses are.
// Each pause is drawn between zero and Base doubled with every try, up to Cap.
type Retry struct {
	Tries int           // all of them, the first too; default DefaultTries; negative: for ever
	Base  time.Duration // default DefaultBase
	Cap   time.Duration // default DefaultCap
}

// Validate reports all faults of the subscription.
func (s *Subscription) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(s.Topics) == 0 {
		fault("Topics: at least one")
	}
	for _, t := range s.Topics {
		if t == "" {
			fault("Topics: an empty name")
		}
		if t == s.DeadLetters {
			fault("DeadLetters: %q is one of the topics; a failing event would come back for ever", t)
		}
	}
	if s.Parallel < 0 || s.MaxInFlight < 0 || s.MaxParked < 0 {
		fault("Parallel %d, MaxInFlight %d, MaxParked %d: must not be negative", s.Parallel, s.MaxInFlight, s.MaxParked)
	}
	if s.Timeout < 0 || s.HandOver < 0 || s.Retry.Base < 0 || s.Retry.Cap < 0 {
		fault("Timeout, HandOver, Retry.Base and Retry.Cap must not be negative")
	}
	if (s.Start == driver.AtTime) == s.StartTime.IsZero() {
		fault("StartTime: goes with Start AtTime, and only with it")
	}
	if s.StartOffset < 0 || s.StartOffset > 0 && s.Start != driver.AtOffset {
		fault("StartOffset %d: not negative, and only with Start AtOffset", s.StartOffset)
	}
	if s.Group == "" && s.Member != "" {
		fault("Member %q: needs a Group", s.Member)
	}
	return errors.Join(errs...)
}

func (s *Subscription) defaults() {
	or := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	orTime := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	or(&s.Parallel, DefaultParallel)
	or(&s.MaxInFlight, DefaultMaxInFlight)
	or(&s.MaxParked, DefaultMaxParked)
	or(&s.Retry.Tries, DefaultTries)
	orTime(&s.Retry.Base, DefaultBase)
	orTime(&s.Retry.Cap, DefaultCap)
	orTime(&s.HandOver, DefaultHandOver)
	switch {
	case s.DeadLetters == "" && s.Group != "":
		s.DeadLetters = s.Group + ".dead-letters"
	case s.DeadLetters == "" || s.DeadLetters == NoDeadLetters:
		s.DeadLetters = NoDeadLetters
		s.Retry.Tries = -1
	}
}

// Subscribe joins the group and handles its events until the consumer is closed.
// ctx is for joining only. The topic of the dead letters is made when missing.
func (b *Bus) Subscribe(ctx context.Context, s Subscription, h Handler) (*Consumer, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("bus: subscription: %w", err)
	}
	if h == nil {
		return nil, errors.New("bus: subscription: a handler is required")
	}
	s.defaults()
	if s.DeadLetters != NoDeadLetters {
		if err := b.Ensure(ctx, driver.Topic{Name: s.DeadLetters, Partitions: 1, Log: true}); err != nil {
			return nil, fmt.Errorf("%w; the dead letters of group %q need a topic: make it, name another in Subscription.DeadLetters, or set NoDeadLetters", err, s.Group)
		}
	}
	b.mu.Lock()
	closed := b.closed
	b.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	c := newConsumer(b, s, h)
	dc, err := b.driver.Subscribe(ctx, driver.Subscription{
		Topics: s.Topics, Group: s.Group, Start: s.Start, StartTime: s.StartTime, StartOffset: s.StartOffset,
		MaxInFlight: s.MaxInFlight + s.MaxParked, Member: s.Member, OnRevoke: c.revoked,
	})
	if err != nil {
		c.cancel()
		return nil, fmt.Errorf("bus: subscribe group %q to %q: %w", s.Group, s.Topics, err)
	}
	c.driver = dc
	b.mu.Lock()
	b.consumers[c] = struct{}{}
	b.mu.Unlock()
	c.run()
	return c, nil
}
