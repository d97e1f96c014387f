package calm_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/calm"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/export"
)

// public names the files of formats/calm/testdata/NOTES.md.
const public = "../../../formats/calm/testdata/finos/"

func run(t *testing.T, paths ...string) *discover.Result {
	t.Helper()
	r, err := discover.Run(t.Context(), []discover.Source{calm.New()}, paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.System.Validate(); err != nil {
		t.Error(err)
	}
	return r
}

// calls are the edges of a system, short.
func calls(s arch.System) []string {
	var out []string
	for _, e := range s.Edges() {
		if e.From.Kind() == arch.KindService {
			out = append(out, strings.TrimRight(e.From.Name()+" "+string(e.Call.To)+" "+e.Call.Protocol+" "+e.Call.Access, " "))
		}
	}
	return out
}

func TestConference(t *testing.T) {
	t.Parallel()
	r := run(t, public+"conference-signup.arch.json")
	want := []string{"attendees store/attendees-store sql", "conference-website service/load-balancer http", "load-balancer service/attendees"}
	if got := calls(r.System); !slices.Equal(got, want) {
		t.Errorf("calls = %q", got)
	}
	s := r.System
	if s.Services["conference-website"].Role != arch.RoleUI || s.Services["load-balancer"].Role != arch.RoleGateway || s.Stores["attendees-store"].Kind != "postgres" {
		t.Errorf("services %+v, stores %+v", s.Services, s.Stores)
	}
	if a := s.Services["attendees"]; a.Run.Image != "masteringapi/attendees-quarkus:ws-native-db" || a.Run.Ports["attendees-port"] != 8080 || !slices.Equal(a.Aliases, []string{"attendees-service"}) {
		t.Errorf("attendees = %+v", a)
	}
	if _, ok := s.Services["k8s-cluster"]; ok || len(s.Externals) > 0 {
		t.Error("the cluster is no service")
	}
	if j := s.Journeys["conference-signup"]; j.Entry != "op/conference-website.conference-signup" {
		t.Errorf("journey = %+v", j)
	}
	lb := s.Services["load-balancer"].Operations["conference-signup"]
	if c := lb.Calls["op/attendees.conference-signup#1"]; c.Why != "Load Balancer forwards request to Attendees Service" || !lb.Placed()["op/attendees.conference-signup#1"] {
		t.Errorf("load balancer in the flow: %+v", lb)
	}
	if c := s.Constraints["security of k8s-cluster"]; c.Kind != "compliance" || !strings.HasSuffix(c.Value, "micro-segmentation.requirement.json") {
		t.Errorf("constraints = %+v", s.Constraints)
	}
	if at := s.Ledger.Where(arch.Fact{Of: "service/attendees"}); !strings.HasSuffix(at.String(), "conference-signup.arch.json:29:20") {
		t.Errorf("attendees stands at %s", at)
	}
}

func TestTrading(t *testing.T) {
	t.Parallel()
	r := run(t, public+"trading-system.architecture.json")
	s := r.System
	if got := arch.Sorted(s.Services); !slices.Equal(got, []string{"account-service", "people-service", "position-service", "security-master", "trade-feed", "trade-processor", "trade-service", "web-gui"}) {
		t.Errorf("services = %v", got)
	}
	if got := arch.Sorted(s.Stores); !slices.Equal(got, []string{"trade-data-store", "user-directory"}) {
		t.Errorf("stores = %v", got)
	}
	if len(s.Contexts) > 0 {
		t.Errorf("the one system is no context: %v", s.Contexts)
	}
	for _, want := range []string{"account-service store/trade-data-store sql write", "position-service store/trade-data-store sql read", "people-service store/user-directory ldap read", "trade-feed service/web-gui ws"} {
		if !slices.Contains(calls(s), want) {
			t.Errorf("no call %q in %q", want, calls(s))
		}
	}
	if len(s.Journeys) != 7 {
		t.Errorf("journeys = %v", arch.Sorted(s.Journeys))
	}
	submit := view.Sequence(s, "journey/submit-trade")
	var steps []string
	for _, e := range submit.Edges {
		if e.Kind != view.Return {
			steps = append(steps, e.From.Name()+">"+e.To.Name())
		}
	}
	if len(steps) < 5 || !slices.Contains(steps, "web-gui>security-master") || !slices.Contains(steps, "trade-service>account-service") {
		t.Errorf("the journey goes %v", steps)
	}
	if op := s.Services["account-service"].Operations["GET /account/{id}"]; op.Trigger != "GET /account/{id}" {
		t.Errorf("operations = %v", arch.Sorted(s.Services["account-service"].Operations))
	}
}

func TestSystemsAndOddTypes(t *testing.T) {
	t.Parallel()
	s := run(t, public+"multi-system.arch.json").System
	if s.Services["order-service"].Context != "business-system" || s.Services["message-broker"].Role != arch.RoleBroker || len(s.Contexts) != 3 {
		t.Errorf("%+v", s.Services)
	}
	s = run(t, public+"fluxnova-microservices.architecture.json").System
	if _, ok := s.Stores["ms-fluxnova-process-db"]; !ok || len(s.Services) != 10 || s.Services["ms-api-gateway"].Role != arch.RoleGateway {
		t.Errorf("services %v, stores %v", arch.Sorted(s.Services), arch.Sorted(s.Stores))
	}
	if c := calls(s); !slices.Contains(c, "ms-payment-worker service/ms-message-broker amqp") {
		t.Errorf("calls = %q", c)
	}
}

const small = `{"nodes": [
 {"unique-id": "1", "node-type": "service", "name": "Order Service", "description": "", "metadata": [{"owner": "Sales Team"}]},
 {"unique-id": "2", "node-type": "topic", "name": "Orders Placed", "description": ""},
 {"unique-id": "3", "node-type": "service", "name": "Mailer", "description": ""},
 {"unique-id": "4", "node-type": "system", "name": "Bank", "description": "", "interfaces": [{"unique-id": "u", "url": "https://api.bank.example/v1"}]},
 {"unique-id": "5", "node-type": "system", "name": "Production cluster", "description": ""},
 {"unique-id": "6", "node-type": "actor", "name": "Ann", "description": ""},
 {"unique-id": "7", "node-type": "domain", "name": "nothing", "description": ""}],
 "relationships": [
 {"unique-id": "a", "relationship-type": {"connects": {"source": {"node": "1"}, "destination": {"node": "2"}}}},
 {"unique-id": "b", "relationship-type": {"connects": {"source": {"node": "2"}, "destination": {"node": "3"}}}},
 {"unique-id": "c", "relationship-type": {"connects": {"source": {"node": "1"}, "destination": {"node": "4"}}}, "protocol": "HTTPS"},
 {"unique-id": "d", "relationship-type": {"connects": {"source": {"node": "4"}, "destination": {"node": "1"}}}},
 {"unique-id": "e", "relationship-type": {"deployed-in": {"container": "5", "nodes": ["1"]}}},
 {"unique-id": "f", "relationship-type": {"interacts": {"actor": "6", "nodes": ["1"]}}},
 {"unique-id": "g", "relationship-type": {"options": [{"description": "", "nodes": ["1"], "relationships": []}]}}]}`

func TestWhatMaps(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "shop.json")
	if err := os.WriteFile(file, []byte(small), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, file)
	s := r.System
	want := []string{"mailer topic/orders-placed  subscribe", "order-service external/bank http", "order-service topic/orders-placed  publish"}
	if got := calls(s); !slices.Equal(got, want) {
		t.Errorf("calls = %q", got)
	}
	if s.Services["order-service"].Owner != "sales-team" || s.Externals["bank"].Host != "api.bank.example" || s.Deployments["production/order-service"].Of != "service/order-service" && s.Deployments["production-cluster/order-service"].Of != "service/order-service" {
		t.Errorf("%+v %+v %+v", s.Services, s.Externals, s.Deployments)
	}
	if len(s.Services) != 2 || len(r.Skipped) != 1 || !strings.Contains(r.Skipped[0].Why, "1 options") || !strings.Contains(r.Skipped[0].Why, "1 arrow from systems of others") {
		t.Errorf("services %v, skipped %v", arch.Sorted(s.Services), r.Skipped)
	}
}

