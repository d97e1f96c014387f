package archfile_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

func load(t testing.TB, name string) []byte {
	t.Helper()
	src, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func mustParse(t testing.TB, src string) archfile.File {
	t.Helper()
	f, err := archfile.Parse("ashlar.yaml", []byte(src))
	var e *archfile.Error
	if errors.As(err, &e) {
		t.Fatalf("%s\n%s", e.Frames(), src)
	}
	return f
}

func TestExampleIsReadWhole(t *testing.T) {
	t.Parallel()
	s := mustParse(t, string(load(t, "example.yaml"))).System
	place := s.Services["order"].Operations["Place"]
	if len(place.Calls) != 5 || len(place.Body.Steps) != 5 || place.Body.Steps[1].Kind != arch.Par {
		t.Errorf("Place = %+v", place)
	}
	if c := place.Calls["topic/order-events#1"]; c.Access != arch.AccessPublish || c.Tx != "t1" {
		t.Errorf("publish = %+v", c)
	}
	if d := s.Deployments["/order"]; d.Of != "service/order" || d.Replicas != arch.Some(2) {
		t.Errorf("deployment = %+v", d)
	}
	if o := s.Journeys["buy"]; o.Entry != "op/order.Place" || o.Rate != arch.Some(120.0) || o.Objectives[1].Availability != arch.Some(.999) || o.Objectives[1].Window != arch.Some(30*24*time.Hour) {
		t.Errorf("journey = %+v", o)
	}
	if st := s.Sagas["fulfil"].Steps; len(st) != 3 || st[0].Compensation != "op/inventory.Release" || st[2].Retry.Attempts != arch.Some(8) || !st[1].Pivot {
		t.Errorf("saga = %+v", st)
	}
	if _, ok := s.Stores["orders"].Tables["customer"]; !ok {
		t.Error("a table that a step reads does not exist")
	}
	if s.Externals["bank"].Objectives[0].Availability != arch.Some(.999) {
		t.Errorf("bank = %+v", s.Externals["bank"])
	}
}

func TestShopFits(t *testing.T) {
	t.Parallel()
	src := load(t, "shop.yaml")
	if n := strings.Count(string(src), "\n"); n > 45 {
		t.Errorf("the shop takes %d lines", n)
	}
	s := mustParse(t, string(src)).System
	if len(s.Services) != 4 || len(s.Sagas) == 0 || len(s.Topics) == 0 || len(s.Stores) == 0 || len(s.Journeys) == 0 {
		t.Errorf("the shop lost something: %+v", s)
	}
}

// Every fact is a hand's claim at the place that says it: the text there holds
// the name or the value.
func TestEveryFactHasItsPlace(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"example.yaml", "shop.yaml", "full.yaml"} {
		src := load(t, name)
		s := mustParse(t, string(src)).System
		lines := strings.Split(string(src), "\n")
		for _, f := range arch.Facts(s) {
			cs := s.Ledger[f.Fact]
			if len(cs) != 1 || cs[0].Value != f.Value || len(cs[0].From) != 1 {
				t.Fatalf("%s: %s has claims %v", name, f.Fact, cs)
			}
			from := cs[0].From[0]
			if from.Origin != arch.Hand || from.By != "ashlar.yaml" || from.File != "ashlar.yaml" || from.Line < 1 || from.Col < 1 {
				t.Fatalf("%s: %s comes from %+v", name, f.Fact, from)
			}
			at := lines[from.Line-1][from.Col-1:]
			if f.At == "" && f.Of.Kind() != arch.KindDeployment {
				want := f.Of.Member()
				if want == "" {
					want = f.Of.Name()
				}
				if !strings.HasPrefix(strings.Trim(at, `"`), want) && !strings.HasPrefix(at, f.Of.Short()) {
					t.Errorf("%s: %s stands at %q", name, f.Fact, at)
				}
			}
			steps := f.At.Steps()
			if len(steps) > 0 && f.Value != "" && !strings.ContainsAny(f.Value, `"{[./`) && steps[len(steps)-1] != "access" && steps[len(steps)-1] != "window" && !strings.Contains(at, ":") && !strings.HasPrefix(strings.Trim(at, `"`), f.Value[:1]) {
				t.Errorf("%s: %s = %s stands at %q", name, f.Fact, f.Value, at)
			}
		}
		if c := s.Coverage["ashlar.yaml"]; c.Origin != arch.Hand || c.Files != 1 || !s.Covered(arch.Hand, s.Refs(arch.KindService)[0]) {
			t.Errorf("%s: coverage = %+v", name, c)
		}
	}
	s := mustParse(t, string(load(t, "shop.yaml"))).System
	for fact, want := range map[arch.Fact]string{
		{Of: "service/order"}:                                                              "ashlar.yaml:6:3",
		{Of: "deployment//order", At: "/replicas"}:                                         "ashlar.yaml:8:15",
		{Of: "op/order.Place", At: "/calls/op~1inventory.Check#1/to"}:                      "ashlar.yaml:15:21",
		{Of: "op/payment.Charge", At: "/calls/external~1bank#1/layers/code/retry/per-try"}: "ashlar.yaml:31:84",
		{Of: "op/payment.Charge", At: "/calls/external~1bank#1/layers/code/retry"}:         "ashlar.yaml:31:51",
		{Of: "saga/fulfil", At: "/steps/payment.Charge/pivot"}:                             "ashlar.yaml:41:38",
		{Of: "table/orders.order"}:                                                         "ashlar.yaml:16:22",
		{Of: "journey/buy", At: "/objectives/availability/window"}:                         "ashlar.yaml:44:116",
	} {
		if got := s.Ledger.Where(fact).String(); got != want {
			t.Errorf("%s stands at %s, want %s", fact, got, want)
		}
	}
}

