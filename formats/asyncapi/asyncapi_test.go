package asyncapi_test

import (
	"encoding/json"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/asyncapi"
	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/patterns/bus"
)

const two = `
asyncapi: 2.6.0
info: {title: Orders, version: 1.2.0}
servers: {prod: {url: "kafka.example:9092", protocol: kafka}}
channels:
  orders.placed:
    bindings: {kafka: {partitions: 12}}
    subscribe: {message: {$ref: "#/components/messages/OrderPlaced"}}
  orders.pay:
    publish: {message: {oneOf: [{name: Pay.v2, payload: {type: object}}, {$ref: "#/components/messages/Cancel"}]}}
components:
  messages:
    OrderPlaced: {headers: {type: object, properties: {schemaVersion: {const: "3"}}}, payload: {type: object, properties: {id: {type: string}}}}
    Cancel: {payload: {$ref: "other.yaml#/Cancel"}}
`

const three = `
asyncapi: 3.0.0
info: {title: Orders, version: 1.0.0}
servers: {prod: {host: "amqp.example", protocol: amqp}}
channels:
  placed: {address: orders.placed, messages: {a: {$ref: "#/components/messages/OrderPlaced"}, b: {payload: {type: string}}}}
  idle: {address: idle, messages: {c: {payload: {schemaFormat: "application/vnd.apache.avro;version=1.9.0", schema: {type: record, name: X, fields: []}}}}}
operations:
  send: {action: send, channel: {$ref: "#/channels/placed"}, messages: [{$ref: "#/channels/placed/messages/a"}]}
  got: {action: receive, channel: {$ref: "#/channels/placed"}}
components:
  messages:
    OrderPlaced: {payload: {type: object, properties: {metadata: {type: object, properties: {version: {type: integer}}}}}}
`

func read(t *testing.T, src string) (*contract.Contract, []*doc.Fault) {
	t.Helper()
	f := doc.Read("events.yaml", []byte(src), nil)
	if len(f.Faults) > 0 || !asyncapi.Is(f.Docs[0].Root) {
		t.Fatal(f.Faults)
	}
	return asyncapi.Read(f.Docs[0], nil)
}

// In version 2 "subscribe" is what others do: the application sends.
func TestTwo(t *testing.T) {
	t.Parallel()
	c, faults := read(t, two)
	if len(faults) != 0 || len(c.Events) != 3 || c.Servers[0].URL != "kafka://kafka.example:9092" {
		t.Fatalf("%v %+v", faults, c.Events)
	}
	if e := c.Events[0]; e.Name != "OrderPlaced" || e.Channel != "orders.placed" || !e.Sends || e.Receives || e.Version != "3" || e.Partitions != 12 || e.Protocol != "kafka" || e.Payload.Field("id") == nil || e.Pos.Line != 13 {
		t.Errorf("%+v", e)
	}
	if e := c.Events[1]; e.Name != "Pay.v2" || !e.Receives || e.Version != "2" {
		t.Errorf("%+v", e)
	}
	if e := c.Events[2]; e.Name != "Cancel" || e.Version != "" {
		t.Errorf("%+v", e)
	}
}

// The document that the bus writes of its catalog reads back with every event, its
// topic, version and shape.
func TestWhatTheBusWrites(t *testing.T) {
	t.Parallel()
	up := func(b []byte) ([]byte, error) { return b, nil }
	c, err := bus.NewCatalog(
		bus.EventType{Name: "shop.order.placed", Topic: "orders", Version: 3, Description: "An order came in.",
			Schema: json.RawMessage(`{"type":"object","properties":{"order":{"type":"string"},"lines":{"type":"array","items":{"type":"integer"}}},"required":["order"]}`),
			Earlier: []bus.EarlierVersion{{Version: 1, Up: up}, {Version: 2, Up: up,
				Schema: json.RawMessage(`{"type":"object","properties":{"id":{"type":"string"}}}`)}}},
		bus.EventType{Name: "shop.order.cancelled", Topic: "orders", Version: 1},
		bus.EventType{Name: "shop.stock moved/€", Topic: "eu.stock/moves", Version: 1, ContentType: "application/protobuf"},
		bus.EventType{Name: "shop.stock moved_€", Topic: "eu.stock_moves", Version: 7},
	)
	if err != nil {
		t.Fatal(err)
	}
	src, err := c.AsyncAPI("shop", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	got, faults := read(t, string(src))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	type event struct {
		channel, version string
		sends            bool
	}
	want := map[event]string{ // only the current version of a type is sent
		{"orders", "1", false}: "shop.order.placed", {"orders", "2", false}: "shop.order.placed", {"orders", "3", true}: "shop.order.placed",
		{"orders", "1", true}: "shop.order.cancelled", {"eu.stock/moves", "1", true}: "shop.stock moved/€", {"eu.stock_moves", "7", true}: "shop.stock moved_€",
	}
	for _, e := range got.Events {
		key := event{e.Channel, e.Version, e.Sends}
		if want[key] != e.Name {
			t.Errorf("%s: %+v", e.Name, key)
		}
		delete(want, key)
		switch {
		case e.Name != "shop.order.placed":
		case e.Version == "3" && (e.Payload.Field("order") == nil || e.Payload.Field("lines") == nil), e.Version == "2" && e.Payload.Field("id") == nil:
			t.Errorf("the shape of version %s is lost: %+v", e.Version, e.Payload)
		}
	}
	if len(want) > 0 {
		t.Errorf("not read: %v", want)
	}
}

func TestThree(t *testing.T) {
	t.Parallel()
	c, faults := read(t, three)
	if len(faults) > 0 || len(c.Events) != 4 {
		t.Fatalf("%v %+v", faults, c.Events)
	}
	if e := c.Events[0]; e.Name != "OrderPlaced" || !e.Sends || e.Channel != "orders.placed" || e.Version != "the field version" {
		t.Errorf("%+v", e)
	}
	if e := c.Events[2]; e.Name != "b" || !e.Receives || e.Sends {
		t.Errorf("%+v", e)
	}
	if e := c.Events[3]; e.Name != "c" || e.Sends || e.Receives || e.Channel != "idle" || e.Payload != nil {
		t.Errorf("%+v", e)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(two))
	f.Add([]byte(three))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			if asyncapi.Is(d.Root) {
				c, _ := asyncapi.Read(d, nil)
				contract.Compare(c, c)
			}
		}
	})
}
