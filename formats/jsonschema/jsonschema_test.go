package jsonschema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/jsonschema"
)

const placed = `
$schema: https://json-schema.org/draft/2020-12/schema
$id: https://shop.example/events/order-placed/2-0-1
type: object
required: [id, sum]
additionalProperties: false
properties:
  id: {type: string, pattern: "^o"}
  sum: {$ref: "money.yaml#/$defs/Money"}
  lines: {type: array, items: {$ref: "#line"}, maxItems: 9}
  lost: {$ref: "#/$defs/none"}
  far: {$ref: "https://elsewhere.example/x.json"}
  self: {$ref: "#"}
  labels: {type: object, additionalProperties: {type: string}}
  opt: {anyOf: [{type: "null"}, {type: integer}]}
$defs: {Line: {$anchor: line, type: object, properties: {sku: {const: x}}}}
`

func read(name, src string) *doc.Document { return doc.Read(name, []byte(src), nil).Docs[0] }

func TestRead(t *testing.T) {
	t.Parallel()
	load := func(file string) (*doc.Document, error) {
		if file != "events/money.yaml" {
			return nil, errors.New("no such file")
		}
		return read(file, "$defs: {Money: {type: object, properties: {units: {type: integer}}}}"), nil
	}
	d := read("events/order-placed.yaml", placed)
	if !jsonschema.Is(d.Root) {
		t.Fatal("not taken for a schema")
	}
	c, faults := jsonschema.Read(d, load)
	if len(faults) != 1 || !strings.Contains(faults[0].Error(), "order-placed.yaml:11:16: the reference leads nowhere") {
		t.Fatalf("%v", faults)
	}
	s := c.Types[0]
	if c.Name != "2-0-1" || s.Versioned != "2-0-1" || !s.Closed || s.Field("id").Shape.Pattern != "^o" || !s.Field("sum").Required {
		t.Errorf("%+v", s)
	}
	if m := s.Field("sum").Shape; m.Name != "Money" || m.Pos.File != "events/money.yaml" || m.Field("units").Shape.Kind != contract.Integer {
		t.Errorf("%+v", m)
	}
	if l := s.Field("lines").Shape; l.Limits["maxItems"] != 9 || l.Elem.Field("sku").Shape.Values[0].Text != "x" {
		t.Errorf("%+v", l)
	}
	if s.Field("far").Shape.Kind != contract.Any || s.Field("labels").Shape.Kind != contract.Map || !s.Field("opt").Shape.Nullable || s.Field("opt").Shape.Kind != contract.Integer {
		t.Errorf("%+v", s.Fields)
	}
}

func FuzzShape(f *testing.F) {
	f.Add([]byte(placed))
	f.Add([]byte("allOf: [{$ref: \"#\"}]\n$schema: json-schema.org/x"))
	f.Add([]byte("{$ref: \"#/a\", a: {$ref: \"#/a\"}}"))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			c, _ := jsonschema.Read(d, nil)
			contract.Compare(c, c)
			c.Types[0].Walk(func(string, *contract.Shape, *contract.Field) {})
		}
	})
}
