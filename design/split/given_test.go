package split_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/split"
	"github.com/ashlar-dev/ashlar/design/split/internal/sketch"
)

// A context that the model gives keeps its name and draws its aggregates, even what
// the code ties elsewhere.
func TestGivenContexts(t *testing.T) {
	t.Parallel()
	s := &arch.System{Contexts: map[string]arch.Context{
		"sales":   {Terms: map[string]string{"order": "what a customer wants"}, Aggregates: map[string]arch.Aggregate{"Order": {Root: "Order", Types: []string{"OrderLine"}, Tables: []arch.Ref{sketch.Ref("orders")}}}},
		"finance": {Terms: map[string]string{"invoice": "", "payment": ""}},
		"range":   {Terms: map[string]string{"product": "", "category": ""}},
	}}
	r := run(t, sketch.Shop(), &split.Options{System: s, Contexts: 3})
	h := home(r)
	for typ, want := range map[string]string{"Order": "sales", "OrderService": "sales", "Invoice": "finance", "PaymentService": "finance", "Product": "range"} {
		if !slices.Equal(h[typ], []string{want}) {
			t.Errorf("%s is in %v, want %s", typ, h[typ], want)
		}
	}
	why, err := r.Explain(&r.Candidates[0], "OrderLine")
	if err != nil || len(why) == 0 {
		t.Fatal(why, err)
	}
	for _, x := range r.Candidates[0].Contexts {
		if x.Inferred {
			t.Errorf("%s is marked as inferred", x.Name)
		}
	}
}

// Teams are evidence where files have owners, and print as shares.
func TestTeams(t *testing.T) {
	t.Parallel()
	owner := func(file string) string {
		switch {
		case strings.Contains(file, "Dao") || file == "":
			return ""
		case strings.Contains(file, "Customer") || strings.Contains(file, "Invoice") || strings.Contains(file, "Payment"):
			return "money"
		}
		return "goods"
	}
	plain, owned := run(t, sketch.Shop(), &split.Options{Contexts: 3}), run(t, sketch.Shop(), &split.Options{Contexts: 3, Owner: owner})
	if h := home(plain); slices.Equal(h["Customer"], h["Invoice"]) {
		t.Fatal("the customer is billing's without teams: nothing to see here")
	}
	if h := home(owned); !slices.Equal(h["OrderService"], h["Order"]) {
		t.Error("teams tore ordering apart", h)
	}
	for _, x := range owned.Candidates[0].Contexts {
		sum := 0.
		for _, s := range x.Teams {
			sum += s.Share
		}
		if len(x.Teams) == 0 || sum > 1+1e-9 {
			t.Errorf("%s: %v", x.Name, x.Teams)
		}
		if slices.ContainsFunc(x.Members, func(m split.Member) bool { return string(m.Type) == "shop.model.Invoice" }) {
			if x.Teams[0].Team != "money" || !slices.ContainsFunc(x.Extract.Brings, func(s string) bool { return strings.HasPrefix(s, "money owns") }) {
				t.Errorf("%s: %v, brings %q", x.Name, x.Teams, x.Extract.Brings)
			}
		}
	}
	for _, x := range plain.Candidates[0].Contexts {
		if x.Teams != nil {
			t.Errorf("%s has teams that nobody named: %v", x.Name, x.Teams)
		}
	}
}

// Rates of operations become the load of contexts and the calls a day between them.
func TestLoad(t *testing.T) {
	t.Parallel()
	s := &arch.System{Services: map[string]arch.Service{"shop": {Operations: map[string]arch.Operation{
		"place":  {Trigger: "POST /orders", Rate: arch.Some(2.)},
		"browse": {Trigger: "GET /products", Rate: arch.Some(50.)},
	}}}, Journeys: map[string]arch.Journey{"buy": {Entry: arch.NewRef(arch.KindOp, "shop", "place"), Rate: arch.Some(3.)}}}
	r := run(t, sketch.Shop(), &split.Options{System: s})
	load := map[string]float64{}
	for _, x := range r.Candidates[0].Contexts {
		for _, m := range x.Members {
			load[string(m.Type)] = x.Load.V
		}
	}
	if load["shop.web.OrderController"] != 3 || load["shop.web.CatalogController"] != 50 {
		t.Errorf("load: %v", load)
	}
	var bill split.CallCut
	for _, c := range r.Candidates[0].Calls {
		if c.Method == code.MethodID("shop.service.InvoiceService#bill") {
			bill = c
		}
	}
	if !bill.PerDay.Known || math.Abs(bill.PerDay.V-3*24*3600) > 1 {
		t.Errorf("bill is called %v a day", bill.PerDay)
	}
	if slices.ContainsFunc(r.Answer.Unknown, func(s string) bool { return strings.Contains(s, "call volumes") }) {
		t.Error("volumes are given, and asked for")
	}
}
