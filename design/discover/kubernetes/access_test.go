package kubernetes_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/kubernetes"
)

const shop = `apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: sales}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web, tier: front}}, spec: {serviceAccountName: web, containers: [{name: a, image: "web:1"}]}}}
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

// gates of the system's deployments: "cart in allow service/web port 80".
func gates(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := discover.Run(t.Context(), []discover.Source{kubernetes.New()}, []string{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Faults) > 0 {
		t.Fatal(r.Faults)
	}
	var out []string
	for f, cs := range r.System.Ledger {
		steps := f.At.Steps()
		if f.Of.Kind() == arch.KindDeployment && len(steps) > 2 && steps[0] == "access" {
			out = append(out, strings.TrimSpace(f.Of.Name()+" "+steps[1]+" "+strings.Join(steps[3:], " ")+" "+cs[0].Value))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func TestNetworkPolicies(t *testing.T) {
	t.Parallel()
	policy := func(spec string) string {
		return "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: " + spec + "\n---\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"nothing comes in by default": {policy("{podSelector: {}}"), "cart in\nweb in"},
		"nothing goes anywhere":       {policy("{podSelector: {matchLabels: {app: cart}}, policyTypes: [Ingress, Egress]}"), "cart in\ncart out"},
		"rules for egress are about egress, too": {policy("{podSelector: {matchLabels: {app: cart}}, egress: [{ports: [{port: 53, protocol: UDP}, {port: 8000, endPort: 8010}]}]}"),
			"cart in\ncart out\ncart out allow * port 53/udp, 8000-8010"},
		"policies add up": {policy("{podSelector: {matchLabels: {app: cart}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: http}]}]}") +
			policy("{podSelector: {matchExpressions: [{key: app, operator: In, values: [cart]}]}, ingress: [{from: [{podSelector: {matchExpressions: [{key: tier, operator: Exists}]}}]}]}"),
			"cart in\ncart in allow service/web"},
		"a namespace by its own name": {policy("{podSelector: {matchLabels: {app: cart}}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ops}}}]}]}"),
			"cart in\ncart in allow namespaces kubernetes.io/metadata.name=ops\ncart in allow service/audit"},
		"a namespace by labels, one of which is not described": {policy("{podSelector: {matchLabels: {app: cart}}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: sales}}, podSelector: {matchLabels: {app: web}}}]}]}"),
			"cart in\ncart in allow ?pods app=web in namespaces team=sales\ncart in allow service/web"},
		"pods that are not here": {policy("{podSelector: {matchLabels: {app: cart}}, ingress: [{from: [{podSelector: {matchLabels: {app: gone}}}]}]}"), "cart in\ncart in allow pods app=gone"},
		"addresses": {policy("{podSelector: {matchLabels: {app: cart}}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}, {ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}]}"),
			"cart in\ncart in allow ?net 10.0.0.0/8 but 10.1.0.0/16\ncart in allow net 203.0.113.0/24"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := gates(t, shop+c.text); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}
