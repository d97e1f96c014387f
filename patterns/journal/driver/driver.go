// Package driver is what a database must offer to stand under package journal.
// Batching, waiting, limits, following and retention policy live in package
// journal; a store only commits groups and reads back.
//
// The suite in journal/journaltest holds every store to these comments.
package driver

import (
	"context"
	"time"
)

// Any, as Unit.Expected, appends at whatever version the stream has.
const Any int64 = -1

// Record is one entry of the log. On its way in, Position and Version are set
// by the store and Time by package journal.
type Record struct {
	Position int64  // global, gap-free, from 1, in commit order
	Stream   string // "saga/9f3…", "order-42"
	Version  int64  // within the stream, gap-free, from 1
	Type     string
	ID       string // of the appender; unique within a stream when not empty: a unit whose IDs are all there already is answered with their positions
	Final    bool   // the last record of its stream for good: retention may remove the stream once this record is old enough
	Data     []byte
	Meta     []byte    // correlation, causation and the like, encoded by the floor above
	Time     time.Time // of the writer's clock, in microseconds, never going back
}

// Unit is what one Append asks for: committed whole or not at all.
type Unit struct {
	Stream   string
	Expected int64 // version the stream must have; Any: no check; 0: must not exist
	Records  []Record
	Fence    *Fence // nil: none
}

// Fence makes a unit fail with a *FencedError when somebody else has acquired
// the lease since: a process that was paused cannot write over its successor.
type Fence struct {
	Lease string
	Token int64
}

// Result answers one unit of a group: its positions, or why it was refused.
// Err is a *ConflictError, *DuplicateError or *FencedError; it never fails others.
type Result struct {
	First, Last int64 // positions
	Version     int64 // of the stream afterwards; on conflict the one found
	Repeated    bool  // the unit's IDs were there already; nothing was appended
	Err         error
}

// Store is the database. Commit is called by one goroutine at a time; reads run
// concurrently with it. Several processes may hold stores on one database: the
// store orders their commits.
type Store interface {
	// Commit writes the group in one transaction, every record with time now,
	// and returns after its sync.
	// results has one entry a unit. Units of one group see each other's effect
	// in their order. A non-nil error means that nothing of the group is
	// committed, unless it wraps ErrUnknown; it wraps ErrUnavailable when trying
	// the units one by one would fare no better. The store does not keep the
	// group or its bytes.
	Commit(ctx context.Context, now time.Time, group []Unit) (results []Result, err error)
	// Read returns records with Position > after, in order, at most limit and,
	// past the first, about 8 MiB. A reader that has seen position n never
	// sees a record appear below n. Positions of removed streams are missing.
	Read(ctx context.Context, after int64, limit int) ([]Record, error)
	// ReadStream returns records of a stream with Version > after, in order,
	// within the same bounds.
	ReadStream(ctx context.Context, stream string, after int64, limit int) ([]Record, error)
	// Head returns the last committed position; 0 when nothing ever was.
	Head(ctx context.Context) (int64, error)
	// Trim removes whole streams whose Final record is older than before, at
	// most limit of them, oldest first, and returns how many. Head never falls
	// by it.
	Trim(ctx context.Context, before time.Time, limit int) (removed int, err error)
	// Describe names the database: product and version as it reports them.
	Describe(ctx context.Context) (string, error)
	// Close may be called more than once, as when an opening fails half-way and
	// its caller tidies up again; only the first does something.
	Close() error
}

// Picker is a store that finds the few records of some types among many without
// bringing the others along.
type Picker interface {
	// ReadTypes returns records with after < Position <= upto whose Type is one
	// of types, in order, within the bounds of Read.
	ReadTypes(ctx context.Context, after, upto int64, types []string, limit int) ([]Record, error)
}

// LeaseKeep is how long an expired lease is kept; a released one goes at once.
// Whoever acquires one removes the others' remains.
const LeaseKeep = 24 * time.Hour

// Leaser is a store in which processes can agree who does a thing. Lease names
// are the caller's and not empty. The token grows with every change of holder and never
// repeats; a Unit fenced by an older one is refused.
type Leaser interface {
	// Acquire takes the lease when it is free, expired or already the holder's;
	// otherwise it fails with a *HeldError. Expiry goes by the database's clock.
	Acquire(ctx context.Context, lease, holder string, ttl time.Duration) (token int64, err error)
	// Renew prolongs it; a *FencedError when somebody else has it by now.
	Renew(ctx context.Context, lease string, token int64, ttl time.Duration) error
	// Release gives it back early. Releasing a lost lease is no error.
	Release(ctx context.Context, lease string, token int64) error
	// Leases lists leases whose names begin with prefix, expired ones included.
	Leases(ctx context.Context, prefix string) ([]Lease, error)
}

// Lease is who holds a name until when.
type Lease struct {
	Name, Holder string
	Token        int64
	Expired      bool
	Expires      time.Time // by the database's clock
}

// Watcher is a store that can tell a reader in another process that the head
// moved, sooner than polling would.
type Watcher interface {
	// Watch sends the head, or 0 when it is not known, after it moved; slow
	// receivers miss all but the latest. The channel is closed when ctx ends;
	// lost connections are mended inside.
	Watch(ctx context.Context) (<-chan int64, error)
}
