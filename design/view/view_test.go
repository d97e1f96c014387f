package view_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/internal/sample"
)

// lines writes a graph's arrows as people would, for comparison.
func lines(g view.Graph) []string {
	var out []string
	for _, e := range g.Edges {
		l := e.From.Short() + " " + string(e.Kind) + " " + e.To.Short()
		if e.Change != view.Same {
			l += " " + string(e.Change)
		}
		out = append(out, l)
	}
	return out
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func node(t *testing.T, g view.Graph, r arch.Ref) view.Node {
	t.Helper()
	n, ok := g.Node(r)
	if !ok {
		t.Fatalf("%s is not in the picture", r)
	}
	return n
}

func edge(t *testing.T, g view.Graph, from, to arch.Ref) view.Edge {
	t.Helper()
	for _, e := range g.Edges {
		if e.From == from && e.To == to {
			return e
		}
	}
	t.Fatalf("there is no edge from %s to %s", from, to)
	return view.Edge{}
}

func refs(g view.Graph) []string {
	var out []string
	for _, n := range g.Nodes {
		out = append(out, string(n.Ref))
	}
	return out
}

func TestServices(t *testing.T) {
	t.Parallel()
	g := view.Services(sample.Shop(), nil)
	same(t, lines(g),
		"edge route search", "edge route web", "inventory write stock", "k6 sync web", "order sync inventory", "order sync payment", "order write orders",
		"order publish order-events", "payment sync bank", "web sync order", "order-events subscribe mailer", "order-events dead-letter order-events.dlq")
	if n := node(t, g, "service/search"); !n.Missing {
		t.Error("the route leads to a service that nothing describes")
	}
	if n := node(t, g, "store/orders"); n.Inside != "service/order" || n.Group != "context/ordering" {
		t.Errorf("a store that one service uses lies inside it: %+v", n)
	}
	if n := node(t, g, "topic/order-events"); n.Group != "context/ordering" {
		t.Errorf("a topic lies with who alone publishes to it: %+v", n)
	}
	if n := node(t, g, "external/bank"); n.Group != "" {
		t.Errorf("an external system lies outside: %+v", n)
	}
	e := edge(t, g, "service/order", "service/inventory")
	if e.Calls != 3 || e.Rate != arch.Some(120.) || e.Protocol != "grpc" {
		t.Errorf("one call and two steps of a saga: %+v", e)
	}
	for _, want := range []view.Fact{{Name: "timeout", Value: "200ms (code)"}, {Name: "tries", Value: "3"}, {Name: "saga fulfil", Value: "undo of reserve"}} {
		if !slices.Contains(e.Facts, want) {
			t.Errorf("the arrow does not say %v: %v", want, e.Facts)
		}
	}
	if g.Subtitle != "6 services, 2 stores, 2 topics, 1 gateway, 1 external system, 12 connections, 1 name that nothing describes" {
		t.Errorf("subtitle = %q", g.Subtitle)
	}
}

func TestSharedStoreStandsAlone(t *testing.T) {
	t.Parallel()
	g := view.Services(sample.Bookshop(), nil)
	if n := node(t, g, "store/ledger"); n.Inside != "" {
		t.Errorf("two services use it, it lies inside %s", n.Inside)
	}
	if n := node(t, g, "store/cart-cache"); n.Inside != "service/cart" || n.Role != "cache" {
		t.Errorf("node = %+v", n)
	}
}

func TestOneArrowForReadingAndWriting(t *testing.T) {
	t.Parallel()
	op := func(access string) arch.Operation {
		return arch.Operation{Calls: map[string]arch.Call{"1": {To: "store/s", Access: access, Rate: arch.Some(2.)}}}
	}
	s := arch.System{Services: map[string]arch.Service{"a": {Operations: map[string]arch.Operation{"r": op("read"), "w": op("write"), "u": op("")}}, "b": {Operations: map[string]arch.Operation{"r": op("read"), "u": op("")}}},
		Stores: map[string]arch.Store{"s": {}}}
	g := view.Services(s, nil)
	same(t, lines(g), "a write s", "b read s")
	if e := g.Edges[0]; e.Calls != 3 || e.Rate != arch.Some(6.) {
		t.Errorf("edge = %+v", e)
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	badge := func(s view.Severity, rule string) view.Badge { return view.Badge{Severity: s, Rule: rule, Title: rule} }
	g := view.Services(sample.Shop(), &view.Options{Findings: []view.Finding{
		{Of: "op/order.Place", Badge: badge(view.Low, "b")}, {Of: "deployment/prod/order", Badge: badge(view.High, "a")},
		{From: "op/order.Place", To: "op/inventory.Check", Badge: badge(view.Medium, "c")},
		{From: "op/order.Place", To: "table/orders.order", Badge: badge(view.Medium, "d")},
		{From: "op/mailer.Confirm", To: "topic/order-events", Badge: badge(view.Medium, "e")},
		{Of: "table/stock.item", Badge: badge(view.Info, "f")}, {Of: "service/nowhere", Badge: badge(view.High, "g")},
	}})
	rules := func(bs []view.Badge) (out string) {
		for _, b := range bs {
			out += b.Rule
		}
		return out
	}
	for want, got := range map[string][]view.Badge{
		"ab": node(t, g, "service/order").Badges, "d": node(t, g, "store/orders").Badges, "f": node(t, g, "store/stock").Badges,
		"c": edge(t, g, "service/order", "service/inventory").Badges, "e": edge(t, g, "topic/order-events", "service/mailer").Badges,
	} {
		if rules(got) != want {
			t.Errorf("badges %v, want %s", got, want)
		}
	}
	same(t, g.Notes, "1 finding on elements that this view leaves out")
}

func TestLeaveOut(t *testing.T) {
	t.Parallel()
	g := view.Services(sample.Bookshop(), &view.Options{HideInfrastructure: true})
	if got := refs(g); slices.Contains(got, "service/collector") || slices.Contains(got, "service/loader") || len(got) != 14 {
		t.Errorf("nodes = %v", got)
	}
	same(t, g.Notes, "infrastructure: collector, loader")

	g = view.Services(sample.Shop(), &view.Options{Env: "prod"})
	if slices.Contains(refs(g), "service/k6") {
		t.Error("the load generator runs in staging alone")
	}
	if g.Title != "shop: Services (prod)" {
		t.Errorf("title = %q", g.Title)
	}
}

func TestFocus(t *testing.T) {
	t.Parallel()
	g := view.Services(sample.Shop(), &view.Options{Focus: "op/payment.Charge"})
	same(t, refs(g), "external/bank", "service/order", "service/payment", "store/orders")
	g = view.Services(sample.Shop(), &view.Options{Focus: "service/payment", Radius: 2})
	same(t, refs(g), "external/bank", "service/inventory", "service/order", "service/payment", "service/web", "store/orders", "store/stock", "topic/order-events")
}

func TestOptionsValidate(t *testing.T) {
	t.Parallel()
	var none *view.Options
	if err := none.Validate(arch.System{}); err != nil {
		t.Error(err)
	}
	err := (&view.Options{Group: "colour", Labels: "some", Radius: -1, Focus: "service/ordr"}).Validate(sample.Shop())
	for _, want := range []string{`unknown grouping "colour"`, `unknown labels "some"`, "radius of -1", "there is no service ordr; did you mean order?"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v; want %s", err, want)
		}
	}
}

func TestHubsBecomeStubs(t *testing.T) {
	t.Parallel()
	g := view.Services(sample.Railway(), &view.Options{Findings: []view.Finding{{From: "service/gateway", To: "service/user", Badge: view.Badge{Severity: view.High}}}})
	stubs := 0
	for _, e := range g.Edges {
		if !e.Stub {
			continue
		}
		stubs++
		if g.Hub(e) != "service/gateway" {
			t.Errorf("%s is no hub", g.Hub(e))
		}
	}
	if e := edge(t, g, "service/gateway", "service/user"); stubs != 25 || e.Stub {
		t.Errorf("%d stubs; an arrow with a finding stays a line: %v", stubs, !e.Stub)
	}
	if e := edge(t, g, "service/portal", "service/gateway"); e.Stub {
		t.Error("what leads to the gateway shows where it stands")
	}
}

func TestContexts(t *testing.T) {
	t.Parallel()
	g := view.Contexts(sample.Shop(), nil)
	same(t, lines(g), "ordering relation billing")
	if e := g.Edges[0]; e.Label != "anticorruption layer" || !slices.Contains(e.Facts, view.Fact{Name: "call", Value: "saga fulfil: charge"}) {
		t.Errorf("edge = %+v", e)
	}
	same(t, g.Notes, "1 service in no context: mailer")

	rail := view.Contexts(sample.Railway(), nil)
	if e := edge(t, rail, "context/orders", "context/planning"); e.Label != "13 calls" {
		t.Errorf("edge = %+v", e)
	}
	shared := sample.Lines("s", "@a\nx:\n@b\ny:\nx = db/postgres\ny = db/postgres")
	same(t, lines(view.Contexts(shared, nil)), "b use a")
}

func TestDataOwnership(t *testing.T) {
	t.Parallel()
	g := view.DataOwnership(sample.Shop(), nil)
	same(t, lines(g), "inventory write stock.item", "order read orders.customer", "order write orders.order", "orders.line reference orders.order", "orders.line reference stock.item", "orders.order reference orders.customer")
	if len(g.Groups) != 2 || g.Groups[0].Label != "orders · postgres · owned by order" {
		t.Errorf("groups = %+v", g.Groups)
	}
	rail := view.DataOwnership(sample.Railway(), nil)
	if len(rail.Edges) != 24 || rail.Edges[0].Kind != view.Use {
		t.Errorf("%d edges", len(rail.Edges))
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	g := view.Events(sample.Shop(), nil)
	same(t, lines(g), "order publish order-events", "order-events subscribe mailer", "order-events dead-letter order-events.dlq")
	if n := node(t, g, "topic/order-events#OrderPlaced"); n.Inside != "topic/order-events" || n.Detail != "v1" || n.Kind != view.Event {
		t.Errorf("event = %+v", n)
	}
}

func TestDeployment(t *testing.T) {
	t.Parallel()
	g := view.Deployment(sample.Shop(), nil)
	same(t, lines(g), "prod/order sync prod/inventory", "prod/order write prod/orders", "prod/payment sync bank", "prod/web sync prod/order")
	if n := node(t, g, "deployment/prod/web"); n.Detail != "2 to 10 replicas" || n.Group != "environment/prod/ordering" {
		t.Errorf("node = %+v", n)
	}
	g = view.Deployment(sample.Shop(), &view.Options{Env: "staging"})
	same(t, refs(g), "deployment/staging/k6", "deployment/staging/order")

	all := arch.System{Services: map[string]arch.Service{"a": {}}, Deployments: map[string]arch.Deployment{"/a": {Replicas: arch.Some(2)}, "prod/a": {Zones: arch.Some(3)}}}
	if n := node(t, view.Deployment(all, &view.Options{Env: "prod"}), "deployment/prod/a"); n.Detail != "2 replicas · 3 zones" {
		t.Errorf("what holds everywhere holds in prod: %+v", n)
	}
	if n := view.Deployment(arch.System{}, nil).Notes; len(n) != 1 {
		t.Errorf("notes = %v", n)
	}
}

func TestSequence(t *testing.T) {
	t.Parallel()
	g := view.Sequence(sample.Shop(), "journey/buy")
	var got []string
	for _, e := range g.Edges {
		got = append(got, fmt.Sprintf("%s %s %s %s", e.From.Short(), e.Kind, e.To.Short(), e.Label))
	}
	same(t, got,
		"user sync web Checkout", "web sync order Place", "order sync inventory Check", "inventory read stock read item", "inventory return order ", "order read orders read customer",
		"order write orders write order", "order publish order-events publish", "order sync inventory Reserve", "inventory write stock write item", "inventory return order ",
		"order sync payment Charge", "payment sync bank call", "payment return order ", "order return web ", "web return user ", "order-events subscribe mailer Confirm")
	want := []view.Frame{
		{Kind: "par", Label: "at the same time", First: 2, Last: 5, Cuts: []view.Cut{{Before: 5}}},
		{Kind: "saga", Label: "fulfil", First: 8, Last: 13}, {Kind: "loop", Label: "2 times", First: 12, Last: 12},
		{Kind: "later", Label: "what order-events sets off", First: 16, Last: 16},
	}
	if !reflect.DeepEqual(g.Frames, want) {
		t.Errorf("frames = %+v", g.Frames)
	}
}

func TestSequenceEnds(t *testing.T) {
	t.Parallel()
	call := func(to arch.Ref) map[string]arch.Call { return map[string]arch.Call{"1": {To: to}} }
	s := arch.System{Services: map[string]arch.Service{
		"a": {Operations: map[string]arch.Operation{"x": {Calls: call("op/b.y")}}}, "b": {Operations: map[string]arch.Operation{"y": {Calls: call("op/a.x")}}}},
		Journeys: map[string]arch.Journey{"j": {Entry: "op/a.x"}}}
	g := view.Sequence(s, "journey/j")
	if len(g.Edges) != 5 || len(g.Notes) != 1 || !strings.Contains(g.Notes[0], "a.x calls itself in a circle") {
		t.Errorf("%d edges, notes %v", len(g.Edges), g.Notes)
	}
	calls := map[string]arch.Call{}
	for i := range 30 {
		calls[fmt.Sprint(i)] = arch.Call{To: "op/b.y"}
	}
	wide := map[string]arch.Call{}
	for i := range 30 {
		wide[fmt.Sprint(i)] = arch.Call{To: "external/x"}
	}
	s.Services["a"].Operations["x"], s.Services["b"].Operations["y"] = arch.Operation{Calls: calls}, arch.Operation{Calls: wide}
	g = view.Sequence(s, "journey/j")
	if len(g.Edges) != 150 || len(g.Notes) == 0 {
		t.Errorf("%d edges, notes %v", len(g.Edges), g.Notes)
	}
	if g := view.Sequence(s, "journey/none"); len(g.Notes) != 1 {
		t.Errorf("notes = %v", g.Notes)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	a, b := sample.Shop(), sample.Shop()
	if g := view.Diff(a, b, nil); g.Subtitle != "nothing changed" {
		t.Errorf("subtitle = %q", g.Subtitle)
	}
	delete(b.Services, "mailer")
	b.Services["audit"] = arch.Service{Uses: map[string]arch.Call{"store/orders#1": {To: "store/orders", Access: "read"}}}
	d := b.Deployments["prod/order"]
	d.Replicas = arch.Some(5)
	b.Deployments["prod/order"] = d
	c := b.Services["web"].Operations["Checkout"].Calls["op/order.Place#1"]
	c.Protocol = "grpc"
	b.Services["web"].Operations["Checkout"].Calls["op/order.Place#1"] = c
	g := view.Diff(a, b, nil)
	for r, want := range map[arch.Ref]view.Change{"service/mailer": view.Removed, "service/audit": view.Added, "service/order": view.Changed, "service/payment": view.Same} {
		if n := node(t, g, r); n.Change != want {
			t.Errorf("%s is %q, want %q", r, n.Change, want)
		}
	}
	if n := node(t, g, "service/order"); !slices.Contains(n.Facts, view.Fact{Name: "changed", Value: "replicas: 3 → 5"}) {
		t.Errorf("facts = %v", n.Facts)
	}
	if e := edge(t, g, "service/web", "service/order"); e.Change != view.Changed || !slices.Contains(e.Facts, view.Fact{Name: "changed", Value: "protocol: http → grpc"}) {
		t.Errorf("edge = %+v", e)
	}
	if e := edge(t, g, "topic/order-events", "service/mailer"); e.Change != view.Removed {
		t.Errorf("edge = %+v", e)
	}
	if n := node(t, g, "store/orders"); n.Inside != "" {
		t.Error("a store that has got a second user stands alone")
	}
	if g.Subtitle != "added: 1 element and 1 connection; removed: 1 element and 1 connection; changed: 1 element and 1 connection" {
		t.Errorf("subtitle = %q", g.Subtitle)
	}
}

func TestDiffOfLargeSystemsShowsWhatChanged(t *testing.T) {
	t.Parallel()
	a, b := sample.Railway(), sample.Railway()
	delete(b.Services, "voucher")
	g := view.Diff(a, b, nil)
	if len(g.Nodes) != 7 { // the gateway that calls it, two that it called, and their stores
		t.Errorf("nodes = %v", refs(g))
	}
	if n := node(t, g, "service/voucher"); n.Change != view.Removed || !n.Missing {
		t.Errorf("the gateway still calls it: %+v", n)
	}
}

// Views do not depend on the order of maps, and leave their system alone.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	views := map[string]func(arch.System) view.Graph{
		"services": func(s arch.System) view.Graph { return view.Services(s, nil) }, "contexts": func(s arch.System) view.Graph { return view.Contexts(s, nil) },
		"data": func(s arch.System) view.Graph { return view.DataOwnership(s, nil) }, "events": func(s arch.System) view.Graph { return view.Events(s, nil) },
		"deployment": func(s arch.System) view.Graph { return view.Deployment(s, nil) }, "sequence": func(s arch.System) view.Graph { return view.Sequence(s, "journey/buy") },
		"diff": func(s arch.System) view.Graph { return view.Diff(s, sample.Railway(), nil) },
	}
	for name, f := range views {
		for _, build := range []func() arch.System{sample.Shop, sample.Railway} {
			s := build()
			first := f(s)
			for range 10 {
				if !reflect.DeepEqual(f(s), first) {
					t.Fatalf("%s draws one system in two ways", name)
				}
			}
			if !reflect.DeepEqual(s, build()) {
				t.Errorf("%s changed its system", name)
			}
		}
	}
}
