// Package staticreg is the registry that is a list: addresses from a
// configuration, or set by the program itself. Nobody can register with it and
// nothing is checked; every instance that is listed passes.
package staticreg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"sync"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// Static is a list of instances by service. It is safe for concurrent use.
type Static struct {
	mu       sync.Mutex
	services map[string][]driver.Instance
	changed  chan struct{} // closed and replaced with every change
	closed   chan struct{}
	once     sync.Once
}

var _ driver.Registry = (*Static)(nil)

// New makes a registry that knows nobody yet.
func New() *Static {
	return &Static{services: map[string][]driver.Instance{}, changed: make(chan struct{}), closed: make(chan struct{})}
}

// Set replaces the instances of a service. An empty ID becomes address:port, an
// empty Service the given one. It joins all faults, each a *driver.InvalidError,
// and changes nothing when there is one.
func (s *Static) Set(service string, instances ...driver.Instance) error {
	list := make([]driver.Instance, len(instances))
	var errs []error
	for i, in := range instances {
		if in.Service == "" {
			in.Service = service
		}
		if in.ID == "" {
			in.ID = net.JoinHostPort(in.Address, strconv.Itoa(in.Port))
		}
		if in.Address == "" {
			errs = append(errs, &driver.InvalidError{Field: fmt.Sprintf("%s[%d].Address", service, i), Fault: "is empty; a static list has nothing to fall back to"})
		}
		if err := (&driver.Registration{Instance: in}).Validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s[%d]: %w", service, i, err))
		}
		list[i] = in
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.services[service] = list
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

// Watch follows a service.
func (s *Static) Watch(_ context.Context, service string) (driver.Watcher, error) {
	select {
	case <-s.closed:
		return nil, driver.ErrClosed
	default:
		return &watcher{static: s, service: service, closed: make(chan struct{})}, nil
	}
}

// Close ends all watchers.
func (s *Static) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

type watcher struct {
	static  *Static
	service string
	told    bool
	last    []driver.Instance
	closed  chan struct{}
	once    sync.Once
}

func (w *watcher) Next(ctx context.Context) ([]driver.Instance, error) {
	for {
		select {
		case <-w.closed:
			return nil, driver.ErrClosed
		case <-w.static.closed:
			return nil, driver.ErrClosed
		default:
		}
		w.static.mu.Lock()
		now, changed := w.static.services[w.service], w.static.changed
		w.static.mu.Unlock()
		if !w.told || !reflect.DeepEqual(now, w.last) {
			w.told, w.last = true, now
			return append([]driver.Instance(nil), now...), nil
		}
		select {
		case <-changed:
		case <-w.closed:
		case <-w.static.closed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (w *watcher) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}
