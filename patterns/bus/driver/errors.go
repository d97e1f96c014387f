package driver

import (
	"errors"
	"fmt"
)

// Errors that every driver maps its broker's errors to, wrapped.
var (
	ErrClosed   = errors.New("bus: closed")
	ErrTooLarge = errors.New("bus: record larger than the broker takes")
	// ErrUnknown: the connection broke before the acknowledgement; the record
	// may or may not be published. Publishing it again may double it.
	ErrUnknown = errors.New("bus: outcome unknown")
	// ErrNoTopic: the topic does not exist and the broker may not create it.
	ErrNoTopic = errors.New("bus: no such topic")
	// ErrInvalid: the broker can never take such a record: a header name, a topic
	// name or a key that its protocol cannot carry.
	ErrInvalid = errors.New("bus: record that the broker cannot carry")
	// ErrUnsupported: the driver cannot do what was asked, on any broker.
	ErrUnsupported = errors.New("bus: not supported by this driver")
)

// Fail answers every one of n records with err: for a driver's done function.
func Fail(n int, err error) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// StartError refuses a start position that the broker's topics cannot offer. It
// wraps ErrUnsupported.
type StartError struct {
	Topic string
	Start StartAt
	Why   string // of the broker
	Do    string // what gets the caller there
}

func (e *StartError) Error() string {
	return fmt.Sprintf("%v: topic %q: start position %s: %s; %s", ErrUnsupported, e.Topic, e.Start, e.Why, e.Do)
}

// Unwrap returns ErrUnsupported.
func (e *StartError) Unwrap() error { return ErrUnsupported }
