package bus

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Mapping says how the events of a topic lie on the broker, both ways. Encode
// and Decode are called concurrently. t.EventPrefix is the protocol's prefix of
// CloudEvents header names.
type Mapping interface {
	// Encode writes the event, and does not keep it. Its bytes may be shared by the record.
	Encode(e *Event, t driver.Traits) (driver.Record, error)
	// Decode reads a record into e, which carries its Topic, Key and Origin
	// already; an error sends the record to the dead letters as it is.
	Decode(r *driver.Record, e *Event, t driver.Traits) error
}

// BadEventError says that a record cannot be read as its topic's mapping wants,
// or that an event cannot be written so. Trying again cannot help.
type BadEventError struct {
	Topic string
	What  string // what is wrong
	Err   error  // may be nil
}

func (e *BadEventError) Error() string {
	s := fmt.Sprintf("bus: topic %q: %s", e.Topic, e.What)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *BadEventError) Unwrap() error { return e.Err }

func bad(topic string, err error, format string, args ...any) error {
	return &BadEventError{Topic: topic, What: fmt.Sprintf(format, args...), Err: err}
}
