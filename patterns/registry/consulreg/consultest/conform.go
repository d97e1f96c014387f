package consultest

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Conform holds an agent, fake or real, to what this project knows of Consul's
// endpoints. It needs an agent without ACLs and leaves no service behind.
func Conform(t *testing.T, agent string) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, client)
	}{
		{"unknown service is an empty list", unknownService},
		{"faults of a registration are told", faults},
		{"a service without address has its node's", nodeAddress},
		{"a check starts critical and is updated", updates},
		{"a warning does not pass", warns},
		{"a TTL runs out", expires},
		{"a query blocks until the change", blocks},
		{"a query's wait ends", waits},
		{"bad index and wait", badQuery},
		{"checks are replaced only when asked", replaces},
		{"registering again keeps a check's state", keeps},
		{"deregistering", deregisters},
		{"HTTP check", checksHTTP},
		{"HTTP check follows redirects", redirects},
		{"TCP check", checksTCP},
		{"an index from another life is answered", staleIndex},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, client{t, agent})
		})
	}
}

type client struct {
	*testing.T
	base string
}

// reply is an answer of the agent.
type reply struct {
	status int
	index  uint64
	header http.Header
	body   string
}

func (c client) do(method, path, body string) reply {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	index, _ := strconv.ParseUint(resp.Header.Get("X-Consul-Index"), 10, 64) // absent on most endpoints
	return reply{resp.StatusCode, index, resp.Header, string(b)}
}

func (c client) want(r reply, status int, text string) {
	c.Helper()
	if r.status != status || !strings.Contains(r.body, text) {
		c.Fatalf("got %d %q, want %d with %q", r.status, r.body, status, text)
	}
}

// listed is the part of a health answer that is asserted.
type listed struct {
	Node    struct{ Node, Address string }
	Service struct {
		ID, Service, Address string
		Port                 int
		Tags                 []string
		Meta                 map[string]string
		Weights              struct{ Passing, Warning int }
	}
	Checks []struct{ CheckID, Name, Status, Output, ServiceID string }
}

func (l listed) check(id string) (status, output string) {
	for _, c := range l.Checks {
		if c.CheckID == id {
			return c.Status, c.Output
		}
	}
	return "absent", ""
}

func (c client) health(name, query string) ([]listed, uint64) {
	c.Helper()
	r := c.do(http.MethodGet, "/v1/health/service/"+name+"?"+query, "")
	c.want(r, http.StatusOK, "")
	var l []listed
	if err := json.Unmarshal([]byte(r.body), &l); err != nil {
		c.Fatalf("%v in %s", err, r.body)
	}
	if r.index < 1 {
		c.Fatalf("X-Consul-Index is %q", r.header.Get("X-Consul-Index"))
	}
	return l, r.index
}

// await asks with blocking queries until ok, for at most 15 s.
func (c client) await(name, query string, ok func([]listed) bool) []listed {
	c.Helper()
	deadline := time.Now().Add(15 * time.Second)
	l, index := c.health(name, query)
	for !ok(l) {
		if time.Now().After(deadline) {
			c.Fatalf("not reached; last: %+v", l)
		}
		l, index = c.health(name, fmt.Sprintf("%s&index=%d&wait=500ms", query, index))
	}
	return l
}

func (c client) name() string { return fmt.Sprintf("conform-%08x", rand.Uint32()) } //nolint:gosec // a name

// register registers a service and takes it out at the end of the test.
func (c client) register(id, def string) {
	c.Helper()
	c.want(c.do(http.MethodPut, "/v1/agent/service/register?replace-existing-checks=true", def), http.StatusOK, "")
	c.Cleanup(func() {
		req, _ := http.NewRequest(http.MethodPut, c.base+"/v1/agent/service/deregister/"+id, nil) //nolint:noctx // the test's context is over
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
		}
	})
}

func count(n int) func([]listed) bool { return func(l []listed) bool { return len(l) == n } }

func unknownService(_ *testing.T, c client) {
	if l, _ := c.health(c.name(), "passing=1"); len(l) != 0 {
		c.Fatalf("got %+v", l)
	}
}

func faults(_ *testing.T, c client) {
	const path = "/v1/agent/service/register"
	c.want(c.do(http.MethodPut, path, `{"ID":"x"}`), http.StatusBadRequest, "Missing service name")
	c.want(c.do(http.MethodPut, path, `{"ID":"x"`), http.StatusBadRequest, "Request decode failed: unexpected EOF")
	c.want(c.do(http.MethodPut, path, `{"Name":"x","Checks":[{"Name":"ttl"}]}`), http.StatusBadRequest, "Invalid check: TTL must be > 0 for TTL checks")
	c.want(c.do(http.MethodGet, path, ""), http.StatusMethodNotAllowed, "method GET not allowed")
}

