package consulreg_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry"
	"github.com/ashlar-dev/ashlar/patterns/registry/consulreg"
	"github.com/ashlar-dev/ashlar/patterns/registry/consulreg/consultest"
	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/drivertest"
)

// The oracle: what the fake stands for says the same, and the driver works with it.
func TestOracleConsul(t *testing.T) {
	if os.Getenv("ASHLAR_ORACLE") != "1" {
		t.Skip("runs a real Consul agent: make oracle")
	}
	agent := startConsul(t, "")
	t.Logf("agent: Consul %s", agent.version)
	t.Run("conform", func(t *testing.T) { consultest.Conform(t, agent.url) })
	t.Run("suite", func(t *testing.T) {
		// Consul reaps every 30 s, a minute after the check turned critical.
		drivertest.Run(t, func(*testing.T) drivertest.Harness { return harness(agent.url, "127.0.0.1", 3*time.Minute) })
	})
}

func TestOracleConsulRaisesShortDeregisterAfter(t *testing.T) {
	if os.Getenv("ASHLAR_ORACLE") != "1" {
		t.Skip("runs a real Consul agent: make oracle")
	}
	t.Parallel()
	agent := startConsul(t, "")
	def := `{"ID":"short","Name":"short","Checks":[{"Name":"ttl","TTL":"1s","DeregisterCriticalServiceAfter":"1s"}]}`
	if status := put(t, agent.url+"/v1/agent/service/register", "", def); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	r := open(t, agent.url, nil)
	began := time.Now()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for range look.C {
		known, err := r.Known(t.Context(), "short")
		if err != nil {
			t.Fatal(err)
		}
		if known {
			continue
		}
		took := time.Since(began)
		if t.Logf("gone after %s", took.Round(time.Second)); took < consulreg.MinDeregisterAfter {
			t.Errorf("Consul %s takes less than %s now: lower MinDeregisterAfter", agent.version, consulreg.MinDeregisterAfter)
		}
		return
	}
}

