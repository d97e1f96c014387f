package split_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/split"
	"github.com/ashlar-dev/ashlar/design/split/internal/sketch"
)

func run(t testing.TB, g *code.Graph, o *split.Options) *split.Result {
	t.Helper()
	r, err := split.Run(context.Background(), g, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// home is the context of each type, by plain name; types in parts have several.
func home(r *split.Result) map[string][]string {
	out := map[string][]string{}
	for _, x := range r.Candidates[0].Contexts {
		for _, m := range x.Members {
			n := string(m.Type)
			n = n[strings.LastIndex(n, ".")+1:]
			if !slices.Contains(out[n], x.Name) {
				out[n] = append(out[n], x.Name)
			}
		}
	}
	return out
}

func TestShop(t *testing.T) {
	t.Parallel()
	r := run(t, sketch.Shop(), nil)
	h := home(r)
	for _, together := range [][]string{{"OrderController", "OrderService", "Order", "OrderLine"}, {"CatalogController", "ProductService", "Product", "CategoryService", "Category"}, {"InvoiceController", "InvoiceService", "PaymentService", "Invoice", "Payment"}} {
		for _, x := range together[1:] {
			if !slices.Equal(h[x], h[together[0]]) {
				t.Errorf("%s is in %v, %s in %v", x, h[x], together[0], h[together[0]])
			}
		}
	}
	if slices.Equal(h["Order"], h["Product"]) || slices.Equal(h["Order"], h["Invoice"]) {
		t.Errorf("contexts fell together: %v", h)
	}
	if len(h["ShopDao"]) < 3 || len(r.Broken) != 1 {
		t.Errorf("the data access object was not broken up: %v, %+v", h["ShopDao"], r.Broken)
	}
	c := r.Candidates[0]
	var place split.TransactionCut
	for _, x := range c.Tx {
		if strings.Contains(string(x.Method), "OrderService#place") {
			place = x
		}
	}
	if len(place.Contexts) != 2 || place.Contexts[0] != h["Order"][0] || place.Contexts[1] != h["Invoice"][0] || !strings.Contains(place.Replace, "saga") {
		t.Errorf("transaction of place: %+v", place)
	}
	owner := map[string]split.TableCut{}
	for _, x := range c.Tables {
		owner[x.Table.Member()] = x
	}
	if o := owner["orders"]; o.Owner != h["Order"][0] || o.Why == "" {
		t.Errorf("orders: %+v", o)
	}
	if o := owner["invoice"]; len(o.Keys) != 1 || o.Keys[0].To != sketch.Ref("orders") {
		t.Errorf("foreign key of invoice: %+v", o.Keys)
	}
	if o := owner["order_line"]; len(o.Joins) != 1 || o.Joins[0].With != sketch.Ref("product") {
		t.Errorf("join of order_line: %+v", o.Joins)
	}
	for _, d := range r.Decided {
		if d.Role == split.RoleTest {
			return
		}
	}
	t.Error("the test class was not left out")
}

// The same input and seed give the same bytes, whatever runs beside.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	a, b := run(t, sketch.Shop(), nil), run(t, sketch.Shop(), nil)
	if !reflect.DeepEqual(a.Candidates, b.Candidates) || !reflect.DeepEqual(a.Answer, b.Answer) {
		t.Error("two runs differ")
	}
}

func TestPins(t *testing.T) {
	t.Parallel()
	r := run(t, sketch.Shop(), &split.Options{Pins: split.Pins{
		Together: [][]string{{"PaymentService", "CategoryService"}},
		Apart:    [][]string{{"OrderService", "OrderPricing"}},
		Names:    map[string]string{"Customer": "people", "orders": "ordering"},
	}})
	h := home(r)
	if !slices.Equal(h["PaymentService"], h["CategoryService"]) {
		t.Error("together:", h["PaymentService"], h["CategoryService"])
	}
	if slices.Equal(h["OrderService"], h["OrderPricing"]) {
		t.Error("apart:", h["OrderService"])
	}
	if !slices.Equal(h["Customer"], []string{"people"}) {
		t.Error("named:", h["Customer"])
	}
	for _, x := range r.Candidates[0].Tables {
		if x.Table == sketch.Ref("orders") && x.Owner != "ordering" {
			t.Error("named table:", x.Owner)
		}
	}
	for want, p := range map[string]split.Pins{
		"both together and apart":       {Together: [][]string{{"Order", "Product"}}, Apart: [][]string{{"Product", "Order"}}},
		"did you mean OrderController?": {Names: map[string]string{"OrderCntroller": "x"}},
		"no type or table":              {Together: [][]string{{"Zebra", "Order"}}},
	} {
		if want == "did you mean OrderController?" {
			p = split.Pins{Names: map[string]string{"OrderControl": "x"}}
		}
		_, err := split.Run(t.Context(), sketch.Shop(), &split.Options{Pins: p})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", p, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	if _, err := split.Run(t.Context(), &code.Graph{}, nil); !errors.Is(err, split.ErrNoCode) {
		t.Error(err)
	}
	small := sketch.Shop()
	small.Lines = 800
	if a := run(t, small, nil).Answer; a.Verdict == split.ExtractFew || len(a.Why) == 0 || len(a.Changes) == 0 {
		t.Errorf("800 lines: %+v", a)
	}
	// Many teams and clean borders: something is worth extracting, and no more than
	// the teams can run.
	g, _ := sketch.Planted(240, 6, 1)
	g.Lines = 200_000
	teams := &arch.System{Teams: map[string]arch.Team{"a": {Size: arch.Some(8)}, "b": {Size: arch.Some(8)}}}
	a := run(t, g, &split.Options{System: teams}).Answer
	if a.Verdict != split.ExtractFew || len(a.Extract) == 0 || len(a.Extract) > 4 {
		t.Errorf("two teams: %+v", a)
	}
	one := &arch.System{Teams: map[string]arch.Team{"a": {Size: arch.Some(5)}}}
	if a := run(t, g, &split.Options{System: one}).Answer; a.Verdict != split.Modular {
		t.Errorf("five people: %+v", a)
	}
}

// Renaming every type and shuffling the input changes no border.
func TestRenamed(t *testing.T) {
	t.Parallel()
	g, truth := sketch.Planted(120, 4, 3)
	r := run(t, g, nil)
	agree := 0
	part := map[code.TypeID]string{}
	for _, x := range r.Candidates[0].Contexts {
		for _, m := range x.Members {
			part[m.Type] = x.Name
		}
	}
	pairs := 0
	for a := range truth {
		for b := range truth {
			if a < b {
				pairs++
				if (truth[a] == truth[b]) == (part[a] == part[b]) {
					agree++
				}
			}
		}
	}
	if share := float64(agree) / float64(pairs); share < .97 {
		t.Errorf("planted contexts are found for %.3f of pairs", share)
	}
}

func TestExplainAndScore(t *testing.T) {
	t.Parallel()
	r := run(t, sketch.Shop(), nil)
	why, err := r.Explain(&r.Candidates[0], "OrderService")
	if err != nil || len(why) != 1 || len(why["shop.service.OrderService"]) < 2 {
		t.Fatal(why, err)
	}
	if _, err := r.Explain(&r.Candidates[0], "OrdrService"); err == nil {
		t.Error("an unknown type was explained")
	}
	mine := map[string][]string{}
	for _, x := range r.Candidates[0].Contexts {
		for _, m := range x.Members {
			mine[x.Name] = append(mine[x.Name], m.Name)
		}
	}
	c, rest, err := r.Score(mine)
	if err != nil || len(rest) > 0 {
		t.Fatal(rest, err)
	}
	if d := c.Cost.Total - r.Candidates[0].Cost.Total; d > 1e-9 || d < -.2 {
		t.Errorf("the recommended cut scores %v as a user's, %v before", c.Cost, r.Candidates[0].Cost)
	}
	worse, _, err := r.Score(map[string][]string{"a": {"Order", "Product"}, "b": {"OrderService", "Invoice"}})
	if err != nil || worse.Cost.Total <= r.Candidates[0].Cost.Total {
		t.Errorf("a bad cut: %v %v", worse.Cost, err)
	}
}

func BenchmarkSplit10000(b *testing.B) {
	g, _ := sketch.Planted(10_000, 40, 1)
	for b.Loop() {
		run(b, g, nil)
	}
}

func BenchmarkSplit1000(b *testing.B) {
	g, _ := sketch.Planted(1000, 12, 1)
	for b.Loop() {
		run(b, g, nil)
	}
}
