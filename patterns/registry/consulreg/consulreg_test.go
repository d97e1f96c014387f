package consulreg_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/registry/consulreg"
	"github.com/ashlar-dev/ashlar/patterns/registry/consulreg/consultest"
	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/drivertest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(int) { http.DefaultClient.CloseIdleConnections() }))
}

// open connects to an agent; queries come back often, so that waits that end
// without a change are part of every test.
func open(t *testing.T, agent string, edit func(*consulreg.Options)) *consulreg.Registry {
	t.Helper()
	o := &consulreg.Options{Address: agent, Wait: 400 * time.Millisecond, MinPause: 5 * time.Millisecond}
	if edit != nil {
		edit(o)
	}
	r, err := consulreg.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func fake(t *testing.T, opts *consultest.Options) *consultest.Agent {
	t.Helper()
	a := consultest.Start(opts)
	t.Cleanup(a.Close)
	return a
}

func TestFakeConforms(t *testing.T) {
	t.Parallel()
	consultest.Conform(t, fake(t, &consultest.Options{HurryChecks: 10}).URL)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
}

func TestSuite(t *testing.T) {
	t.Parallel()
	agent := fake(t, &consultest.Options{Hurry: 600, HurryChecks: 10, NodeAddress: "192.0.2.7"})
	drivertest.Run(t, func(*testing.T) drivertest.Harness { return harness(agent.URL, "192.0.2.7", 10*time.Second) })
}

func harness(agent, node string, goneWithin time.Duration) drivertest.Harness {
	return drivertest.Harness{
		Open:            func(t *testing.T) driver.Registry { return open(t, agent, nil) },
		Interval:        time.Second,
		DeregisterAfter: time.Minute, GoneWithin: goneWithin,
		Fallback: node,
	}
}

func TestRefusesWhatConsulWouldBend(t *testing.T) {
	t.Parallel()
	r := open(t, fake(t, nil).URL, nil)
	reg := driver.Registration{
		Instance: driver.Instance{ID: "a", Service: "payments"},
		Checks:   []driver.Check{{Name: "tcp", TCP: "127.0.0.1:1", Interval: 100 * time.Millisecond, Timeout: time.Millisecond}},

		DeregisterAfter: 30 * time.Second,
	}
	err := r.Register(t.Context(), reg)
	var invalid *driver.InvalidError
	if !errors.As(err, &invalid) || invalid.Field != "DeregisterAfter" {
		t.Fatalf("err = %v", err)
	}
	t.Log(err)
}

func TestDeniedIsTold(t *testing.T) {
	t.Parallel()
	agent := fake(t, &consultest.Options{Token: "right"})
	wrong := open(t, agent.URL, func(o *consulreg.Options) { o.Token = func() string { return "wrong" } })
	if err := wrong.Register(t.Context(), driver.Registration{Instance: driver.Instance{ID: "a", Service: "payments"}}); !errors.Is(err, driver.ErrDenied) {
		t.Fatalf("Register: %v", err)
	}
	w, err := wrong.Watch(t.Context(), "payments")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Next(t.Context()); !errors.Is(err, driver.ErrDenied) {
		t.Fatalf("Next: %v", err)
	}
	right := open(t, agent.URL, func(o *consulreg.Options) { o.Token = func() string { return "right" } })
	if err := right.Register(t.Context(), driver.Registration{Instance: driver.Instance{ID: "a", Service: "payments"}}); err != nil {
		t.Fatal(err)
	}
}

// An agent that comes back without its memory counts from the start again: a
// watcher that kept waiting for the old index would be blind for its whole wait.
func TestAnIndexThatGoesBackwardsIsNoticed(t *testing.T) {
	t.Parallel()
	agent := fake(t, nil)
	r := open(t, agent.URL, func(o *consulreg.Options) { o.Wait = 10 * time.Minute })
	w, err := r.Watch(t.Context(), "payments")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 { // push the index up
		if err := r.Register(t.Context(), driver.Registration{Instance: driver.Instance{ID: "a", Service: "payments", Address: "10.0.0.1", Port: i}}); err != nil {
			t.Fatal(err)
		}
	}
	if l, err := w.Next(t.Context()); err != nil || len(l) != 1 {
		t.Fatalf("%v, %v", l, err)
	}
	agent.Forget()
	if l, err := w.Next(t.Context()); err != nil || len(l) != 0 {
		t.Fatalf("%v, %v", l, err)
	}
	if err := r.Register(t.Context(), driver.Registration{Instance: driver.Instance{ID: "b", Service: "payments", Address: "10.0.0.2"}}); err != nil {
		t.Fatal(err)
	}
	if l, err := w.Next(t.Context()); err != nil || len(l) != 1 || l[0].ID != "b" {
		t.Fatalf("%v, %v", l, err)
	}
}

func TestAWatcherOutlivesAnOutage(t *testing.T) {
	t.Parallel()
	agent := fake(t, nil)
	r := open(t, agent.URL, nil)
	w, err := r.Watch(t.Context(), "payments")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	agent.SetDown(true)
	var api *consulreg.APIError
	if _, err := w.Next(t.Context()); !errors.As(err, &api) || api.Status != http.StatusInternalServerError || api.Text != "No cluster leader" {
		t.Fatalf("err = %v", err)
	}
	agent.SetDown(false)
	if err := r.Register(t.Context(), driver.Registration{Instance: driver.Instance{ID: "a", Service: "payments", Address: "10.0.0.1"}}); err != nil {
		t.Fatal(err)
	}
	if l, err := w.Next(t.Context()); err != nil || len(l) != 1 {
		t.Fatalf("%v, %v", l, err)
	}
}
