package structurizr_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/structurizr"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/export"
)

// public names the files of formats/structurizr/testdata/NOTES.md.
const public = "../../../formats/structurizr/testdata/"

func run(t *testing.T, paths ...string) *discover.Result {
	t.Helper()
	r, err := discover.Run(t.Context(), []discover.Source{structurizr.New()}, paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.System.Validate(); err != nil || len(r.Faults) > 0 {
		t.Errorf("%v %v", err, r.Faults)
	}
	return r
}

func calls(s arch.System) []string {
	var out []string
	for _, e := range s.Edges() {
		out = append(out, strings.TrimRight(e.From.Name()+" "+string(e.Call.To)+" "+e.Call.Protocol+" "+e.Call.Access, " "))
	}
	return out
}

func TestMicroservices(t *testing.T) {
	t.Parallel()
	s := run(t, public+"examples/microservices/workspace.dsl").System
	if len(s.Services) != 10 || len(s.Stores) != 8 || len(s.Externals) != 2 || len(s.Edges()) != 24 {
		t.Errorf("%d services, %d stores, %d externals, %d calls: %q", len(s.Services), len(s.Stores), len(s.Externals), len(s.Edges()), calls(s))
	}
	a := s.Services["service-1-api"]
	if a.Lang != "java" || a.Context != "service-1" || s.Stores["service-1-database-schema"].Kind != "mysql" {
		t.Errorf("%+v %+v", a, s.Stores)
	}
	if s.Services["ui"].Role != arch.RoleUI {
		t.Errorf("ui = %+v", s.Services["ui"])
	}
	if at := s.Ledger.Where(arch.Fact{Of: "service/service-1-api"}); !strings.HasSuffix(at.String(), "microservices/workspace.dsl:39:31") {
		t.Errorf("service 1 stands at %s", at)
	}
}

func TestBigBank(t *testing.T) {
	t.Parallel()
	r := run(t, public+"examples/big-bank-plc")
	s := r.System
	if got := arch.Sorted(s.Services); !slices.Equal(got, []string{"api-application", "mobile-app", "single-page-application", "web-application"}) {
		t.Errorf("services = %v", got)
	}
	if got := arch.Sorted(s.Externals); !slices.Equal(got, []string{"atm", "e-mail-system", "mainframe-banking-system"}) {
		t.Errorf("externals = %v", got)
	}
	for _, want := range []string{"api-application store/database sql write", "api-application external/mainframe-banking-system http", "single-page-application service/api-application http"} {
		if !slices.Contains(calls(s), want) {
			t.Errorf("no call %q in %q", want, calls(s))
		}
	}
	if d := s.Deployments["live/api-application"]; d.Of != "service/api-application" || d.Replicas != arch.Some(8) {
		t.Errorf("deployments = %+v", s.Deployments)
	}
	if d := s.Deployments["development/database"]; d.Of != "store/database" || d.Replicas != arch.Some(1) {
		t.Errorf("deployments = %+v", s.Deployments)
	}
	var views bool
	for _, k := range r.Skipped {
		views = views || strings.Contains(k.Why, "views, which say how to draw")
	}
	if !views {
		t.Errorf("skipped = %v", r.Skipped)
	}
}

// TestJSON reads the same system from the JSON.
func TestJSON(t *testing.T) {
	t.Parallel()
	dsl, j := run(t, public+"java/big-bank-plc.dsl").System, run(t, public+"java/big-bank-plc.json").System
	if a, b := calls(dsl), calls(j); !slices.Equal(a, b) || !slices.Equal(arch.Sorted(dsl.Services), arch.Sorted(j.Services)) {
		t.Errorf("DSL %q\nJSON %q", a, b)
	}
	if !reflect.DeepEqual(arch.Sorted(dsl.Deployments), arch.Sorted(j.Deployments)) {
		t.Errorf("%v %v", arch.Sorted(dsl.Deployments), arch.Sorted(j.Deployments))
	}
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestIncludesStayBelowTheFolder(t *testing.T) {
	t.Parallel()
	outside := write(t, map[string]string{"secret.dsl": `stolen = softwareSystem "Stolen"`})
	dir := write(t, map[string]string{
		"docs/workspace.dsl": "workspace {\n model {\n !include model\n !include ../../secret.dsl\n !include link.dsl\n !include linked/secret.dsl\n !include https://example.com/x.dsl\n !include none.dsl\n a -> b \"Publishes\" \"Kafka\"\n b -> c\n }\n}",
		"docs/model/a.dsl":   `a = softwareSystem "Order Service" "" "" `,
		"docs/model/b.dsl":   "b = softwareSystem \"Orders Topic\" \"\" \"topic\"\nc = softwareSystem \"Mailer\"\n",
	})
	if err := os.Symlink(filepath.Join(outside, "secret.dsl"), filepath.Join(dir, "docs/link.dsl")); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "docs/linked")); err != nil {
		t.Skip(err)
	}
	r := run(t, dir)
	if got := calls(r.System); !slices.Equal(got, []string{"mailer topic/orders-topic  subscribe", "order-service topic/orders-topic kafka publish"}) {
		t.Errorf("calls = %q", got)
	}
	if r.System.Services["stolen"].Role != "" || len(r.System.Services) != 2 {
		t.Errorf("services = %v", arch.Sorted(r.System.Services))
	}
	var whys []string
	for _, k := range r.Skipped {
		_, why, _ := strings.Cut(k.Why, "line ")
		whys = append(whys, why)
	}
	want := []string{"4: ../../secret.dsl could not be read: it lies outside the folder that was read", "5: link.dsl could not be read: it lies outside the folder that was read", "6: linked/secret.dsl could not be read: it lies outside the folder that was read",
		"7: https://example.com/x.dsl is not fetched", "8: none.dsl could not be read: there is no such file"}
	if !slices.Equal(whys, want) {
		t.Errorf("skipped %q", whys)
	}
}

