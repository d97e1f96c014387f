package blueprint_test

import (
	"slices"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover/blueprint"
)

func TestSlug(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"Order Service": "order-service", "OrderService": "order-service", "REST API": "rest-api", " a--b_c ": "a-b-c", "Über/Größe": "über-größe", "???": "", "v2.1": "v2-1"} {
		if got := blueprint.Slug(in); got != want {
			t.Errorf("Slug(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, lang, store, protocol string }{
		{"Java and Spring MVC", "java", "", ""}, {"Go 1.26", "go", "", ""}, {"C#/.NET", "csharp", "", ""}, {"Node.js", "javascript", "", ""}, {"Oracle Database Schema", "", "oracle", ""},
		{"Microsoft SQL Server", "", "mssql", "sql"}, {"Amazon S3 bucket", "", "s3", ""}, {"JSON/HTTPS", "", "", "http"}, {"gRPC", "", "", "grpc"}, {"SQL/TCP", "", "", "sql"}, {"Cargo", "", "", ""},
	} {
		if l, s, p := blueprint.Lang(tc.text), blueprint.StoreKind(tc.text), blueprint.Protocol(tc.text); l != tc.lang || s != tc.store || p != tc.protocol {
			t.Errorf("%q: %q %q %q", tc.text, l, s, p)
		}
	}
	for name, want := range map[string]blueprint.Kind{"Orders Database": blueprint.Store, "Orders DB": blueprint.Store, "Cache Warmer": blueprint.Other, "Web Store": blueprint.Other, "Order Events Topic": blueprint.Topic} {
		if k, _ := blueprint.KindOfName(name); k != want {
			t.Errorf("%s is %v", name, k)
		}
	}
}

// TestNamesThatTwoBoxesShare: each gets the name of the box around it; the same
// name for a service and a store is no clash.
func TestNamesThatTwoBoxesShare(t *testing.T) {
	t.Parallel()
	p := blueprint.Plan{Boxes: []blueprint.Box{
		{ID: "1", Kind: blueprint.Area, Name: "Shop"}, {ID: "2", Kind: blueprint.Area, Name: "Billing"},
		{ID: "3", Kind: blueprint.Store, Name: "Database", Inside: "1"}, {ID: "4", Kind: blueprint.Store, Name: "Database", Inside: "2"},
		{ID: "5", Kind: blueprint.Service, Name: "API", Inside: "1"}, {ID: "6", Kind: blueprint.Store, Name: "API", Inside: "1"}, {ID: "7", Kind: blueprint.Service, Name: "!!"},
	}, Arrows: []blueprint.Arrow{{From: "5", To: "3", Text: "reads"}, {From: "5", To: "3", Text: "writes"}, {From: "3", To: "5"}, {From: "1", To: "3"}, {From: "5", To: "9"}, {From: "5", To: "5"}}}
	r := p.System()
	want := map[string]arch.Ref{"3": "store/shop-database", "4": "store/billing-database", "5": "service/api", "6": "store/api", "7": "service/7"}
	for id, ref := range want {
		if r.Refs[id] != ref {
			t.Errorf("%s is %s, want %s", id, r.Refs[id], ref)
		}
	}
	if c := r.System.Services["api"].Uses["store/shop-database#1"]; c.Access != arch.AccessWrite || c.Why != "reads" {
		t.Errorf("call = %+v", c)
	}
	if !slices.Equal(r.Left, []string{"1 arrow of a box that holds others: whose they are is not said", "1 arrow out of a store: a store calls nobody", "1 arrow to or from what is not there"}) {
		t.Errorf("left %q", r.Left)
	}
	if err := r.System.Validate(); err != nil {
		t.Error(err)
	}
}
