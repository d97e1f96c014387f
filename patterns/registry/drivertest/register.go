package drivertest

import (
	"errors"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

func (b *bundle) register(r driver.Registration) {
	b.Helper()
	if err := b.registrar().Register(b.Context(), r); err != nil {
		b.Fatal(err)
	}
	b.goes(r.ID)
}

func (b *bundle) beat(id, check string, s driver.Status) {
	b.Helper()
	if err := b.registrar().Beat(b.Context(), id, check, s, "the suite says so"); err != nil {
		b.Fatal(err)
	}
}

func (b *bundle) known(id string) bool {
	b.Helper()
	ok, err := b.registrar().Known(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	return ok
}

func noChecks(b *bundle) {
	b.register(driver.Registration{Instance: b.instance("a")})
	b.ids(b.watch(b.reg), b.id("a"))
	if !b.known(b.id("a")) || b.known(b.id("b")) {
		b.Fatal("Known is wrong")
	}
}

func fallback(b *bundle) {
	in := b.instance("a")
	in.Address = ""
	b.register(driver.Registration{Instance: in})
	if got := b.ids(b.watch(b.reg), in.ID)[0].Address; got != b.h.Fallback {
		b.Fatalf("address %q, want %q", got, b.h.Fallback)
	}
}

func replaces(b *bundle) {
	r := driver.Registration{Instance: b.instance("a"), Checks: []driver.Check{{Name: "ttl", TTL: time.Minute}}}
	b.register(r)
	w := b.watch(b.reg)
	b.ids(w)
	r.Checks, r.Port, r.Tags = nil, 9999, []string{"new"}
	b.register(r)
	b.until(w, "the new port", func(l []driver.Instance) bool {
		return len(l) == 1 && l[0].Port == 9999 && len(l[0].Tags) == 1
	})
	if err := b.registrar().Beat(b.Context(), r.ID, "ttl", driver.Passing, ""); !errors.Is(err, driver.ErrUnknown) {
		b.Fatalf("the check is still there: %v", err)
	}
}

func deregisterTwice(b *bundle) {
	b.register(driver.Registration{Instance: b.instance("a")})
	w := b.watch(b.reg)
	b.ids(w, b.id("a"))
	for range 2 {
		if err := b.registrar().Deregister(b.Context(), b.id("a")); err != nil {
			b.Fatal(err)
		}
	}
	b.ids(w)
	if b.known(b.id("a")) {
		b.Fatal("still known")
	}
}

func deregisterAfter(b *bundle) {
	if b.h.GoneWithin == 0 {
		b.Skip("takes longer than a test should here; the oracle runs it")
	}
	b.register(driver.Registration{Instance: b.instance("a"), DeregisterAfter: b.h.DeregisterAfter, Checks: []driver.Check{{Name: "ttl", TTL: time.Second}}})
	b.beat(b.id("a"), "ttl", driver.Passing)
	w := b.watch(b.reg)
	b.ids(w, b.id("a"))
	b.ids(w) // the TTL ran out
	deadline := time.NewTimer(b.h.GoneWithin)
	defer deadline.Stop()
	look := time.NewTicker(b.h.GoneWithin / 50)
	defer look.Stop()
	for b.known(b.id("a")) {
		select {
		case <-look.C:
		case <-deadline.C:
			b.Fatalf("still there %s after it was to go", b.h.GoneWithin)
		}
	}
}

func refuses(b *bundle) {
	for _, c := range []struct {
		field string
		r     driver.Registration
	}{
		{"ID", driver.Registration{Instance: driver.Instance{Service: b.service}}},
		{"Service", driver.Registration{Instance: driver.Instance{ID: "x", Service: "../../etc"}}},
		{"Checks[0]", driver.Registration{Instance: b.instance("a"), Checks: []driver.Check{{Name: "none"}}}},
		{"Checks[0]", driver.Registration{Instance: b.instance("a"), Checks: []driver.Check{{Name: "both", TTL: 1, TCP: "a:1"}}}},
		{"Checks[1].Name", driver.Registration{Instance: b.instance("a"), Checks: []driver.Check{{Name: "x", TTL: time.Second}, {Name: "x", TTL: time.Second}}}},
	} {
		if err := b.registrar().Register(b.Context(), c.r); !invalid(err, c.field) {
			b.Errorf("%+v: %v, want a *driver.InvalidError about %s", c.r, err, c.field)
		}
	}
}
