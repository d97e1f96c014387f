package registry_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry"
	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/staticreg"
)

func count(calls []string, prefix string) int {
	n := 0
	for _, c := range calls {
		if strings.HasPrefix(c, prefix) {
			n++
		}
	}
	return n
}

func TestIDsAreUnique(t *testing.T) {
	t.Parallel()
	r := open(t, newWorld(), nil)
	seen := map[string]bool{}
	for range 100 {
		e, err := r.Register(t.Context(), registry.Service{Name: "payments", Address: "10.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		if seen[e.ID()] || !strings.HasPrefix(e.ID(), "payments-") {
			t.Fatalf("ID %q", e.ID())
		}
		seen[e.ID()] = true
	}
}

func TestTTLChecksAreBeatenThreeTimesATTL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		r := open(t, w, nil)
		var sick atomic.Bool
		_, err := r.Register(t.Context(), registry.Service{
			Name: "payments", ID: "a", Checks: []registry.Check{{TTL: 3 * time.Second}, {TTL: 9 * time.Second}, {TCP: "10.0.0.1:80"}},
			Health: func(context.Context) error {
				if sick.Load() {
					return errors.New("no database")
				}
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.seen(); !slices.Equal(got, []string{"register a", "beat a ttl passing", "beat a ttl-2 passing"}) {
			t.Fatalf("at once: %q", got)
		}
		time.Sleep(3500 * time.Millisecond)
		synctest.Wait()
		if n := count(w.seen(), "beat a ttl passing"); n != 4 {
			t.Fatalf("%d beats in 3.5 s with a TTL of 3 s: %q", n, w.seen())
		}
		sick.Store(true)
		time.Sleep(time.Second)
		synctest.Wait()
		if n := count(w.seen(), "beat a ttl critical"); n != 1 {
			t.Fatalf("%q", w.seen())
		}
		_ = r.Close(t.Context())
	})
}

func TestALostRegistrationIsEnteredAgain(t *testing.T) {
	t.Parallel()
	for name, checks := range map[string][]registry.Check{"by its beat": {{TTL: 3 * time.Second}}, "by looking": {{TCP: "10.0.0.1:80"}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				r := open(t, w, nil)
				if _, err := r.Register(t.Context(), registry.Service{Name: "payments", ID: "a", Checks: checks}); err != nil {
					t.Fatal(err)
				}
				w.forget()
				time.Sleep(31 * time.Second)
				synctest.Wait()
				if n := count(w.seen(), "register a"); n != 1 {
					t.Fatalf("%d registrations: %q", n, w.seen())
				}
				w.forget()
				w.failing(errAway) // and through an outage
				time.Sleep(time.Minute)
				w.failing(nil)
				time.Sleep(31 * time.Second)
				synctest.Wait()
				if ok, _ := w.Known(t.Context(), "a"); !ok {
					t.Fatalf("not entered again: %q", w.seen())
				}
				_ = r.Close(t.Context())
			})
		})
	}
}

func TestCloseTakesEverythingOutAndNothingComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		r := open(t, w, nil)
		for _, id := range []string{"a", "b", "c"} {
			if _, err := r.Register(t.Context(), registry.Service{Name: "payments", ID: id, Checks: []registry.Check{{TTL: time.Second}}}); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := r.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		closed := len(w.seen())
		time.Sleep(time.Minute)
		synctest.Wait()
		got := w.seen()
		if n := count(got, "deregister"); n != 3 || len(got) != closed {
			t.Fatalf("%d deregistered; after Close: %q", n, got[closed:])
		}
		if _, err := r.Register(t.Context(), registry.Service{Name: "payments"}); !errors.Is(err, registry.ErrClosed) {
			t.Fatalf("err = %v", err)
		}
	})
}

func TestAFailedRegistrationIsTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := open(t, w, nil)
	w.failing(errAway)
	_, err := r.Register(t.Context(), registry.Service{Name: "payments", ID: "a"})
	var e *registry.Error
	if !errors.As(err, &e) || e.Op != "register" || e.ID != "a" || !errors.Is(err, errAway) {
		t.Fatalf("err = %v", err)
	}
	if got := w.seen(); !slices.Equal(got, []string{"register a", "deregister a"}) {
		t.Fatalf("%q", got)
	}
	w.failing(nil)
}

func TestFaultsAndReadOnly(t *testing.T) {
	t.Parallel()
	_, err := open(t, newWorld(), nil).Register(t.Context(), registry.Service{Name: "a/b", Port: 70000, Checks: []registry.Check{{}}})
	var invalid *driver.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("err = %v", err)
	}
	for _, want := range []string{"Service", "Port", "Checks[0]"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	if _, err := open(t, staticreg.New(), nil).Register(t.Context(), registry.Service{Name: "a"}); !errors.Is(err, registry.ErrReadOnly) {
		t.Fatalf("err = %v", err)
	}
}
