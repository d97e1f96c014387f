package registry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/registry"
	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/staticreg"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a driver for tests: instances are set by hand, registrations are
// written down, and any call can be made to fail.
type world struct {
	*staticreg.Static
	mu      sync.Mutex
	fail    error
	calls   []string // "register a", "beat a ttl passing", "deregister a"
	known   map[string]driver.Registration
	watches int
}

func newWorld() *world {
	return &world{Static: staticreg.New(), known: map[string]driver.Registration{}}
}

func (w *world) note(format string, args ...any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, fmt.Sprintf(format, args...))
	return w.fail
}

func (w *world) failing(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = err
}

func (w *world) seen() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls, w.known = nil, map[string]driver.Registration{}
}

func (w *world) Register(_ context.Context, r driver.Registration) error {
	err := w.note("register %s", r.ID)
	if err == nil {
		w.mu.Lock()
		w.known[r.ID] = r
		w.mu.Unlock()
	}
	return err
}

func (w *world) Beat(_ context.Context, id, check string, s driver.Status, _ string) error {
	if err := w.note("beat %s %s %s", id, check, s); err != nil {
		return err
	}
	if ok, _ := w.Known(context.Background(), id); !ok {
		return driver.ErrUnknown
	}
	return nil
}

func (w *world) Known(_ context.Context, id string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.known[id]
	return ok, w.fail
}

func (w *world) Deregister(_ context.Context, id string) error {
	err := w.note("deregister %s", id)
	w.mu.Lock()
	delete(w.known, id)
	w.mu.Unlock()
	return err
}

func (w *world) Watch(ctx context.Context, service string) (driver.Watcher, error) {
	w.mu.Lock()
	w.watches++
	w.mu.Unlock()
	inner, err := w.Static.Watch(ctx, service)
	return flaky{w, inner}, err
}

// flaky fails Next while the world fails.
type flaky struct {
	world *world
	driver.Watcher
}

func (f flaky) Next(ctx context.Context) ([]driver.Instance, error) {
	f.world.mu.Lock()
	err := f.world.fail
	f.world.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return f.Watcher.Next(ctx)
}

func open(t *testing.T, d driver.Registry, opts *registry.Options) *registry.Registry {
	t.Helper()
	r, err := registry.New(d, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return r
}

var errAway = errors.New("the registry is away")
