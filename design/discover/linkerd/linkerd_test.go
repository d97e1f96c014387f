package linkerd_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/kubernetes"
	"github.com/ashlar-dev/ashlar/design/discover/linkerd"
)

const shop = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}, annotations: {linkerd.io/inject: enabled}}, spec: {containers: [{name: main, image: "web:1", env: [{name: ORDER_ADDR, value: "order:80"}, {name: STOCK_ADDR, value: "stock:80"}]}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: order}
spec: {selector: {matchLabels: {app: order}}, template: {metadata: {labels: {app: order}}, spec: {containers: [{name: main, image: "order:1"}]}}}
---
apiVersion: v1
kind: Service
metadata:
  name: order
  annotations:
    timeout.linkerd.io/request: 2s
    retry.linkerd.io/http: 5xx
    balancer.linkerd.io/failure-accrual: consecutive
spec: {selector: {app: order}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: stock}
spec: {selector: {matchLabels: {app: stock}}, template: {metadata: {labels: {app: stock}}, spec: {containers: [{name: main, image: "stock:1"}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: stock}
spec: {selector: {app: stock}, ports: [{port: 80}]}
---
apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
metadata: {name: stock.default.svc.cluster.local}
spec:
  routes:
  - {name: a, condition: {pathRegex: /a}, isRetryable: true, timeout: 300ms}
  - {name: b, condition: {pathRegex: /b}, isRetryable: true, timeout: 300ms}
`

func TestLimits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "shop.yaml"), []byte(shop), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := discover.Run(t.Context(), []discover.Source{kubernetes.New(), linkerd.New()}, []string{dir}, nil)
	if err != nil || len(r.Faults) > 0 {
		t.Fatal(err, r.Faults)
	}
	uses := r.System.Services["web"].Uses
	o := uses[arch.CallID("service/order", 1)].Layers
	if len(o) != 1 || o[0].Layer != arch.LayerSidecar || o[0].Timeout.V != 2*time.Second || o[0].Retry.Attempts.V != 2 || o[0].Breaker.Count.V != 7 || o[0].Breaker.Open.V != time.Second {
		t.Fatalf("%+v", o)
	}
	s := uses[arch.CallID("service/stock", 1)].Layers
	if len(s) != 1 || s[0].Timeout.V != 300*time.Millisecond || s[0].Retry.Budget.V != .2 || s[0].Retry.Attempts.Known {
		t.Fatalf("%+v", s)
	}
	if !r.System.Deployments[arch.DeploymentKey("", "web")].Mesh.V || r.System.Deployments[arch.DeploymentKey("", "order")].Mesh.Known {
		t.Error("who has a proxy is wrong")
	}
	where := func(to arch.Ref, f ...string) arch.Source {
		return r.System.Ledger.Where(arch.Edge{From: "service/web", ID: arch.CallID(to, 1)}.At(append([]string{"layers", "sidecar"}, f...)...))
	}
	if where("service/order", "timeout").Line != 16 || where("service/order", "retry", "attempts").Reason == "" || where("service/stock", "timeout").Line != 36 {
		t.Errorf("%v %v %v", where("service/order", "timeout"), where("service/order", "retry", "attempts"), where("service/stock", "timeout"))
	}
}
