package kubereg_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/drivertest"
	"github.com/ashlar-dev/ashlar/patterns/registry/kubereg"
)

// The oracle: what the small server of the other tests stands for, asked of a
// real kube-apiserver.
func TestOracleKubernetes(t *testing.T) {
	if os.Getenv("ASHLAR_ORACLE") != "1" {
		t.Skip("runs a real kube-apiserver: make oracle")
	}
	c := startCluster(t)
	t.Logf("server: Kubernetes %s", c.version)
	t.Run("ready endpoints", func(t *testing.T) { oracleReady(t, c) })
	t.Run("forgotten version", func(t *testing.T) { oracleForgotten(t, c) })
	t.Run("pages", func(t *testing.T) { oraclePages(t, c) })
	t.Run("rights", func(t *testing.T) { oracleRights(t, c) })
	t.Run("resumed", func(t *testing.T) { oracleResumed(t, c) })
	t.Run("suite", func(t *testing.T) {
		drivertest.Run(t, func(t *testing.T) drivertest.Harness {
			before := 0
			return drivertest.Harness{
				Open: func(t *testing.T) driver.Registry { return c.open(t, nil) },
				Set: func(t *testing.T, service string, instances []driver.Instance) {
					for i, in := range instances {
						e := pod(in.ID, in.Address, nil)
						e["zone"] = in.Zone
						c.put(t, service, fmt.Sprintf("%s-%d", service, i), "IPv4", []object{{"name": "http", "port": in.Port}}, []object{e})
					}
					for i := len(instances); i < before; i++ {
						c.put(t, service, fmt.Sprintf("%s-%d", service, i), "IPv4", nil, nil)
					}
					before = len(instances)
				},
			}
		})
	})
}

// The server's own validation agrees that these slices are what Kubernetes
// writes, and its defaults (a port's name, unknown readiness) are read as meant.
func oracleReady(t *testing.T, c *cluster) {
	ports := []object{{"name": "http", "port": 8080}, {"name": "grpc", "port": 9090}}
	c.put(t, "pay", "pay-a", "IPv4", ports, []object{pod("p1", "10.0.0.1", nil), pod("p2", "10.0.0.2", false)})
	c.put(t, "pay", "pay-b", "IPv4", ports, []object{pod("p1", "10.0.0.1", true), pod("p3", "10.0.0.3", true)})
	c.put(t, "pay", "pay-c", "IPv6", ports, []object{pod("p1", "fd00::1", true), pod("p4", "fd00::4", true)})
	c.put(t, "plain", "plain-a", "IPv4", []object{{"port": 80}}, []object{pod("p5", "10.0.0.5", true)})
	for service, want := range map[string][]string{
		"pay":           {"p1=10.0.0.1:8080", "p3=10.0.0.3:8080", "p4=fd00::4:8080"},
		"pay.shop:grpc": {"p1=10.0.0.1:9090", "p3=10.0.0.3:9090", "p4=fd00::4:9090"},
		"plain":         {"p5=10.0.0.5:80"},
		"plain:http":    {},
	} {
		if got := next(t, watch(t, c.open(t, nil), service)); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", service, got, want)
		}
	}
}

// etcd has compacted the version that a watcher stands at: 410, and a new list.
func oracleForgotten(t *testing.T, c *cluster) {
	port := []object{{"port": 80}}
	c.put(t, "old", "old-a", "IPv4", port, []object{pod("p1", "10.0.0.1", true)})
	w := watch(t, c.open(t, nil), "old")
	next(t, w)
	// Versions of other services: the watcher's own stays behind, and nobody reads.
	c.put(t, "other", "other-a", "IPv4", port, []object{pod("p9", "10.0.0.9", true)})
	c.put(t, "old", "old-a", "IPv4", port, []object{pod("p2", "10.0.0.2", true)})
	c.put(t, "other", "other-a", "IPv4", port, []object{pod("p8", "10.0.0.8", true)})
	c.compact(t)
	if _, answer := c.try(t, http.MethodGet, slicesPath+"?watch=1&timeoutSeconds=2&resourceVersion=1", nil); !strings.Contains(string(answer), `"code":410`) {
		t.Fatalf("the server still knows version 1: %s", answer)
	}
	if got := next(t, w); !slices.Equal(got, []string{"p2=10.0.0.2:80"}) {
		t.Fatal(got)
	}
}

// More slices than one answer holds.
func oraclePages(t *testing.T, c *cluster) {
	const many = 501
	for i := range many {
		c.put(t, "many", fmt.Sprintf("many-%03d", i), "IPv4", []object{{"port": 80}}, []object{pod(fmt.Sprintf("m%03d", i), fmt.Sprintf("10.1.%d.%d", i/250, 1+i%250), true)})
	}
	if got := next(t, watch(t, c.open(t, nil), "many")); len(got) != many {
		t.Errorf("%d instances, want %d", len(got), many)
	}
}

// The reader's two verbs are enough, which every other test shows; without them,
// and with no known token, the driver says that it was refused.
func oracleRights(t *testing.T, c *cluster) {
	for token, code := range map[string]int{nobody: http.StatusForbidden, "unheard-of": http.StatusUnauthorized} {
		r := c.open(t, func(o *kubereg.Options) { o.Token = func() (string, error) { return token, nil } })
		_, err := watch(t, r, "pay").Next(t.Context())
		var status *kubereg.StatusError
		if !errors.Is(err, driver.ErrDenied) || !errors.As(err, &status) || status.Code != code {
			t.Errorf("%s: %v", token, err)
		}
	}
	var status *kubereg.StatusError
	if _, err := watch(t, c.open(t, nil), "pay.default").Next(t.Context()); !errors.As(err, &status) || status.Code != http.StatusForbidden {
		t.Errorf("another namespace: %v", err)
	}
}

// A watch that ran out of time is resumed, and misses nothing.
func oracleResumed(t *testing.T, c *cluster) {
	port := []object{{"port": 80}}
	c.put(t, "long", "long-a", "IPv4", port, []object{pod("p1", "10.0.0.1", true)})
	w := watch(t, c.open(t, func(o *kubereg.Options) { o.Wait = time.Second }), "long")
	next(t, w)
	changed := time.AfterFunc(2500*time.Millisecond, func() {
		c.put(t, "long", "long-a", "IPv4", port, []object{pod("p1", "10.0.0.1", true), pod("p2", "10.0.0.2", true)})
	})
	defer changed.Stop()
	if got := next(t, w); len(got) != 2 {
		t.Fatal(got)
	}
}
