package kong_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/compose"
	"github.com/ashlar-dev/ashlar/design/discover/kong"
	"github.com/ashlar-dev/ashlar/design/discover/kubernetes"
)

// Beside this fixture the source was run over the test data of Kong/deck at
// 4657ee37.
const config = `_format_version: "3.0"
services:
- name: order
  host: order-pool
  retries: 1
  read_timeout: 2000
  routes:
  - {name: v1, hosts: [shop.example], methods: [GET, POST], paths: [/v1, "~/o/\\d+"]}
  plugins:
  - {name: rate-limiting, config: {minute: 300, hour: 3600, limit_by: service}}
- {name: bank, url: "https://bank.example/api", routes: [{paths: [/bank]}]}
- {name: old, host: 192.0.2.7, routes: [{name: old}]}
- {name: off, host: order, enabled: false, routes: [{name: off}]}
upstreams:
- {name: order-pool, targets: [{target: "order:8080", weight: 300}, {target: "order-next:8080"}]}
`

const services = `services:
  order: {image: "order:1"}
  gateway: {image: "kong:3.4"}
`

func run(t *testing.T, files map[string]string) *discover.Result {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := discover.Run(t.Context(), []discover.Source{compose.New(), kong.New()}, []string{dir}, nil)
	if err != nil || len(r.Faults)+len(r.Skipped) > 0 {
		t.Fatalf("%v; faults %v, skipped %v", err, r.Faults, r.Skipped)
	}
	return r
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	r := run(t, map[string]string{"kong.yaml": config, "compose.yaml": services})
	g := r.System.Gateways["kong"]
	service := func(n string) arch.Ref { return arch.NewRef(arch.KindService, n) }
	if len(g.Routes) != 6 || g.Service != service("gateway") || g.Hosts[0] != "shop.example" {
		t.Fatalf("%+v", g)
	}
	x := g.Routes[0]
	p := x.Layers[0]
	if x.To != service("order") || x.Weight.V != 0.75 || x.Path != "/v1*" || x.Method != "GET,POST" {
		t.Errorf("%+v", x)
	}
	if p.Layer != "gateway:kong" || p.Retry.Attempts.V != 2 || p.Retry.PerTry.V != 2*time.Second || p.Timeout.V != 4*time.Second || p.Rate.V != 1 {
		t.Errorf("%+v %+v", p, p.Retry)
	}
	if y := g.Routes[3]; y.Path != `~/o/\d+` || y.To != service("order-next") || y.Weight.V != 0.25 {
		t.Errorf("%+v", y)
	}
	if y := g.Routes[4]; y.To != arch.NewRef(arch.KindExternal, "bank.example") || y.Layers[0].Retry.Attempts.V != 6 || y.Layers[0].Retry.PerTry.V != time.Minute {
		t.Errorf("%+v", y)
	}
	if y := g.Routes[5]; y.To != service("old") || y.Path != "*" {
		t.Errorf("%+v", y)
	}
	ref := arch.NewRef(arch.KindGateway, "kong")
	if at := r.System.Ledger.Where(arch.Fact{Of: ref, At: arch.Field("").Join("routes", "v1#0.0", "layers", "gateway:kong", "retry", "per-try")}); at.Line != 6 || at.Reason != "" {
		t.Errorf("read_timeout stands at %v", at)
	}
	if at := r.System.Ledger.Where(arch.Fact{Of: ref, At: arch.Field("").Join("routes", "bank#0.0", "layers", "gateway:kong", "retry", "attempts")}); at.Reason == "" {
		t.Errorf("a default without a reason: %+v", at)
	}
	if x := r.System.Externals["bank.example"]; x.Host != "bank.example" {
		t.Errorf("%+v", x)
	}
}

func TestSeveral(t *testing.T) {
	t.Parallel()
	r := run(t, map[string]string{"a.yaml": "_format_version: \"1.1\"\n_workspace: red\nservices: [{name: x, host: x, routes: [{name: x, paths: [/x]}]}]\n", "b.yaml": config})
	if len(r.System.Gateways) != 2 || len(r.System.Gateways["kong red"].Routes) != 1 {
		t.Errorf("%v", arch.Sorted(r.System.Gateways))
	}
}

