package registry

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
)

// Watch follows the passing instances that match a query.
type Watch struct {
	query Query
	reg   *Registry
	feed  *feed
	view  atomic.Pointer[view]

	next   sync.Mutex // serializes Next
	told   bool
	last   []Instance
	closed chan struct{}
	once   sync.Once
}

// view is the filtered instances of one version of the feed.
type view struct {
	version   uint64
	instances []Instance
}

// Watch starts to follow a query and returns at once; the first answer of the
// registry is on its way. Faults of the query are a *driver.InvalidError.
func (r *Registry) Watch(q Query) (*Watch, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	f, err := r.join(q.Service)
	if err != nil {
		return nil, &Error{Op: "watch", Service: q.Service, Err: err}
	}
	return &Watch{query: q, reg: r, feed: f, closed: make(chan struct{})}, nil
}

// Instances returns the instances known now, possibly none; ok is false before
// the registry's first answer. It neither blocks nor allocates while nothing
// changes. Nobody may modify what it returns.
func (w *Watch) Instances() (instances []Instance, ok bool) {
	s := w.feed.state.Load()
	return w.filtered(s), s.version > 0
}

func (w *Watch) filtered(s *state) []Instance {
	if v := w.view.Load(); v != nil && v.version == s.version {
		return v.instances
	}
	v := &view{version: s.version, instances: w.query.filter(s.instances)}
	w.view.Store(v)
	return v.instances
}

// Trouble returns since when the registry does not answer, and why; no error
// while it does. Instances are the last known ones in the meantime.
func (w *Watch) Trouble() (since time.Time, why error) {
	s := w.feed.state.Load()
	return s.since, s.err
}

// Next blocks until the matching instances differ from what Next returned last,
// and returns them whole; the first call returns the registry's first answer.
// It waits through the registry's absence. It ends with ctx.Err(), or an error
// that wraps ErrClosed once the watch or the registry is closed.
func (w *Watch) Next(ctx context.Context) ([]Instance, error) {
	w.next.Lock()
	defer w.next.Unlock()
	for {
		s := w.feed.state.Load()
		select {
		case <-w.closed:
			return nil, w.fail(ErrClosed)
		default:
		}
		if errors.Is(s.err, ErrClosed) {
			return nil, w.fail(s.err)
		}
		if s.version > 0 {
			if now := w.filtered(s); !w.told || !reflect.DeepEqual(now, w.last) {
				w.told, w.last = true, now
				return now, nil
			}
		}
		select {
		case <-s.changed:
		case <-w.closed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ready waits for the registry's first answer, or for the first proof that it
// does not answer.
func (w *Watch) ready(ctx context.Context) error {
	for {
		s := w.feed.state.Load()
		switch {
		case s.version > 0 && !errors.Is(s.err, ErrClosed):
			return nil
		case s.err != nil:
			return w.fail(s.err)
		}
		select {
		case <-s.changed:
		case <-w.closed:
			return w.fail(ErrClosed)
		case <-ctx.Done():
			return w.fail(ctx.Err())
		}
	}
}

func (w *Watch) fail(err error) error {
	return &Error{Op: "watch", Service: w.query.Service, Err: err}
}

// Close ends the watch; a Next under way returns. Idempotent.
func (w *Watch) Close() {
	w.once.Do(func() {
		close(w.closed)
		w.reg.leave(w.feed)
	})
}

// Instances returns the passing instances that match now, in the registry's
// order. It waits for the registry's first answer and no longer: an error when
// the registry does not answer, no error when nobody passes.
func (r *Registry) Instances(ctx context.Context, q Query) ([]Instance, error) {
	w, err := r.Watch(q)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if err := w.ready(ctx); err != nil {
		return nil, err
	}
	instances, _ := w.Instances()
	return instances, nil
}
