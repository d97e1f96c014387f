package decisions_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
	"github.com/ashlar-dev/ashlar/design/advise/decisions"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/review/rules"
)

// knobs of a small system of which everything is known: a calls b and c, b calls
// c; a and b share a table; a writes and publishes apart.
type knobs struct {
	teams, people, languages int
	promise                  time.Duration
	rate, peak               float64
	broker                   string
	gateway                  string
	constraints              map[string]arch.Constraint
	noTeams                  bool
	chain                    int // more services in a row
	failing                  float64
	changes                  bool          // a changes b and c in one go
	slow                     time.Duration // the 99th percentile of b; 0: not known
	wide                     bool          // a reads from a third service
}

func usual() knobs {
	return knobs{teams: 2, people: 9, languages: 1, promise: 300 * time.Millisecond, rate: 20, peak: 120, broker: "kafka", gateway: "ingress", failing: .001}
}

func system(k knobs) arch.System {
	op := func(s, o string) arch.Ref { return arch.NewRef(arch.KindOp, s, o) }
	table := arch.NewRef(arch.KindTable, "db", "t")
	http := func(to arch.Ref) arch.Call {
		return arch.Call{To: to, Access: arch.AccessCall, Protocol: "http", Errors: arch.Some(k.failing)}
	}
	calls := func(cs ...arch.Call) map[string]arch.Call {
		out := map[string]arch.Call{}
		for _, c := range cs {
			out[arch.CallID(c.To, 1)] = c
		}
		return out
	}
	get, b, c := "GET /x", "GET /y", "GET /z"
	if k.changes {
		b, c = "record", "store"
	}
	s := arch.System{
		Format: 1, Name: "t", Complexity: "medium",
		Contexts: map[string]arch.Context{"p": {}, "q": {}, "r": {}},
		Services: map[string]arch.Service{
			"a": {Lang: "go", Owner: "t0", Operations: map[string]arch.Operation{get: {Calls: calls(http(op("b", b)), http(op("c", c)),
				arch.Call{To: table, Access: arch.AccessRead}, arch.Call{To: arch.NewRef(arch.KindTable, "db", "own"), Access: arch.AccessWrite}, arch.Call{To: arch.NewRef(arch.KindTopic, "events"), Access: arch.AccessPublish, Protocol: "kafka"})}}},
			"b": {Lang: "go", Operations: map[string]arch.Operation{b: {Calls: calls(http(op("c", "GET /z")), arch.Call{To: table, Access: arch.AccessRead})}}},
			"c": {Lang: "go", Operations: map[string]arch.Operation{c: {}, "GET /z": {}}},
		},
		Stores:      map[string]arch.Store{"db": {Kind: "postgres", Tables: map[string]arch.Table{"t": {}, "own": {}}}},
		Topics:      map[string]arch.Topic{"events": {Broker: k.broker}},
		Gateways:    map[string]arch.Gateway{"in": {Kind: k.gateway, Routes: []arch.Route{{ID: "1", To: arch.NewRef(arch.KindService, "a")}}}},
		Journeys:    map[string]arch.Journey{"j": {Entry: op("a", get), Rate: arch.Some(k.rate), Peak: arch.Some(k.peak), Objectives: []arch.Objective{{Percentile: 99, Latency: arch.Some(k.promise)}, {Availability: arch.Some(.999)}}}},
		Constraints: map[string]arch.Constraint{"rules": {Kind: "compliance", Value: "gdpr"}},
		Teams:       map[string]arch.Team{},
		Deployments: map[string]arch.Deployment{},
		Coverage:    map[string]arch.Coverage{"kubernetes": {Origin: arch.Config}},
	}
	if k.slow > 0 {
		for _, n := range []string{"a", "b"} {
			for _, o := range s.Services[n].Operations {
				for id, x := range o.Calls {
					p99 := 8 * time.Millisecond
					if x.To == op("b", b) {
						p99 = k.slow
					}
					x.Latency = arch.Dist{Law: fmt.Sprintf("lognormal(p50=%s, p99=%s)", p99/4, p99)}
					o.Calls[id] = x
				}
			}
		}
	}
	if k.wide {
		s.Services["d"] = arch.Service{Lang: "go", Operations: map[string]arch.Operation{"GET /w": {}}}
		s.Services["a"].Operations["GET /all"] = arch.Operation{Calls: calls(http(op("b", b)), http(op("c", c)), http(op("d", "GET /w")))}
	}
	for _, n := range []string{"a", "b", "c"} {
		s.Deployments[arch.DeploymentKey("", n)] = arch.Deployment{Of: arch.NewRef(arch.KindService, n), Kind: "Deployment", Replicas: arch.Some(2), Strategy: "RollingUpdate"}
	}
	for i := range k.languages - 1 {
		svc := s.Services[[]string{"b", "c"}[i%2]]
		svc.Lang = []string{"java", "python"}[i%2]
		s.Services[[]string{"b", "c"}[i%2]] = svc
	}
	for i := range k.teams {
		n := k.people / k.teams
		if i == 0 {
			n = k.people - (k.teams-1)*n
		}
		s.Teams["t"+string(rune('0'+i))] = arch.Team{Size: arch.Some(n)}
	}
	if k.noTeams {
		s.Teams = nil
	}
	last := "c"
	for i := range k.chain {
		n := "n" + string(rune('a'+i))
		s.Services[n] = arch.Service{Lang: "go", Operations: map[string]arch.Operation{"GET /n": {}}}
		svc := s.Services[last]
		o := svc.Operations[arch.Sorted(svc.Operations)[0]]
		o.Calls = calls(http(op(n, "GET /n")))
		svc.Operations[arch.Sorted(svc.Operations)[0]] = o
		last = n
	}
	for n, c := range k.constraints {
		s.Constraints[n] = c
	}
	return s
}

