package filereg

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// Watch follows a service.
func (r *Registry) Watch(_ context.Context, service string) (driver.Watcher, error) {
	if r.isClosed() {
		return nil, driver.ErrClosed
	}
	if err := driver.ValidName(service); err != nil {
		return nil, &driver.InvalidError{Field: "service", Fault: err.Error()}
	}
	return &watcher{reg: r, service: service, closed: make(chan struct{})}, nil
}

type watcher struct {
	reg     *Registry
	service string
	told    bool
	last    []driver.Instance
	closed  chan struct{}
	once    sync.Once
}

func (w *watcher) Next(ctx context.Context) ([]driver.Instance, error) {
	t := time.NewTicker(w.reg.opts.Poll)
	defer t.Stop()
	for {
		select {
		case <-w.closed:
			return nil, driver.ErrClosed
		case <-w.reg.closed:
			return nil, driver.ErrClosed
		default:
		}
		now, err := w.reg.read(w.service, time.Now())
		if err != nil {
			return nil, err
		}
		if !w.told || !reflect.DeepEqual(now, w.last) {
			w.told, w.last = true, now
			return append([]driver.Instance(nil), now...), nil
		}
		select {
		case <-t.C:
		case <-w.closed:
		case <-w.reg.closed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (w *watcher) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}