func TestAllFaultsInOneRun(t *testing.T) {
	t.Parallel()
	src := `ashlar: 1
system: 7
servces: {}
services:
  order:
    owner: sale
    replica: 2
    operations:
      Place:
        trigger: POST /v1/orders
        idempotent: perhaps
        work: 4 ms
        do:
          - call: inventori.Check
          - { call: inventory.Check, timeout: 5, retries: { attempts: 0 } }
          - { read: orders.custmer, write: orders.x }
          - { cal: inventory.Check }
          - { loop: [ work: 1ms ], tims: 3 }
          - choice: [ { call: inventory.Check, share: 70% }, { work: 1ms, share: 60% } ]
  inventory: { operations: { Check: { errors: 120% } } }
teams: { sales: {} }
journeys:
  buy: { entry: order.Plce, rate: 120 rps, objectives: [ {p99: 1s, p50: 2s}, {p100: 1s} ] }
`
	_, err := archfile.Parse("ashlar.yaml", []byte(src))
	var e *archfile.Error
	if !errors.As(err, &e) {
		t.Fatalf("err = %v", err)
	}
	want := []string{
		`2:9: system: want text, got a whole number; quote it`,
		`3:1: unknown field "servces"; did you mean "services"?`,
		`6:12: there is no team sale; did you mean sales?`,
		`7:5: unknown field "replica"; did you mean "replicas"?`,
		`11:21: idempotent: want true or false, got text`,
		`12:15: work: want a time such as 4ms, a number, or a law such as lognormal(p50=4ms, p99=20ms)`,
		`14:19: there is no op inventori.Check; did you mean inventory.Check?`,
		`15:47: timeout: want a time such as 300ms, 2s, 1m30s or 30d`,
		`15:71: attempts: want a whole number from 1, got a whole number`,
		`16:37: one call is either read or write; make it two items`,
		`17:13: do: want a step`,
		`18:36: unknown field "tims"; did you mean "times"?`,
		`20:47: errors: want a share such as 99.9% or 0.999`,
		`23:17: there is no op order.Plce; did you mean order.Place?`,
		`23:35: rate: want a rate such as 120rps, 30/min, or a number per second`,
		`23:68: a second percentile in one promise; make it an item of its own`,
		`23:79: unknown field "p100"; known here: availability, window, p99`,
	}
	got := strings.Split(err.Error(), "\n")
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("missing: %s", want[i])
		case i >= len(want):
			t.Errorf("not expected: %s", got[i])
		case !strings.HasPrefix(got[i], "ashlar.yaml:"+want[i]):
			t.Errorf("fault %d:\n got %s\nwant %s", i, got[i], want[i])
		}
	}
	if !strings.Contains(e.Frames(), "  14 |           - call: inventori.Check\n     |                   ^") {
		t.Errorf("no caret under the reference:\n%s", e.Frames())
	}
	var f *doc.Fault
	if !errors.As(err, &f) {
		t.Error("faults are not typed")
	}
}

