package outbox

import (
	"context"
	"errors"
	"time"
)

// Publisher hands messages to a broker.
type Publisher interface {
	// Publish returns when the broker has acknowledged every message as durable
	// as it makes them, or refused it. The slice is nil when all went well, else
	// it has one entry a message. Messages of one topic and key go in the order
	// of the slice; once one is refused, later ones of its key in the same call
	// should be too. Nothing of the messages may be kept after the return.
	// An error that will never go away wraps [ErrPermanent] or [ErrTooLarge].
	Publish(ctx context.Context, messages []Message) []error
}

// PublisherFunc makes a function a Publisher.
type PublisherFunc func(ctx context.Context, messages []Message) []error

// Publish calls f.
func (f PublisherFunc) Publish(ctx context.Context, messages []Message) []error {
	return f(ctx, messages)
}

// ErrPermanent is wrapped by errors of a Publisher that another try cannot mend:
// the relay parks the message at once.
var ErrPermanent = errors.New("permanent")

// Row is a staged message with its place in the table.
type Row struct {
	Message
	Number   int64 // in commit order within a lane
	Lane     int   // of topic and key; NoLane: the message has no key
	Attempts int   // that failed so far
}

// NoLane is the lane of messages without a key.
const NoLane = -1

// Store is the relay's side of an outbox table.
type Store interface {
	// Lead returns once this process is the only one that drains the table, or
	// ctx ends.
	Lead(ctx context.Context) (Session, error)
	// Trim removes sent messages older than keep, and reports how many.
	Trim(ctx context.Context, keep time.Duration) (int64, error)
}

// Session is the time of one leader. After an error of any method but Wait's
// context error it is of no more use than for Close. One goroutine uses it.
type Session interface {
	// Turn finishes the rows of t.Done and returns what comes next.
	Turn(ctx context.Context, t Turn) ([]Row, error)
	// Fail counts a failed attempt; the row is not returned again before due.
	Fail(ctx context.Context, number int64, cause string, due time.Duration) error
	// Park moves a row to the parked messages.
	Park(ctx context.Context, number int64, cause string) error
	// Wait returns when a message may have been staged since the last Turn, or
	// after at most d, or when ctx ends.
	Wait(ctx context.Context, d time.Duration) error
	// Close gives the lead up.
	Close() error
}

// Turn is one step of a session.
type Turn struct {
	Done     []int64 // published: to be deleted, or kept as sent
	Keep     bool    // keep them in the table of sent messages
	InFlight []int64 // not to be returned: they are being published
	Held     []int   // lanes to be left alone
	Limit    int     // rows
	Bytes    int     // of bodies; at least one row is returned
}

// Parked is a message that was given up.
type Parked struct {
	Message
	Attempts int
	Error    string
	Parked   time.Time
}

// Parker is a store whose parked messages can be looked at and sent again.
type Parker interface {
	// Parked lists them, oldest first, after the given ID.
	Parked(ctx context.Context, after string, limit int) ([]Parked, error)
	// Unpark stages a parked message again, behind all that is staged now.
	// It returns ErrNotParked for an unknown ID.
	Unpark(ctx context.Context, id string) error
}

// ErrNotParked says that no parked message has the ID.
var ErrNotParked = errors.New("no such parked message")