// TestUnreadable: what cannot be read is neither 0 nor Kong's default.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "kong.yaml")
	text := "_format_version: \"3.0\"\nservices: [{name: x, host: x, read_timeout: \"${{ env DECK_READ }}\", routes: [{name: x}]}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := discover.Run(t.Context(), []discover.Source{kong.New()}, []string{file}, nil)
	if err != nil || len(r.Faults) != 1 {
		t.Fatalf("%v; faults %v", err, r.Faults)
	}
	p := r.System.Gateways["kong"].Routes[0].Layers[0]
	if p.Timeout.Known || p.Retry.PerTry.Known || p.Retry.Attempts.V != 6 {
		t.Errorf("%+v %+v", p, p.Retry)
	}
}

const ingress = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop, annotations: {konghq.com/plugins: limit}}
spec:
  ingressClassName: kong
  rules:
  - http:
      paths:
      - {path: /order, pathType: Prefix, backend: {service: {name: order, port: {number: 80}}}}
      - {path: /stock, pathType: Prefix, backend: {service: {name: stock, port: {number: 80}}}}
      - {path: /none, pathType: Prefix, backend: {service: {name: none, port: {number: 80}}}}
---
apiVersion: v1
kind: Service
metadata: {name: order, namespace: shop, annotations: {konghq.com/read-timeout: "2000", konghq.com/override: slow}}
spec: {selector: {app: order}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: stock, namespace: shop}
spec: {selector: {app: stock}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: order, namespace: shop}
spec: {selector: {matchLabels: {app: order}}, template: {metadata: {labels: {app: order}}, spec: {containers: [{name: main, image: "order:1"}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: stock, namespace: shop}
spec: {selector: {matchLabels: {app: stock}}, template: {metadata: {labels: {app: stock}}, spec: {containers: [{name: main, image: "stock:1"}]}}}
---
apiVersion: configuration.konghq.com/v1
kind: KongIngress
metadata: {name: slow, namespace: shop}
proxy: {retries: 1, read_timeout: 9000}
---
apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata: {name: limit, namespace: shop}
plugin: rate-limiting
config: {minute: 120, limit_by: service}
`

// The limits of the ingress controller stand on the routes that the Ingress has.
func TestIngress(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "shop.yaml"), []byte(ingress), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := discover.Run(t.Context(), []discover.Source{kubernetes.New(), kong.New()}, []string{dir}, nil)
	if err != nil || len(r.Faults) > 0 {
		t.Fatal(err, r.Faults)
	}
	rs := r.System.Gateways["shop"].Routes
	if len(rs) != 3 || len(rs[2].Layers) != 0 || len(rs[0].Layers) != 1 {
		t.Fatalf("%+v", rs)
	}
	if p := rs[0].Layers[0]; p.Layer != "gateway:kong" || p.Retry.Attempts.V != 2 || p.Retry.PerTry.V != 2*time.Second || p.Timeout.V != 4*time.Second || p.Rate.V != 2 {
		t.Errorf("%+v %+v", p, p.Retry)
	}
	if p := rs[1].Layers[0]; p.Retry.Attempts.V != 6 || p.Retry.PerTry.V != time.Minute {
		t.Errorf("%+v %+v", p, p.Retry)
	}
	if c := r.System.Ledger.Conflicts(); len(c) > 0 {
		t.Errorf("conflicts: %v", c)
	}
	at := func(route int, f ...string) arch.Source {
		return r.System.Ledger.Where(arch.Fact{Of: "gateway/shop", At: arch.Field("").Join(append([]string{"routes", rs[route].ID, "layers", "gateway:kong"}, f...)...)})
	}
	if at(0, "retry", "attempts").Line != 36 || at(0, "retry", "per-try").Line != 15 || at(0, "rate").Line != 42 || at(1, "retry", "attempts").Reason == "" {
		t.Errorf("%v %v %v %v", at(0, "retry", "attempts"), at(0, "retry", "per-try"), at(0, "rate"), at(1, "retry", "attempts"))
	}
}