// TestDiagramAndBack: what ashlar diagram writes as CALM says the same services,
// stores, topics and calls when it is discovered.
func TestDiagramAndBack(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]arch.System{"trading": run(t, public+"trading-system.architecture.json").System, "conference": run(t, public+"conference-signup.arch.json").System, "hand": shop()} {
		want := view.Services(s, nil)
		text, err := export.CALM(want)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "shop.calm.json")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := discover.Run(t.Context(), []discover.Source{calm.New()}, []string{file}, nil)
		if err != nil || len(r.Faults) > 0 || len(r.Skipped) > 0 {
			t.Fatalf("%s: %v %v %v", name, err, r.Faults, r.Skipped)
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
		out = append(out, strings.Join([]string{string(n.Ref), n.Role, n.Detail, n.Context, n.Team, string(n.Inside)}, "|"))
	}
	for _, e := range g.Edges {
		out = append(out, e.ID()+"|"+e.Protocol)
	}
	return out
}

// shop has one of everything that a picture of services shows.
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
			"order":   {Lang: "go", Context: "ordering", Uses: call(arch.Call{To: "service/payment", Protocol: "grpc", Access: "call"}, arch.Call{To: "store/orders", Access: "write", Protocol: "sql"}, arch.Call{To: "topic/order%2Eplaced", Access: "publish", Protocol: "kafka"}, arch.Call{To: "service/audit", Async: arch.Some(true)})},
			"payment": {Context: "billing", Uses: call(arch.Call{To: "external/bank%2Eexample", Protocol: "http"}, arch.Call{To: "store/orders", Access: "read"}, arch.Call{To: "store/cache"})},
			"mailer":  {Role: arch.RoleJob, Uses: call(arch.Call{To: "topic/order%2Eplaced", Access: "subscribe"})},
			"audit":   {},
		},
		Stores:    map[string]arch.Store{"orders": {Kind: "postgres"}, "cache": {Kind: "redis"}},
		Topics:    map[string]arch.Topic{"order.placed": {Broker: "kafka", DeadLetter: "order.dlq"}, "order.dlq": {}},
		Gateways:  map[string]arch.Gateway{"edge": {Kind: "kong", Routes: []arch.Route{{ID: "a", Path: "/*", To: "service/web"}}}},
		Externals: map[string]arch.External{"bank.example": {}},
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(small))
	f.Fuzz(func(t *testing.T, src []byte) {
		file := filepath.Join(t.TempDir(), "f.json")
		if err := os.WriteFile(file, src, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := discover.Run(t.Context(), []discover.Source{calm.New()}, []string{file}, nil)
		if err != nil && r == nil {
			t.Fatal(err)
		}
		for _, s := range r.Skipped {
			if strings.Contains(s.Why, "broke the calm source") {
				t.Fatal(s.Why)
			}
		}
	})
}
