package kubereg_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/registry/kubereg"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a small API server: a list of EndpointSlices with versions, watches
// from any version it still remembers, bookmarks and pages.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	version int
	oldest  int // versions before are forgotten
	slices  map[string]object
	log     []change
	changed chan struct{}
	lists   int
	cut     chan struct{} // closed: all streams end in the middle of a line
}

type object map[string]any

type change struct {
	version int
	kind    string
	slice   object
}

func serve(t *testing.T) *server {
	t.Helper()
	s := &server{version: 100, slices: map[string]object{}, changed: make(chan struct{}), cut: make(chan struct{})}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *server) open(t *testing.T, edit func(*kubereg.Options)) *kubereg.Registry {
	t.Helper()
	o := &kubereg.Options{Server: s.URL, Namespace: "shop", Wait: time.Second, Token: func() (string, error) { return "right", nil }}
	if edit != nil {
		edit(o)
	}
	r, err := kubereg.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// put stores a slice; nil endpoints delete it.
func (s *server) put(service, name, family string, ports []object, endpoints []object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	kind := "MODIFIED"
	if _, ok := s.slices[name]; !ok {
		kind = "ADDED"
	}
	o := object{
		"metadata":    object{"name": name, "resourceVersion": strconv.Itoa(s.version), "labels": object{"kubernetes.io/service-name": service}},
		"addressType": family, "ports": ports, "endpoints": endpoints,
	}
	if endpoints == nil {
		kind = "DELETED"
		delete(s.slices, name)
	} else {
		s.slices[name] = o
	}
	s.log = append(s.log, change{s.version, kind, o})
	close(s.changed)
	s.changed = make(chan struct{})
}

// forget makes every version before now too old to watch from.
func (s *server) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.oldest, s.log = s.version, nil
}

func (s *server) cutStreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.cut)
	s.cut = make(chan struct{})
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	service, ok := strings.CutPrefix(q.Get("labelSelector"), "kubernetes.io/service-name=")
	if !ok || r.URL.Path != "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices" {
		refuse(w, http.StatusNotFound, "NotFound", "no "+r.URL.String())
		return
	}
	if r.Header.Get("Authorization") != "Bearer right" {
		refuse(w, http.StatusForbidden, "Forbidden", "endpointslices is forbidden")
		return
	}
	if q.Get("watch") == "1" {
		s.watch(w, r, service)
		return
	}
	s.list(w, q.Get("continue"), service)
}

func refuse(w http.ResponseWriter, code int, reason, text string) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(object{"kind": "Status", "code": code, "reason": reason, "message": text})
}