// With ACLs that deny, Consul refuses some callers and tells others an empty
// list; the driver must not take the second for "no instances" when Consul says
// that it filtered.
func TestOracleConsulACL(t *testing.T) {
	if os.Getenv("ASHLAR_ORACLE") != "1" {
		t.Skip("runs a real Consul agent: make oracle")
	}
	t.Parallel()
	const root = "11111111-2222-3333-4444-555555555555"
	agent := startConsul(t, `acl { enabled = true  default_policy = "deny"  tokens { initial_management = "`+root+`"  agent = "`+root+`" } }`)
	as := func(token string) *consulreg.Registry {
		return open(t, agent.url, func(o *consulreg.Options) { o.Token = func() string { return token } })
	}
	in := driver.Registration{Instance: driver.Instance{ID: "a", Service: "payments", Address: "10.0.0.1"}}
	for token, want := range map[string]string{"": "anonymous token lacks permission", "wrong": "ACL not found"} {
		if err := as(token).Register(t.Context(), in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("token %q: %v, want %q", token, err, want)
		}
	}
	if err := as(root).Register(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	next := func(r *consulreg.Registry) ([]driver.Instance, error) {
		w, err := r.Watch(t.Context(), "payments")
		if err != nil {
			return nil, err
		}
		defer func() { _ = w.Close() }()
		for {
			if l, err := w.Next(t.Context()); err != nil || len(l) > 0 {
				return l, err
			}
		}
	}
	if l, err := next(as(root)); err != nil || len(l) != 1 {
		t.Fatalf("%v, %v", l, err)
	}
	weak := makeToken(t, agent.url, root)
	l, err := next(as(weak))
	t.Logf("a token without a policy: %v, %v", l, err)
	if err == nil {
		t.Error("a token that may read nothing sees no error")
	}
}

// An agent that is killed and comes back without its memory: the last known
// instances serve meanwhile, and the registration is entered again.
func TestOracleConsulKilled(t *testing.T) {
	if os.Getenv("ASHLAR_ORACLE") != "1" {
		t.Skip("runs a real Consul agent: make oracle")
	}
	t.Parallel()
	agent := startConsul(t, "")
	reg, err := registry.New(open(t, agent.url, func(o *consulreg.Options) { o.Wait = time.Minute }), &registry.Options{Reconcile: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reg.Close(context.Background()) })
	for _, checks := range [][]registry.Check{{{TTL: 3 * time.Second}}, nil} { // noticed by a beat, and by looking
		if _, err := reg.Register(t.Context(), registry.Service{Name: "payments", Address: "10.0.0.1", Port: 80 + len(checks), Checks: checks}); err != nil {
			t.Fatal(err)
		}
	}
	w, err := reg.Watch(registry.Query{Service: "payments"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	two := func() {
		t.Helper()
		for n := 0; n != 2; {
			list, err := w.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			n = len(list)
		}
	}
	two()
	if err := agent.process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = agent.process.Wait()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for trouble := error(nil); trouble == nil; _, trouble = w.Trouble() {
		<-look.C
	}
	if list, ok := w.Instances(); !ok || len(list) != 2 {
		t.Fatalf("while the agent is away: %v", list)
	}
	again := runConsul(t, agent.binary, agent.ports, "")
	began := time.Now()
	r := open(t, again.url, nil)
	dw, err := r.Watch(t.Context(), "payments") // the agent's own word, past what is remembered
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n != 2; {
		list, err := dw.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		n = len(list)
	}
	for _, trouble := w.Trouble(); trouble != nil; _, trouble = w.Trouble() {
		<-look.C
	}
	t.Logf("entered again %s after the agent was back", time.Since(began).Round(100*time.Millisecond))
}

func makeToken(t *testing.T, url, root string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url+"/v1/acl/token", strings.NewReader(`{"Description":"may nothing"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Consul-Token", root)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var out struct{ SecretID string }
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || out.SecretID == "" {
		t.Fatalf("%s, %v", resp.Status, err)
	}
	return out.SecretID
}

func put(t *testing.T, url, token, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Consul-Token", token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

type consul struct {
	url, version, binary string
	ports                []string
	process              *os.Process
}

// startConsul runs an agent of its own in development mode on loopback and
// kills it at the end of the test. ASHLAR_CONSUL names the binary; without it
// scripts/oracle/consul-agent.sh finds or builds one.
func startConsul(t *testing.T, hcl string) consul {
	t.Helper()
	binary := os.Getenv("ASHLAR_CONSUL")
	if binary == "" {
		script, err := filepath.Abs("../../../scripts/oracle/consul-agent.sh")
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), script).Output()
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		binary = strings.TrimSpace(string(out))
	}
	return runConsul(t, binary, ports(t, 4), hcl)
}

// runConsul runs an agent on ports: HTTP, server, serf of LAN and WAN.
func runConsul(t *testing.T, binary string, p []string, hcl string) consul {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "consul.log"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"agent", "-dev", "-log-level", "warn", "-bind", "127.0.0.1", "-client", "127.0.0.1", "-dns-port", "-1", "-grpc-port", "-1", "-grpc-tls-port", "-1",
		"-http-port", p[0], "-server-port", p[1], "-serf-lan-port", p[2], "-serf-wan-port", p[3]}
	if hcl != "" {
		args = append(args, "-hcl", hcl)
	}
	cmd := exec.Command(binary, args...) //nolint:noctx // killed in Cleanup, after the test's context
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if b, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("consul's log:\n%s", b)
		}
	})
	c := consul{url: "http://127.0.0.1:" + p[0], binary: binary, ports: p, process: cmd.Process}
	deadline := time.Now().Add(30 * time.Second)
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for range look.C {
		if time.Now().After(deadline) {
			t.Fatal("consul did not elect a leader within 30 s")
		}
		// The node is in its own catalog only a moment after the leader is there.
		if get(t, c.url+"/v1/status/leader") == `""` || get(t, c.url+"/v1/agent/self") == "" {
			continue
		}
		if hcl == "" && !strings.Contains(get(t, c.url+"/v1/health/state/passing"), "serfHealth") {
			continue
		}
		break
	}
	out, err := exec.CommandContext(t.Context(), binary, "version", "-format=json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ Version string }
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatal(err)
	}
	c.version = v.Version
	return c
}

// get returns the body of an answer, "" when there is none yet.
func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

func ports(t *testing.T, n int) []string {
	t.Helper()
	var out []string
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at the end of this function
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = ln.Close() }()
		out = append(out, fmt.Sprint(ln.Addr().(*net.TCPAddr).Port)) //nolint:forcetypeassert // it listens on TCP
	}
	return out
}
