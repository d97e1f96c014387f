package advise_test

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// knobs are what the metamorphic tests turn.
type knobs struct {
	budget   time.Duration
	callee   string // latency of b
	rate     float64
	fail     float64
	idem     arch.Opt[bool]
	avail    float64
	parallel bool
	upstream int
	optional bool
}

func usual() knobs {
	return knobs{300 * time.Millisecond, "20ms", 100, 0.01, arch.Some(true), 0.999, false, 1, false}
}

var (
	opA, opB, opC = arch.NewRef(arch.KindOp, "a", "Do"), arch.NewRef(arch.KindOp, "b", "Do"), arch.NewRef(arch.KindOp, "c", "Do")
	toB, toC      = arch.CallID(opB, 1), arch.CallID(opC, 1)
)

// system: a works 20 ms and calls b and c; c takes 60 ms.
func system(k knobs) arch.System {
	kind := arch.Seq
	if k.parallel {
		kind = arch.Par
	}
	body := arch.Step{Kind: arch.Seq, Steps: []arch.Step{
		{Kind: arch.Work, Own: arch.Const(0.02)},
		{Kind: kind, Steps: []arch.Step{{Kind: arch.Do, Call: toB}, {Kind: arch.Do, Call: toC}}},
	}}
	trigger := ""
	if k.optional {
		trigger = "POST /do"
	}
	b := arch.Call{To: opB, Access: arch.AccessCall, Latency: arch.Dist{Law: k.callee}, Errors: arch.Some(k.fail), Rate: arch.Some(k.rate)}
	if k.optional {
		b.Optional = arch.Some(true)
	}
	calls := map[string]arch.Call{toB: b, toC: {To: opC, Access: arch.AccessCall, Latency: arch.Const(0.06)}}
	if k.upstream > 1 {
		opE, toA := arch.NewRef(arch.KindOp, "e", "Go"), arch.CallID(opA, 1)
		return arch.System{
			Journeys: map[string]arch.Journey{"j": {Entry: opE, Objectives: []arch.Objective{{Percentile: 99, Latency: arch.Some(k.budget)}, {Availability: arch.Some(k.avail)}}}},
			Services: map[string]arch.Service{
				"e": {Operations: map[string]arch.Operation{"Go": {Calls: map[string]arch.Call{toA: {To: opA, Latency: arch.Const(0.1), Layers: []arch.Policy{{Layer: arch.LayerCode, Retry: &arch.Retry{Attempts: arch.Some(k.upstream)}}}}}}}},
				"a": {Operations: map[string]arch.Operation{"Do": {Calls: calls, Body: body}}},
				"b": {Operations: map[string]arch.Operation{"Do": {Idempotent: k.idem, Trigger: trigger}}},
				"c": {Operations: map[string]arch.Operation{"Do": {}}},
			},
			Deployments: map[string]arch.Deployment{arch.DeploymentKey("", "a"): {Replicas: arch.Some(2)}},
		}
	}
	return arch.System{
		Journeys: map[string]arch.Journey{"j": {Entry: opA, Rate: arch.Some(10.0), Peak: arch.Some(40.0), Objectives: []arch.Objective{{Percentile: 99, Latency: arch.Some(k.budget)}, {Availability: arch.Some(k.avail)}}}},
		Services: map[string]arch.Service{
			"a": {Operations: map[string]arch.Operation{"Do": {Calls: calls, Body: body}}},
			"b": {Operations: map[string]arch.Operation{"Do": {Idempotent: k.idem, Trigger: trigger}}},
			"c": {Operations: map[string]arch.Operation{"Do": {}}},
			"d": {},
		},
		Deployments: map[string]arch.Deployment{arch.DeploymentKey("", "a"): {Replicas: arch.Some(2)}},
	}
}

func ask(t *testing.T, k knobs) advise.Answer {
	t.Helper()
	as, err := advise.Resilience(system(k), "a", "b.Do", nil)
	if err != nil || len(as) != 1 {
		t.Fatalf("%d answers, %v", len(as), err)
	}
	return as[0]
}

