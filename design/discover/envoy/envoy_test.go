package envoy_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/compose"
	"github.com/ashlar-dev/ashlar/design/discover/envoy"
)

// Beside this fixture the source was run over all examples of envoyproxy/examples
// at bc4dd4a.
const bootstrap = `static_resources:
  listeners:
  - address: {socket_address: {address: 0.0.0.0, port_value: 8080}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          route_config:
            virtual_hosts:
            - {name: any, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: bank}}, {match: {prefix: /me}, route: {cluster: self}}]}
            - name: shop
              domains: [shop.example]
              retry_policy: {retry_on: 5xx}
              routes:
              - match: {prefix: /order}
                route: {weighted_clusters: {clusters: [{name: order, weight: 3}, {name: next, weight: 1}]}, timeout: 0.25s, retry_policy: {retry_on: "5xx,reset", num_retries: 3, per_try_timeout: 0.1s}}
              - {match: {path: /stock}, route: {cluster: order}}
  clusters:
  - {name: self, load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 80}}}}]}]}}
  - name: order
    load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: order, port_value: 80}}}}]}]}
    circuit_breakers: {thresholds: [{max_requests: 100}, {priority: HIGH, max_requests: 5}]}
    outlier_detection: {consecutive_5xx: 3}
  - {name: next, load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: order-next, port_value: 80}}}}]}]}}
  - {name: bank, load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: bank.example, port_value: 443}}}}]}]}}
`

func TestRoutes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"envoy.yaml": bootstrap, "compose.yaml": "services:\n  proxy: {image: \"envoyproxy/envoy:v1.31\"}\n  order: {image: \"order:1\"}\n  order-next: {image: \"order:2\"}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := discover.Run(t.Context(), []discover.Source{compose.New(), envoy.New()}, []string{dir}, nil)
	if err != nil || len(r.Faults) > 0 {
		t.Fatal(err, r.Faults)
	}
	g := r.System.Gateways["envoy"]
	if len(g.Routes) != 4 || g.Service != "service/proxy" || len(g.Hosts) != 1 {
		t.Fatalf("%+v", g)
	}
	x := g.Routes[0]
	p := x.Layers[0]
	if x.To != "service/order" || x.Weight.V != .75 || x.Path != "/order*" || x.Host != "shop.example" || p.Timeout.V != 250*time.Millisecond || p.Retry.Attempts.V != 4 || p.Retry.PerTry.V != 100*time.Millisecond || p.Bulkhead.Concurrent.V != 100 || p.Breaker.Count.V != 3 || p.Breaker.Open.V != 30*time.Second {
		t.Errorf("%+v %+v", x, p)
	}
	if y := g.Routes[2]; y.Path != "/stock" || y.Layers[0].Retry.Attempts.V != 2 || y.Layers[0].Timeout.V != 15*time.Second {
		t.Errorf("%+v", y)
	}
	if y := g.Routes[3]; y.To != "external/bank%2Eexample" || y.Layers[0].Bulkhead.Concurrent.V != 1024 || y.Layers[0].Retry != nil {
		t.Errorf("%+v", y)
	}
	at := func(route int, f ...string) arch.Source {
		return r.System.Ledger.Where(arch.Fact{Of: "gateway/envoy", At: arch.Field("").Join(append([]string{"routes", g.Routes[route].ID, "layers", "gateway:envoy"}, f...)...)})
	}
	if at(0, "timeout").Line != 16 || at(2, "retry", "on").Line != 13 || at(2, "timeout").Reason == "" || at(0, "breaker", "count").Line != 23 {
		t.Errorf("%v %v %v %v", at(0, "timeout"), at(2, "retry", "on"), at(2, "timeout"), at(0, "breaker", "count"))
	}
}
