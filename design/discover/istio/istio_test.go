package istio_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/istio"
	"github.com/ashlar-dev/ashlar/design/discover/kubernetes"
)

// Four VirtualServices on one gateway, in the order of no name.
const shop = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: wild, namespace: shop}
spec:
  hosts: ["*"]
  gateways: [edge]
  http: [{match: [{uri: {prefix: /any}}], route: [{destination: {host: web}}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [shop.example]
  gateways: [shop/edge, mesh]
  http: [{match: [{uri: {prefix: /v1, }, gateways: [mesh]}, {uri: {prefix: /v2}}], route: [{destination: {host: order, subset: a}, weight: 60}, {destination: {host: order, subset: b}, weight: 20}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: all, namespace: shop}
spec:
  hosts: [shop.example]
  gateways: [edge]
  http:
  - {match: [{uri: {exact: /home}}], route: [{destination: {host: web}}]}
  - {route: [{destination: {host: web}}]}
  - {match: [{uri: {exact: /never}}], route: [{destination: {host: web}}]}
`

func run(t *testing.T, paths ...string) *discover.Result {
	t.Helper()
	r, err := discover.Run(t.Context(), []discover.Source{kubernetes.New(), istio.New()}, paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func written(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// One view a gateway: full hosts before wildcards, resources by name, and what
// takes every request last, whichever file it stands in.
func TestOrder(t *testing.T) {
	t.Parallel()
	docs := strings.Split(shop, "---\n")
	for _, files := range []map[string]string{
		{"a.yaml": shop},
		{"1.yaml": docs[3], "2.yaml": docs[0], "3.yaml": docs[2], "4.yaml": docs[1]},
	} {
		r := run(t, written(t, files))
		if c := r.System.Ledger.Conflicts(); len(c) > 0 {
			t.Errorf("conflicts: %v", c)
		}
		var got []string
		for _, x := range r.System.Gateways["edge"].Routes {
			got = append(got, x.Path)
		}
		if want := "/home /v2* /v2* * /never /any*"; strings.Join(got, " ") != want {
			t.Errorf("%v, want %s", got, want)
		}
		if x := r.System.Gateways["edge"].Routes[1]; x.Weight.V != .75 || x.ID != "shop/web#000.1.0" {
			t.Errorf("%+v", x)
		}
	}
}

// The same resource in two files is an alternative: that it says two things must
// show.
func TestAlternative(t *testing.T) {
	t.Parallel()
	docs := strings.Split(shop, "---\n")
	r := run(t, written(t, map[string]string{"a.yaml": docs[3], "b.yaml": strings.Replace(docs[3], "host: web", "host: order", 1)}))
	c := r.System.Ledger.Conflicts()
	if len(c) != 1 || !strings.HasSuffix(string(c[0].At), "/to") {
		t.Errorf("%v", c)
	}
}

// train-ticket's manifests with Istio: a gateway with a route for each of its
// services, and no two resources that say otherwise.
func TestTrainTicket(t *testing.T) {
	t.Parallel()
	corpus := os.Getenv("ASHLAR_CORPUS")
	if corpus == "" {
		t.Skip("ASHLAR_CORPUS names no folder with public systems")
	}
	r := run(t, filepath.Join(corpus, "train-ticket", "deployment", "kubernetes-manifests", "k8s-with-istio"))
	if c := r.System.Ledger.Conflicts(); len(c) > 0 {
		t.Errorf("conflicts: %v", c)
	}
	routes := 0
	for _, n := range arch.Sorted(r.System.Gateways) {
		routes += len(r.System.Gateways[n].Routes)
	}
	if routes < 30 {
		t.Errorf("%d routes", routes)
	}
}
