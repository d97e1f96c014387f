package asyncapi_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/formats/asyncapi"
	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
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
