// Package drivertest is the suite that every driver of package registry passes.
//
// A driver that services can register with is driven by registering; a
// read-only one by the harness, which changes the world behind the driver.
package drivertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// Harness is what the suite needs to know of a driver.
type Harness struct {
	// Open makes a driver on the world of this test; the suite closes it. Two of
	// one test see the same world.
	Open func(t *testing.T) driver.Registry
	// Set makes these the passing instances of a service behind a read-only
	// driver; nil for a driver that is a Registrar.
	Set func(t *testing.T, service string, instances []driver.Instance)
	// Interval is the shortest interval of a check that the driver takes.
	Interval time.Duration
	// DeregisterAfter is the shortest that the driver takes, and GoneWithin how
	// long it then takes until the instance is gone; 0: not tested here.
	DeregisterAfter, GoneWithin time.Duration
	// Fallback is the address of an instance that was registered without one.
	Fallback string
}

const patience = 20 * time.Second

// Run runs the suite.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	tests := []struct {
		name string
		test func(*bundle)
	}{
		{"an unknown service is empty, not an error", unknown},
		{"Next tells the whole, and blocks until it differs", follows},
		{"every field arrives", fields},
		{"services do not mix", apart},
		{"two watchers, two connections, one truth", twoWatchers},
		{"the context ends Next", contextEnds},
		{"closing the watcher ends Next", closeWatcher},
		{"closing the registry ends Next and Watch", closeRegistry},
	}
	registrar := []struct {
		name string
		test func(*bundle)
	}{
		{"without checks it passes at once", noChecks},
		{"an address is always there", fallback},
		{"TTL", ttl},
		{"TTL runs out", ttlRunsOut},
		{"a warning does not pass", warning},
		{"HTTP", httpCheck},
		{"TCP", tcpCheck},
		{"gRPC", grpcCheck},
		{"all checks must pass", allChecks},
		{"registering again replaces", replaces},
		{"deregistering an unknown instance is no error", deregisterTwice},
		{"beats of what is unknown", unknownBeat},
		{"critical for too long is gone", deregisterAfter},
		{"faults are refused", refuses},
	}
	probe := open(t)
	if probe.Set == nil {
		tests = append(tests, registrar...)
	} else if _, ok := probe.Open(t).(driver.Registrar); ok {
		t.Fatal("the harness sets the world of a driver that is a Registrar: let it register")
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			b := &bundle{T: t, h: h, reg: h.Open(t), service: fmt.Sprintf("suite-%08x", rand.Uint32())} //nolint:gosec // a name
			t.Cleanup(func() { _ = b.reg.Close() })
			c.test(b)
		})
	}
}

// bundle is one test's world.
type bundle struct {
	*testing.T
	h       Harness
	reg     driver.Registry
	service string
	here    []string // registered by set
}

func (b *bundle) registrar() driver.Registrar {
	return b.reg.(driver.Registrar) //nolint:forcetypeassert // the suite was told so
}

// set makes these the passing instances of the test's service.
func (b *bundle) set(instances ...driver.Instance) {
	b.Helper()
	for i := range instances {
		if instances[i].Service == "" {
			instances[i].Service = b.service
		}
	}
	if b.h.Set != nil {
		b.h.Set(b.T, b.service, instances)
		return
	}
	var now []string
	for _, in := range instances {
		if err := b.registrar().Register(b.Context(), driver.Registration{Instance: in}); err != nil {
			b.Fatal(err)
		}
		now = append(now, in.ID)
		b.goes(in.ID)
	}
	for _, id := range b.here {
		if !slices.Contains(now, id) {
			if err := b.registrar().Deregister(b.Context(), id); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.here = now
}

// goes takes an instance out at the end, so that a shared registry stays clean.
func (b *bundle) goes(id string) {
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = b.registrar().Deregister(ctx, id) // a closed registry refuses
	})
}

func (b *bundle) watch(reg driver.Registry) driver.Watcher {
	b.Helper()
	w, err := reg.Watch(b.Context(), b.service)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = w.Close() })
	return w
}

// ids waits until the watcher tells exactly these instances, in any order.
// States in between are allowed: registering two is two changes.
func (b *bundle) ids(w driver.Watcher, want ...string) []driver.Instance {
	b.Helper()
	return b.until(w, fmt.Sprint(want), func(list []driver.Instance) bool {
		var got []string
		for _, in := range list {
			got = append(got, in.ID)
		}
		slices.Sort(got)
		slices.Sort(want)
		return slices.Equal(got, want)
	})
}

func (b *bundle) until(w driver.Watcher, what string, ok func([]driver.Instance) bool) []driver.Instance {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	last := "nothing"
	for {
		list, err := w.Next(ctx)
		if err != nil {
			b.Fatalf("waiting for %s: %v; last: %s", what, err, last)
		}
		if ok(list) {
			return list
		}
		last = fmt.Sprintf("%+v", list)
	}
}

// silent asserts that Next has nothing to tell for a while.
func (b *bundle) silent(w driver.Watcher) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 300*time.Millisecond)
	defer cancel()
	if list, err := w.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		b.Fatalf("Next tells %+v, %v, and nothing has changed", list, err)
	}
}

func (b *bundle) id(suffix string) string { return b.service + "-" + suffix }

func (b *bundle) instance(suffix string) driver.Instance {
	return driver.Instance{ID: b.id(suffix), Service: b.service, Address: "10.20.30.40", Port: 8000 + len(suffix)}
}

func equal(a, b driver.Instance) bool {
	return reflect.DeepEqual(normal(a), normal(b))
}

// normal forgets the differences that the contract leaves open: nil and empty,
// no weight and one.
func normal(in driver.Instance) driver.Instance {
	if len(in.Tags) == 0 {
		in.Tags = nil
	}
	if len(in.Meta) == 0 {
		in.Meta = nil
	}
	in.Weight = max(in.Weight, 1)
	return in
}

func invalid(err error, field string) bool {
	var e *driver.InvalidError
	return errors.As(err, &e) && strings.Contains(err.Error(), field)
}
