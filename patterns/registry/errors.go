package registry

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// Errors to ask for with errors.Is.
var (
	// ErrClosed: the registry or the watch was closed.
	ErrClosed = driver.ErrClosed
	// ErrReadOnly: services cannot register with this driver. A program that
	// runs both under Consul and in Kubernetes may pass over it.
	ErrReadOnly = driver.ErrReadOnly
	// ErrUnknown: the registry does not know the instance or check.
	ErrUnknown = driver.ErrUnknown
	// ErrDenied: the registry refused the credentials.
	ErrDenied = driver.ErrDenied
)

// Error is a call to the registry that failed.
type Error struct {
	Op      string // "register", "deregister", "watch"
	Service string
	ID      string // "" for a watch
	Err     error
}

func (e *Error) Error() string {
	who := e.Service
	if e.ID != "" {
		who += " (" + e.ID + ")"
	}
	return fmt.Sprintf("registry: %s %s: %v", e.Op, who, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// NoInstanceError says that a call could not be sent anywhere.
type NoInstanceError struct {
	Query Query
	// Err is why the registry cannot be asked now; nil: it answered, and nobody
	// passes.
	Err error
}

func (e *NoInstanceError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("registry: no instance of %s is known and the registry does not answer: %v", e.Query, e.Err)
	}
	return fmt.Sprintf("registry: no instance of %s passes its checks; see its registration, or loosen the filter", e.Query)
}

func (e *NoInstanceError) Unwrap() error { return e.Err }
