package gatewayapi_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/gatewayapi"
	"github.com/ashlar-dev/ashlar/design/discover/kubernetes"
)

// Beside this fixture the source was run over the examples of
// kubernetes-sigs/gateway-api at v1.6.0 (examples/standard and
// examples/experimental).
const shop = `apiVersion: apps/v1
kind: Deployment
metadata: {name: order}
spec: {selector: {matchLabels: {app: order}}, template: {metadata: {labels: {app: order}}, spec: {containers: [{name: main, image: order:1}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: orders}
spec: {selector: {app: order}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: main, image: web:1, env: [{name: ORDERS_ADDR, value: "orders:80"}]}]}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: front}
spec: {gatewayClassName: any, listeners: [{name: http, port: 80, protocol: HTTP, hostname: "*.shop.example"}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: order}
spec:
  parentRefs: [{name: front}, {name: front, sectionName: http}, {group: "", kind: Service, name: orders}]
  hostnames: [api.shop.example]
  rules:
  - matches: [{path: {type: PathPrefix, value: /v1/orders}, method: GET}]
    backendRefs: [{name: orders, port: 80, weight: 3}, {name: orders-next, port: 80}]
  - timeouts: {request: 2s, backendRequest: 500ms}
    retry: {attempts: 2, codes: [503]}
    backendRefs: [{name: orders, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: order-grpc}
spec:
  parentRefs: [{name: front}]
  rules: [{matches: [{method: {service: shop.Orders, method: Get}}], backendRefs: [{name: orders, port: 50051}]}]
`

func run(t *testing.T, content string) *discover.Result {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "shop.yaml"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := discover.Run(t.Context(), []discover.Source{kubernetes.New(), gatewayapi.New()}, []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	r := run(t, shop)
	if len(r.Faults)+len(r.Skipped) > 0 {
		t.Fatalf("faults %v, skipped %v", r.Faults, r.Skipped)
	}
	g := r.System.Gateways["front"]
	if g.Kind != gatewayapi.Name || len(g.Hosts) != 1 || len(g.Routes) != 4 {
		t.Fatalf("%+v", g)
	}
	if g.Routes[0].Path != "/v1/orders/*" || g.Routes[2].ID != "order#001.0.0" || g.Routes[3].Host != "" {
		t.Errorf("order of the routes: %+v", g.Routes)
	}
	if c := r.System.Ledger.Conflicts(); len(c) > 0 {
		t.Errorf("conflicts: %v", c)
	}
	routes := map[string]arch.Route{}
	for _, x := range g.Routes {
		routes[x.ID] = x
	}
	order := arch.NewRef(arch.KindService, "order")
	if x := routes["order#000.0.0"]; x.To != order || x.Weight.V != 0.75 || x.Path != "/v1/orders/*" || x.Method != "GET" || x.Host != "api.shop.example" {
		t.Errorf("%+v", x)
	}
	if x := routes["order#000.0.1"]; x.To != arch.NewRef(arch.KindService, "orders-next") || x.Weight.V != 0.25 {
		t.Errorf("%+v", x)
	}
	x := routes["order#001.0.0"]
	if x.Weight.Known || x.Path != "/*" || len(x.Layers) != 1 || x.Layers[0].Timeout.V != 2*time.Second || x.Layers[0].Retry.Attempts.V != 3 || x.Layers[0].Retry.PerTry.V != 500*time.Millisecond || x.Layers[0].Retry.On[0] != "503" {
		t.Errorf("%+v", x)
	}
	at := r.System.Ledger.Where(arch.Fact{Of: arch.NewRef(arch.KindGateway, "front"), At: "/routes/order#001.0.0/layers/gateway/timeout"})
	if at.Line != 30 || at.By != gatewayapi.Name {
		t.Errorf("timeout stands at %v", at)
	}
	if x := routes["grpc:order-grpc#000.0.0"]; x.Path != "/shop.Orders/Get" || x.To != order {
		t.Errorf("%+v", x)
	}
}

func TestMesh(t *testing.T) {
	t.Parallel()
	uses := run(t, shop).System.Services["web"].Uses
	for _, c := range uses {
		if len(c.Layers) != 1 || c.Layers[0].Layer != arch.LayerSidecar || c.Layers[0].Timeout.V != 2*time.Second {
			t.Errorf("%+v", c)
		}
	}
	if len(uses) != 1 {
		t.Errorf("%+v", uses)
	}
}
