package arch_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
)

// shop is a system by hand that uses most nouns.
func shop() arch.System {
	inv, pay := arch.Ref("op/inventory.Check"), arch.Ref("op/payment.Charge")
	return arch.System{
		Format: arch.Format, Name: "shop",
		Contexts: map[string]arch.Context{"ordering": {Kind: "core", Terms: map[string]string{"order": "what a customer wants"}}},
		Teams:    map[string]arch.Team{"sales": {Size: arch.Some(5)}},
		Services: map[string]arch.Service{
			"order": {Context: "ordering", Owner: "sales", Operations: map[string]arch.Operation{"Place": {
				Trigger: "POST /v1/orders", Idempotent: arch.Some(true),
				Calls: map[string]arch.Call{
					arch.CallID(inv, 1): {To: inv, Layers: []arch.Policy{{Layer: "code", Timeout: arch.Some(2 * time.Second)}, {Layer: "sidecar", Retry: &arch.Retry{Attempts: arch.Some(3), PerTry: arch.Some(time.Second)}}}},
					arch.CallID(pay, 1): {To: pay, Optional: arch.Some(false), Latency: arch.Dist{Law: "lognormal(p50=4ms, p99=20ms)"}},
				},
				Body: arch.Step{Kind: arch.Seq, Steps: []arch.Step{{Kind: arch.Work, Own: arch.ConstTime(4 * time.Millisecond)}, {Kind: arch.Par, Steps: []arch.Step{
					{Kind: arch.Do, Call: arch.CallID(inv, 1)}, {Kind: arch.Do, Call: arch.CallID(pay, 1)}}}}},
			}}},
			"inventory": {Operations: map[string]arch.Operation{"Check": {}}},
			"payment":   {Operations: map[string]arch.Operation{"Charge": {}}},
		},
		Stores:      map[string]arch.Store{"orders": {Kind: "postgres", Owner: "service/order", Tables: map[string]arch.Table{"order": {Columns: []string{"id", "total"}}}}},
		Gateways:    map[string]arch.Gateway{"edge": {Routes: []arch.Route{{ID: "z", Path: "/v1/*", To: "service/order"}, {ID: "a", Path: "/*", To: "service/payment"}}}},
		Journeys:    map[string]arch.Journey{"buy": {Entry: "op/order.Place", Rate: arch.Some(120.0), Objectives: []arch.Objective{{Percentile: 99, Latency: arch.Some(300 * time.Millisecond)}}}},
		Deployments: map[string]arch.Deployment{arch.DeploymentKey("prod", "order"): {Of: "service/order", Replicas: arch.Some(0)}},
	}
}

func TestFactsAndAssembleAreInverse(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		want := random(rand.New(rand.NewPCG(seed, 1)))
		got, err := arch.Assemble(arch.Facts(want))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if d := arch.Diff(want, got); len(d) > 0 {
			t.Fatalf("seed %d: %d differences, first %+v", seed, len(d), d[0])
		}
		text := want.AppendText(nil, false)
		again, err := arch.ReadText(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !bytes.Equal(text, again.AppendText(nil, false)) {
			t.Fatalf("seed %d: text does not survive a round trip", seed)
		}
	}
}

func TestOrderedListsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	got, err := arch.Assemble(arch.Facts(shop()))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, shop()) {
		t.Fatalf("got %#v", got)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	manifest := arch.System{Services: map[string]arch.Service{"order": {Role: "ui", Lang: "go"}},
		Deployments: map[string]arch.Deployment{"/order": {Of: "service/order", Replicas: arch.Some(3)}}}
	manifest.Attest(arch.Source{Origin: arch.Config, File: "order.yaml", Line: 3})
	hand := arch.System{Services: map[string]arch.Service{"order": {Role: "app"}}}
	hand.Attest(arch.Source{Origin: arch.Hand, File: "ashlar.yaml", Line: 9, Col: 5})
	for _, views := range [][]arch.System{{manifest, hand}, {hand, manifest}, {hand, manifest, hand}} {
		s, err := arch.Merge(views...)
		if err != nil {
			t.Fatal(err)
		}
		role := arch.Fact{Of: "service/order", At: "/role"}
		if s.Services["order"].Role != "app" || s.Services["order"].Lang != "go" || s.Deployments["/order"].Replicas != arch.Some(3) {
			t.Fatalf("merged: %+v", s)
		}
		if c := s.Ledger.Conflicts(); len(c) != 1 || c[0] != role {
			t.Fatalf("conflicts = %v", c)
		}
		if src := s.Ledger.Where(role); src.String() != "ashlar.yaml:9:5" {
			t.Fatalf("where = %s", src)
		}
		if n := s.Ledger[role][0].Count; n != 1 {
			t.Fatalf("the same claim from the same place counts %d times", n)
		}
	}
}

func TestMergeLeavesNoTraceOfOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		var views []arch.System
		for i := range 4 {
			v := random(r)
			v.Attest(arch.Source{Origin: []arch.Origin{arch.Config, arch.Trace, arch.Hand, arch.Trace}[i], File: string(rune('a' + i))})
			views = append(views, v)
		}
		a, err := arch.Merge(views...)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		r.Shuffle(len(views), func(i, j int) { views[i], views[j] = views[j], views[i] })
		b, _ := arch.Merge(views...)
		if !bytes.Equal(a.AppendText(nil, true), b.AppendText(nil, true)) {
			t.Fatalf("seed %d: order shows", seed)
		}
	}
}

func TestObservedDistributionsAddUp(t *testing.T) {
	t.Parallel()
	view := func(file string, vs ...float64) arch.System {
		var d arch.Dist
		for _, v := range vs {
			d.Observe(v)
		}
		s := arch.System{Services: map[string]arch.Service{"a": {Operations: map[string]arch.Operation{"X": {Latency: d}}}}}
		s.Attest(arch.Source{Origin: arch.Trace, File: file})
		return s
	}
	s, err := arch.Merge(view("1", .001, .002), view("2", .003))
	if err != nil {
		t.Fatal(err)
	}
	if d := s.Services["a"].Operations["X"].Latency; d.N != 3 || math.Abs(d.Sum-.006) > 1e-12 || d.Max != .003 {
		t.Fatalf("latency = %+v", d)
	}
}

