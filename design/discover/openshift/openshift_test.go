package openshift_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/kubernetes"
	"github.com/ashlar-dev/ashlar/design/discover/openshift"
)

// Beside this fixture the source was run over the templates of sclorg/nodejs-ex
// (openshift/templates at 8bb73cd).
const shop = `kind: Template
apiVersion: template.openshift.io/v1
metadata: {name: shop}
parameters: [{name: NAME, value: order}]
objects:
- kind: Service
  apiVersion: v1
  metadata: {name: "${NAME}"}
  spec: {selector: {name: "${NAME}"}, ports: [{port: 80}]}
- kind: Route
  apiVersion: route.openshift.io/v1
  metadata: {name: "${NAME}", annotations: {haproxy.router.openshift.io/timeout: 5s}}
  spec:
    host: shop.example
    path: /v1
    to: {kind: Service, name: "${NAME}", weight: 30}
    alternateBackends: [{kind: Service, name: order-next, weight: 10}]
- kind: DeploymentConfig
  apiVersion: apps.openshift.io/v1
  metadata: {name: "${NAME}"}
  spec:
    replicas: 3
    strategy: {type: Recreate}
    triggers: [{type: ImageChange, imageChangeParams: {automatic: true, containerNames: [main], from: {kind: ImageStreamTag, name: "${NAME}:latest"}}}]
    template: {metadata: {labels: {name: "${NAME}"}}, spec: {containers: [{name: main, image: " ", env: [{name: DB_URL, value: "postgres://db:5432/x"}]}]}}
- kind: DeploymentConfig
  apiVersion: apps.openshift.io/v1
  metadata: {name: db}
  spec:
    triggers: [{type: ImageChange, imageChangeParams: {containerNames: [main], from: {kind: ImageStreamTag, name: "base:1"}}}]
    template: {metadata: {labels: {name: db}}, spec: {containers: [{name: main, image: " "}]}}
- kind: Deployment
  apiVersion: apps/v1
  metadata: {name: keep, annotations: {image.openshift.io/triggers: '[{"from":{"kind":"ImageStreamTag","name":"redis:7"},"fieldPath":"spec.template.spec.containers[?(@.name==\"main\")].image"}]'}}
  spec: {selector: {matchLabels: {name: keep}}, template: {metadata: {labels: {name: keep}}, spec: {containers: [{name: main, image: " "}]}}}
- kind: Route
  apiVersion: v1
  metadata: {name: all}
  spec: {host: shop.example, to: {kind: Service, name: "${NAME}"}}
- kind: ImageStream
  apiVersion: image.openshift.io/v1
  metadata: {name: base}
  spec: {tags: [{name: "1", from: {kind: DockerImage, name: "example.org/postgres:16"}}]}
`

func TestTemplate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "shop.yaml"), []byte(shop), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := discover.Run(t.Context(), []discover.Source{kubernetes.New(), openshift.New()}, []string{dir}, nil)
	if err != nil || len(r.Faults)+len(r.Skipped) > 0 {
		t.Fatalf("%v; faults %v, skipped %v", err, r.Faults, r.Skipped)
	}
	order, db := arch.NewRef(arch.KindService, "order"), arch.NewRef(arch.KindStore, "db")
	g := r.System.Gateways[openshift.Router]
	if len(g.Routes) != 3 || g.Routes[2].Layers[0].Timeout.V != 30*time.Second || g.Routes[0].To != order || g.Routes[0].Weight.V != 0.75 || g.Routes[0].Path != "/v1/*" || g.Routes[1].Weight.V != 0.25 || g.Routes[1].Layers[0].Timeout.V != 5*time.Second {
		t.Errorf("%+v", g)
	}
	if c := r.System.Ledger.Conflicts(); len(c) > 0 {
		t.Errorf("conflicts: %v", c)
	}
	if s := r.System.Stores["keep"]; s.Kind != "redis" {
		t.Errorf("%+v", s)
	}
	if at := r.System.Ledger.Where(arch.Fact{Of: arch.NewRef(arch.KindGateway, openshift.Router), At: "/routes/order#0/layers/gateway:openshift/timeout"}); at.Line != 12 {
		t.Errorf("timeout stands at %v", at)
	}
	d := r.System.Deployments[arch.DeploymentKey("", "order")]
	if d.Of != order || d.Kind != "DeploymentConfig" || d.Replicas.V != 3 || d.Strategy != "Recreate" {
		t.Errorf("%+v", d)
	}
	if s := r.System.Services["order"]; s.Run.Image != "order:latest" || s.Uses[arch.CallID(db, 1)].To != db {
		t.Errorf("%+v", s)
	}
	if s := r.System.Stores["db"]; s.Kind != "postgres" || s.Run.Image != "example.org/postgres:16" {
		t.Errorf("%+v", s)
	}
	if d := r.System.Deployments[arch.DeploymentKey("", "db")]; d.Replicas.Known {
		t.Errorf("nobody said how many: %+v", d)
	}
}

// Constraints come to pods by their service account: by a binding to the cluster
// role that OpenShift has for each, by a role of one's own, and by name.
func TestConstraints(t *testing.T) {
	t.Parallel()
	const text = `apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: shop}
spec: {template: {spec: {serviceAccountName: edge, containers: [{name: a, image: "edge:1"}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: order, namespace: shop}
spec: {template: {metadata: {annotations: {openshift.io/required-scc: restricted-v2}}, spec: {containers: [{name: a, image: "order:1"}]}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: edge, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:openshift:scc:nonroot-v2"}
subjects: [{kind: ServiceAccount, name: edge}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: hosts}
rules: [{apiGroups: [security.openshift.io], resources: [securitycontextconstraints], resourceNames: [hostaccess], verbs: [use]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: edge}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: hosts}
subjects: [{kind: ServiceAccount, name: edge, namespace: shop}, {kind: ServiceAccount, name: default, namespace: other}]
---
apiVersion: security.openshift.io/v1
kind: SecurityContextConstraints
metadata: {name: shop-anyuid}
allowPrivilegedContainer: false
runAsUser: {type: RunAsAny}
users: ["system:serviceaccount:shop:edge"]
`
	r := run(t, text)
	if len(r.Faults) > 0 {
		t.Error(r.Faults)
	}
	if a := r.System.Deployments["/edge"].Access; a == nil || a.SCC != "hostaccess, nonroot-v2, shop-anyuid" || a.Account != "shop/edge" {
		t.Errorf("edge %+v", a)
	}
	if a := r.System.Deployments["/order"].Access; a == nil || a.SCC != "restricted-v2" {
		t.Errorf("order %+v", a)
	}
	if src := r.System.Ledger.Where(arch.Fact{Of: "deployment//order", At: "/access/scc"}); src.Line != 9 {
		t.Errorf("order's stands at %v", src)
	}
}

func run(t *testing.T, text string) *discover.Result {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := discover.Run(t.Context(), []discover.Source{kubernetes.New(), openshift.New()}, []string{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
