package kubereg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// page is how many slices one list call returns; each holds up to 100 endpoints.
const page = 500

// Watch follows the ready endpoints of a service.
func (r *Registry) Watch(_ context.Context, service string) (driver.Watcher, error) {
	if r.ctx.Err() != nil {
		return nil, driver.ErrClosed
	}
	n, err := r.parse(service)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(r.ctx)
	return &watcher{reg: r, name: n, ctx: ctx, stop: stop}, nil
}

// watcher lists once and then follows the changes from that version on. A
// stream that ends is resumed where it was; a version that the server has
// forgotten means listing again.
type watcher struct {
	reg  *Registry
	name name

	ctx  context.Context // ends with Close
	stop context.CancelFunc

	version string // "": list first
	slices  map[string]*slice
	told    bool
	last    []driver.Instance

	stream *stream // nil: none open
	once   sync.Once
}

// stream is one open watch. Its reader goroutine ends with the body.
type stream struct {
	body   io.ReadCloser
	stop   context.CancelFunc
	events chan event
	err    error // why it ended; valid once events is closed
}

func (w *watcher) Close() error {
	w.once.Do(w.stop)
	return nil
}

// Next returns the next state that differs.
func (w *watcher) Next(ctx context.Context) ([]driver.Instance, error) {
	for {
		if w.version == "" {
			if err := w.relist(ctx); err != nil {
				return nil, w.ended(ctx, err)
			}
		}
		if now := instances(w.slices, w.name, w.reg.opts.IPv6); !w.told || !reflect.DeepEqual(now, w.last) {
			w.told, w.last = true, now
			return append([]driver.Instance(nil), now...), nil
		}
		if err := w.follow(ctx); err != nil {
			return nil, w.ended(ctx, err)
		}
	}
}

// ended says why Next ends: closing and the caller's context go before what
// they cause.
func (w *watcher) ended(ctx context.Context, err error) error {
	switch {
	case w.ctx.Err() != nil:
		return driver.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}

func (w *watcher) selector() url.Values {
	return url.Values{"labelSelector": {"kubernetes.io/service-name=" + w.name.service}}
}

// relist reads all slices of the service, page by page.
func (w *watcher) relist(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	defer context.AfterFunc(w.ctx, cancel)()
	found := map[string]*slice{}
	q := w.selector()
	q.Set("limit", strconv.Itoa(page))
	for {
		body, err := w.reg.get(ctx, w.name.namespace, q)
		if err != nil {
			return err
		}
		var l list
		err = json.NewDecoder(body).Decode(&l)
		_ = body.Close()
		if err != nil {
			return fmt.Errorf("kubernetes: list: %w", err)
		}
		for i := range l.Items {
			found[l.Items[i].Metadata.Name] = &l.Items[i]
		}
		if l.Metadata.Continue == "" {
			w.slices, w.version = found, l.Metadata.ResourceVersion
			return nil
		}
		q.Set("continue", l.Metadata.Continue)
	}
}

// follow applies one event, opening the stream first if need be. A stream that
// just ends, as every one does after Wait, is not an error.
func (w *watcher) follow(ctx context.Context) error {
	if w.stream == nil {
		if err := w.open(ctx); err != nil {
			if gone(err) {
				w.version = ""
				return nil
			}
			return err
		}
	}
	select {
	case e, ok := <-w.stream.events:
		if !ok {
			err := w.stream.err
			w.stream.stop()
			w.stream = nil
			return err
		}
		err := w.apply(e)
		if err != nil {
			w.stream.stop()
			w.stream = nil
		}
		if gone(err) {
			w.version, err = "", nil
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-w.ctx.Done():
		return driver.ErrClosed
	}
}

// open starts a watch from the known version. The stream belongs to the
// watcher, not to the Next that opened it.
func (w *watcher) open(ctx context.Context) error {
	q := w.selector()
	q.Set("watch", "1")
	q.Set("allowWatchBookmarks", "true")
	q.Set("resourceVersion", w.version)
	q.Set("timeoutSeconds", strconv.Itoa(max(int(w.reg.opts.Wait.Seconds()), 1)))
	// A server that says nothing at all any more, bookmarks included, is given up.
	run, stop := context.WithTimeout(w.ctx, w.reg.opts.Wait+30*time.Second)
	release := context.AfterFunc(ctx, stop) // while the answer is awaited
	body, err := w.reg.get(run, w.name.namespace, q)
	if !release() && err == nil {
		_ = body.Close()
		err = ctx.Err()
	}
	if err != nil {
		stop()
		return err
	}
	s := &stream{body: body, stop: stop, events: make(chan event)}
	go s.read(run)
	w.stream = s
	return nil
}

func (s *stream) read(ctx context.Context) {
	defer close(s.events)
	defer func() { _ = s.body.Close() }()
	dec := json.NewDecoder(s.body)
	for {
		var e event
		if err := dec.Decode(&e); err != nil {
			if !errors.Is(err, io.EOF) {
				s.err = fmt.Errorf("kubernetes: watch: %w", err)
			}
			return
		}
		select {
		case s.events <- e:
		case <-ctx.Done():
			return
		}
	}
}

func (w *watcher) apply(e event) error {
	if e.Type == "ERROR" {
		var s status
		if err := json.Unmarshal(e.Object, &s); err != nil {
			return fmt.Errorf("kubernetes: watch: %w", err)
		}
		return &StatusError{Code: s.Code, Reason: s.Reason, Text: s.Message}
	}
	s := &slice{}
	if err := json.Unmarshal(e.Object, s); err != nil {
		return fmt.Errorf("kubernetes: watch: %w", err)
	}
	switch e.Type {
	case "ADDED", "MODIFIED":
		w.slices[s.Metadata.Name] = s
	case "DELETED":
		delete(w.slices, s.Metadata.Name)
	}
	w.version = s.Metadata.ResourceVersion // bookmarks too
	return nil
}
