package drivertest

import (
	"context"
	"errors"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

func unknown(b *bundle) {
	w := b.watch(b.reg)
	if list := b.ids(w); len(list) != 0 {
		b.Fatalf("got %+v", list)
	}
	b.silent(w)
	b.set(b.instance("a"))
	b.ids(w, b.id("a"))
}

func follows(b *bundle) {
	b.set(b.instance("a"))
	w := b.watch(b.reg)
	b.ids(w, b.id("a"))
	b.silent(w)
	b.set(b.instance("a"), b.instance("bb"))
	b.ids(w, b.id("a"), b.id("bb"))
	b.set(b.instance("bb"))
	b.ids(w, b.id("bb"))
	b.silent(w)
	b.set()
	b.ids(w)
}

// Kubernetes has neither tags nor weights, and its meta are the pod's: what a
// read-only driver cannot carry, its harness leaves out of Set's instances.
func fields(b *bundle) {
	in := b.instance("a")
	in.Zone = "north-1"
	if b.h.Set == nil {
		in.Weight, in.Tags, in.Meta = 7, []string{"v2", "canary"}, map[string]string{"tier": "gold", "zone": "north-1"}
	}
	b.set(in)
	got := b.ids(b.watch(b.reg), in.ID)[0]
	if b.h.Set != nil {
		in.Meta, in.Tags = got.Meta, got.Tags
	}
	if !equal(got, in) {
		b.Fatalf("got  %+v\nwant %+v", got, in)
	}
}

func apart(b *bundle) {
	b.set(b.instance("a"))
	other := b.service + "x" // a prefix must not do
	w, err := b.reg.Watch(b.Context(), other)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = w.Close() })
	if list := b.ids(w); len(list) != 0 {
		b.Fatalf("%s has %+v", other, list)
	}
}

func twoWatchers(b *bundle) {
	second := b.h.Open(b.T)
	b.Cleanup(func() { _ = second.Close() })
	w1, w2 := b.watch(b.reg), b.watch(second)
	b.set(b.instance("a"))
	b.ids(w1, b.id("a"))
	b.ids(w2, b.id("a"))
	if err := w1.Close(); err != nil {
		b.Fatal(err)
	}
	b.set(b.instance("a"), b.instance("bb"))
	b.ids(w2, b.id("a"), b.id("bb"))
}

func contextEnds(b *bundle) {
	w := b.watch(b.reg)
	b.ids(w)
	ctx, cancel := context.WithCancel(b.Context())
	got := next(ctx, w)
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		b.Fatalf("err = %v", err)
	}
	b.set(b.instance("a"))
	b.ids(w, b.id("a")) // it goes on
}

func closeWatcher(b *bundle) {
	w := b.watch(b.reg)
	b.ids(w)
	got := next(b.Context(), w)
	for range 2 {
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	if err := <-got; !errors.Is(err, driver.ErrClosed) {
		b.Fatalf("err = %v", err)
	}
}

func closeRegistry(b *bundle) {
	w := b.watch(b.reg)
	b.ids(w)
	got := next(b.Context(), w)
	for range 2 {
		if err := b.reg.Close(); err != nil {
			b.Fatal(err)
		}
	}
	if err := <-got; !errors.Is(err, driver.ErrClosed) {
		b.Fatalf("Next: %v", err)
	}
	if _, err := b.reg.Watch(b.Context(), b.service); !errors.Is(err, driver.ErrClosed) {
		b.Fatalf("Watch: %v", err)
	}
}

func next(ctx context.Context, w driver.Watcher) <-chan error {
	got := make(chan error, 1)
	go func() {
		_, err := w.Next(ctx)
		got <- err
	}()
	return got
}
