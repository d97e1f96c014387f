package calm_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ashlar-dev/ashlar/formats/calm"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// public are the files of testdata/NOTES.md.
func public(tb testing.TB) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob("testdata/finos/*.json")
	if err != nil || len(files) < 4 {
		tb.Fatalf("%d public files: %v", len(files), err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f) //nolint:gosec // a file of this test
		if err != nil {
			tb.Fatal(err)
		}
		out[filepath.Base(f)] = b
	}
	return out
}

func read(tb testing.TB, src []byte) (*calm.Architecture, []*doc.Fault) {
	tb.Helper()
	f := doc.Read("a.json", src, nil)
	if len(f.Docs) != 1 || !calm.Is(f.Docs[0].Root) {
		tb.Fatalf("not taken for an architecture: %v", f.Err())
	}
	return calm.Read(f.Docs[0])
}

// schema is CALM's own, of the release that Encode names.
func schema(tb testing.TB) *jsonschema.Schema {
	tb.Helper()
	c := jsonschema.NewCompiler()
	for _, name := range []string{"core", "interface", "flow", "control"} {
		b, err := os.ReadFile("testdata/schema/" + name + ".json")
		if err != nil {
			tb.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			tb.Fatal(err)
		}
		// "additionalProperties" stands among the properties there, where it is the
		// schema of a key of that name.
		if err := c.AddResource(strings.TrimSuffix(calm.Schema, "calm.json")+name+".json", v); err != nil {
			tb.Fatal(err)
		}
	}
	return c.MustCompile(strings.TrimSuffix(calm.Schema, "calm.json") + "core.json")
}

func TestPublicFiles(t *testing.T) {
	t.Parallel()
	want := map[string][3]int{ // nodes, relationships, flows
		"conference-signup.arch.json": {5, 4, 1}, "multi-system.arch.json": {14, 13, 0},
		"fluxnova-microservices.architecture.json": {12, 17, 0}, "trading-system.architecture.json": {13, 18, 7},
	}
	s, valid := schema(t), 0
	for name, src := range public(t) {
		a, faults := read(t, src)
		if len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
		if got := [3]int{len(a.Nodes), len(a.Relationships), len(a.Flows)}; got != want[name] {
			t.Errorf("%s: %v nodes, relationships and flows, want %v", name, got, want[name])
		}
		out, err := a.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, _ := read(t, out)
		if a.Schema == "" {
			again.Schema = "" // Encode names one
		}
		if !reflect.DeepEqual(a, again) {
			t.Errorf("%s does not survive a round trip:\n%s", name, out)
		}
		if !same(t, src, out, a.Schema) {
			t.Errorf("%s says something else when it is written again", name)
		}
		if validate(t, s, src) != nil {
			continue // a flow with keys that releases after 1.0 forbid
		}
		valid++
		if err := validate(t, s, out); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if valid < 3 {
		t.Errorf("only %d files keep to the schema", valid)
	}
}

func validate(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

// same compares two documents as JSON: lists of metadata are one map, and what
// is empty may be left out.
func same(t *testing.T, a, b []byte, schema string) bool {
	t.Helper()
	var va, vb map[string]any
	if err := json.Unmarshal(a, &va); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &vb); err != nil {
		t.Fatal(err)
	}
	if schema == "" {
		delete(vb, "$schema")
	}
	return reflect.DeepEqual(normal(va), normal(vb))
}

func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			if l, ok := x.([]any); ok && k == "metadata" {
				m := map[string]any{}
				for _, it := range l {
					for mk, mv := range it.(map[string]any) {
						m[mk] = mv
					}
				}
				x = m
			}
			if n := normal(x); n != nil {
				out[k] = n
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		var out []any
		for _, x := range v {
			out = append(out, normal(x))
		}
		if out == nil {
			return nil
		}
		return out
	}
	return v
}

func TestFaults(t *testing.T) {
	t.Parallel()
	_, faults := read(t, []byte(`{
  "nodes": [
    {"unique-id": "order", "node-type": "service", "name": "Order", "description": "x", "interfaces": "none"},
    {"unique-id": "order", "node-type": "service", "description": 3}
  ],
  "relationships": [
    {"unique-id": "r", "relationship-type": {}, "protocol": "HTPS"},
    {"unique-id": "s", "relationship-type": {"connects": {"source": {"node": "ordr"}, "destination": {"node": "order"}}}}
  ],
  "flows": [{"unique-id": "f", "name": "F", "description": "", "transitions": [{"relationship-unique-id": "t", "sequence-number": "one"}]}]
}`))
	var all []string
	for _, f := range faults {
		all = append(all, f.Error())
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{
		`a.json:3:103: want a list here, not text`, `a.json:4:19: the unique-id "order" is taken`, `a.json:4:5: name must be there`, `a.json:7:45: a relationship is of exactly one type`,
		`CALM has no protocol "HTPS"; did you mean "HTTPS"?`, `there is no node "ordr"; did you mean "order"?`, `there is no relationship "t"`, `want a whole number here`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no fault says %s in\n%s", want, text)
		}
	}
}

func TestWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, src := range []string{`[]`, `{"nodes": []}`, `{"nodes": {"unique-id": 1}}`,
		`{"$schema": "https://calm.finos.org/release/1.1/meta/calm.json", "properties": {"nodes": {"prefixItems": []}}}`, `{"nodes": [{"id": 1}], "relationships": ["x"]}`} {
		if calm.Is(doc.Read("a.json", []byte(src), nil).Docs[0].Root) {
			t.Errorf("%s is taken for an architecture", src)
		}
	}
}

// FuzzRead holds the promise that what Encode writes reads back equal.
func FuzzRead(f *testing.F) {
	f.Add(public(f)["conference-signup.arch.json"]) // the smallest: the rest slows the search down
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, d := range doc.Read("f.json", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			a, _ := calm.Read(d)
			one, err := a.Encode()
			if err != nil {
				t.Fatal(err)
			}
			back := doc.Read("f.json", one, nil)
			if len(back.Docs) != 1 {
				t.Fatalf("%v in\n%s", back.Err(), one)
			}
			b, _ := calm.Read(back.Docs[0])
			two, err := b.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(one, two) {
				t.Fatalf("written:\n%s\nread and written again:\n%s", one, two)
			}
		}
	})
}

func ExampleArchitecture_Encode() {
	a := calm.Architecture{
		Schema:        calm.Schema,
		Nodes:         []calm.Node{{ID: "order", Type: calm.Service, Name: "Order", Description: "takes orders"}, {ID: "orders", Type: calm.Database, Name: "Orders", Description: "keeps them"}},
		Relationships: []calm.Relationship{{ID: "order-orders", Protocol: "JDBC", Type: calm.Type{Connects: &calm.Connects{Source: calm.End{Node: "order"}, Destination: calm.End{Node: "orders"}}}}},
	}
	b, err := a.Encode()
	if err != nil {
		panic(err)
	}
	back, faults := calm.Read(doc.Read("order.calm.json", b, nil).Docs[0])
	fmt.Println(back.Relationships[0].Type.Connects.Destination.Node, len(faults))
	// Output: orders 0
}
