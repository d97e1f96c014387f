package registry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// Service is what a process enters into the registry: one instance of a service.
type Service struct {
	Name string
	// ID is unique among all instances of all services; default: the name and
	// eight random bytes. Two processes with one ID would replace each other.
	ID string
	// Address is where callers reach the instance; default: what the driver
	// falls back to (Consul: the agent's node; a folder: loopback).
	Address string
	Port    int
	Zone    string
	Weight  int // relative share of calls; 0: not given, counts as 1
	Tags    []string
	Meta    map[string]string
	// Checks must all pass before callers find the instance. Empty names become
	// http, tcp, grpc, ttl, with a number where one repeats.
	Checks []Check
	// DeregisterAfter removes the instance when a check has been critical for
	// this long; 0: never. Consul takes no less than a minute.
	DeregisterAfter time.Duration
	// Health is asked three times in every TTL: an error makes the TTL checks
	// critical and is shown as their note; nil function: alive is healthy.
	Health func(context.Context) error
}

// Entry is a service that was entered and is kept so until Deregister.
type Entry struct {
	id   string
	reg  *Registry
	to   driver.Registrar
	r    driver.Registration
	ask  func(context.Context) error
	stop context.CancelFunc
	done chan struct{}

	leave sync.Once
	err   error
}

// ID returns the instance's ID.
func (e *Entry) ID() string { return e.id }

// Register enters a service, beats its TTL checks for the first time, and keeps
// it entered: it beats, and it registers again when the registry lost it, until
// Deregister or Close. Faults of the service are *driver.InvalidError, all of
// them joined; ErrReadOnly when nobody can register with this driver.
func (r *Registry) Register(ctx context.Context, s Service) (*Entry, error) {
	reg := s.registration()
	wrap := func(err error) error { return &Error{Op: "register", Service: s.Name, ID: reg.ID, Err: err} }
	to, ok := r.driver.(driver.Registrar)
	if !ok {
		return nil, wrap(ErrReadOnly)
	}
	if err := reg.Validate(); err != nil {
		return nil, wrap(err)
	}
	run, stop := context.WithCancel(r.ctx)
	e := &Entry{id: reg.ID, reg: r, to: to, r: reg, ask: s.Health, stop: stop, done: make(chan struct{})}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		stop()
		return nil, wrap(ErrClosed)
	}
	r.entries[e] = struct{}{}
	r.mu.Unlock()
	if err := e.enter(ctx); err != nil {
		close(e.done)
		// A call that failed may have arrived all the same.
		return nil, wrap(errors.Join(err, e.Deregister(context.WithoutCancel(ctx))))
	}
	go e.keep(run)
	return e, nil
}

// Deregister takes the service out, bounded by ctx and [Options].Call, and
// stops keeping it. Idempotent: later calls return what the first did.
func (e *Entry) Deregister(ctx context.Context) error {
	e.leave.Do(func() {
		e.stop()
		<-e.done // a beat after the farewell would bring it back
		ctx, cancel := context.WithTimeout(ctx, e.reg.opts.Call)
		defer cancel()
		if err := e.to.Deregister(ctx, e.id); err != nil {
			e.err = &Error{Op: "deregister", Service: e.r.Service, ID: e.id, Err: err}
		}
		e.reg.mu.Lock()
		delete(e.reg.entries, e)
		e.reg.mu.Unlock()
	})
	return e.err
}

// enter registers and beats once, so that a TTL check need not wait to pass.
func (e *Entry) enter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.reg.opts.Call)
	defer cancel()
	if err := e.to.Register(ctx, e.r); err != nil {
		return err
	}
	return e.beat(ctx)
}

func (e *Entry) beat(ctx context.Context) error {
	status, note := driver.Passing, "alive"
	if e.ask != nil {
		if err := e.ask(ctx); err != nil {
			status, note = driver.Critical, err.Error()
		}
	}
	for _, c := range e.r.Checks {
		if c.TTL > 0 {
			if err := e.to.Beat(ctx, e.id, c.Name, status, note); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep beats three times in the shortest TTL, and looks every Reconcile whether
// the registry still knows the instance.
func (e *Entry) keep(ctx context.Context) {
	defer close(e.done)
	every := e.reg.opts.Reconcile
	beats := false
	for _, c := range e.r.Checks {
		if c.TTL > 0 {
			beats, every = true, min(every, c.TTL/3)
		}
	}
	t := time.NewTicker(max(every, time.Millisecond))
	defer t.Stop()
	looked, healthy := time.Now(), true
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		err := e.tend(ctx, beats, time.Since(looked) >= e.reg.opts.Reconcile)
		if time.Since(looked) >= e.reg.opts.Reconcile {
			looked = time.Now()
		}
		if err != nil && healthy && ctx.Err() == nil {
			e.reg.opts.Log.Warn("registration cannot be kept; trying on", "service", e.r.Service, "id", e.id, "error", err)
		}
		healthy = err == nil
	}
}

// tend does one round of keep.
func (e *Entry) tend(ctx context.Context, beats, look bool) error {
	call, cancel := context.WithTimeout(ctx, e.reg.opts.Call)
	defer cancel()
	var err error
	if beats {
		if err = e.beat(call); err == nil {
			return nil // it knows the check, so it knows us
		}
	} else if look {
		var known bool
		if known, err = e.to.Known(call, e.id); err == nil && !known {
			err = driver.ErrUnknown
		}
	}
	if !errors.Is(err, driver.ErrUnknown) {
		return err
	}
	e.reg.opts.Log.Info("the registry lost a registration; entering it again", "service", e.r.Service, "id", e.id)
	return e.enter(ctx)
}

func (s Service) registration() driver.Registration {
	id := s.ID
	if id == "" {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails; see crypto/rand
		id = s.Name + "-" + hex.EncodeToString(b[:])
	}
	checks := slices.Clone(s.Checks)
	used := map[string]int{}
	for i := range checks {
		c := &checks[i]
		if c.Name != "" {
			continue
		}
		switch {
		case c.HTTP != "":
			c.Name = "http"
		case c.TCP != "":
			c.Name = "tcp"
		case c.GRPC != "":
			c.Name = "grpc"
		default:
			c.Name = "ttl"
		}
		if used[c.Name]++; used[c.Name] > 1 {
			c.Name = fmt.Sprintf("%s-%d", c.Name, used[c.Name])
		}
	}
	return driver.Registration{
		Instance: Instance{ID: id, Service: s.Name, Address: s.Address, Port: s.Port, Zone: s.Zone, Weight: s.Weight, Tags: s.Tags, Meta: s.Meta},
		Checks:   checks, DeregisterAfter: s.DeregisterAfter,
	}
}
