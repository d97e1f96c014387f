package filereg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/probe"
)

// owner keeps the file of one instance of this process true: it holds the
// checks' states, renews the lease and removes an instance critical for too long.
type owner struct {
	reg  *Registry
	path string
	r    driver.Registration

	mu       sync.Mutex
	checks   []state
	since    time.Time // critical since; zero: passing
	finished bool      // no more writing: deregistered or replaced
	stop     context.CancelFunc
	wg       sync.WaitGroup
}

type state struct {
	status   driver.Status
	note     string
	deadline time.Time // of a TTL check
}

// Register writes the instance's file and starts its checks.
func (r *Registry) Register(ctx context.Context, reg driver.Registration) error {
	if err := reg.Validate(); err != nil {
		return err
	}
	if reg.Address == "" {
		reg.Address = "127.0.0.1" // one machine
	}
	if err := r.Deregister(ctx, reg.ID); err != nil {
		return err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	o := &owner{reg: r, path: r.path(reg.Service, reg.ID), r: reg, checks: make([]state, len(reg.Checks)), stop: stop, since: time.Now()}
	r.mu.Lock()
	if r.isClosed() {
		r.mu.Unlock()
		stop()
		return driver.ErrClosed
	}
	r.owned[reg.ID] = o
	r.wg.Add(1)
	r.mu.Unlock()
	if err := o.renew(); err != nil {
		r.wg.Done()
		_ = r.Deregister(ctx, reg.ID)
		return fmt.Errorf("registry: register %s: %w", reg.ID, err)
	}
	for i, c := range reg.Checks {
		if c.TTL == 0 {
			o.wg.Add(1)
			go o.probe(run, i, c.WithDefaults())
		}
	}
	go o.keep(run)
	return nil
}

// Beat reports a TTL check of an instance of this process.
func (r *Registry) Beat(_ context.Context, id, check string, s driver.Status, note string) error {
	if r.isClosed() {
		return driver.ErrClosed
	}
	o := r.owner(id)
	if o == nil {
		return fmt.Errorf("%w: %s", driver.ErrUnknown, id)
	}
	for i, c := range o.r.Checks {
		if c.Name == check && c.TTL > 0 {
			return o.set(i, state{s, note, time.Now().Add(c.TTL)})
		}
	}
	return fmt.Errorf("%w: %s has no TTL check %q", driver.ErrUnknown, id, check)
}

// Deregister removes an instance of this process.
func (r *Registry) Deregister(_ context.Context, id string) error {
	if r.isClosed() {
		return driver.ErrClosed
	}
	r.mu.Lock()
	o := r.owned[id]
	delete(r.owned, id)
	r.mu.Unlock()
	if o == nil {
		return nil
	}
	o.stop()
	o.wg.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.finished = true
	if err := os.Remove(o.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("registry: deregister %s: %w", id, err)
	}
	return nil
}

func (o *owner) probe(ctx context.Context, i int, c driver.Check) {
	defer o.wg.Done()
	t := time.NewTicker(c.Interval)
	defer t.Stop()
	for {
		s, note := probe.Run(ctx, c)
		if ctx.Err() != nil {
			return
		}
		_ = o.set(i, state{status: s, note: note}) // the next renewal tries again
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// keep renews the lease, notes TTL checks that ran out, and gives up an
// instance that was critical for too long.
func (o *owner) keep(ctx context.Context) {
	defer o.reg.wg.Done()
	t := time.NewTicker(max(min(o.reg.opts.Lease/3, o.shortestTTL()/4), time.Millisecond))
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		case <-o.reg.closed:
			o.stop()
			o.wg.Wait()
			return
		}
		if o.expired() {
			_ = o.reg.Deregister(ctx, o.r.ID) // fails only while closing
			return
		}
		_ = o.renew() // a disk that is full now may have room at the next tick
	}
}

func (o *owner) shortestTTL() time.Duration {
	d := o.reg.opts.Lease
	for _, c := range o.r.Checks {
		if c.TTL > 0 {
			d = min(d, c.TTL)
		}
	}
	return d
}

func (o *owner) expired() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.r.DeregisterAfter > 0 && !o.since.IsZero() && time.Since(o.since) > o.r.DeregisterAfter
}

func (o *owner) set(i int, s state) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.checks[i] = s
	return o.writeLocked()
}

func (o *owner) renew() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.writeLocked()
}

func (o *owner) writeLocked() error {
	if o.finished {
		return nil
	}
	now := time.Now()
	e := entry{Instance: o.r.Instance, Passing: true, Until: now.Add(o.reg.opts.Lease), RemoveAfter: o.r.DeregisterAfter, PID: os.Getpid()}
	for i := range o.checks {
		s := &o.checks[i]
		if ttl := o.r.Checks[i].TTL; ttl > 0 {
			if s.status == driver.Passing && !now.Before(s.deadline) {
				s.status, s.note = driver.Critical, "no beat for "+ttl.String()
			} else if s.status == driver.Passing && s.deadline.Before(e.Until) {
				e.Until = s.deadline // the reader need not wait for our next tick
			}
		}
		if s.status != driver.Passing {
			e.Passing, e.Note = false, o.r.Checks[i].Name+": "+s.note
		}
	}
	if e.Passing {
		o.since = time.Time{}
	} else if o.since.IsZero() {
		o.since = now
	}
	return write(o.path, e)
}
