package consulreg

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// health is an element of the answer of /v1/health/service/NAME.
type health struct {
	Node struct {
		Node    string            `json:"Node"`
		Address string            `json:"Address"`
		Meta    map[string]string `json:"Meta"`
	} `json:"Node"`
	Service struct {
		ID      string            `json:"ID"`
		Service string            `json:"Service"`
		Tags    []string          `json:"Tags"`
		Address string            `json:"Address"`
		Port    int               `json:"Port"`
		Meta    map[string]string `json:"Meta"`
		Weights struct {
			Passing int `json:"Passing"`
		} `json:"Weights"`
	} `json:"Service"`
}

func (h *health) instance() driver.Instance {
	in := driver.Instance{
		ID: h.Service.ID, Service: h.Service.Service, Address: h.Service.Address, Port: h.Service.Port,
		Zone: h.Service.Meta[zoneMeta], Weight: h.Service.Weights.Passing, Tags: h.Service.Tags, Meta: h.Service.Meta,
	}
	if len(in.Tags) == 0 {
		in.Tags = nil // Consul writes [] for none
	}
	if len(in.Meta) == 0 {
		in.Meta = nil
	}
	if in.Address == "" {
		in.Address = h.Node.Address
	}
	if in.Zone == "" {
		in.Zone = h.Node.Meta[zoneMeta]
	}
	return in
}

// Watch follows the passing instances of a service.
func (r *Registry) Watch(ctx context.Context, service string) (driver.Watcher, error) {
	select {
	case <-r.closed:
		return nil, driver.ErrClosed
	default:
	}
	if err := driver.ValidName(service); err != nil {
		return nil, &driver.InvalidError{Field: "service", Fault: err.Error()}
	}
	return &watcher{reg: r, service: service, closed: make(chan struct{})}, nil
}

type watcher struct {
	reg     *Registry
	service string
	index   uint64 // of the last answer; 0: ask without waiting
	asked   time.Time
	told    bool
	last    []driver.Instance

	closed chan struct{}
	once   sync.Once
}

func (w *watcher) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

// Next asks until the answer differs: Consul's index moves with any change near
// the service, and a wait that is over answers with what was there.
func (w *watcher) Next(ctx context.Context) ([]driver.Instance, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-w.closed:
		case <-w.reg.closed:
		case <-stop:
			return
		}
		cancel(driver.ErrClosed)
	}()
	for {
		if err := w.pause(ctx); err != nil {
			return nil, err
		}
		now, err := w.ask(ctx)
		if err != nil {
			// What comes after a failure may be another server's past: look anew.
			w.index = 0
			if errors.Is(context.Cause(ctx), driver.ErrClosed) {
				return nil, driver.ErrClosed
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, err
		}
		if !w.told || !reflect.DeepEqual(now, w.last) {
			w.told, w.last = true, now
			return slices.Clone(now), nil
		}
	}
}

// pause keeps two queries apart. A query that waited for its change was slow
// enough already.
func (w *watcher) pause(ctx context.Context) error {
	wait := w.reg.opts.MinPause - time.Since(w.asked)
	if w.asked.IsZero() || wait <= 0 {
		return nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		if errors.Is(context.Cause(ctx), driver.ErrClosed) {
			return driver.ErrClosed
		}
		return ctx.Err()
	}
}

func (w *watcher) ask(ctx context.Context) ([]driver.Instance, error) {
	q := w.reg.scope(url.Values{"passing": {"1"}})
	if w.reg.opts.Consistent {
		q.Set("consistent", "")
	} else {
		q.Set("stale", "")
	}
	// Consul adds up to a sixteenth so that waits do not all end at once; what is
	// beyond that and a few seconds will not be answered any more.
	limit := 15 * time.Second
	if w.index > 0 {
		q.Set("index", strconv.FormatUint(w.index, 10))
		q.Set("wait", strconv.FormatInt(w.reg.opts.Wait.Milliseconds(), 10)+"ms")
		limit += w.reg.opts.Wait + w.reg.opts.Wait/16
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("consul: no answer within %s", limit))
	defer cancel()
	w.asked = time.Now()
	var answer []health
	header, err := w.reg.call(ctx, http.MethodGet, "/v1/health/service/"+url.PathEscape(w.service), q, nil, &answer)
	if err != nil {
		return nil, err
	}
	if len(answer) == 0 && header.Get("X-Consul-Results-Filtered-By-Acls") == "true" {
		return nil, fmt.Errorf("%w: the token may not read service %q or its nodes, and Consul answers as if there were none", driver.ErrDenied, w.service)
	}
	w.advance(header.Get("X-Consul-Index"))
	list := make([]driver.Instance, 0, len(answer))
	for i := range answer {
		if in := answer[i].instance(); in.Address != "" {
			list = append(list, in)
		}
	}
	// Consul promises no order; one is needed to see whether anything changed.
	slices.SortFunc(list, func(a, b driver.Instance) int {
		if c := strings.Compare(a.ID, b.ID); c != 0 {
			return c
		}
		return strings.Compare(a.Address, b.Address)
	})
	return list, nil
}

// advance takes the index of an answer. One that goes backwards means that the
// servers' state was restored or replaced: waiting for the old index would wait
// for long, so look without waiting. One below 1 would not block but spin.
func (w *watcher) advance(header string) {
	index, err := strconv.ParseUint(header, 10, 64)
	switch {
	case err == nil && index < w.index:
		w.index = 0
	default:
		w.index = max(index, 1)
	}
}