func TestRename(t *testing.T) {
	t.Parallel()
	s := shop()
	s.Attest(arch.Source{Origin: arch.Hand, File: "ashlar.yaml"})
	s.Coverage = map[string]arch.Coverage{"hand": {Origin: arch.Hand, Of: []arch.Ref{"service/order", "service/payment"}}}
	got, err := arch.Rename(s, map[arch.Ref]arch.Renaming{"service/payment": {To: "service/pay", Reason: "alias in ashlar.yaml"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Validate(); err != nil {
		t.Fatalf("dangling after rename: %v", err)
	}
	op := got.Services["order"].Operations["Place"]
	if _, ok := op.Calls["op/pay.Charge#1"]; !ok || !op.Placed()["op/pay.Charge#1"] {
		t.Fatalf("call was not renamed: %+v", op)
	}
	if src := got.Ledger.Where(arch.Fact{Of: "service/pay"}); src.Reason != "alias in ashlar.yaml" {
		t.Fatalf("reason = %+v", src)
	}
	if !got.Covered(arch.Hand, "service/pay") || got.Has("service/payment") || got.Gateways["edge"].Routes[1].To != "service/pay" {
		t.Fatalf("renamed: %+v", got)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	a, b := shop(), shop()
	if d := arch.Diff(a, b); len(d) != 0 {
		t.Fatalf("equal systems differ: %v", d)
	}
	b.Services["cart"] = arch.Service{}
	b.Deployments["prod/order"] = arch.Deployment{Of: "service/order"}
	d := arch.Diff(a, b)
	if len(d) != 2 || d[0].String() != "deployment/prod/order/replicas" || d[0].Old != arch.Some("0") || d[0].New.Known || d[1].Of != "service/cart" {
		t.Fatalf("diff = %+v", d)
	}
}

func TestValidateJoinsAllFaults(t *testing.T) {
	t.Parallel()
	if err := shop().Validate(); err != nil {
		t.Fatal(err)
	}
	s := shop()
	op := s.Services["order"].Operations["Place"]
	op.Calls["op/inventori.Check#1"] = arch.Call{To: "op/inventori.Check"}
	op.Errors = arch.Some(1.5)
	op.Body.Steps = append(op.Body.Steps, arch.Step{Kind: arch.Do, Call: "nope"})
	op.Latency = arch.Dist{Law: "normal(mean=3)"}
	s.Services["order"].Operations["Place"] = op
	s.Journeys["buy"] = arch.Journey{Rate: arch.Some(10.0), Peak: arch.Some(5.0), Objectives: []arch.Objective{{Percentile: 99}}}
	s.Sagas = map[string]arch.Saga{"f": {Steps: []arch.SagaStep{{Name: "a", Action: "op/order.Place", Pivot: true}, {Name: "b", Pivot: true}}}}
	err := s.Validate()
	for _, want := range []string{"did you mean inventory.Check?", "1.5 is no share", `call "nope"`, `unknown law "normal"`, "the peak of 5/s lies below", "needs the operation", "needs a latency", "more than one pivot: a, b", "needs an operation to do"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no fault says %q in:\n%v", want, err)
		}
	}
	var f *arch.Fault
	if !errors.As(err, &f) {
		t.Error("faults are not typed")
	}
}

func TestEffective(t *testing.T) {
	t.Parallel()
	c := arch.Call{Layers: []arch.Policy{
		{Layer: "server", Timeout: arch.Some(10 * time.Second)},
		{Layer: "code", Timeout: arch.Some(2 * time.Second), Retry: &arch.Retry{Attempts: arch.Some(3)}},
		{Layer: "sidecar", Timeout: arch.Some(time.Duration(0)), Retry: &arch.Retry{Attempts: arch.Some(3), PerTry: arch.Some(time.Second), Backoff: arch.Some(100 * time.Millisecond)}},
		{Layer: "sidecar", Env: "test", Timeout: arch.Some(time.Millisecond)},
	}}
	if e := c.Effective("prod"); e.Timeout != arch.Some(2*time.Second) || e.By != "code" || e.Tries != 9 || e.Worst != arch.Some(3300*time.Millisecond) {
		t.Fatalf("effect = %+v", e)
	}
	if e := c.Effective("test"); e.Timeout != arch.Some(time.Millisecond) {
		t.Fatalf("in test = %+v", e)
	}
	none := arch.Call{Layers: []arch.Policy{{Layer: "sidecar", Timeout: arch.Some(time.Duration(0))}}}
	if e := none.Effective(""); e.Timeout != arch.Some(time.Duration(0)) {
		t.Fatalf("a layer that says none = %+v", e)
	}
}

func TestDist(t *testing.T) {
	t.Parallel()
	var d arch.Dist
	r := rand.New(rand.NewPCG(1, 1))
	for range 20000 {
		d.Observe(math.Exp(r.NormFloat64()*.5) * .01)
	}
	for q, z := range map[float64]float64{.5: 0, .9: 1.2816, .99: 2.3263} {
		want := math.Exp(z*.5) * .01
		if v, _ := d.Quantile(q); math.Abs(v-want)/want > .05 {
			t.Errorf("q%v = %v, want about %v", q, v, want)
		}
	}
	l := arch.Dist{Law: "lognormal(p50=40ms, p99=300ms)"}
	if v, _ := l.Quantile(.99); math.Abs(v-.3) > 1e-9 {
		t.Errorf("p99 of the law = %v", v)
	}
	if v, _ := l.Quantile(.5); math.Abs(v-.04) > 1e-12 {
		t.Errorf("p50 of the law = %v", v)
	}
	if v, _ := arch.ConstTime(time.Second).Mean(); v != 1 {
		t.Errorf("mean of 1s = %v", v)
	}
	for _, bad := range []string{"4 ms", "exp(p50=1s)", "lognormal(p50=0, p99=1)", "lognormal(p50=2s, p99=1s)", "uniform(min=1)", "exp(mean=1,x=2)", "exp(mean=-1)"} {
		if (arch.Dist{Law: bad}).Check() == nil {
			t.Errorf("law %q passes", bad)
		}
	}
}

func TestRefs(t *testing.T) {
	t.Parallel()
	r := arch.NewRef(arch.KindOp, "a.b/c", "GET /x#1")
	if r.Name() != "a.b/c" || r.Member() != "GET /x#1" || r.Parent() != arch.NewRef(arch.KindService, "a.b/c") || r.Short() != "a.b/c.GET /x#1" {
		t.Fatalf("%s: %s %s", r, r.Name(), r.Member())
	}
	to, n := arch.SplitCallID(arch.CallID(r, 2))
	if to != r || n != 2 {
		t.Fatalf("call id: %s %d", to, n)
	}
	d := arch.DeploymentRef("prod", "a/b")
	if d.Env() != "prod" || d.Name() != "a/b" || d.Short() != "prod/a/b" {
		t.Fatalf("%s: %s %s", d, d.Env(), d.Name())
	}
	for _, bad := range []string{"", "order", "service/", "op/order", "service/a.b", "thing/a"} {
		if _, err := arch.ParseRef(bad); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func FuzzDistText(f *testing.F) {
	f.Add("sketch(3, 0.006, 0.001, 0.003; -340:1 -300:2)")
	f.Add("lognormal(p50=4ms, p99=20ms)")
	f.Fuzz(func(t *testing.T, s string) {
		var d, e arch.Dist
		if d.UnmarshalText([]byte(s)) != nil {
			return
		}
		b, _ := d.MarshalText()
		if err := e.UnmarshalText(b); err != nil {
			t.Fatalf("%q -> %q: %v", s, b, err)
		}
	})
}

func FuzzReadText(f *testing.F) {
	f.Add(string(shop().AppendText(nil, false)))
	f.Fuzz(func(t *testing.T, s string) {
		sys, err := arch.ReadText(strings.NewReader(s))
		if err == nil {
			_ = sys.Validate()
		}
	})
}
