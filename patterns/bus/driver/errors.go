package driver

import "errors"

// Errors that every driver maps its broker's errors to, wrapped.
var (
	ErrClosed   = errors.New("bus: closed")
	ErrTooLarge = errors.New("bus: record larger than the broker takes")
	// ErrUnknown: the connection broke before the acknowledgement; the record
	// may or may not be published. Publishing it again may double it.
	ErrUnknown = errors.New("bus: outcome unknown")
	// ErrNoTopic: the topic does not exist and the broker may not create it.
	ErrNoTopic = errors.New("bus: no such topic")
)
