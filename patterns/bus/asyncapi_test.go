package bus_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/ashlar-dev/ashlar/patterns/bus"
)

// The documents are held to the specification's own schema, which refuses one
// that is wrong.
func TestAsyncAPIOfficialSchema(t *testing.T) {
	t.Parallel()
	schema := officialSchema(t)
	c, err := bus.NewCatalog(
		bus.EventType{Name: "shop.order.placed", Topic: "orders", Version: 2, Description: "An order came in.", ContentType: "application/json",
			Schema:  json.RawMessage(`{"type":"object","properties":{"order":{"type":"string"},"lines":{"type":"array","items":{"type":"integer"}}},"required":["order"]}`),
			Earlier: []bus.EarlierVersion{{Version: 1, Up: func(b []byte) ([]byte, error) { return b, nil }}}},
		bus.EventType{Name: "shop.order.cancelled", Topic: "orders", Version: 1},
		bus.EventType{Name: "shop.stock moved/€", Topic: "eu.stock/moves", Version: 1, ContentType: "application/protobuf"},
		bus.EventType{Name: "shop.stock moved_€", Topic: "eu.stock_moves", Version: 1, ContentType: "application/protobuf"},
	)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := c.AsyncAPI("shop", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(parsed(t, string(doc))); err != nil {
		t.Errorf("the official schema says: %v\n%s", err, doc)
	}
	var shape struct {
		Channels   map[string]struct{ Address string }
		Operations map[string]any
		Components struct{ Messages map[string]any }
	}
	if err := json.Unmarshal(doc, &shape); err != nil || len(shape.Channels) != 3 || len(shape.Operations) != 4 || len(shape.Components.Messages) != 5 {
		t.Errorf("%d channels, %d operations, %d messages, %v: names that differ in odd characters only must not fall together\n%s",
			len(shape.Channels), len(shape.Operations), len(shape.Components.Messages), err, doc)
	}
	for what, wrong := range map[string]string{
		"an action that there is not": strings.Replace(string(doc), `"action": "send"`, `"action": "publish"`, 1),
		"no title":                    strings.Replace(string(doc), `"title": "shop"`, `"name": "shop"`, 1),
		"a version 2 document":        strings.Replace(string(doc), `"3.0.0"`, `"2.6.0"`, 1),
	} {
		if wrong == string(doc) {
			t.Fatalf("%s: nothing was changed", what)
		}
		if schema.Validate(parsed(t, wrong)) == nil {
			t.Errorf("%s passes", what)
		}
	}
}

func officialSchema(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	f, err := os.Open("testdata/asyncapi-3.0.0.schema.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.NewDecoder(z).Decode(&s); err != nil {
		t.Fatal(err)
	}
	s.Schema += "#" // as the library spells draft-07
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func parsed(t *testing.T, doc string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(doc), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
