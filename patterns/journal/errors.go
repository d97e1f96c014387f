package journal

import (
	"errors"
	"fmt"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

// Types and values that the floors above and the stores share.
type (
	Record = driver.Record
	Unit   = driver.Unit
	Fence  = driver.Fence
	Result = driver.Result
	Lease  = driver.Lease

	ConflictError  = driver.ConflictError
	DuplicateError = driver.DuplicateError
	FencedError    = driver.FencedError
	HeldError      = driver.HeldError
	SchemaError    = driver.SchemaError
)

// Any, as Unit.Expected, appends at whatever version the stream has.
const Any = driver.Any

// Errors to test for with errors.Is.
var (
	// ErrClosed: the journal was closed before the append was written.
	ErrClosed      = errors.New("journal: closed")
	ErrUnavailable = driver.ErrUnavailable
	ErrUnknown     = driver.ErrUnknown
	ErrBroken      = driver.ErrBroken
	ErrUnsafe      = driver.ErrUnsafe
	// ErrNoLeases: the store under this journal cannot hold leases.
	ErrNoLeases = errors.New("journal: store has no leases")
)

// SizeError says that an append is larger than the journal takes.
type SizeError struct {
	Stream   string
	What     string // "records", "bytes of a record", "bytes of a stream name" …
	Got, Max int
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("journal: stream %q: %d %s, at most %d; keep large payloads elsewhere and journal a reference, or raise journal.Options", e.Stream, e.Got, e.What, e.Max)
}

// InvalidError says what is wrong with a unit, whatever the store.
type InvalidError struct {
	Stream, Reason string
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("journal: stream %q: %s", e.Stream, e.Reason)
}
