// Package driver is what a service registry must offer to stand under package
// registry. Retries, filters by tag and meta, fan-out to many watchers,
// heartbeats and registering again after a registry lost its memory live in
// package registry, so a driver stays small: it reports the passing instances
// of one service, and it carries a registration to where others see it.
//
// The suite in registry/drivertest holds every driver to these comments.
package driver

import (
	"context"
	"time"
)

// Registry is a connection to a service registry. All methods may be called
// concurrently. A driver that can also be written to is a [Registrar] as well.
type Registry interface {
	// Watch starts to follow one service. A service that nobody has registered
	// is not an error: it has no instances yet. Watch does not wait for the
	// registry; ctx bounds only what it must do to start.
	Watch(ctx context.Context, service string) (Watcher, error)
	// Close ends every watcher, and stops everything that the driver runs on
	// behalf of its registrations without deregistering them; idempotent.
	Close() error
}

// Watcher follows the instances of one service.
type Watcher interface {
	// Next returns the passing instances as a whole, never a difference: the
	// first call the present state as soon as the registry tells it, every
	// later call the next state that differs. It blocks until then, until ctx
	// ends (ctx.Err()), or until the watcher or its registry is closed
	// (ErrClosed). After any other error the caller may call Next again, after
	// a pause that is the caller's business; the watcher picks up where the
	// registry is then. Next is called by one goroutine at a time. The slice is
	// the caller's; what hangs on it must not be modified by either side.
	//
	// An instance passes when every one of its checks does; a check that has not
	// run yet does not pass. Every instance carries an address.
	Next(ctx context.Context) ([]Instance, error)
	// Close ends the watcher and a Next under way; idempotent.
	Close() error
}

// Registrar is a registry that services may enter by themselves.
type Registrar interface {
	// Register enters an instance, or replaces the one with the same ID whole,
	// checks included. When it returns, the registry has it; watchers elsewhere
	// follow as fast as the registry spreads the news. Faults of r that the
	// driver's registry would bend silently are refused with a *InvalidError.
	Register(ctx context.Context, r Registration) error
	// Beat reports the state of a TTL check. ErrUnknown when the registry does
	// not know the instance or the check (any more).
	Beat(ctx context.Context, id, check string, s Status, note string) error
	// Known reports whether the registry still has the instance.
	Known(ctx context.Context, id string) (bool, error)
	// Deregister removes an instance; one that is not there is no error.
	Deregister(ctx context.Context, id string) error
}

// Instance is one running copy of a service.
type Instance struct {
	ID      string
	Service string
	Address string // host name or IP address, without port
	Port    int
	Zone    string // "": unknown
	Weight  int    // relative share of calls; 0: not given, counts as 1
	Tags    []string
	Meta    map[string]string
}

// Registration is an instance and how the registry is to judge it.
type Registration struct {
	Instance
	// Checks must all pass; none: the instance passes always.
	Checks []Check
	// DeregisterAfter removes an instance whose check has been critical for this
	// long; 0: never. Consul takes no less than a minute.
	DeregisterAfter time.Duration
}

// Check is one test of an instance's health. Exactly one of HTTP, TCP, GRPC and
// TTL is set.
type Check struct {
	Name string // unique within its registration
	// HTTP is a URL: 2xx passes, 429 warns, everything else is critical.
	HTTP   string
	Method string              // of HTTP; default GET
	Header map[string][]string // of HTTP
	// TCP is host:port: a connection passes.
	TCP string
	// GRPC is host:port or host:port/service, asked by grpc.health.v1.
	GRPC string
	// TTL is how long a Beat counts; the check turns critical when none follows.
	TTL time.Duration

	Interval   time.Duration // between two runs of HTTP, TCP, GRPC; default 10 s
	Timeout    time.Duration // of one run; default 5 s, at most Interval
	TLS        bool          // of GRPC
	SkipVerify bool          // of HTTP with https and of GRPC with TLS: any certificate will do
}

// Defaults of a check that probes.
const (
	DefaultInterval = 10 * time.Second
	DefaultTimeout  = 5 * time.Second
)

// Status is what a check says.
type Status uint8

const (
	Critical Status = iota // also: has not run yet
	Warning                // not passing either
	Passing
)

// String returns the status as registries write it.
func (s Status) String() string {
	switch s {
	case Passing:
		return "passing"
	case Warning:
		return "warning"
	default:
		return "critical"
	}
}
