package archfile_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
)

// seeds is how many random systems a test takes; ASHLAR_SOAK=1 takes 20 times as
// many.
func seeds(n uint64) uint64 {
	if os.Getenv("ASHLAR_SOAK") != "" {
		return 20 * n
	}
	return n
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for seed := range seeds(20) {
		want := sayable(seed)
		src, err := archfile.Write(nil, want, nil)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, src)
		}
		got, err := archfile.Read("ashlar.yaml", src)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if d := arch.Diff(want, got); len(d) > 0 {
			t.Fatalf("seed %d: %d differences, first %+v\n%s", seed, len(d), d[0], src)
		}
		again, err := archfile.Write(src, want, nil)
		if err != nil || !bytes.Equal(again, src) {
			t.Fatalf("seed %d: the second time changes something: %v", seed, err)
		}
	}
}

// Into the file of one random system, write another: afterwards it says both.
func TestWriteIntoAnyFile(t *testing.T) {
	t.Parallel()
	for seed := range seeds(3) {
		a, b := sayable(seed), sayable(seed+1000)
		src, err := archfile.Write(nil, a, nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err := archfile.Write(src, b, &archfile.Options{Exact: true})
		if errors.Is(err, archfile.ErrPlace) {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		got, err := archfile.Read("ashlar.yaml", out)
		if err != nil {
			t.Fatal(err)
		}
		if d := arch.Diff(b, got); len(d) > 0 {
			t.Fatalf("seed %d: %d differences, first %+v\n%s", seed, len(d), d[0], out)
		}
		again, err := archfile.Write(out, b, &archfile.Options{Exact: true})
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("seed %d: the second time changes something: %v", seed, err)
		}
	}
}

func TestWriteOfWhatIsThereChangesNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"example.yaml", "shop.yaml", "full.yaml"} {
		src := load(t, name)
		out, err := archfile.Write(src, mustParse(t, string(src)).System, &archfile.Options{Exact: true})
		if err != nil || !bytes.Equal(src, out) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func discovered() arch.System {
	s := arch.System{
		Services: map[string]arch.Service{
			"order": {Lang: "go", Owner: "sales", Operations: map[string]arch.Operation{"Place": {
				Calls: map[string]arch.Call{
					"op/inventory.Check#1": {To: "op/inventory.Check", Access: "call", Layers: []arch.Policy{{Layer: "sidecar", Timeout: arch.Some(2 * time.Second)}}},
					"op/payment.Charge#1":  {To: "op/payment.Charge", Access: "call"},
				}}}},
			"inventory": {Operations: map[string]arch.Operation{"Check": {}}},
			"payment":   {Operations: map[string]arch.Operation{"Charge": {}}},
			"cart":      {Lang: "java", Operations: map[string]arch.Operation{"Add": {Trigger: "POST /cart"}}, Uses: map[string]arch.Call{"service/gone#1": {To: "service/gone"}}},
		},
		Deployments: map[string]arch.Deployment{
			"/order": {Of: "service/order", Replicas: arch.Some(5)}, "prod/cart": {Of: "service/cart", Replicas: arch.Some(1)}},
	}
	s.Attest(arch.Source{Origin: arch.Config, By: "kubernetes", File: "deploy/order.yaml", Line: 12})
	return s
}

func TestWriteKeepsWhatAPersonWrote(t *testing.T) {
	t.Parallel()
	old := `# Our shop.
ashlar: 1
system: shop

services:
  # takes orders
  order:
    replicas: 2 # enough

    operations:
      Place:
        work: 4ms
        do:
          - call: inventory.Check # first
  inventory: { operations: { Check: { work: 1ms } } }   # a flow
  payment:
    operations: { Charge: {} }

# what people do
journeys: { buy: { entry: order.Place } }
`
	want := `# Our shop.
ashlar: 1
system: shop

services:
  # takes orders
  order:
    replicas: 2 # enough

    operations:
      Place:
        work: 4ms
        do:
          - call: inventory.Check # first
            layers: {sidecar: {timeout: 2s}} # from deploy/order.yaml:12
        calls: [call: payment.Charge] # from deploy/order.yaml:12
    owner: sales # from deploy/order.yaml:12
    lang: go # from deploy/order.yaml:12
  inventory: { operations: { Check: { work: 1ms } } }   # a flow
  payment:
    operations: { Charge: {} }
  cart: {lang: java, environments: {prod: {replicas: 1}}, operations: {Add: {trigger: POST /cart}}} # from deploy/order.yaml:12

# what people do
journeys: { buy: { entry: order.Place } }
`
	got, err := archfile.Write([]byte(old), discovered(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Fatalf("got:\n%s", got)
	}
	again, err := archfile.Write(got, discovered(), nil)
	if err != nil || !bytes.Equal(again, got) {
		t.Fatalf("the second time: %v\n%s", err, again)
	}
	// Merged with the file, as a discovery does it, it comes to the same.
	file := mustParse(t, old)
	merged, err := arch.Merge(file.System, discovered())
	if err != nil {
		t.Fatal(err)
	}
	if got, err = archfile.Write([]byte(old), merged, nil); err != nil || string(got) != want {
		t.Fatalf("merged: %v\n%s", err, got)
	}
}

func TestWriteOfADeliberateChange(t *testing.T) {
	t.Parallel()
	src := string(load(t, "shop.yaml"))
	s := mustParse(t, src).System
	s.Ledger = nil // somebody's program, not a discovery
	s.Deployments["/order"] = arch.Deployment{Of: "service/order", Replicas: arch.Some(3)}
	op := s.Services["payment"].Operations["Charge"]
	c := op.Calls["external/bank#1"]
	c.Layers[0].Timeout = arch.Some(1500 * time.Millisecond)
	op.Calls["external/bank#1"] = c
	svc := s.Services["shipping"]
	svc.Owner = "money"
	s.Services["shipping"] = svc
	got, err := archfile.Write([]byte(src), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("replicas: 2", "replicas: 3", "timeout: 1s,", "timeout: 1.5s,", "shipping: { owner: sales", "shipping: { owner: money").Replace(src)
	if string(got) != want {
		t.Fatalf("got:\n%s", got)
	}
	delete(s.Services, "shipping")
	saga := s.Sagas["fulfil"]
	saga.Steps = saga.Steps[:2]
	s.Sagas["fulfil"] = saga
	if got, err = archfile.Write([]byte(src), s, &archfile.Options{Exact: true}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(got), "shipping") || !strings.Contains(string(got), "# the same tx: an outbox") {
		t.Fatalf("got:\n%s", got)
	}
}

func TestNewFile(t *testing.T) {
	t.Parallel()
	s := discovered()
	op := s.Services["order"].Operations["Place"]
	for i := range 1000 {
		op.Latency.Observe(.004 * float64(1+i%10))
	}
	s.Services["order"].Operations["Place"] = op
	s.Locate(map[arch.Fact]arch.Source{{Of: "op/order.Place", At: "/latency"}: {Origin: arch.Trace, TraceID: "4bf9"}})
	got, err := archfile.Write(nil, s, &archfile.Options{Schema: "./ashlar.schema.json"})
	if err != nil {
		t.Fatal(err)
	}
	want := `# yaml-language-server: $schema=./ashlar.schema.json
ashlar: 1

services:
  cart: {lang: java, environments: {prod: {replicas: 1}}, operations: {Add: {trigger: POST /cart}}} # from deploy/order.yaml:12
  inventory: {operations: {Check: {}}} # from deploy/order.yaml:12
  order: # from deploy/order.yaml:12
    owner: sales
    lang: go
    replicas: 5
    operations:
      Place:
        latency: "lognormal(p50=20ms, p99=40ms)" # from trace 4bf9
        calls: [{call: inventory.Check, layers: {sidecar: {timeout: 2s}}}, call: payment.Charge]
  payment: {operations: {Charge: {}}} # from deploy/order.yaml:12

# Left out, since nothing describes what they name:
#   service/cart -> service/gone (deploy/order.yaml:12)
`
	if string(got) != want {
		t.Fatalf("got:\n%s", got)
	}
	if left := archfile.Dangling(s); len(left) != 1 || left[0].To != "service/gone" || left[0].Fact.At != "/uses/service~1gone#1/to" {
		t.Errorf("left = %+v", left)
	}
	again, err := archfile.Write(got, s, nil)
	if err != nil || !bytes.Equal(again, got) {
		t.Errorf("the second time: %v\n%s", err, again)
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	var e *archfile.Error
	if _, err := archfile.Write([]byte("ashlar: 1\nservces: {}\n"), discovered(), nil); !errors.As(err, &e) {
		t.Errorf("a file with faults: %v", err)
	}
	shared := "ashlar: 1\nservices:\n  a: &x { lang: go }\n  b: *x\n"
	s := arch.System{Services: map[string]arch.Service{"b": {Lang: "java"}}}
	if out, err := archfile.Write([]byte(shared), s, nil); !errors.Is(err, archfile.ErrPlace) {
		t.Errorf("into an anchor: %v\n%s", err, out)
	}
	s = arch.System{Journeys: map[string]arch.Journey{"buy": {}}}
	if _, err := archfile.Write(nil, s, nil); !errors.As(err, &e) {
		t.Errorf("an invalid system: %v", err)
	}
}
