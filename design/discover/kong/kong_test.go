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
