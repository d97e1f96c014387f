// Package rolling shows that a service can be replaced under load without a
// lost call: registry, server and telemetry end in their order.
package rolling_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/registry"
	"github.com/ashlar-dev/ashlar/patterns/registry/filereg"
	"github.com/ashlar-dev/ashlar/patterns/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func join(t *testing.T, dir string) *registry.Registry {
	t.Helper()
	d, err := filereg.Open(dir, &filereg.Options{Poll: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	r, err := registry.New(d, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// instance starts one instance of "stock" and returns how it is ended.
func instance(t *testing.T, dir string, served *atomic.Int64) (shutdown func(context.Context) error) {
	t.Helper()
	reg := join(t, dir)
	tel, err := telemetry.Start(t.Context(), telemetry.Service{Name: "stock"}, &telemetry.Options{Log: io.Discard, Settle: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: tel.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select { // work that a shutdown has to wait for
		case <-time.After(3 * time.Millisecond):
		case <-r.Context().Done():
			return
		}
		served.Add(1)
		_, _ = io.WriteString(w, "42")
	}))}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(l) }()
	if _, err := reg.Register(t.Context(), registry.Service{Name: "stock", Address: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}); err != nil {
		t.Fatal(err)
	}
	tel.OnShutdown(telemetry.Deregister, "registry", reg.Close)
	tel.OnShutdown(telemetry.Drain, "http", srv.Shutdown)
	return tel.Shutdown
}

func TestARollingRestartLosesNoCall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var served, good atomic.Int64
	old := []func(context.Context) error{instance(t, dir, &served), instance(t, dir, &served)}
	reg := join(t, dir)
	transport := registry.NewTransport(reg, nil)
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	w, err := reg.Watch(registry.Query{Service: "stock"})
	if err != nil {
		t.Fatal(err)
	}
	until := func(n int) {
		for {
			in, err := w.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(in) == n {
				return
			}
		}
	}
	until(2)
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				resp, err := client.Get("http://stock/")
				if err != nil {
					t.Errorf("lost: %v", err)
					return
				}
				b, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if string(b) != "42" || err != nil {
					t.Errorf("lost: %q, %v", b, err)
				}
				good.Add(1)
			}
		})
	}
	var ends []func(context.Context) error
	for _, end := range old { // one new instance in, one old one out
		ends = append(ends, instance(t, dir, &served))
		until(3)
		if err := end(context.Background()); err != nil {
			t.Error(err)
		}
		until(2)
	}
	close(stop)
	callers.Wait()
	if good.Load() < 50 || good.Load() != served.Load() {
		t.Errorf("%d calls served, %d answered", served.Load(), good.Load())
	}
	t.Logf("%d calls, none lost", good.Load())
	w.Close()
	transport.Close()
	for _, end := range append(ends, reg.Close) {
		if err := end(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
