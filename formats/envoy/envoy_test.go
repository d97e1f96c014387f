package envoy_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/envoy"
)

const bootstrap = `static_resources:
  listeners:
  - address: {socket_address: {address: 0.0.0.0, port_value: 8080}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          codec_type: AUTO
          route_config:
            virtual_hosts:
            - name: shop
              domains: ["*"]
              routes:
              - match: {prefix: /order}
                route: {cluster: order, timeout: 0.25s, retry_policy: {retry_on: 5xx, num_retries: 3, per_try_timeout: 0.1s}}
              - match: {safe_regex: {regex: "/x/.*"}}
                route: {weighted_clusters: {clusters: [{name: order, weight: 3}, {name: next, weight: 1}]}, timeout: soon}
              - match: {path: /old}
                redirect: {path_redirect: /new}
  clusters:
  - name: order
    connect_timeout: 1s
    load_assignment: {cluster_name: order, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: order, port_value: 80}}}}]}]}
    circuit_breakers: {thresholds: [{max_requests: 100}]}
    outlier_detection: {consecutive_5xx: 3}
admin: {}
`

func read(t testing.TB, src string) *envoy.Config {
	t.Helper()
	d := doc.Read("envoy.yaml", []byte(src), nil).Docs[0]
	if !envoy.Is(d.Root) {
		t.Fatal("not taken for a bootstrap")
	}
	return envoy.Read(d, d.Root)
}

func TestRead(t *testing.T) {
	t.Parallel()
	c := read(t, bootstrap)
	if len(c.Faults) != 1 || c.Faults[0].Pos.Line != 18 {
		t.Errorf("%v", c.Faults)
	}
	h := c.Static.Listeners[0].Chains[0].Filters[0].Config.Routes.Hosts[0]
	if len(h.Routes) != 3 || h.Routes[2].Action != nil || time.Duration(*h.Routes[0].Action.Timeout) != 250*time.Millisecond || *h.Routes[0].Action.Retry.Retries != 3 {
		t.Fatalf("%+v", h)
	}
	cl, i := c.Cluster("order")
	if host, port := cl.Place(); i != 0 || host != "order" || port != 80 || *cl.Breakers.Thresholds[0].Requests != 100 {
		t.Errorf("%+v", cl)
	}
	if cl, _ := c.Cluster("none"); cl != nil {
		t.Error("a cluster from nowhere")
	}
}

// What is written reads back equal.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	c := read(t, bootstrap)
	c.Static.Listeners[0].Chains[0].Filters[0].Config.Routes.Hosts[0].Routes[1].Action.Timeout = nil // it could not be read
	b, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if back := read(t, string(b)); !reflect.DeepEqual(c.Static, back.Static) || len(back.Faults) > 0 {
		t.Errorf("came back other: %v\n%s", back.Faults, b)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(bootstrap))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			if !envoy.Is(d.Root) {
				continue
			}
			c := envoy.Read(d, d.Root)
			for _, x := range c.Static.Clusters {
				_, _ = x.Place()
			}
			if _, err := c.YAML(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