// list returns one slice a page, so that paging is always part of the test.
func (s *server) list(w http.ResponseWriter, after, service string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists++
	out := object{"metadata": object{"resourceVersion": strconv.Itoa(s.version)}, "items": []object{}}
	for _, name := range slices.Sorted(maps.Keys(s.slices)) {
		if of(s.slices[name]) != service || name <= after {
			continue
		}
		if len(out["items"].([]object)) == 1 {
			out["metadata"].(object)["continue"] = out["items"].([]object)[0]["metadata"].(object)["name"]
			break
		}
		out["items"] = []object{s.slices[name]}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func of(o object) string {
	return o["metadata"].(object)["labels"].(object)["kubernetes.io/service-name"].(string)
}

func (s *server) watch(w http.ResponseWriter, r *http.Request, service string) {
	from, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	secs, _ := strconv.Atoi(r.URL.Query().Get("timeoutSeconds"))
	over := time.NewTimer(time.Duration(secs) * time.Second)
	defer over.Stop()
	enc := json.NewEncoder(w)
	for {
		s.mu.Lock()
		if from < s.oldest {
			s.mu.Unlock()
			_ = enc.Encode(object{"type": "ERROR", "object": object{"code": http.StatusGone, "reason": "Expired", "message": "too old resource version"}})
			return
		}
		for _, c := range s.log {
			if c.version > from && of(c.slice) == service {
				_ = enc.Encode(object{"type": c.kind, "object": c.slice})
			}
		}
		if from != s.version {
			from = s.version
			_ = enc.Encode(object{"type": "BOOKMARK", "object": object{"metadata": object{"resourceVersion": strconv.Itoa(from)}}})
		}
		changed, cut := s.changed, s.cut
		s.mu.Unlock()
		_ = http.NewResponseController(w).Flush()
		select {
		case <-changed:
		case <-cut:
			_, _ = w.Write([]byte(`{"type":"ADD`))
			panic(http.ErrAbortHandler)
		case <-over.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}

func pod(name, address string, ready any) object {
	e := object{"addresses": []string{address}, "conditions": object{}, "targetRef": object{"kind": "Pod", "name": name}}
	if ready != nil {
		e["conditions"] = object{"ready": ready}
	}
	return e
}

func TestSuite(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, func(t *testing.T) drivertest.Harness {
		s := serve(t)
		before := 0
		return drivertest.Harness{
			Open: func(t *testing.T) driver.Registry { return s.open(t, nil) },
			// One slice an instance: the driver has to merge.
			Set: func(_ *testing.T, service string, instances []driver.Instance) {
				for i, in := range instances {
					e := pod(in.ID, in.Address, nil)
					e["zone"] = in.Zone
					s.put(service, fmt.Sprintf("%s-%d", service, i), "IPv4", []object{{"name": "http", "port": in.Port}}, []object{e})
				}
				for i := len(instances); i < before; i++ {
					s.put(service, fmt.Sprintf("%s-%d", service, i), "IPv4", nil, nil)
				}
				before = len(instances)
			},
		}
	})
}

func next(t *testing.T, w driver.Watcher) []string {
	t.Helper()
	l, err := w.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, in := range l {
		out = append(out, fmt.Sprintf("%s=%s:%d", in.ID, in.Address, in.Port))
	}
	return out
}

func watch(t *testing.T, r driver.Registry, service string) driver.Watcher {
	t.Helper()
	w, err := r.Watch(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func TestOnlyReadyEndpointsOnceEach(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ports := []object{{"name": "http", "port": 8080}, {"name": "grpc", "port": 9090}}
	// p1 is moving between two slices, and dual-stack; unknown readiness is ready.
	s.put("pay", "pay-a", "IPv4", ports, []object{pod("p1", "10.0.0.1", nil), pod("p2", "10.0.0.2", false)})
	s.put("pay", "pay-b", "IPv4", ports, []object{pod("p1", "10.0.0.1", true), pod("p3", "10.0.0.3", true)})
	s.put("pay", "pay-c", "IPv6", ports, []object{pod("p1", "fd00::1", true), pod("p4", "fd00::4", true)})
	for _, c := range []struct {
		service string
		ipv6    bool
		want    []string
	}{
		{"pay", false, []string{"p1=10.0.0.1:8080", "p3=10.0.0.3:8080", "p4=fd00::4:8080"}},
		{"pay.shop:grpc", false, []string{"p1=10.0.0.1:9090", "p3=10.0.0.3:9090", "p4=fd00::4:9090"}},
		{"pay.shop.svc", true, []string{"p1=fd00::1:8080", "p3=10.0.0.3:8080", "p4=fd00::4:8080"}},
		{"pay:nope", false, []string{}},
	} {
		r := s.open(t, func(o *kubereg.Options) { o.IPv6 = c.ipv6 })
		if got := next(t, watch(t, r, c.service)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.service, got, c.want)
		}
	}
}

func TestAForgottenVersionIsListedAgain(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.put("pay", "pay-a", "IPv4", []object{{"port": 80}}, []object{pod("p1", "10.0.0.1", true)})
	w := watch(t, s.open(t, nil), "pay")
	if got := next(t, w); len(got) != 1 {
		t.Fatal(got)
	}
	s.mu.Lock()
	lists := s.lists
	s.mu.Unlock()
	s.forget()
	s.put("pay", "pay-a", "IPv4", []object{{"port": 80}}, []object{pod("p2", "10.0.0.2", true)})
	if got := next(t, w); !slices.Equal(got, []string{"p2=10.0.0.2:80"}) {
		t.Fatal(got)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lists == lists {
		t.Fatal("it was not listed again")
	}
}

func TestACutStreamIsAnErrorAndThenResumes(t *testing.T) {
	t.Parallel()
	s := serve(t)
	w := watch(t, s.open(t, func(o *kubereg.Options) { o.Wait = time.Minute }), "pay")
	next(t, w)
	failed := make(chan error, 1)
	go func() {
		_, err := w.Next(t.Context())
		failed <- err
	}()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for err := error(nil); err == nil; {
		select {
		case err = <-failed: // the stream had to be open first
		case <-look.C:
			s.cutStreams()
		}
	}
	s.put("pay", "pay-a", "IPv4", []object{{"port": 80}}, []object{pod("p1", "10.0.0.1", true)})
	if got := next(t, w); len(got) != 1 {
		t.Fatal(got)
	}
}

func TestDeniedIsTold(t *testing.T) {
	t.Parallel()
	s := serve(t)
	r := s.open(t, func(o *kubereg.Options) { o.Token = func() (string, error) { return "wrong", nil } })
	_, err := watch(t, r, "pay").Next(t.Context())
	var status *kubereg.StatusError
	if !errors.Is(err, driver.ErrDenied) || !errors.As(err, &status) || status.Reason != "Forbidden" {
		t.Fatalf("err = %v", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	r := serve(t).open(t, nil)
	for _, bad := range []string{"", ":http", "a/b", "a.b.c"} {
		var invalid *driver.InvalidError
		if _, err := r.Watch(t.Context(), bad); !errors.As(err, &invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestOutsideAClusterItSaysSo(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if _, err := kubereg.New(nil); err == nil || !strings.Contains(err.Error(), "this is no pod") {
		t.Fatalf("err = %v", err)
	}
}
