package sources_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/sources"
)

// public is a copy of folders of testdata (see NOTES.md there) with other files
// beside them, outside testdata, where contracts are taken for test data.
func public(t *testing.T, beside map[string]string, folders ...string) *discover.Result {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shop")
	for _, f := range folders {
		if err := os.CopyFS(filepath.Join(dir, filepath.Base(f)), os.DirFS("testdata/"+f)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range beside {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := discover.Run(t.Context(), sources.All(), []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Faults {
		if !strings.Contains(f.What, "cannot be read") { // files that were not copied
			t.Errorf("fault: %v", f)
		}
	}
	return r
}

// deployed is a folder's worth of workloads that are called like the words.
func deployed(names ...string) map[string]string {
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %[1]s}\nspec: {selector: {matchLabels: {app: %[1]s}}, template: {metadata: {labels: {app: %[1]s}}, spec: {containers: [{name: a, image: shop/%[1]s:1}]}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: %[1]s}\nspec: {selector: {app: %[1]s}, ports: [{port: 80}]}\n", n)
	}
	return map[string]string{"k8s.yaml": b.String()}
}

func has(t *testing.T, got []string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("no %q in %q", w, got)
		}
	}
}

// uses are the calls of services, short.
func uses(s arch.System) []string {
	var out []string
	for _, e := range s.Edges() {
		out = append(out, strings.TrimRight(e.From.Name()+" -> "+e.Call.To.Short()+" "+e.Call.Access, " "))
	}
	return out
}

func TestPublicOpenAPI(t *testing.T) {
	t.Parallel()
	s := public(t, deployed("todo-list", "museum", "operations-and-parameters"), "openapi").System
	for name, want := range map[string]string{"Simple To Do List API": "service/todo-list", "Redocly Museum API": "service/museum", "Operations and Parameters API": "service/operations-and-parameters"} {
		if c := s.Contracts[name]; c.Kind != "openapi" || c.Version == "" || string(c.Provider) != want && name == "Operations and Parameters API" {
			t.Errorf("%s = %+v", name, c)
		}
	}
	s = public(t, deployed("swagger", "museum"), "openapi").System
	has(t, arch.Sorted(s.Contracts), "Simple To Do List API", "Redocly Museum API")
	if n := len(s.Services["operations-and-parameters"].Operations); n != 0 {
		t.Errorf("%d operations of nobody", n)
	}
}

func TestPublicAsyncAPI(t *testing.T) {
	t.Parallel()
	s := public(t, deployed("comments"), "asyncapi").System
	has(t, arch.Sorted(s.Topics), "smartylighting.streetlights.1.0.action.{streetlightId}.turn.off", "smartylighting/streetlights/1/0/event/{streetlightId}/lighting/measured", "comment/liked", "comment/{commentId}/changed")
	has(t, uses(s), "comments -> comment/liked subscribe", "comments -> comment/{commentId}/changed publish")
	if at := s.Ledger.Where(arch.Fact{Of: arch.NewRef(arch.KindTopic, "smartylighting.streetlights.1.0.action.{streetlightId}.turn.off")}); !strings.HasSuffix(at.File, "streetlights-kafka.yml") || at.Line != 58 {
		t.Errorf("turn off stands at %s", at)
	}
}

func TestPublicSchemas(t *testing.T) {
	t.Parallel()
	s := public(t, deployed("products", "users", "inventory"), "graphql", "avro", "jsonschema").System
	kinds := map[string]int{}
	for _, c := range s.Contracts {
		kinds[c.Kind]++
	}
	if kinds["graphql"] != 3 || kinds["avro"] != 1 || kinds["jsonschema"] != 1 {
		t.Errorf("contracts = %v", kinds)
	}
	has(t, arch.Sorted(s.Contracts), "io.cloudevents.AvroCloudEvent")
}

func TestPublicProto(t *testing.T) {
	t.Parallel()
	s := public(t, deployed("cartservice", "checkoutservice"), "proto").System
	if op := s.Services["cartservice"].Operations["AddItem"]; op.Trigger != "grpc hipstershop.CartService/AddItem" {
		t.Errorf("cart = %v", arch.Sorted(s.Services["cartservice"].Operations))
	}
	if c := s.Contracts["hipstershop.CheckoutService"]; c.Provider != "service/checkoutservice" || len(s.Contracts) != 9 {
		t.Errorf("checkout = %+v of %d", c, len(s.Contracts))
	}
}

func TestPublicPact(t *testing.T) {
	t.Parallel()
	r := public(t, deployed("pact-broker", "pact-compatability-suite-broker-client"), "pact")
	has(t, uses(r.System), "pact-compatability-suite-broker-client -> pact-broker")
	r = public(t, nil, "pact")
	if len(r.Skipped) != 1 || !strings.Contains(r.Skipped[0].Why, "no service is known that is called as its provider, Pact Broker") {
		t.Errorf("skipped = %v", r.Skipped)
	}
}

func TestPublicCatalogues(t *testing.T) {
	t.Parallel()
	s := public(t, nil, "backstage").System
	has(t, uses(s), "artist-lookup -> artists-db", "www-artist -> artist-lookup")
	if a := s.Services["artist-lookup"]; a.Owner != "team-a" || a.Context != "artists" || s.Services["www-artist"].Role != arch.RoleUI {
		t.Errorf("%+v", s.Services)
	}
	owners, err := os.ReadFile("testdata/codeowners/CODEOWNERS")
	if err != nil {
		t.Fatal(err)
	}
	files := deployed("builder", "mdatagen")
	files[".github/CODEOWNERS"], files["cmd/builder/main.go"], files["cmd/mdatagen/main.go"] = string(owners), "", ""
	s = public(t, files).System
	if b := s.Services["builder"]; b.Owner != "collector-approvers" {
		t.Errorf("builder = %+v", b)
	}
	if at := s.Ledger.Where(arch.Fact{Of: "service/mdatagen", At: "/owner"}); at.Line != 23 {
		t.Errorf("the owner of mdatagen stands at %s", at)
	}
}

func TestPublicAspire(t *testing.T) {
	t.Parallel()
	s := public(t, nil, "aspire").System
	if len(s.Services) != 20 || len(s.Stores) != 3 || s.Services["kafka"].Role != arch.RoleBroker {
		t.Errorf("%d services, stores %v", len(s.Services), arch.Sorted(s.Stores))
	}
	has(t, uses(s), "Saga-OnlineStore-OrderService -> kafka", "Saga-OnlineStore-OrderService -> postgresql", "CQRS-Library-BookService -> postgresql")
}

func TestPublicNginx(t *testing.T) {
	t.Parallel()
	files := deployed("ts-ui-dashboard", "ts-admin-route-service", "ts-order-service")
	conf, err := os.ReadFile("testdata/nginx/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	files["ts-ui-dashboard/nginx.conf"] = string(conf)
	has(t, uses(public(t, files).System), "ts-ui-dashboard -> ts-admin-route-service", "ts-ui-dashboard -> ts-order-service")
	r := public(t, nil, "nginx")
	if len(r.System.Services) != 0 || len(r.Skipped) != 2 || !strings.Contains(r.Skipped[0].Why, "no service is known that is built from its folder") {
		t.Errorf("services %v, skipped %v", arch.Sorted(r.System.Services), r.Skipped)
	}
}

func TestPublicProcfile(t *testing.T) {
	t.Parallel()
	s := public(t, nil, "procfile").System
	if got := arch.Sorted(s.Services); !slices.Equal(got, []string{"procfile", "procfile-worker"}) { // called as their folder; the release process is none
		t.Errorf("services = %v", got)
	}
	if at := s.Ledger.Where(arch.Fact{Of: "service/procfile-worker"}); at.Line != 2 || at.Reason != "process type worker of the Procfile" {
		t.Errorf("the worker stands at %+v", at)
	}
}
