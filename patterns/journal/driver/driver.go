// Package driver is what a database must offer to stand under package journal.
// Batching, waiting, subscriptions and retention policy live in package
// journal; a store only commits groups and reads back.
package driver

import (
	"context"
	"time"
)

// Any, as Unit.Expected, appends at whatever version the stream has.
const Any int64 = -1

// Record is one entry of the log. On its way in, Position, Version and Time
// are set by the store.
type Record struct {
	Position int64  // global, gap-free, from 1, in commit order
	Stream   string // "saga/9f3…", "order-42"
	Version  int64  // within the stream, gap-free, from 1
	Type     string
	ID       string // of the appender; unique within a stream when not empty: a second append of the same ID is answered with the first's positions
	Data     []byte
	Meta     []byte // correlation, causation and the like, encoded by the floor above
	Time     time.Time
}

// Unit is what one Append asks for: committed whole or not at all.
type Unit struct {
	Stream   string
	Expected int64 // version the stream must have; Any: no check; 0: must not exist
	Records  []Record
}

// Result answers one unit of a group: its positions, or why it was refused.
// Err is a *journal.ConflictError for a wrong version; it never fails others.
type Result struct {
	First, Last int64 // positions
	Version     int64 // of the stream afterwards; on conflict the one found
	Err         error
}

// Store is the database. Commit is called by one goroutine at a time; reads run
// concurrently with it.
type Store interface {
	// Commit writes the group in one transaction and returns after its sync.
	// results has one entry a unit. A non-nil error means that nothing of the
	// group is known to be committed.
	Commit(ctx context.Context, group []Unit) (results []Result, err error)
	// Read returns records with Position > after, in order, at most limit.
	Read(ctx context.Context, after int64, limit int) ([]Record, error)
	// ReadStream returns records of a stream with Version > after, in order.
	ReadStream(ctx context.Context, stream string, after int64, limit int) ([]Record, error)
	// Head returns the last committed position; 0 when empty.
	Head(ctx context.Context) (int64, error)
	// Trim removes records up to and including the position from streams for
	// which it is allowed; Read then starts above it.
	Trim(ctx context.Context, upTo int64) error
	Close() error
}

// Leaser is a store that several processes share: only the holder of the lease
// may Commit. The fencing token grows with every change of holder and a Commit
// under an old one fails.
type Leaser interface {
	Acquire(ctx context.Context, holder string, ttl time.Duration) (token int64, err error)
	Renew(ctx context.Context, token int64, ttl time.Duration) error
	Release(ctx context.Context, token int64) error
}

// Watcher is a store that can tell a reader in another process that the head
// moved, sooner than polling would.
type Watcher interface {
	Watch(ctx context.Context) (<-chan int64, error)
}
