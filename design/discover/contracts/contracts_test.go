package contracts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/compose"
	"github.com/ashlar-dev/ashlar/design/discover/contracts"
	"github.com/ashlar-dev/ashlar/design/discover/hand"
)

// Beside this the source was run over open-telemetry/opentelemetry-demo at
// 054282e3: of the 10 services of its own proto each finds its owner but
// FeatureFlagService, which no workload is called; and over the protos and
// manifests of GoogleCloudPlatform/microservices-demo, where every service of the
// proto that has a workload finds it.
const system = `
-- compose.yaml --
services:
  order-service: {image: "o:1", build: ./src/order}
  payment: {image: "p:1"}
  shipping: {image: "s:1"}
  kafka: {image: "kafka:3"}
-- ashlar.yaml --
ashlar: 1
services:
  payment:
    operations:
      Charge: { trigger: "POST /v1/charges/{id}" }
      refund: {}
-- src/order/api/openapi.yaml --
openapi: 3.0.0
info: {title: Public API, version: 1.0.0}
paths:
  /orders: {get: {operationId: list, responses: {"200": {description: ok, content: {application/json: {schema: {$ref: "../schemas.yaml#/Orders"}}}}}}}
-- src/order/schemas.yaml --
Orders: {type: array, items: {type: object, properties: {id: {type: string}}}}
-- docs/payment-api.yaml --
openapi: 3.0.0
info: {title: Payment API, version: 2.0.0}
servers: [{url: "https://shop.example/v1"}]
paths:
  /charges/{chargeId}: {post: {operationId: chargeCard, responses: {"200": {description: ok}}}}
  /refunds: {post: {operationId: refund, responses: {"200": {description: ok}}}}
-- docs/events.yaml --
asyncapi: 2.0.0
info: {title: Order Service Events, version: 1.0.0}
servers: {b: {url: "kafka:9092", protocol: kafka}}
channels:
  order.placed: {subscribe: {message: {name: OrderPlaced, payload: {type: object}}}}
-- protos/all.proto --
syntax = "proto3";
package shop.v1;
service ShippingService { rpc Quote(Q) returns (Q); }
service Nobody { rpc Quote(Q) returns (Q); }
message Q {}
-- pacts/order-payment.json --
{"consumer": {"name": "order-service"}, "provider": {"name": "payment"}, "interactions": []}
-- web/queries.graphql --
query Orders { orders { id } }
`

func run(t *testing.T, text string) *discover.Result {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(text)).Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := discover.Run(t.Context(), []discover.Source{hand.New(), compose.New(), contracts.New()}, []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOwners(t *testing.T) {
	t.Parallel()
	r := run(t, system)
	if len(r.Faults)+len(r.Skipped) > 0 {
		t.Fatalf("%v %v", r.Faults, r.Skipped)
	}
	for name, want := range map[string]struct{ owner, reason string }{
		"Public API":              {"order-service", "it lies in"},
		"Payment API":             {"payment", "its title"},
		"Order Service Events":    {"order-service", "its title"},
		"shop.v1.ShippingService": {"shipping", "the name of the service"},
		"shop.v1.Nobody":          {"", ""},
	} {
		c, ok := r.System.Contracts[name]
		if !ok || c.Provider.Name() != want.owner {
			t.Errorf("%s: %v of %q, want %q", name, ok, c.Provider, want.owner)
			continue
		}
		if at := r.System.Ledger.Where(arch.Fact{Of: arch.NewRef(arch.KindContract, name), At: "/provider"}); !strings.Contains(at.Reason, want.reason) {
			t.Errorf("%s: %q", name, at.Reason)
		}
	}
	if c := r.System.Contracts["shop.v1.ShippingService"]; c.Version != "1" || c.Kind != "proto" {
		t.Errorf("%+v", c)
	}
	if err := r.System.Validate(); err != nil {
		t.Error(err)
	}
}

// An operation of a contract and the one that is known are one.
func TestJoin(t *testing.T) {
	t.Parallel()
	r := run(t, system)
	ops := r.System.Services["payment"].Operations
	if len(ops) != 2 || !strings.HasSuffix(ops["Charge"].Contract, "payment-api.yaml#/paths/~1charges~1{chargeId}/post") || ops["Charge"].Trigger != "POST /v1/charges/{id}" || ops["Charge"].Version != "1" {
		t.Fatalf("%+v", ops)
	}
	if ops["refund"].Trigger != "POST /v1/refunds" {
		t.Errorf("%+v", ops["refund"])
	}
	if o := r.System.Services["shipping"].Operations["Quote"]; o.Trigger != "grpc shop.v1.ShippingService/Quote" || o.Version != "1" {
		t.Errorf("%+v", o)
	}
	topic := r.System.Topics["order.placed"]
	if v, ok := topic.Events["OrderPlaced"]; !ok || v != "" || topic.Broker != "kafka" {
		t.Errorf("%+v", topic)
	}
	u := r.System.Services["order-service"].Uses["topic/order%2Eplaced#1"]
	if u.Access != arch.AccessPublish || !u.Async.V {
		t.Errorf("%+v", r.System.Services["order-service"].Uses)
	}
	if c := r.System.Contracts["Payment API"]; len(c.Consumers) != 1 || c.Consumers[0].Name() != "order-service" || len(c.Tests) != 1 {
		t.Errorf("%+v", c)
	}
}

// Names that are merely alike stay apart, and two candidates are none.
func TestUnknownStaysUnknown(t *testing.T) {
	t.Parallel()
	r := run(t, `
-- compose.yaml --
services: {user-timeline: {image: "a:1"}, order-api: {image: "b:1"}, order-service: {image: "c:1"}}
-- user.yaml --
openapi: 3.0.0
info: {title: User, version: "1"}
paths: {}
-- order/api.yaml --
openapi: 3.0.0
info: {title: Order, version: "1"}
paths: {/x: {get: {responses: {}}}}
`)
	for name, c := range r.System.Contracts {
		if c.Provider != "" {
			t.Errorf("%s is of %s", name, c.Provider)
		}
	}
	if len(r.System.Contracts) != 2 {
		t.Errorf("%v", r.System.Contracts)
	}
}
