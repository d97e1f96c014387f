package driver

import (
	"errors"
	"fmt"
	"time"
)

// Errors that stores wrap.
var (
	// ErrUnavailable: the database cannot commit now (connection lost, disk
	// full); nothing of the group is committed. Trying later may help.
	ErrUnavailable = errors.New("journal: store unavailable")
	// ErrUnknown: the connection broke between sending the commit and its
	// answer, and the store could not find out: the group may be committed.
	// Appending again with the same Expected version or record IDs is safe.
	ErrUnknown = errors.New("journal: outcome unknown")
	// ErrBroken: the store met an error after which its files cannot be trusted
	// (a failed sync). It refuses everything until it is opened again.
	ErrBroken = errors.New("journal: store broken; open it again")
	// ErrUnsafe: the database is set up so that an acknowledged commit can be
	// lost.
	ErrUnsafe = errors.New("journal: database does not sync commits")
)

// ConflictError says that a stream was not at the version that the append expected.
type ConflictError struct {
	Stream           string
	Expected, Actual int64
}

func (e *ConflictError) Error() string {
	if e.Expected == 0 {
		return fmt.Sprintf("journal: stream %q: expected not to exist, is at version %d; read it and decide anew", e.Stream, e.Actual)
	}
	return fmt.Sprintf("journal: stream %q: expected version %d, is at %d; read what was added and decide anew", e.Stream, e.Expected, e.Actual)
}

// DuplicateError says that a unit repeats the IDs of some, but not all, of its
// records: it is neither new nor a repetition.
type DuplicateError struct {
	Stream, ID string
	Position   int64 // where ID is
}

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("journal: stream %q: record ID %q is at position %d already, while others of this append are new; give each append IDs of its own", e.Stream, e.ID, e.Position)
}

// FencedError says that the lease of a token is somebody else's by now.
type FencedError struct {
	Lease          string
	Token, Current int64 // Current 0: the lease does not exist
}

func (e *FencedError) Error() string {
	return fmt.Sprintf("journal: lease %q: token %d is overtaken by %d; this process must stop doing what the lease stands for", e.Lease, e.Token, e.Current)
}

// HeldError says that another holder has the lease.
type HeldError struct {
	Lease, Holder string
	Expires       time.Time
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("journal: lease %q is held by %q until %s", e.Lease, e.Holder, e.Expires.UTC().Format(time.RFC3339))
}

// SchemaError says that the tables of a store are newer than this program.
type SchemaError struct {
	Store       string
	Found, Know int
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("journal: %s: tables are at schema version %d, this program knows up to %d; run the newer program, or roll the schema back with it first", e.Store, e.Found, e.Know)
}