func value(t *testing.T, a advise.Answer, name string) float64 {
	t.Helper()
	n, ok := a.Number(name)
	if !ok {
		t.Fatalf("no %s in %+v", name, a)
	}
	if n.Formula == "" || n.Source == "" {
		t.Errorf("%s has no formula or no source", name)
	}
	return n.Value
}

// Worked by hand from the knobs of usual.
func TestByHand(t *testing.T) {
	t.Parallel()
	a := ask(t, usual())
	theta := 0.01 + 3*math.Sqrt(0.01*0.99/500) // 500 calls in 10 s, below the floor of 20 %
	if theta > 0.2 {
		t.Fatal("the case is meant to be below the floor")
	}
	for _, c := range []struct {
		name string
		want float64
	}{
		{advise.Timeout, 0.07},            // (300 - 20) x 20 / (20 + 60)
		{advise.Tries, 2},                 // 0.05 % = half of 0.1 %; 0.01^2 <= 0.0005
		{advise.Wait, 0.02},               // median
		{advise.PerTry, 0.025},            // (70 - 20) / 2
		{advise.RetryBudget, 0.02},        // 2 x 1 %, below 25 %
		{advise.Threshold, 0.2},           // the floor
		{advise.Window, (10 - .025) / .2}, // 49.875 s
		{advise.MinCalls, 249},            // half of 50 x 9.975
		{advise.Bulkhead, 11},             // L = 50 x 4 x 20 ms = 4; 4 + 6 + 1
	} {
		if got := value(t, a, c.name); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	k := usual()
	k.parallel = true
	if got := value(t, ask(t, k), advise.Timeout); math.Abs(got-0.28) > 1e-9 {
		t.Errorf("parallel parts do not share: %v, want 280 ms", got)
	}
	k = usual()
	k.callee = "lognormal(p50=2ms, p99=20ms)"
	p95 := 0.002 * math.Exp(math.Log(10)/2.3263478740408408*1.6448536269514722)
	if got := value(t, ask(t, k), advise.Hedge); math.Abs(got-p95) > 1e-9 {
		t.Errorf("hedge %v, want p95 %v", got, p95)
	}
	k = usual()
	k.rate = 1 // 5 calls in 10 s per instance
	if got := value(t, ask(t, k), advise.InARow); got != 5 {
		t.Errorf("in a row %v, want 5", got)
	}
}

func TestMetamorphic(t *testing.T) {
	t.Parallel()
	base := ask(t, usual())
	for _, c := range []struct {
		what string
		turn func(*knobs)
		way  map[string]int // 1: up, -1: down, 0: the same
	}{
		{"twice the traffic", func(k *knobs) { k.rate *= 2 }, map[string]int{advise.Bulkhead: 1, advise.MinCalls: 1, advise.Timeout: 0, advise.Tries: 0}},
		{"half the budget", func(k *knobs) { k.budget /= 2 }, map[string]int{advise.Timeout: -1, advise.Tries: -1, advise.Bulkhead: 0, advise.RetryBudget: -1}},
		{"slower callee", func(k *knobs) { k.callee = "40ms" }, map[string]int{advise.Timeout: 1, advise.Bulkhead: 1}},
		{"not idempotent", func(k *knobs) { k.idem = arch.Some(false) }, map[string]int{advise.Tries: -1, advise.RetryBudget: -1, advise.Timeout: 0}},
		{"idempotency unknown", func(k *knobs) { k.idem = arch.Opt[bool]{} }, map[string]int{advise.Tries: -1}},
		{"fails more", func(k *knobs) { k.fail = 0.04 }, map[string]int{advise.Tries: 0, // time allows no third
			advise.RetryBudget: 1}},
		{"retried upstream", func(k *knobs) { k.upstream = 3 }, map[string]int{advise.Tries: -1}},
	} {
		k := usual()
		c.turn(&k)
		a := ask(t, k)
		for name, way := range c.way {
			got, was := value(t, a, name), value(t, base, name)
			if diff := got - was; way == 0 && math.Abs(diff) > 1e-9 || way != 0 && diff*float64(way) <= 0 {
				t.Errorf("%s: %s went from %v to %v", c.what, name, was, got)
			}
		}
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		turn    func(*knobs)
		want    advise.Verdict
		because string
	}{
		{func(k *knobs) { k.budget = 50 * time.Millisecond }, advise.Infeasible, "needs 100ms at p99"},
		{func(k *knobs) { k.fail = 0.5 }, advise.Infeasible, "still fail"},
		{func(k *knobs) { k.optional = true }, advise.Async, "reads nothing"},
	} {
		k := usual()
		c.turn(&k)
		a := ask(t, k)
		if a.Verdict != c.want || !strings.Contains(strings.Join(a.Because, "\n"), c.because) {
			t.Errorf("%s because %q, want %s because %q", a.Verdict, a.Because, c.want, c.because)
		}
	}
	as, err := advise.Resilience(system(usual()), "b", "c", nil)
	if err != nil || as[0].Verdict != advise.NotSeen {
		t.Errorf("%+v, %v", as, err)
	}
	if _, err := advise.Resilience(system(usual()), "a", "bb", nil); err == nil || !strings.Contains(err.Error(), `there is no "bb"`) {
		t.Error(err)
	}
}

// What is not known is asked for, and gives no number.
func TestUnknown(t *testing.T) {
	t.Parallel()
	s := system(usual())
	s.Journeys, s.Deployments = nil, nil
	as, err := advise.Resilience(s, "a", "b", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{advise.Timeout, advise.Tries, advise.Window, advise.Bulkhead, advise.Hedge} {
		if v, ok := as[0].Number(n); ok {
			t.Errorf("%s was made up: %+v", n, v)
		}
	}
	if q := fmt.Sprint(as[0].Questions); !strings.Contains(q, "promised") || !strings.Contains(q, "instances of a") {
		t.Errorf("questions: %s", q)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"go":           "Total: 70 * time.Millisecond",
		"istio":        "retries: {attempts: 1, perTryTimeout: 0.024s",
		"resilience4j": "maxAttempts: 2",
		"linkerd":      "retry.linkerd.io/limit: \"1\"\n    retry.linkerd.io/timeout: 24ms",
		"kong":         "read_timeout: 24\n    retries: 1",
		"polly":        "MaxRetryAttempts = 1",
	} {
		var b bytes.Buffer
		if err := advise.Config(&b, target, []advise.Answer{ask(t, usual())}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s lacks %q:\n%s", target, want, b.String())
		}
		if target == "go" {
			if _, err := parser.ParseFile(token.NewFileSet(), "x.go", b.Bytes(), 0); err != nil {
				t.Error(err)
			}
		} else if target == "polly" {
			if strings.Count(b.String(), "{") != strings.Count(b.String(), "}") || strings.Count(b.String(), "(") != strings.Count(b.String(), ")") {
				t.Errorf("polly: brackets do not match\n%s", b.String())
			}
		} else if f := doc.Read("x.yaml", b.Bytes(), nil); len(f.Faults) > 0 {
			t.Errorf("%s: %v\n%s", target, f.Faults, b.String())
		}
	}
	if err := advise.Config(&bytes.Buffer{}, "envoi", nil); err == nil {
		t.Error("an unknown target passed")
	}
}

func ExampleResilience() {
	as, _ := advise.Resilience(system(usual()), "a", "b", nil)
	n, _ := as[0].Number(advise.Timeout)
	fmt.Println(n.Name, n.Text, "=", n.Formula)
	// Output: timeout 70ms = 300ms - 20ms own work = 280ms; 280ms x 20ms / 80ms = 70ms
}
