// Package registry is service discovery: it enters this process's services into
// a registry with checks on them, and it follows where the passing instances of
// other services are.
//
//	reg, err := registry.New(consulreg.New(nil), nil)
//	...
//	entry, err := reg.Register(ctx, registry.Service{
//		Name: "payments", Port: 8080, Tags: []string{"v2"},
//		Checks:          []registry.Check{{HTTP: "http://10.0.0.7:8080/ready"}},
//		DeregisterAfter: 5 * time.Minute,
//	})
//	...
//	w, err := reg.Watch(registry.Query{Service: "inventory", Meta: map[string]string{"tier": "gold"}})
//	instances, err := w.Next(ctx) // blocks until they change
//
// What it adds to a driver: one stream a service however many watch it, filters
// by tag and meta, backing off while the registry is away and serving the last
// known instances meanwhile, heartbeats for TTL checks, entering again what the
// registry has forgotten, and leaving it on Close.
//
// Drivers are packages beside this one: staticreg (a list), filereg (a folder
// on one machine), consulreg (Consul), kubereg (Kubernetes EndpointSlices).
// [Transport] makes an http.Client resolve services; package grpcreg does it
// for gRPC.
package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// The nouns that drivers and users share.
type (
	Instance = driver.Instance
	Check    = driver.Check
	Status   = driver.Status
)

// Options of [New]; nil and the zero value are the default.
type Options struct {
	// Reconcile is how often a registration is looked up, to enter it again when
	// the registry lost it; default 30 s.
	Reconcile time.Duration
	// MinBackoff and MaxBackoff bound the pause between two tries while the
	// registry does not answer; it doubles, with full jitter; default 100 ms and 10 s.
	MinBackoff, MaxBackoff time.Duration
	// Call bounds one call to the registry that is not a watch; default 10 s.
	Call time.Duration
	// Log takes what goes wrong in the background; default: nothing is logged.
	Log *slog.Logger
}

func (o *Options) fill() {
	set := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	set(&o.Reconcile, 30*time.Second)
	set(&o.MinBackoff, 100*time.Millisecond)
	set(&o.MaxBackoff, 10*time.Second)
	set(&o.Call, 10*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Validate joins all faults, each a *driver.InvalidError.
func (o *Options) Validate() error {
	var errs []error
	for name, d := range map[string]time.Duration{"Reconcile": o.Reconcile, "MinBackoff": o.MinBackoff, "MaxBackoff": o.MaxBackoff, "Call": o.Call} {
		if d < 0 {
			errs = append(errs, &driver.InvalidError{Field: "Options." + name, Fault: fmt.Sprintf("%s is negative", d)})
		}
	}
	if o.MaxBackoff != 0 && o.MaxBackoff < o.MinBackoff {
		errs = append(errs, &driver.InvalidError{Field: "Options.MaxBackoff", Fault: fmt.Sprintf("%s is less than MinBackoff, %s", o.MaxBackoff, o.MinBackoff)})
	}
	return errors.Join(errs...)
}

// Registry is a registry in use. All methods may be called concurrently.
type Registry struct {
	driver driver.Registry
	opts   Options

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	feeds   map[string]*feed
	entries map[*Entry]struct{}
}

// New puts a registry on a driver, which it owns from then on: Close closes it.
func New(d driver.Registry, opts *Options) (*Registry, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.fill()
	ctx, stop := context.WithCancel(context.Background())
	return &Registry{driver: d, opts: o, ctx: ctx, stop: stop, feeds: map[string]*feed{}, entries: map[*Entry]struct{}{}}, nil
}

// Close deregisters everything that this process registered, bounded by ctx,
// ends all watches and closes the driver. Call it first in a graceful shutdown:
// callers must stop coming before the server stops answering. Idempotent.
func (r *Registry) Close(ctx context.Context) error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	entries := make([]*Entry, 0, len(r.entries))
	for e := range r.entries {
		entries = append(entries, e)
	}
	r.mu.Unlock()

	errs := make([]error, len(entries))
	var left sync.WaitGroup
	for i, e := range entries {
		left.Go(func() { errs[i] = e.Deregister(ctx) })
	}
	left.Wait()
	r.stop()
	errs = append(errs, r.driver.Close())
	r.wg.Wait()
	return errors.Join(errs...)
}