func ask(t *testing.T, k knobs, name string) []decide.Answer {
	t.Helper()
	as, err := decide.Run(&decide.Case{System: system(k)}, decisions.All(), name)
	if err != nil {
		t.Fatal(err)
	}
	return as
}

func one(t *testing.T, k knobs, name string) decide.Answer {
	t.Helper()
	as := ask(t, k, name)
	if len(as) != 1 {
		t.Fatalf("%s: %d answers", name, len(as))
	}
	return as[0]
}

func option(t *testing.T, a decide.Answer, id string) decide.Scored {
	t.Helper()
	i := slices.IndexFunc(a.Alternatives, func(s decide.Scored) bool { return s.ID == id })
	if i < 0 {
		t.Fatalf("%s has no alternative %s: %+v", a.Decision, id, a)
	}
	return a.Alternatives[i]
}

// TestByHand: every formula, worked out on paper from the built-in prices.
func TestByHand(t *testing.T) {
	t.Parallel()
	want := map[string]map[string]float64{
		// few: 2 x 4 + 2 x 2 x .25 x 25 x 12 / 600 + 3 x 1 / 2; modular: 3 x 3 + 1 x 12 / 2 + 4 + .25 + 3 x 8 / 3 + 2 x 12 / 3
		"decomposition": {"few-services": 10, "services": 15.75, "modular-monolith": 35.25, "monolith": 37.75},
		"protocol":      {"rest": 1.824, "grpc": 3.6},
		// 10 + 8 + 2 x 25 x 12 / 600; 2 + 20 / 3 + 9; 2 + 20 / 3 + 20 / 3 + 18
		"data": {"shared": 19, "schema-each": 17.6667, "server-each": 33.3333},
		// 45 + 120 / 3
		"queries": {"one-model": 0, "event-sourcing": 85},
		// 120 x 31557600 x .00001 x .02 is above 60; 1.5 + 4 / 3; 20.5 + 2 + 20 / 3
		"publishing": {"dual-write": 60, "outbox": 2.8333, "change-data-capture": 29.1667},
		// 30 x .7 + 3; 10 + 1.5 + 20 / 3 + 8 / 3 + 40 / 3
		"broker":    {"kafka": 24, "nats": 34.1667, "rabbitmq": 39.1667},
		"gateway":   {"ingress": 5.5, "api-gateway": 24.5667},
		"mesh":      {"none": 5.45, "linkerd": 32.5267, "istio": 52.7667},
		"discovery": {"platform-names": 1, "registry": 22.6667, "static": 2.5},
		// 3 x 26 x .1 x .5; 3.9 x .6 + 4.5 + .75 + 1; 3.9 x .3 + 11.5 + 20 / 3 + 1
		"deployment": {"rolling": 3.9, "blue-green": 8.59, "canary": 20.3367},
	}
	for name, options := range want {
		a := one(t, usual(), name)
		for id, days := range options {
			if s := option(t, a, id); math.Abs(s.Days-days) > .001 || s.Low != s.High {
				t.Errorf("%s %s: %.4f days (%g to %g), want %.4f: %+v", name, id, s.Days, s.Low, s.High, days, s.Lines)
			}
		}
	}
	k := usual()
	k.changes = true
	a := one(t, k, "transactions") // a changes its own table and c's; b was seen to change nothing
	for id, days := range map[string]float64{"as-it-falls": 60, "events": 4 + 6/3., "orchestrated-saga": 2*3 + 1.5 + 2*12/3., "choreographed-saga": 2*3 + 4 + 1 + 2*12/3.} {
		if s := option(t, a, id); math.Abs(s.Days-days) > .001 {
			t.Errorf("transactions %s: %.4f days, want %.4f: %+v", id, s.Days, days, s.Lines)
		}
	}
	for _, a := range ask(t, usual(), "communication") {
		for id, days := range map[string]float64{"synchronous": 2, "events": 4 + 10 + 2} {
			if s := option(t, a, id); a.Subject == "a.GET /x -> b.GET /y" && math.Abs(s.Low-days) > .001 {
				t.Errorf("%s %s: %+v, want %g at the least", a.Subject, id, s, days)
			}
		}
	}
}

