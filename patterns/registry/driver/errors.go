package driver

import (
	"errors"
	"fmt"
)

// Errors that every driver maps its registry's errors to, wrapped.
var (
	ErrClosed = errors.New("registry: closed")
	// ErrUnknown: the registry does not know this instance or check.
	ErrUnknown = errors.New("registry: unknown instance or check")
	// ErrReadOnly: nobody can register here (a static list, Kubernetes, which
	// registers pods by itself).
	ErrReadOnly = errors.New("registry: services cannot register here")
	// ErrDenied: the registry refused our credentials.
	ErrDenied = errors.New("registry: permission denied")
)

// InvalidError is a fault of a registration or a configuration.
type InvalidError struct {
	Field string // "Checks[0].TTL"
	Fault string // what is wrong and what would be right
}

func (e *InvalidError) Error() string { return fmt.Sprintf("registry: %s: %s", e.Field, e.Fault) }