// TestDiagramAndBack: what ashlar diagram writes says the same when it is
// discovered.
func TestDiagramAndBack(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]arch.System{"public": run(t, public+"examples/microservices/workspace.dsl").System, "hand": shop()} {
		want := view.Services(s, nil)
		dir := write(t, map[string]string{"shop.dsl": export.Structurizr(want)})
		r, err := discover.Run(t.Context(), []discover.Source{structurizr.New()}, []string{dir}, nil)
		if err != nil || len(r.Faults) > 0 {
			t.Fatal(err, r.Faults)
		}
		got := view.Services(r.System, nil)
		if w, g := bones(want), bones(got); !reflect.DeepEqual(w, g) {
			t.Errorf("%s: drawn\n%s\nread back\n%s", name, strings.Join(w, "\n"), strings.Join(g, "\n"))
		}
	}
}

func bones(g view.Graph) []string {
	var out []string
	for _, n := range g.Nodes {
		team := n.Team
		if n.Kind != view.Service {
			team = ""
		}
		out = append(out, strings.Join([]string{string(n.Ref), n.Role, n.Detail, n.Context, team, string(n.Inside)}, "|"))
	}
	for _, e := range g.Edges {
		out = append(out, e.ID()+"|"+e.Protocol)
	}
	return out
}

func shop() arch.System {
	call := func(cs ...arch.Call) map[string]arch.Call {
		m := map[string]arch.Call{}
		for _, c := range cs {
			m[arch.CallID(c.To, 1)] = c
		}
		return m
	}
	return arch.System{
		Name: "shop", Contexts: map[string]arch.Context{"ordering": {}, "billing": {}}, Teams: map[string]arch.Team{"sales": {}},
		Services: map[string]arch.Service{
			"web":     {Role: arch.RoleUI, Lang: "typescript", Context: "ordering", Owner: "sales", Uses: call(arch.Call{To: "service/order", Protocol: "http"}, arch.Call{To: "service/search"})},
			"order":   {Lang: "ada", Context: "ordering", Uses: call(arch.Call{To: "service/payment", Protocol: "grpc", Access: "call"}, arch.Call{To: "store/order", Access: "write", Protocol: "sql"}, arch.Call{To: "topic/order%2Eplaced", Access: "publish", Protocol: "kafka"}, arch.Call{To: "service/audit", Async: arch.Some(true)})},
			"payment": {Context: "billing", Uses: call(arch.Call{To: "external/bank%2Eexample", Protocol: "http"}, arch.Call{To: "store/order", Access: "read"}, arch.Call{To: "store/cache"})},
			"mailer":  {Role: arch.RoleJob, Uses: call(arch.Call{To: "topic/order%2Eplaced", Access: "subscribe"})},
			"audit":   {},
		},
		Stores:    map[string]arch.Store{"order": {Kind: "postgres"}, "cache": {Kind: "redis"}},
		Topics:    map[string]arch.Topic{"order.placed": {Broker: "kafka", DeadLetter: "order.dlq"}, "order.dlq": {}},
		Gateways:  map[string]arch.Gateway{"edge": {Kind: "kong", Routes: []arch.Route{{ID: "a", Path: "/*", To: "service/web"}}}},
		Externals: map[string]arch.External{"bank.example": {}},
	}
}
