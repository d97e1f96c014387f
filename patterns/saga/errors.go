package saga

import (
	"errors"
	"fmt"
)

// Errors to test for with errors.Is.
var (
	ErrClosed = errors.New("saga: orchestrator closed") // what runs goes on when it is opened again
	// ErrNotFound: no saga has this id, or its records are past their retention.
	ErrNotFound = errors.New("saga: not found")
	// ErrNotNow: the saga is not in a state in which this can be done.
	ErrNotNow = errors.New("saga: not possible in this state")
	// ErrTimeout is the cause when a step or the saga took longer than its Timeout.
	ErrTimeout = errors.New("saga: timed out")
	// ErrElsewhere: another process drives this saga.
	ErrElsewhere = errors.New("saga: driven by another process")
	// ErrForced is the cause when an operator ended or turned the saga.
	ErrForced = errors.New("saga: forced by an operator")
)

// Error is how a saga failed: which, at which step, and why. What had been done
// is compensated by the time the caller sees it.
type Error struct {
	ID         string
	Definition string
	Step       string
	Cause      error
}

func (e *Error) Error() string {
	return fmt.Sprintf("saga %s %q failed at step %q and is compensated: %v", e.Definition, e.ID, e.Step, e.Cause)
}

func (e *Error) Unwrap() error { return e.Cause }

// DefinitionError lists all faults of a definition.
type DefinitionError struct {
	Definition string
	Faults     []error
}

func (e *DefinitionError) Error() string {
	return fmt.Sprintf("saga %s: %v", e.Definition, errors.Join(e.Faults...))
}

func (e *DefinitionError) Unwrap() []error { return e.Faults }

// VersionError says that a saga began on a definition that this program lacks.
type VersionError struct {
	ID         string
	Definition string
	Version    int
	Known      []int
}

func (e *VersionError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("saga %q runs on definition %s, which this program does not know; give it to saga.Open until its sagas have ended", e.ID, e.Definition)
	}
	return fmt.Sprintf("saga %q runs on version %d of %s, this program knows %v; keep the old version beside the new in saga.Open until its sagas have ended", e.ID, e.Version, e.Definition, e.Known)
}

// ExistsError says that a saga id is taken by a saga of another definition.
type ExistsError struct {
	ID, Definition, Wanted string
}

func (e *ExistsError) Error() string {
	return fmt.Sprintf("saga %q exists already and is a %s, not a %s; ids are shared by all definitions of a journal", e.ID, e.Definition, e.Wanted)
}

// InvalidError says why a saga cannot be started.
type InvalidError struct {
	ID, Reason string
}

func (e *InvalidError) Error() string { return fmt.Sprintf("saga %q: %s", e.ID, e.Reason) }

// Refuse marks an error of an action as the participant's definite no: nothing
// was done and trying again is of no use. The saga fails at once (before or at
// the pivot), and the step itself needs no compensation. Errors that are not
// marked mean that the outcome is unknown; they are retried.
func Refuse(err error) error {
	if err == nil {
		return nil
	}
	return &refusal{err}
}

type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

// Refused reports whether an error was marked by Refuse.
func Refused(err error) bool {
	var r *refusal
	return errors.As(err, &r)
}
