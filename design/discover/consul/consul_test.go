package consul_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/consul"
	format "github.com/ashlar-dev/ashlar/formats/consul"
)

var files = map[string]string{
	"order.hcl":   "service {\n  name = \"order\"\n  port = 8080\n  connect { sidecar_service { proxy { upstreams = [{ destination_name = \"stock\", local_bind_port = 9191 }, { destination_name = \"redis\" }] } } }\n}\n",
	"stock.json":  `{"services": [{"name": "stock", "port": 8081, "check": {"http": "http://localhost:8081/health", "interval": "10s"}}, {"Name": "redis", "Port": 6379}]}`,
	"intent.yaml": "apiVersion: consul.hashicorp.com/v1alpha1\nkind: ServiceIntentions\nmetadata: {name: order}\nspec: {destination: {name: order}, sources: [{name: web, action: allow}]}\n",
	"job.hcl":     "job \"x\" { group \"y\" { count = var.count service { name = \"z\" } } }\n",
}

func TestRelate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := discover.Run(t.Context(), []discover.Source{consul.New()}, []string{dir}, nil)
	if err != nil || len(r.Faults)+len(r.Skipped) > 0 {
		t.Fatal(err, r.Faults, r.Skipped)
	}
	o := r.System.Services["order"]
	if o.Run.Ports["consul"] != 8080 || len(o.Uses) != 2 || o.Uses[arch.CallID("service/stock", 1)].To != "service/stock" || o.Uses[arch.CallID("store/redis", 1)].Why == "" {
		t.Errorf("%+v", o)
	}
	if r.System.Stores["redis"].Kind != "redis" || len(r.System.Deployments) > 0 || len(r.System.Services) != 2 {
		t.Errorf("%+v", r.System)
	}
	at := r.System.Ledger.Where(arch.Edge{From: "service/order", ID: arch.CallID("service/stock", 1)}.At("to"))
	if at.Line != 4 || at.By != consul.Name {
		t.Errorf("the call stands at %v", at)
	}
	if n := len(discover.Of[*format.Config](r.Documents)); n != 3 {
		t.Errorf("%d documents", n)
	}
}
