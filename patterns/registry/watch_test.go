package registry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/balance"
	"github.com/ashlar-dev/ashlar/patterns/registry"
)

func in(address string, tags ...string) registry.Instance {
	return registry.Instance{Address: address, Port: 80, Tags: tags, Meta: map[string]string{"tier": "gold"}}
}

func set(t *testing.T, w *world, service string, list ...registry.Instance) {
	t.Helper()
	if err := w.Set(service, list...); err != nil {
		t.Fatal(err)
	}
}

func TestFiltersByTagAndMeta(t *testing.T) {
	t.Parallel()
	w := newWorld()
	silver := in("10.0.0.3", "v2")
	silver.Meta = map[string]string{"tier": "silver"}
	set(t, w, "payments", in("10.0.0.1", "v1"), in("10.0.0.2", "v2", "canary"), silver)
	r := open(t, w, nil)
	for want, q := range map[string]registry.Query{
		"10.0.0.1 10.0.0.2 10.0.0.3": {Service: "payments"},
		"10.0.0.2 10.0.0.3":          {Service: "payments", Tags: []string{"v2"}},
		"10.0.0.2":                   {Service: "payments", Tags: []string{"v2", "canary"}},
		"10.0.0.3":                   {Service: "payments", Meta: map[string]string{"tier": "silver"}},
		"":                           {Service: "payments", Tags: []string{"v1"}, Meta: map[string]string{"tier": "silver"}},
	} {
		list, err := r.Instances(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, i := range list {
			got = append(got, i.Address)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", q, got, want)
		}
	}
}

func TestAChangeThatTheFilterHidesWakesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		set(t, w, "payments", in("10.0.0.1", "v2"))
		r := open(t, w, nil)
		watch, err := r.Watch(registry.Query{Service: "payments", Tags: []string{"v2"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := watch.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		set(t, w, "payments", in("10.0.0.1", "v2"), in("10.0.0.9", "v1"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if l, err := watch.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v, %v", l, err)
		}
		_ = r.Close(t.Context())
	})
}

func TestOneStreamServesAllWatchesOfAService(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := open(t, w, nil)
	var all []*registry.Watch
	for range 50 {
		watch, err := r.Watch(registry.Query{Service: "payments"})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, watch)
		if _, err := watch.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if w.watches != 1 {
		t.Fatalf("%d streams", w.watches)
	}
	var wg sync.WaitGroup
	for _, watch := range all { // hammer: readers, a writer and closing at once
		wg.Go(func() {
			for {
				if _, err := watch.Next(t.Context()); err != nil {
					return
				}
				watch.Instances()
			}
		})
	}
	for i := range 200 {
		set(t, w, "payments", in("10.0.0."+strconv.Itoa(i)))
	}
	for _, watch := range all {
		watch.Close()
		watch.Close()
	}
	wg.Wait()
	if _, err := all[0].Next(t.Context()); !errors.Is(err, registry.ErrClosed) {
		t.Fatalf("err = %v", err)
	}
}

func TestTheLastKnownServeWhileTheRegistryIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		set(t, w, "payments", in("10.0.0.1"))
		r := open(t, w, nil)
		watch, err := r.Watch(registry.Query{Service: "payments"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := watch.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.failing(errAway)
		set(t, w, "payments", in("10.0.0.2"))
		synctest.Wait() // the Next that waited tells this one; the following fail
		set(t, w, "payments", in("10.0.0.3"))
		time.Sleep(time.Hour)
		since, trouble := watch.Trouble()
		if list, ok := watch.Instances(); !ok || len(list) != 1 || !errors.Is(trouble, errAway) || time.Since(since) < 59*time.Minute {
			t.Fatalf("%v %v; %v since %s", list, ok, trouble, since)
		}
		w.failing(nil)
		for {
			list, err := watch.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if list[0].Address == "10.0.0.3" {
				break
			}
		}
		if _, trouble := watch.Trouble(); trouble != nil {
			t.Fatal(trouble)
		}
		_ = r.Close(t.Context())
	})
}

// Everything at once, started and ended again and again.
func TestStartAndStopUnderLoad(t *testing.T) {
	t.Parallel()
	for range 30 {
		w := newWorld()
		r := open(t, w, &registry.Options{Reconcile: time.Millisecond, MinBackoff: time.Millisecond})
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				e, err := r.Register(t.Context(), registry.Service{Name: "payments", Checks: []registry.Check{{TTL: 3 * time.Millisecond}}})
				if err != nil {
					if !errors.Is(err, registry.ErrClosed) {
						t.Error(err)
					}
					return
				}
				if i%2 == 0 {
					_ = e.Deregister(t.Context())
				}
			})
			wg.Go(func() {
				watch, err := r.Watch(registry.Query{Service: "payments"})
				if err != nil {
					return // closed already
				}
				defer watch.Close()
				for range 5 {
					if _, err := watch.Next(t.Context()); err != nil {
						return
					}
				}
			})
			wg.Go(func() { _ = w.Set("payments", in("10.0.0."+strconv.Itoa(i))) })
		}
		wg.Go(func() { _ = r.Close(t.Context()) })
		wg.Wait()
		w.mu.Lock()
		if len(w.known) != 0 {
			t.Errorf("left behind: %v", w.known)
		}
		w.mu.Unlock()
	}
}

func TestInstancesTellsWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.failing(errAway)
	r := open(t, w, nil)
	if _, err := r.Instances(t.Context(), registry.Query{Service: "payments"}); !errors.Is(err, errAway) {
		t.Fatalf("err = %v", err)
	}
	w.failing(nil)
}

func TestInstancesNeitherBlocksNorAllocates(t *testing.T) {
	w := newWorld()
	set(t, w, "payments", in("10.0.0.1", "v2"), in("10.0.0.2"))
	r := open(t, w, nil)
	watch, err := r.Watch(registry.Query{Service: "payments", Tags: []string{"v2"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { watch.Instances() }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestTransport(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := open(t, w, nil)
	var backends []registry.Instance
	for i := range 3 {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprintf(w, "%d %s", i, r.Host) }))
		t.Cleanup(srv.Close)
		u, err := url.Parse(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		port, _ := strconv.Atoi(u.Port())
		backends = append(backends, registry.Instance{Address: u.Hostname(), Port: port})
	}
	set(t, w, "payments", backends...)
	tr := registry.NewTransport(r, nil)
	t.Cleanup(tr.Close)
	client := http.Client{Transport: tr}
	get := func(url string) (string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("body"))
		if err != nil {
			return "", err
		}
		resp, err := client.Do(req)
		if err != nil {
			return "", err
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	seen := map[string]bool{}
	for len(seen) < 3 {
		body, err := get("http://payments/v1/charges")
		if err != nil || !strings.HasSuffix(body, " payments") {
			t.Fatalf("%q, %v", body, err)
		}
		seen[body] = true
	}
	if body, err := get("http://" + backends[1].Address + ":" + strconv.Itoa(backends[1].Port)); err != nil || !strings.HasPrefix(body, "1 ") {
		t.Fatalf("a plain address: %q, %v", body, err)
	}
	var none *registry.NoInstanceError
	if _, err := get("http://nobody/"); !errors.As(err, &none) || none.Query.Service != "nobody" {
		t.Fatalf("err = %v", err)
	}
	set(t, w, "payments")
	for {
		if _, err := get("http://payments/"); errors.As(err, &none) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// Failures of an instance count against it: it is ejected and the others serve.
func TestAnInstanceThatFailsIsLeftOut(t *testing.T) {
	t.Parallel()
	newPicker, err := registry.Balance(balance.Config{})
	if err != nil {
		t.Fatal(err)
	}
	p := newPicker(registry.Query{})
	good, bad := registry.Instance{ID: "good", Address: "10.0.0.1", Port: 80}, registry.Instance{ID: "bad", Address: "10.0.0.2", Port: 80}
	p.Update([]registry.Instance{good, bad, bad}) // a registry that tells one twice
	pick := func() string {
		in, done, ok := p.Pick(t.Context())
		if !ok {
			t.Fatal("nobody")
		}
		if in.ID == "bad" {
			done(&registry.BadStatusError{Status: 503})
		} else {
			done(nil)
		}
		return in.ID
	}
	for range 200 {
		pick()
	}
	late := 0
	for range 1000 {
		if pick() == "bad" {
			late++
		}
	}
	if late > 20 {
		t.Fatalf("%d of 1000 calls still go to the one that fails", late)
	}
	p.Update(nil)
	if _, _, ok := p.Pick(t.Context()); ok {
		t.Fatal("picked from nobody")
	}
	if _, err := registry.Balance(balance.Config{ZoneMin: 7}); err == nil {
		t.Fatal("a bad configuration")
	}
}
