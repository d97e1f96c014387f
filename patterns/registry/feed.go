package registry

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// feed is the one stream of a service that all its watches share. It runs while
// somebody watches.
type feed struct {
	service string
	users   int // guarded by Registry.mu
	stop    context.CancelFunc
	state   atomic.Pointer[state]
}

// state is what a feed knows at one moment; it is replaced, never modified.
type state struct {
	version   uint64 // of instances; 0: the registry has not answered yet
	instances []Instance
	err       error     // the trouble since the last answer; nil: none
	since     time.Time // when err began
	changed   chan struct{}
}

// join returns the service's feed, started if need be. leave gives it back.
func (r *Registry) join(service string) (*feed, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	f := r.feeds[service]
	if f == nil {
		ctx, stop := context.WithCancel(r.ctx)
		f = &feed{service: service, stop: stop}
		f.state.Store(&state{changed: make(chan struct{})})
		r.feeds[service] = f
		r.wg.Go(func() { r.run(ctx, f) })
	}
	f.users++
	return f, nil
}

func (r *Registry) leave(f *feed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.users--; f.users == 0 {
		f.stop()
		delete(r.feeds, f.service)
	}
}

// run follows the service until ctx ends. The registry's absence keeps the last
// known instances: stale addresses that a breaker can judge are better than none.
func (r *Registry) run(ctx context.Context, f *feed) {
	defer func() { f.publish(nil, ErrClosed) }()
	var w driver.Watcher
	pause := r.opts.MinBackoff
	for ctx.Err() == nil {
		var instances []Instance
		var err error
		if w == nil {
			w, err = r.driver.Watch(ctx, f.service)
		}
		if err == nil {
			instances, err = w.Next(ctx)
		}
		if err == nil {
			f.publish(&instances, nil)
			pause = r.opts.MinBackoff
			continue
		}
		if ctx.Err() != nil || errors.Is(err, driver.ErrClosed) {
			break
		}
		if f.publish(nil, err) {
			r.opts.Log.Warn("registry does not answer; serving the last known instances", "service", f.service, "error", err)
		}
		wait := time.NewTimer(time.Duration(rand.Int64N(int64(pause)) + 1)) //nolint:gosec // jitter, no secret
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
		}
		pause = min(2*pause, r.opts.MaxBackoff)
	}
	if w != nil {
		_ = w.Close()
	}
}

// publish puts new instances or an error in place and wakes those who wait. It
// reports whether an error is the first since the last answer.
func (f *feed) publish(instances *[]Instance, err error) (first bool) {
	old := f.state.Load()
	next := &state{version: old.version, instances: old.instances, changed: make(chan struct{})}
	if instances != nil {
		next.version, next.instances = old.version+1, *instances
	}
	if err != nil {
		next.err, next.since = err, old.since
		if first = old.err == nil; first {
			next.since = time.Now()
		}
	}
	f.state.Store(next)
	close(old.changed)
	return first
}