func TestMeaningIsChecked(t *testing.T) {
	t.Parallel()
	head := "ashlar: 1\nservices: { a: { operations: { X: {} } }, b: {} }\n"
	for body, want := range map[string]string{
		"journeys: { j: { entry: a.X, rate: 9rps, peak: 3rps } }":                                    `3:48: the peak of 3/s lies below the rate of 9/s`,
		"sagas: { s: { steps: [ {do: a.X, pivot: true}, {do: a.X, pivot: true} ] } }":                `more than one pivot`,
		"stores: { b: { replicas: 2 }, c: { owner: a, tables: { x: { foreign-keys: { y: z } } } } }": `3:80: there is no table c.z; did you mean c.x?`,
		"contexts: { c: { relations: { d: conformist } } }":                                          `3:31: there is no context d; did you mean c?`,
		"review: { suppress: [ { rule: r } ] }":                                                      `reason is missing`,
		"review: { rules: { r: { severity: wrning } } }":                                             `3:35: severity: want one of off, info, low, medium, high, critical, warning, error; did you mean "warning"?`,
		"stores: { s: { owner: topic/t } }":                                                          `3:23: owner: want a service here, got a topic`,
		"gateways: { g: { routes: [ {path: /a, to: a, weight: 50%}, {path: /a, to: c} ] } }":         `there is no service c`,
		"---\nashlar: 1": `4:1: a second document`,
	} {
		_, err := archfile.Parse("ashlar.yaml", []byte(head+body+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s\n got %v\nwant %s", body, err, want)
		}
	}
	choice := "ashlar: 1\nservices:\n  a:\n    operations:\n      X:\n        do:\n          - work: 1ms\n          - choice: [ {work: 1ms, share: 70%}, {work: 2ms, share: 60%} ]\n"
	if _, err := archfile.Parse("ashlar.yaml", []byte(choice)); err == nil || !strings.HasPrefix(err.Error(), "ashlar.yaml:8:13: the probabilities") {
		t.Errorf("err = %v", err)
	}
	if _, err := archfile.Parse("ashlar.yaml", nil); err == nil || err.Error() != "ashlar.yaml:1:1: the file is empty; begin with: ashlar: 1" {
		t.Errorf("err = %v", err)
	}
	if _, err := archfile.Parse("ashlar.yaml", []byte("system: x\n")); err == nil || err.Error() != "ashlar.yaml:1:1: ashlar is missing; begin with: ashlar: 1" {
		t.Errorf("err = %v", err)
	}
	twice := head + "stores: { b: { replicas: 2 } }\n"
	twice = strings.Replace(twice, "b: {}", "b: { replicas: 1 }", 1)
	if _, err := archfile.Parse("ashlar.yaml", []byte(twice)); err == nil || !strings.Contains(err.Error(), "is deployed under this name already") {
		t.Errorf("err = %v", err)
	}
}

func TestReview(t *testing.T) {
	t.Parallel()
	f := mustParse(t, string(load(t, "full.yaml")))
	r := f.Review
	if r.Rules["no-timeout"].Severity != "error" || r.Rules["no-timeout"].Parameters["longest"] != "30s" || r.Baseline != "baseline.json" {
		t.Errorf("review = %+v", r)
	}
	s := r.Suppress[0]
	if s.Rule != "single-replica" || s.Of != "service/inventory" || s.Reason == "" || s.Until != time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC) || s.At.Line == 0 {
		t.Errorf("suppress = %+v", s)
	}
}

func TestJSONIsReadToo(t *testing.T) {
	t.Parallel()
	f, err := archfile.Parse("ashlar.json", []byte(`{"ashlar": 1, "services": {"a": {"cpu": "500m", "memory": "512MiB"}}}`))
	if d := f.System.Deployments["/a"]; err != nil || d.CPU != arch.Some(.5) || d.Memory != arch.Some(float64(512<<20)) {
		t.Errorf("%+v, %v", d, err)
	}
}
