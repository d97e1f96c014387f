package discover_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ image, name, store, role string }{
		{"redis:alpine", "redis-cart", "redis", ""},
		{"docker.io/bitnami/postgresql:16@sha256:aa", "orders", "postgres", ""},
		{"sqshq/piggymetrics-mongodb", "auth-mongodb", "mongodb", ""},
		{"", "valkey-cart", "redis", ""},
		{"shop/order:1", "order-redis", "", ""}, // the image knows better than the name
		{"shop/redis-exporter:1", "redis-exporter", "", arch.RoleTelemetry},
		{"shop/report-exporter:1", "report-exporter", "", ""},
		{"prom/node-exporter", "node-exporter", "", arch.RoleTelemetry},
		{"shop/web:1-tests", "frontendTests", "", arch.RoleLoadgen},
		{"shop/ui:1", "shopUI", "", arch.RoleUI},
		{"confluentinc/cp-kafka:7", "broker", "", arch.RoleBroker},
		{"", "kafka", "", arch.RoleBroker},
		{"loadgenerator", "loadgenerator", "", arch.RoleLoadgen},
		{"x/y:1", "load-generator", "", arch.RoleLoadgen},
		{"x/y:1", "api-gateway", "", arch.RoleGateway},
		{"x/y:1", "frontend-proxy", "", arch.RoleGateway},
		{"x/y:1", "ts-ui-dashboard", "", arch.RoleUI},
		{"x/y:1", "config-server", "", arch.RoleConfig},
		{"x/y:1", "user-timeline", "", ""},
		{"mcr.microsoft.com/mssql/server:2022", "db", "mssql", ""},
	} {
		c := discover.Classify(tc.image, tc.name)
		if c.Store != tc.store || c.Role != tc.role {
			t.Errorf("%s %s: %+v, want store %q, role %q", tc.image, tc.name, c, tc.store, tc.role)
		}
	}
}

func TestParseEndpoint(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"payment:50051": "|payment|50051",
		"http://user:pw@payment.shop:80/x?token=y":  "http|payment.shop|80",
		"jdbc:postgresql://db:5432/shop?password=x": "postgresql|db|5432",
		"mongodb://a:1@m1:27017,m2:27017/x":         "mongodb|m1|27017",
		"kafka-0:9092,kafka-1:9092":                 "|kafka-0|9092",
		"payment":                                   "|payment|",
		"two words":                                 "no",
		"12:30":                                     "no",
		"8080":                                      "no",
		"":                                          "no",
		"a/b":                                       "no",
	} {
		got := "no"
		if ep, ok := discover.ParseEndpoint(in); ok {
			got = ep.Scheme + "|" + ep.Host + "|" + ep.Port
		}
		if got != want {
			t.Errorf("%q -> %s, want %s", in, got, want)
		}
	}
}

// What is merely alike stays apart; what can be given a reason is joined.
func TestJoin(t *testing.T) {
	t.Parallel()
	near := []string{"user", "user-timeline", "order", "orders", "ts-travel", "ts-travel2", "cart", "cart-v2"}
	s := arch.System{Services: map[string]arch.Service{}, Stores: map[string]arch.Store{"orders-db": {}}}
	for _, n := range near {
		s.Services[n] = arch.Service{}
	}
	s.Services["orderService"], s.Services["order-service"] = arch.Service{}, arch.Service{}
	s.Services["frontend"] = arch.Service{Aliases: []string{"web-frontend"}}
	s.Services["web-frontend"], s.Services["legacy"] = arch.Service{Lang: "go"}, arch.Service{}
	s.Attest(arch.Source{Origin: arch.Config, File: "x.yaml", Line: 1})
	got, err := discover.Join(s, map[string]string{"legacy": "order"})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range near {
		if !got.Has(arch.NewRef(arch.KindService, n)) {
			t.Errorf("%s was joined into something", n)
		}
	}
	for _, gone := range []string{"orderService", "web-frontend", "legacy"} {
		if got.Has(arch.NewRef(arch.KindService, gone)) {
			t.Errorf("%s stayed", gone)
		}
	}
	if got.Services["frontend"].Lang != "go" {
		t.Error("what was known of web-frontend is lost")
	}
	reasons := map[string]bool{}
	for _, c := range got.Ledger[arch.Fact{Of: "service/order"}] {
		for _, src := range c.From {
			reasons[src.Reason] = true
		}
	}
	if !reasons["legacy is stated to be order"] {
		t.Errorf("no reason for the join: %v", reasons)
	}
}
