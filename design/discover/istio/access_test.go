package istio_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/istio"
	"github.com/ashlar-dev/ashlar/design/discover/kubernetes"
)

// Beside these the source was run over GoogleCloudPlatform/microservices-demo at
// 34ffea9: its chart with networkPolicies, sidecars and authorizationPolicies, and
// kustomize/components.
const shopPods = `apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web}}, spec: {serviceAccountName: web, containers: [{name: a, image: "web:1"}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: a, image: "cart:1"}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: audit, namespace: ops}
spec: {template: {metadata: {labels: {app: audit}}, spec: {containers: [{name: a, image: "audit:1"}]}}}
---
`

func discovered(t *testing.T, text string) arch.System {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := discover.Run(t.Context(), []discover.Source{kubernetes.New(), istio.New()}, []string{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Faults) > 0 {
		t.Fatal(r.Faults)
	}
	return r.System
}

// gates writes what is known of access: "cart in mesh allow service/web GET /".
func gates(s arch.System) string {
	var out []string
	for f := range s.Ledger {
		steps := f.At.Steps()
		if f.Of.Kind() != arch.KindDeployment || len(steps) < 2 || steps[0] != "access" || steps[1] == "account" {
			continue
		}
		out = append(out, strings.TrimSpace(f.Of.Name()+" "+strings.Join(steps[1:], " ")+" "+s.Ledger[f][0].Value))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func TestAccess(t *testing.T) {
	t.Parallel()
	resource := func(kind, namespace, spec string) string {
		group := "security"
		if kind == "Sidecar" {
			group = "networking"
		}
		return "apiVersion: " + group + ".istio.io/v1\nkind: " + kind + "\nmetadata: {name: x, namespace: " + namespace + "}\nspec: " + spec + "\n---\n"
	}
	const byDefault = "cart tls permissive\nweb tls permissive"
	for name, c := range map[string]struct{ text, want string }{
		"defaults": {resource("PeerAuthentication", "other", "{mtls: {mode: STRICT}}"), byDefault},
		"mutual TLS, the closest says": {
			resource("PeerAuthentication", "istio-system", "{mtls: {mode: STRICT}}") + resource("PeerAuthentication", "shop", "{mtls: {mode: DISABLE}}") + resource("PeerAuthentication", "shop", "{selector: {matchLabels: {app: web}}, mtls: {mode: PERMISSIVE}}"),
			"audit tls strict\ncart tls disable\nweb tls permissive"},
		"allow nothing": {resource("AuthorizationPolicy", "shop", "{}"), "cart in mesh\n" + "cart tls permissive\nweb in mesh\nweb tls permissive"},
		"allow an account": {resource("AuthorizationPolicy", "shop", `{selector: {matchLabels: {app: cart}}, rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/web, cluster.local/ns/istio-system/sa/gw]}}], to: [{operation: {methods: [GET], paths: [/cart*]}}]}]}`),
			"cart in mesh\ncart in mesh allow service/web GET /cart*\n" + byDefault},
		"allow who is not known here": {resource("AuthorizationPolicy", "shop", `{selector: {matchLabels: {app: cart}}, rules: [{from: [{source: {principals: [cluster.local/ns/istio-system/sa/gw]}}]}]}`),
			"cart in mesh\ncart in mesh allow account cluster.local/ns/istio-system/sa/gw\n" + byDefault},
		"allow a namespace, by token": {resource("AuthorizationPolicy", "shop", `{selector: {matchLabels: {app: cart}}, rules: [{from: [{source: {namespaces: [ops], requestPrincipals: ["*"]}}], when: [{key: "request.auth.claims[iss]", values: [x]}]}]}`),
			"cart in mesh\ncart in mesh allow namespace ops by token and request.auth.claims[iss]\ncart in mesh allow service/audit by token and request.auth.claims[iss]\n" + byDefault},
		"deny, else allow": {resource("AuthorizationPolicy", "istio-system", `{selector: {matchLabels: {app: cart}}, action: DENY, rules: [{from: [{source: {notNamespaces: [shop]}}]}]}`),
			"cart in mesh\ncart in mesh allow *\ncart in mesh deny not namespace shop\ncart in mesh deny service/audit\n" + byDefault},
		"audit decides nothing": {resource("AuthorizationPolicy", "shop", `{action: AUDIT, rules: [{}]}`), byDefault},
		"custom asks another": {resource("AuthorizationPolicy", "shop", `{selector: {matchLabels: {app: cart}}, action: CUSTOM, provider: {name: opa}, rules: [{to: [{operation: {paths: [/pay*]}}]}]}`),
			"cart in mesh\ncart in mesh allow *\ncart in mesh deny * /pay* unless opa lets it through\n" + byDefault},
		"mutual TLS of ports": {
			resource("PeerAuthentication", "shop", "{mtls: {mode: STRICT}}") + resource("PeerAuthentication", "shop", "{selector: {matchLabels: {app: web}}, mtls: {mode: UNSET}, portLevelMtls: {9090: {mode: PERMISSIVE}, 8080: {mode: DISABLE}}}"),
			"cart tls strict\nweb tls strict"},
		"ports without pods count for nothing": {resource("PeerAuthentication", "shop", "{mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: DISABLE}}}"), "cart tls strict\nweb tls strict"},
		"a Sidecar that only narrows the view": {resource("Sidecar", "shop", `{workloadSelector: {labels: {app: web}}, egress: [{hosts: ["./cart.shop.svc.cluster.local"]}]}`),
			"cart tls permissive\nweb out mesh\nweb out mesh allow * not by the mesh's rules\nweb out mesh allow service/cart\nweb tls permissive"},
		"a Sidecar that is a wall": {resource("Sidecar", "shop", `{egress: [{hosts: ["~/*"]}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}`),
			"cart out mesh\ncart tls permissive\nweb out mesh\nweb tls permissive"},
		"a Sidecar that sees a namespace": {resource("Sidecar", "ops", `{egress: [{hosts: ["ops/*", "shop/*"]}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}`),
			"audit out mesh\naudit out mesh allow namespace ops\naudit out mesh allow namespace shop\naudit out mesh allow service/audit\naudit out mesh allow service/cart\naudit out mesh allow service/web\n" + byDefault},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := gates(discovered(t, shopPods+c.text)); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// What single ports take is a reason beside what the workload takes.
func TestPortsOfMutualTLS(t *testing.T) {
	t.Parallel()
	s := discovered(t, shopPods+"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: x, namespace: shop}\nspec: {selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}, portLevelMtls: {9090: {mode: PERMISSIVE}, 8080: {mode: DISABLE}}}\n")
	if src := s.Ledger.Where(arch.Fact{Of: "deployment//web", At: "/access/tls"}); src.Reason != "but port 8080: disable, but port 9090: permissive" || s.Deployments[arch.DeploymentKey("", "web")].Access.TLS != "strict" {
		t.Errorf("%+v", src)
	}
}

// Where Istio's configuration says nothing, its default is a claim that says so.
func TestAccessDefaults(t *testing.T) {
	t.Parallel()
	s := discovered(t, shopPods+"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: x, namespace: shop}\nspec: {selector: {matchLabels: {app: cart}}, action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]}]}\n")
	for at, want := range map[arch.Field]string{
		"/access/tls":             "Istio's default: plain text and mutual TLS are both taken where no PeerAuthentication says otherwise",
		"/access/in/mesh/allow/*": "Istio's default: what no policy denies is let through where none allows",
		"/access/in/mesh/deny/*":  "",
		"/access/in/mesh":         "",
	} {
		src := s.Ledger.Where(arch.Fact{Of: "deployment//cart", At: at})
		if src.Reason != want || src.Line == 0 || src.By != istio.Name {
			t.Errorf("%s: %+v", at, src)
		}
	}
}