func nodeAddress(_ *testing.T, c client) {
	n := c.name()
	c.register(n, fmt.Sprintf(`{"ID":%q,"Name":%q,"Port":8080,"Tags":["a","b"],"Meta":{"k":"v"}}`, n, n))
	l := c.await(n, "passing=1", count(1))
	s := l[0].Service
	if s.Address != "" || l[0].Node.Address == "" {
		c.Fatalf("service address %q, node address %q; want the first empty, the second not", s.Address, l[0].Node.Address)
	}
	if s.ID != n || s.Service != n || s.Port != 8080 || len(s.Tags) != 2 || s.Meta["k"] != "v" || s.Weights.Passing != 1 || s.Weights.Warning != 1 {
		c.Fatalf("got %+v", s)
	}
}

func ttlService(n, ttl string) string {
	return fmt.Sprintf(`{"ID":%q,"Name":%q,"Address":"10.1.2.3","Port":80,"Checks":[{"CheckID":"%s:ttl","Name":"ttl","TTL":%q}]}`, n, n, n, ttl)
}

func (c client) update(check, status string) reply {
	return c.do(http.MethodPut, "/v1/agent/check/update/"+check, fmt.Sprintf(`{"Status":%q,"Output":"said so"}`, status))
}

func updates(_ *testing.T, c client) {
	n := c.name()
	c.register(n, ttlService(n, "60s"))
	l := c.await(n, "", count(1))
	if s, _ := l[0].check(n + ":ttl"); s != "critical" {
		c.Fatalf("starts %s, want critical", s)
	}
	if l, _ := c.health(n, "passing=1"); len(l) != 0 {
		c.Fatal("passes before its check did")
	}
	c.want(c.update(n+":ttl", "passing"), http.StatusOK, "")
	l = c.await(n, "passing=1", count(1))
	if _, out := l[0].check(n + ":ttl"); out != "said so" {
		c.Fatalf("output %q", out)
	}
	c.want(c.update(n+":none", "passing"), http.StatusNotFound, "Unknown check ID")
	c.want(c.update(n+":ttl", "bogus"), http.StatusBadRequest, "Invalid check status: 'bogus'")
}

func warns(_ *testing.T, c client) {
	n := c.name()
	c.register(n, ttlService(n, "60s"))
	c.want(c.update(n+":ttl", "warning"), http.StatusOK, "")
	c.await(n, "", func(l []listed) bool {
		if len(l) != 1 {
			return false
		}
		s, _ := l[0].check(n + ":ttl")
		return s == "warning"
	})
	if l, _ := c.health(n, "passing=1"); len(l) != 0 {
		c.Fatal("a warning passes")
	}
}

func expires(_ *testing.T, c client) {
	n := c.name()
	c.register(n, ttlService(n, "400ms"))
	c.want(c.update(n+":ttl", "passing"), http.StatusOK, "")
	c.await(n, "passing=1", count(1))
	c.await(n, "passing=1", count(0))
	l, _ := c.health(n, "")
	if s, out := l[0].check(n + ":ttl"); s != "critical" || !strings.Contains(out, "TTL expired") {
		c.Fatalf("%s: %q", s, out)
	}
}

func blocks(_ *testing.T, c client) {
	n := c.name()
	c.register(n, ttlService(n, "60s"))
	c.await(n, "", count(1))
	_, index := c.health(n, "passing=1")
	got := make(chan uint64, 1)
	began := time.Now()
	go func() {
		r := c.do(http.MethodGet, fmt.Sprintf("/v1/health/service/%s?passing=1&index=%d&wait=30s", n, index), "")
		if !strings.Contains(r.body, n) {
			r.index = 0
		}
		got <- r.index
	}()
	c.want(c.update(n+":ttl", "passing"), http.StatusOK, "")
	after := <-got
	if d := time.Since(began); after <= index || d > 20*time.Second {
		c.Fatalf("answered after %s with index %d, from %d", d, after, index)
	}
}

func waits(_ *testing.T, c client) {
	n := c.name()
	c.register(n, fmt.Sprintf(`{"ID":%q,"Name":%q,"Address":"10.1.2.3","Port":80}`, n, n))
	c.await(n, "passing=1", count(1))
	// The first queries of a service may be answered early while the agent warms up its view of it.
	_, index := c.health(n, "passing=1")
	for range 5 {
		began := time.Now()
		l, after := c.health(n, fmt.Sprintf("passing=1&index=%d&wait=300ms", index))
		if len(l) != 1 {
			c.Fatalf("%+v", l)
		}
		if d := time.Since(began); after == index && d >= 300*time.Millisecond {
			return
		}
		index = after
	}
	c.Fatal("no query waited for its 300 ms and came back with its index")
}

func badQuery(_ *testing.T, c client) {
	c.want(c.do(http.MethodGet, "/v1/health/service/x?index=abc", ""), http.StatusBadRequest, "Invalid index")
	c.want(c.do(http.MethodGet, "/v1/health/service/x?index=1&wait=soon", ""), http.StatusBadRequest, "Invalid wait time")
}

