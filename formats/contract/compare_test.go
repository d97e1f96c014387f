package contract_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/asyncapi"
	"github.com/ashlar-dev/ashlar/formats/avro"
	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/graphql"
	"github.com/ashlar-dev/ashlar/formats/openapi"
	"github.com/ashlar-dev/ashlar/formats/protobuf"
)

func read(t *testing.T, kind, src string) *contract.Contract {
	t.Helper()
	var c *contract.Contract
	var faults []*doc.Fault
	switch kind {
	case contract.Proto:
		f, err := protobuf.Parse("f.proto", []byte(src))
		if err != nil || len(f.Faults) > 0 {
			t.Fatal(err, f.Faults)
		}
		cs, fs := protobuf.Link([]*protobuf.File{f})
		c, faults = cs[0], fs
	case contract.GraphQL:
		g, err := graphql.Read("f.graphql", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		c = g
	default:
		f := doc.Read("f.yaml", []byte(src), nil)
		if len(f.Faults) > 0 || len(f.Docs) != 1 {
			t.Fatal(f.Faults)
		}
		d := f.Docs[0]
		switch kind {
		case contract.OpenAPI:
			c, faults = openapi.Read(d, nil)
		case contract.AsyncAPI:
			c, faults = asyncapi.Read(d, nil)
		case contract.Avro:
			c, faults = avro.Read(d)
		}
	}
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return c
}

const api = `
openapi: 3.0.3
info: {title: Orders, version: 1.0.0}
servers: [{url: https://shop.example/api}]
paths:
  /orders/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      parameters: [{name: full, in: query, schema: {type: boolean}}, {name: size, in: query, schema: {type: integer, maximum: 100}}]
      responses:
        "200": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
        "404": {description: none}
    delete: {responses: {"204": {description: gone}}}
  /orders:
    post:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/New"}}}}
      responses: {"201": {description: made}}
components:
  schemas:
    Order:
      type: object
      required: [id, state]
      properties:
        id: {type: string}
        state: {type: string, enum: [open, paid]}
        total: {type: integer}
        next: {$ref: "#/components/schemas/Order"}
    New:
      type: object
      required: [sku]
      properties: {sku: {type: string}, count: {type: integer}, kind: {type: string, enum: [a, b]}, note: {type: string, nullable: true}}
`

const proto = `
syntax = "proto3";
package shop.v1;
service Orders { rpc Place(PlaceRequest) returns (Order); rpc Watch(PlaceRequest) returns (stream Order); }
message PlaceRequest { string sku = 1; int32 count = 2; State state = 3; map<string, int32> tags = 4; oneof by { string mail = 5; string phone = 6; } }
message Order { string id = 1; repeated string lines = 2; int64 total = 3; }
enum State { NONE = 0; OPEN = 1; PAID = 2; }
`

const events = `
asyncapi: 3.0.0
info: {title: Orders, version: 1.0.0}
channels:
  placed:
    address: orders.placed
    messages: {OrderPlaced: {payload: {type: object, required: [id], properties: {id: {type: string}, total: {type: integer}}}}}
  pay:
    address: orders.pay
    messages: {Pay: {payload: {type: object, required: [id], properties: {id: {type: string}, note: {type: string}}}}}
operations:
  onPlaced: {action: send, channel: {$ref: "#/channels/placed"}}
  doPay: {action: receive, channel: {$ref: "#/channels/pay"}}
`

const record = `{"type": "record", "name": "Placed", "namespace": "shop", "fields": [
 {"name": "id", "type": "string"},
 {"name": "count", "type": "int"},
 {"name": "note", "type": ["null", "string"], "default": null},
 {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "PAID"]}}]}`

const graph = `
type Query { order(id: ID!, full: Boolean): Order  orders: [Order!]! }
type Order { id: ID! total: Int! state: State }
enum State { OPEN PAID }
input New { sku: ID! note: String }
type Mutation { place(new: New!): Order }
`

// TestCompare: one change at a time; "" is a change that breaks nobody.
func TestCompare(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ kind, text, old, now, want string }{
		{"openapi", api, "    delete: {responses: {\"204\": {description: gone}}}\n", "", "breaks operation removed DELETE /api/orders/{}"},
		{"openapi", strings.Replace(api, "    delete: {", "    delete: {deprecated: true, ", 1), "    delete: {deprecated: true, responses: {\"204\": {description: gone}}}\n", "", "may operation removed DELETE /api/orders/{}"},
		{"openapi", api, "/orders/{id}:", "/orders/{orderId}:", ""},
		{"openapi", api, "https://shop.example/api", "https://shop.example/v2", "breaks operation removed GET /api/orders/{}; breaks operation removed DELETE /api/orders/{}; breaks operation removed POST /api/orders"},
		{"openapi", api, "in: query, schema: {type: boolean}", "in: query, required: true, schema: {type: boolean}", "breaks new required input GET /api/orders/{} query full"},
		{"openapi", api, "type: boolean", "type: string", "breaks type changed GET /api/orders/{} query full"},
		{"openapi", api, "maximum: 100", "maximum: 50", "breaks input narrowed GET /api/orders/{} query size"},
		{"openapi", api, "maximum: 100", "maximum: 200", ""},
		{"openapi", api, "{name: full, in: query, schema: {type: boolean}}, ", "", "may input removed GET /api/orders/{} query full"},
		{"openapi", api, "required: [id, state]", "required: [id]", "breaks answer narrowed GET /api/orders/{} answer 200 application/json: state"},
		{"openapi", api, "        total: {type: integer}\n", "", "breaks field removed GET /api/orders/{} answer 200 application/json: total"},
		{"openapi", api, "        total: {type: integer}\n", "        total: {type: number}\n", "breaks type changed GET /api/orders/{} answer 200 application/json: total"},
		{"openapi", api, "        total: {type: integer}\n", "        total: {type: integer}\n        more: {type: string}\n", ""},
		{"openapi", api, "[open, paid]", "[open, paid, lost]", "may enum value added GET /api/orders/{} answer 200 application/json: state"},
		{"openapi", api, "[open, paid]", "[open]", ""},
		{"openapi", api, "enum: [a, b]", "enum: [a]", "breaks enum value removed POST /api/orders body application/json: kind"},
		{"openapi", api, "required: [sku]", "required: [sku, count]", "breaks new required input POST /api/orders body application/json: count"},
		{"openapi", api, "count: {type: integer}", "count: {type: number}", ""},
		{"openapi", api, "count: {type: integer}", "count: {type: integer}, also: {type: string}", ""},
		{"openapi", api, ", nullable: true", "", "breaks input narrowed POST /api/orders body application/json: note"},
		{"openapi", api, `"201":`, `"202":`, "breaks answer removed POST /api/orders answer 201"},
		{"openapi", api, "\"404\": {description: none}", "\"410\": {description: none}", ""},

		{"proto", proto, "int32 count = 2;", "", "breaks field removed shop.v1.PlaceRequest count"},
		{"proto", proto, "int32 count = 2;", "reserved 2; reserved \"count\";", "may field removed shop.v1.PlaceRequest count"},
		{"proto", proto, "int32 count = 2;", "int32 count = 9;", "breaks number changed shop.v1.PlaceRequest count"},
		{"proto", proto, "int32 count = 2;", "int32 amount = 2;", "may field renamed shop.v1.PlaceRequest count"},
		{"proto", proto, "int32 count = 2;", "int64 count = 2;", "may type changed shop.v1.PlaceRequest count"},
		{"proto", proto, "int32 count = 2;", "string count = 2;", "breaks type changed shop.v1.PlaceRequest count"},
		{"proto", proto, "int32 count = 2;", "repeated int32 count = 2;", "breaks type changed shop.v1.PlaceRequest count"},
		{"proto", proto, "int32 count = 2;", "int32 count = 2; string more = 12;", ""},
		{"proto", proto, "map<string, int32>", "map<string, string>", "breaks type changed shop.v1.PlaceRequest tags[]"},
		{"proto", proto, "PAID = 2;", "", "breaks enum value removed shop.v1.State"},
		{"proto", proto, "PAID = 2;", "PAID = 3;", "breaks number changed shop.v1.State"},
		{"proto", proto, "rpc Place(PlaceRequest) returns (Order); ", "", "breaks operation removed shop.v1.Orders/Place"},
		{"proto", proto, "rpc Place(PlaceRequest)", "rpc Place(Order)", "breaks type changed shop.v1.Orders/Place request"},
		{"proto", proto, "(stream Order)", "(Order)", "breaks stream changed shop.v1.Orders/Watch"},
		{"proto", proto, "string sku = 1;", "", "breaks field removed shop.v1.PlaceRequest sku"},

		{"asyncapi", events, "id: {type: string}, total: {type: integer}", "id: {type: string}", "breaks field removed OrderPlaced payload: total"},
		{"asyncapi", events, "required: [id], properties: {id: {type: string}, note", "required: [id, note], properties: {id: {type: string}, note", "breaks new required input Pay payload: note"},
		{"asyncapi", events, "address: orders.placed", "address: orders.done", "breaks event removed OrderPlaced"},
		{"asyncapi", events, "required: [id], properties: {id: {type: string}, total", "required: [id, total], properties: {id: {type: string}, total", ""},

		{"avro", record, `"int"`, `"long"`, "may type changed shop.Placed count"},
		{"avro", record, `"long"`, `"long"`, ""},
		{"avro", record, `"int"`, `"string"`, "breaks type changed shop.Placed count"},
		{"avro", record, `{"name": "count", "type": "int"},`, `{"name": "count", "type": "int"}, {"name": "x", "type": "int"},`, "breaks new field without default shop.Placed x"},
		{"avro", record, `{"name": "count", "type": "int"},`, `{"name": "count", "type": "int"}, {"name": "x", "type": "int", "default": 0},`, ""},
		{"avro", record, `{"name": "count", "type": "int"},`, ``, "breaks field removed shop.Placed count"},
		{"avro", record, `{"name": "note", "type": ["null", "string"], "default": null},`, ``, "may field removed shop.Placed note"},
		{"avro", record, `"name": "count"`, `"name": "amount", "aliases": ["count"]`, ""},
		{"avro", record, `"OPEN", "PAID"`, `"OPEN"`, "breaks enum value removed shop.Placed state"},

		{"graphql", graph, "  orders: [Order!]!", "", "breaks operation removed query orders"},
		{"graphql", graph, "full: Boolean", "full: Boolean!", "breaks new required input query order argument full"},
		{"graphql", graph, "total: Int!", "", "breaks field removed query order answer: total; breaks field removed query orders answer: [].total; breaks field removed mutation place answer: total"},
		{"graphql", graph, "note: String", "note: String!", "breaks new required input mutation place argument new: note"},
		{"graphql", graph, "note: String", "note: String more: String", ""},
	} {
		now := strings.Replace(x.text, x.old, x.now, 1)
		if now == x.text && x.old != x.now && x.want != "" {
			t.Fatalf("%s is not in the text", x.old)
		}
		var got []string
		for _, c := range contract.Compare(read(t, x.kind, x.text), read(t, x.kind, now)) {
			if c.Old.Line == 0 || c.New.Line == 0 {
				t.Errorf("%s: a change without a place: %+v", x.old, c)
			}
			got = append(got, strings.TrimSpace(strings.Join([]string{map[contract.Weight]string{contract.May: "may", contract.Breaks: "breaks"}[c.Weight], c.Kind, c.Operation + c.Event + c.Type, c.Where}, " ")))
		}
		want := strings.Split(x.want, "; ")
		slices.Sort(got)
		slices.Sort(want)
		if strings.Join(got, "; ") != strings.Join(want, "; ") {
			t.Errorf("%s: %q to %q:\n got %s\nwant %s", x.kind, x.old, x.now, strings.Join(got, "; "), strings.Join(want, "; "))
		}
	}
}

// Nothing changed: nothing breaks, also with shapes in a circle.
func TestCompareSame(t *testing.T) {
	t.Parallel()
	for kind, text := range map[string]string{"openapi": api, "proto": proto, "asyncapi": events, "avro": record, "graphql": graph} {
		if got := contract.Compare(read(t, kind, text), read(t, kind, text)); len(got) > 0 {
			t.Errorf("%s: %+v", kind, got)
		}
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"/orders/{id}": "/orders/{}", "/orders/:id/": "/orders/{}", "/o/<int:id>": "/o/{}", "/o/{id:[0-9]{2}}.json": "/o/{}.json", "/": "/"} {
		if got := contract.Template(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestVersionOf(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"shop.v1": "1", "/api/v2/orders": "2", "OrderPlacedV3": "3", "order.placed": "", "OrderPlaced.v1.2": "1.2", "IV": "", "com.acme/placed/jsonschema/1-0-2": "1-0-2", "serverV": ""} {
		if got := contract.VersionOf(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