// TestAnswers: what a sceptical architect says of that system.
func TestAnswers(t *testing.T) {
	t.Parallel()
	k := usual()
	k.changes = true
	want := map[string]string{"decomposition": "keep few-services", "queries": "keep one-model", "publishing": "change outbox", "broker": "keep kafka", "gateway": "keep ingress",
		"mesh": "keep none", "discovery": "keep platform-names", "deployment": "keep rolling", "transactions": "change events", "protocol": "keep rest"}
	for name, v := range want {
		a := one(t, k, name)
		if got := string(a.Verdict) + " " + a.Choice; got != v {
			t.Errorf("%s: %s (%.2f), want %s: %q", name, got, a.Confidence, v, a.Because)
		}
		if len(a.Factors) != len(decide.Factors) || a.Test == "" || a.Observe == "" || a.Maintain == "" || a.Who == "" {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// TestMetamorphic: each change of the system moves every total the right way.
func TestMetamorphic(t *testing.T) {
	t.Parallel()
	type change struct {
		name, decision string
		more           func(*knobs)
		up, same       []string // options whose days grow, and those that stay
	}
	slow := usual()
	slow.slow, slow.failing = 100*time.Millisecond, 1e-5
	first := func(k knobs, decision string) decide.Answer { return ask(t, k, decision)[0] }
	for _, c := range []struct {
		name string
		more func(*knobs)
	}{
		{"a callee ten times slower", func(k *knobs) { k.slow *= 10 }},
		{"a tenth of the promise", func(k *knobs) { k.promise /= 10 }},
	} {
		k := slow
		c.more(&k)
		before, after := first(slow, "communication"), first(k, "communication")
		if x, y := option(t, before, "synchronous"), option(t, after, "synchronous"); y.High <= x.High || before.Subject != after.Subject {
			t.Errorf("%s: waiting goes from %g to %g days", c.name, x.High, y.High)
		}
		if x, y := option(t, before, "events"), option(t, after, "events"); x.Days != y.Days {
			t.Errorf("%s: an event goes from %g to %g days", c.name, x.Days, y.Days)
		}
	}
	for _, c := range []change{
		{"half the promise", "decomposition", func(k *knobs) { k.promise /= 2 }, nil, []string{"few-services", "services", "modular-monolith", "monolith"}},
		{"twice the failures", "publishing", func(k *knobs) { k.failing *= 2 }, nil, []string{"dual-write", "outbox", "change-data-capture"}},
		{"twice the traffic", "protocol", func(k *knobs) { k.peak *= 2 }, []string{"rest"}, []string{"grpc"}},
		{"twice the traffic", "mesh", func(k *knobs) { k.peak *= 2 }, nil, []string{"none", "linkerd", "istio"}},
		{"two teams more", "decomposition", func(k *knobs) { k.teams += 2 }, []string{"monolith", "modular-monolith"}, nil},
		{"twice the people", "decomposition", func(k *knobs) { k.people *= 2 }, []string{"monolith"}, []string{"modular-monolith", "few-services"}},
		{"two languages more", "mesh", func(k *knobs) { k.languages += 2 }, []string{"none"}, []string{"linkerd", "istio"}},
		{"two languages more", "discovery", func(k *knobs) { k.languages += 2 }, []string{"registry"}, []string{"platform-names", "static"}},
		{"services in a row", "decomposition", func(k *knobs) { k.chain = 3 }, []string{"services", "modular-monolith", "monolith"}, nil},
		{"services in a row", "deployment", func(k *knobs) { k.chain = 3 }, []string{"rolling", "blue-green", "canary"}, nil},
		{"encryption demanded", "mesh", func(k *knobs) {
			k.constraints = map[string]arch.Constraint{"c": {Kind: "compliance", Value: "PCI-DSS"}}
		}, []string{"none"}, []string{"linkerd", "istio"}},
		{"audit demanded", "queries", func(k *knobs) { k.constraints = map[string]arch.Constraint{"c": {Kind: "compliance", Value: "audit"}} }, []string{"one-model"}, []string{"event-sourcing"}},
	} {
		before := one(t, usual(), c.decision)
		k := usual()
		c.more(&k)
		after := one(t, k, c.decision)
		for _, id := range c.up {
			if x, y := option(t, before, id), option(t, after, id); y.Days <= x.Days {
				t.Errorf("%s: %s %s goes from %g to %g", c.name, c.decision, id, x.Days, y.Days)
			}
		}
		for _, id := range c.same {
			if x, y := option(t, before, id), option(t, after, id); math.Abs(y.Days-x.Days) > 1e-9 {
				t.Errorf("%s: %s %s goes from %g to %g", c.name, c.decision, id, x.Days, y.Days)
			}
		}
	}
}

// TestByName: data and queries are decided where they matter, by their names.
func TestByName(t *testing.T) {
	t.Parallel()
	k := usual()
	k.wide = true
	k.constraints = map[string]arch.Constraint{"books": {Kind: "compliance", Of: arch.NewRef(arch.KindService, "c"), Value: "audit"}}
	as := ask(t, k, "queries")
	var subjects []string
	for _, a := range as {
		subjects = append(subjects, a.Subject)
	}
	if !slices.Equal(subjects, []string{"a.GET /all", "history of c", "everything else"}) {
		t.Fatalf("%q", subjects)
	}
	if s := option(t, as[0], "read-models"); math.Abs(s.Days-(8+15/3.)) > .001 { // read-model + read-model-build / years
		t.Errorf("%+v", s)
	}
	if s := option(t, as[0], "event-sourcing"); math.Abs(s.Days-(3*45+8+3*120/3.)) > .001 { // b, c, d become streams
		t.Errorf("%+v", s)
	}
	if s := option(t, as[1], "one-model"); math.Abs(s.Days-6) > .001 || as[1].Choice != "one-model" {
		t.Errorf("%s: %+v", as[1].Choice, s)
	}
	if !strings.Contains(strings.Join(as[0].Because, ";"), "it asks b, c, d") {
		t.Errorf("%q", as[0].Because)
	}
	s := system(usual())
	s.Stores["own"] = arch.Store{Kind: "postgres", Owner: arch.NewRef(arch.KindService, "c")}
	as, err := decide.Run(&decide.Case{System: s}, decisions.All(), "data")
	if err != nil || len(as) != 2 || as[0].Subject != "db" || as[1].Subject != "own" {
		t.Fatalf("%+v, %v", as, err)
	}
	if !strings.Contains(strings.Join(as[0].Because, ";"), "a, b use the same data") || as[1].Verdict != decide.Keep {
		t.Errorf("%q, %s", as[0].Because, as[1].Verdict)
	}
}

// TestPrices: an answer says what stands behind its prices, and a price that may
// be further off makes it less sure.
func TestPrices(t *testing.T) {
	t.Parallel()
	sure := func(src string) decide.Answer {
		p, err := decide.ReadPrices("p", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		as, err := decide.Run(&decide.Case{System: system(usual()), Prices: p}, decisions.All(), "data")
		if err != nil {
			t.Fatal(err)
		}
		return as[0]
	}
	near, far := sure("data-move: {value: 20, why: ours}\n"), sure("data-move: {value: 20, why: ours, off: 20}\n")
	if near.Confidence <= far.Confidence {
		t.Errorf("%.2f within a quarter, %.2f within twenty times", near.Confidence, far.Confidence)
	}
	var b bytes.Buffer
	if err := decide.Terminal(&b, []decide.Answer{near}, "", false); err != nil || !strings.Contains(b.String(), "1 yours, ") || !strings.Contains(b.String(), "estimates") {
		t.Errorf("%v in\n%s", err, b.String())
	}
}

// TestFailures: with less that fails less is to mend, and a saga pays less.
func TestFailures(t *testing.T) {
	t.Parallel()
	k := usual()
	k.changes, k.rate, k.failing = true, .01, .01
	many := option(t, one(t, k, "transactions"), "as-it-falls")
	k.failing = .001
	if few := option(t, one(t, k, "transactions"), "as-it-falls"); few.Days >= many.Days {
		t.Errorf("%g days at 0.1 %% failing, %g at 1 %%", few.Days, many.Days)
	}
}

// TestConstraints: they veto and say so; what cannot be met is infeasible.
func TestConstraints(t *testing.T) {
	t.Parallel()
	with := func(cs map[string]arch.Constraint, change func(*knobs)) knobs {
		k := usual()
		k.constraints = cs
		if change != nil {
			change(&k)
		}
		return k
	}
	must := map[string]arch.Constraint{"m": {Kind: "must-use", Value: "Istio", Why: "the group runs it"}}
	a := one(t, with(must, nil), "mesh")
	if a.Choice != "istio" || a.Verdict != decide.Change || !strings.Contains(strings.Join(a.Because, ";"), "must-use Istio, because the group runs it") {
		t.Errorf("%+v", a)
	}
	a = one(t, with(must, func(k *knobs) { k.promise = 10 * time.Millisecond }), "mesh")
	if a.Verdict != decide.Infeasible || !strings.Contains(strings.Join(a.Because, ";"), "quarter of the 10 ms") {
		t.Errorf("%s %q", a.Verdict, a.Because)
	}
	a = one(t, with(map[string]arch.Constraint{"f": {Kind: "forbidden", Value: "Kafka"}}, nil), "broker")
	if s := option(t, a, "kafka"); a.Choice == "kafka" || !strings.Contains(s.Vetoed, "forbidden Kafka") {
		t.Errorf("%+v", a)
	}
	a = one(t, with(map[string]arch.Constraint{"b": {Kind: "budget", Value: "100 EUR a month"}}, nil), "broker")
	if s := option(t, a, "kafka"); !strings.Contains(s.Vetoed, "150 a month are above the budget of 100") || a.Choice == "kafka" {
		t.Errorf("%+v", s)
	}
	a = one(t, with(nil, func(k *knobs) { k.peak = 2 }), "deployment")
	if s := option(t, a, "canary"); !strings.Contains(s.Vetoed, "gets 120 requests in 10 minutes") {
		t.Errorf("%+v", s)
	}
	a = one(t, with(nil, func(k *knobs) { k.peak = 50000 }), "broker")
	if s := option(t, a, "rabbitmq"); s.Vetoed == "" {
		t.Error("50000/s and RabbitMQ is not vetoed")
	}
}

// TestUnknown: what is not known is asked for and widens the answer.
func TestUnknown(t *testing.T) {
	t.Parallel()
	k := usual()
	known := one(t, k, "decomposition")
	k.noTeams = true
	a := one(t, k, "decomposition")
	if s := option(t, a, "monolith"); !(s.Low < s.High) || a.Confidence >= known.Confidence {
		t.Errorf("%g to %g, %g sure instead of %g", s.Low, s.High, a.Confidence, known.Confidence)
	}
	i := slices.IndexFunc(a.Factors, func(f decide.FactorView) bool { return f.Factor == decide.Teams })
	for _, m := range a.Factors[i].Measures {
		if m.Value != nil || !strings.Contains(m.Text, "unknown") {
			t.Errorf("%+v", m)
		}
	}
	if len(a.Questions) == 0 || a.Questions[0].Key != "teams" {
		t.Fatalf("%+v", a.Questions)
	}
	patch, err := a.Questions[0].Answer(arch.System{}, "{sales: {size: 5}}")
	if err != nil || patch.Teams["sales"].Size.V != 5 {
		t.Errorf("%+v, %v", patch, err)
	}
}

// TestFlips: at the value that a flip names the choice is what it says, and just
// before it is not.
func TestFlips(t *testing.T) {
	t.Parallel()
	a := one(t, usual(), "decomposition")
	i := slices.IndexFunc(a.Flips, func(f decide.Flip) bool { return f.Input == "calls" })
	if i < 0 {
		t.Fatalf("%+v", a.Flips)
	}
	if f := a.Flips[i]; f.At != "55 calls" { // .99 x (8.5 + c / 2) > 35.25 from 54.2 on; what is there has the hundredth
		t.Errorf("%+v", f)
	}
}

// TestRecords: a second run changes nothing; a changed input changes its record
// only; numbers, status and what people wrote stay.
func TestRecords(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "adr")
	first, err := decide.Records(dir, ask(t, usual(), ""))
	if err != nil || len(first) < 9 {
		t.Fatal(first, err)
	}
	if again, err := decide.Records(dir, ask(t, usual(), "")); err != nil || len(again) > 0 {
		t.Fatal(again, err)
	}
	file := filepath.Join(dir, "0007-broker.md")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b = append(bytes.Replace(b, []byte("status: proposed"), []byte("status: accepted"), 1), "\nWe agreed on Tuesday.\n"...)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	k := usual()
	k.broker = "rabbitmq"
	changed, err := decide.Records(dir, ask(t, k, ""))
	if err != nil || len(changed) != 1 || changed[0] != file {
		t.Fatal(changed, err)
	}
	b, _ = os.ReadFile(file)
	for _, s := range []string{"status: accepted", "We agreed on Tuesday.", "rabbitmq is there already"} {
		if !bytes.Contains(b, []byte(s)) {
			t.Errorf("no %q in\n%s", s, b)
		}
	}
}

// TestCatalogue holds declarations to their form.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	all, ids, cures := rules.All(), map[string]bool{}, map[string]string{}
	for _, d := range decisions.All() {
		if ids[d.ID] || d.Question == "" || d.Source == "" || len(d.Options) < 2 || d.Judge == nil {
			t.Errorf("%s: incomplete, or twice", d.ID)
		}
		ids[d.ID] = true
		for _, o := range d.Options {
			if o.What == "" || o.Test == "" || o.Observe == "" || o.Maintain == "" {
				t.Errorf("%s %s: incomplete", d.ID, o.ID)
			}
		}
		for _, id := range d.Cures {
			if cures[id] != "" || !slices.ContainsFunc(all, func(r review.Rule) bool { return r.ID == id }) {
				t.Errorf("%s cures %s: no such rule, or %s does", d.ID, id, cures[id])
			}
			cures[id] = d.ID
		}
	}
	var src []byte
	files, _ := filepath.Glob("*.go")
	for _, f := range append(files, "../decide/sheet.go") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		src = append(src, b...)
	}
	for k, p := range decide.DefaultPrices() {
		if p.Why == "" || p.Unit == "" || !(p.Value > 0) {
			t.Errorf("price %s: incomplete", k)
		}
		base, isCores := strings.CutSuffix(k, "-cores")
		if !bytes.Contains(src, []byte(`"`+k+`"`)) && !(isCores && bytes.Contains(src, []byte(`"`+base+`"`))) {
			t.Errorf("price %s: no decision uses it", k)
		}
	}
	if _, err := decide.Run(&decide.Case{}, decisions.All(), "mash"); err == nil || !strings.Contains(err.Error(), "mesh") {
		t.Error(err)
	}
}

// TestEmpty: nothing is known, and nothing breaks.
func TestEmpty(t *testing.T) {
	t.Parallel()
	as, err := decide.Run(&decide.Case{}, decisions.All(), "")
	if err != nil || len(as) != len(decisions.All()) {
		t.Fatal(as, err)
	}
	for _, a := range as {
		if a.Verdict == decide.Change {
			t.Errorf("%+v", a)
		}
	}
}

// TestTerminal: one screen of 100 columns.
func TestTerminal(t *testing.T) {
	t.Parallel()
	for _, k := range []knobs{usual(), {languages: 1, noTeams: true, broker: "kafka"}} {
		var b bytes.Buffer
		if err := decide.Terminal(&b, ask(t, k, ""), " deploy/", false); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(b.String(), "\n")
		if len(lines) > 32 {
			t.Errorf("%d lines", len(lines))
		}
		for _, l := range lines {
			if utf8.RuneCountInString(l) > 100 {
				t.Errorf("%d columns: %s", utf8.RuneCountInString(l), l)
			}
		}
	}
}