func twoChecks(n string, names ...string) string {
	var checks []string
	for _, name := range names {
		checks = append(checks, fmt.Sprintf(`{"CheckID":"%s:%s","Name":%q,"TTL":"60s"}`, n, name, name))
	}
	return fmt.Sprintf(`{"ID":%q,"Name":%q,"Address":"10.1.2.3","Port":80,"Checks":[%s]}`, n, n, strings.Join(checks, ","))
}

func replaces(_ *testing.T, c client) {
	n := c.name()
	has := func(names ...string) func([]listed) bool {
		return func(l []listed) bool {
			if len(l) != 1 || len(l[0].Checks) != len(names)+1 { // one is the node's
				return false
			}
			for _, name := range names {
				if s, _ := l[0].check(n + ":" + name); s == "absent" {
					return false
				}
			}
			return true
		}
	}
	c.register(n, twoChecks(n, "a", "b"))
	c.await(n, "", has("a", "b"))
	c.want(c.do(http.MethodPut, "/v1/agent/service/register", twoChecks(n, "c")), http.StatusOK, "")
	c.await(n, "", has("a", "b", "c"))
	c.register(n, twoChecks(n, "c"))
	c.await(n, "", has("c"))
}

func keeps(_ *testing.T, c client) {
	n := c.name()
	c.register(n, ttlService(n, "60s"))
	c.want(c.update(n+":ttl", "passing"), http.StatusOK, "")
	c.await(n, "passing=1", count(1))
	c.register(n, strings.Replace(ttlService(n, "60s"), `"Port":80`, `"Port":81`, 1))
	c.await(n, "passing=1", func(l []listed) bool { return len(l) == 1 && l[0].Service.Port == 81 })
}

func deregisters(_ *testing.T, c client) {
	n := c.name()
	c.register(n, fmt.Sprintf(`{"ID":%q,"Name":%q,"Address":"10.1.2.3","Port":80}`, n, n))
	c.await(n, "passing=1", count(1))
	c.want(c.do(http.MethodGet, "/v1/agent/service/"+n, ""), http.StatusOK, n)
	c.want(c.do(http.MethodPut, "/v1/agent/service/deregister/"+n, ""), http.StatusOK, "")
	c.await(n, "passing=1", count(0))
	c.want(c.do(http.MethodGet, "/v1/agent/service/"+n, ""), http.StatusNotFound, "unknown service ID: "+n)
	c.want(c.do(http.MethodPut, "/v1/agent/service/deregister/"+n, ""), http.StatusNotFound, "Unknown service ID")
}

func checksHTTP(_ *testing.T, c client) {
	var status atomic.Int32
	status.Store(http.StatusNoContent)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
	c.Cleanup(srv.Close)
	n := c.name()
	c.register(n, fmt.Sprintf(`{"ID":%q,"Name":%q,"Address":"10.1.2.3","Port":80,"Checks":[{"CheckID":"%s:http","Name":"http","HTTP":%q,"Interval":"1s","Timeout":"500ms"}]}`, n, n, n, srv.URL))
	c.await(n, "passing=1", count(1))
	is := func(want string) func([]listed) bool {
		return func(l []listed) bool { s, _ := l[0].check(n + ":http"); return s == want }
	}
	status.Store(http.StatusTooManyRequests)
	c.await(n, "", is("warning"))
	status.Store(http.StatusInternalServerError)
	c.await(n, "", is("critical"))
	c.want(c.update(n+":http", "passing"), http.StatusInternalServerError, "does not have associated TTL")
	status.Store(http.StatusOK)
	c.await(n, "passing=1", count(1))
}

func redirects(_ *testing.T, c client) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/health", http.StatusFound)
		}
	}))
	c.Cleanup(srv.Close)
	n := c.name()
	c.register(n, fmt.Sprintf(`{"ID":%q,"Name":%q,"Address":"10.1.2.3","Port":80,"Checks":[{"CheckID":"%s:http","Name":"http","HTTP":%q,"Interval":"1s","Timeout":"500ms"}]}`, n, n, n, srv.URL))
	c.await(n, "passing=1", count(1))
}

func checksTCP(_ *testing.T, c client) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed below
	if err != nil {
		c.Fatal(err)
	}
	n := c.name()
	c.register(n, fmt.Sprintf(`{"ID":%q,"Name":%q,"Address":"10.1.2.3","Port":80,"Checks":[{"CheckID":"%s:tcp","Name":"tcp","TCP":%q,"Interval":"1s","Timeout":"500ms"}]}`, n, n, n, ln.Addr()))
	c.await(n, "passing=1", count(1))
	_ = ln.Close()
	c.await(n, "passing=1", count(0))
}

func staleIndex(_ *testing.T, c client) {
	n := c.name()
	c.register(n, fmt.Sprintf(`{"ID":%q,"Name":%q,"Address":"10.1.2.3","Port":80}`, n, n))
	c.await(n, "passing=1", count(1))
	_, now := c.health(n, "passing=1")
	_, after := c.health(n, fmt.Sprintf("passing=1&index=%d&wait=1s", now+1_000_000))
	if after >= now+1_000_000 {
		c.Fatalf("index %d, want one below the one asked with: how else would a caller notice", after)
	}
}
