package archfile_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

var update = flag.Bool("update", false, "rewrite ashlar.schema.json")

func TestSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	const path = "ashlar.schema.json"
	if *update {
		if err := os.WriteFile(path, archfile.Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, archfile.Schema()) {
		t.Fatalf("%s is not what the table says; run go generate ./arch/archfile (%v)", path, err)
	}
}

func compile(t testing.TB) *jsonschema.Schema {
	t.Helper()
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(archfile.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	if err := c.AddResource("ashlar.schema.json", raw); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("ashlar.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// native is the document as a JSON library reads it.
func native(t testing.TB, src []byte) any {
	t.Helper()
	f := doc.Read("ashlar.yaml", src, nil)
	if err := f.Err(); err != nil || len(f.Docs) != 1 {
		t.Fatalf("%v\n%s", err, src)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(f.Docs[0].Root.JSON()))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSchemaTakesGoodFiles(t *testing.T) {
	t.Parallel()
	s := compile(t)
	for _, name := range []string{"example.yaml", "shop.yaml", "full.yaml"} {
		if err := s.Validate(native(t, load(t, name))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for seed := range seeds(8) {
		src, err := archfile.Write(nil, sayable(seed), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(native(t, src)); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, src)
		}
	}
}

// The reader and the schema are two walks over one table: whatever is put in
// place of a value of a good file, both take it or both refuse it.
func TestSchemaAndReaderAgree(t *testing.T) {
	t.Parallel()
	s := compile(t)
	values := []string{`7`, `-1`, `0`, `1.5`, `true`, `text`, `""`, `300ms`, `5d`, `1w2d3h`, `99.9%`, `101%`, `120rps`, `512MiB`, `500m`, `[]`, `[x]`, `{}`, `{x: 1}`, `"lognormal(p50=1ms, p99=2ms)"`, `null`, `4 ms`, `warning`}
	var root any
	if err := json.Unmarshal(doc.Read("f.yaml", load(t, "full.yaml"), nil).Docs[0].Root.JSON(), &root); err != nil {
		t.Fatal(err)
	}
	tried, refused := 0, 0
	for i, at := range places(root, nil) {
		for j, v := range values {
			if (i*7+j)%24 > 0 && os.Getenv("ASHLAR_SOAK") == "" {
				continue
			}
			var x any
			if err := json.Unmarshal(doc.Read("v.yaml", []byte("x: "+v+"\n"), nil).Docs[0].Root.Get("x").JSON(), &x); err != nil {
				t.Fatal(err)
			}
			changed := replace(root, at, x)
			src, err := json.Marshal(changed)
			if err != nil {
				t.Fatal(err)
			}
			_, err = archfile.Parse("ashlar.json", src)
			tried++
			bySchema := s.Validate(native(t, src))
			if bySchema != nil {
				refused++
			}
			if form := formFaults(err); (form != "") != (bySchema != nil) {
				t.Errorf("%s = %s: the reader says %q, the schema %v", strings.Join(at, "/"), v, form, bySchema)
			}
		}
	}
	if tried < 250 || refused < tried/4 || refused > tried*9/10 {
		t.Errorf("%d of %d samples refused: the samples show nothing", refused, tried)
	}
}

// formFaults are the faults of a file that are not of meaning, which a schema
// cannot know.
func formFaults(err error) string {
	if err == nil {
		return ""
	}
	var form []string
	for l := range strings.SplitSeq(err.Error(), "\n") {
		meaning := false
		for _, m := range []string{"there is no ", "want a service", "want an operation", "want a table", "want a store", "want a topic", "want a context", "want a saga", "want a capability",
			"is taken", "second promise", "already", "a second call", "said twice", "has no ", "is no reference", "an objective is", "a percentile needs", "lies below", "more than one pivot", "needs the operation", "the probabilities", "needs an operation to do", "unknown kind", "stands in the body"} {
			meaning = meaning || strings.Contains(l, m)
		}
		if !meaning {
			form = append(form, l)
		}
	}
	return strings.Join(form, "; ")
}

// places are the paths of all values of a document.
func places(v any, at []string) [][]string {
	var out [][]string
	if len(at) > 0 {
		out = append(out, append([]string(nil), at...))
	}
	switch x := v.(type) {
	case map[string]any:
		for _, k := range arch.Sorted(x) {
			if k != "parameters" { // anything goes there
				out = append(out, places(x[k], append(at, k))...)
			}
		}
	case []any:
		for i := range x {
			out = append(out, places(x[i], append(at, fmt.Sprint(i)))...)
		}
	}
	return out
}

func replace(v any, at []string, by any) any {
	if len(at) == 0 {
		return by
	}
	switch x := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(x))
		for k, e := range x {
			m[k] = e
		}
		m[at[0]] = replace(x[at[0]], at[1:], by)
		return m
	case []any:
		l := append([]any(nil), x...)
		var i int
		_, _ = fmt.Sscan(at[0], &i)
		l[i] = replace(x[i], at[1:], by)
		return l
	}
	return v
}

// Every field of the model can be said in the file, but for those that are named
// here with the reason.
func TestGrammarCoversTheModel(t *testing.T) {
	t.Parallel()
	s := mustParse(t, string(load(t, "full.yaml"))).System
	said := map[string]bool{}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Struct:
			if v.Type().PkgPath() != reflect.TypeFor[arch.System]().PkgPath() {
				return
			}
			for i := range v.NumField() {
				if !v.Field(i).IsZero() {
					said[v.Type().Name()+"."+v.Type().Field(i).Name] = true
					walk(v.Field(i))
				}
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				walk(v.MapIndex(k))
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Pointer:
			walk(v.Elem())
		}
	}
	s.Ledger, s.Coverage = nil, nil
	walk(reflect.ValueOf(s))
	seen := map[reflect.Type]bool{}
	var check func(t2 reflect.Type)
	check = func(t2 reflect.Type) {
		for t2.Kind() == reflect.Map || t2.Kind() == reflect.Slice || t2.Kind() == reflect.Pointer {
			t2 = t2.Elem()
		}
		if t2.Kind() != reflect.Struct || seen[t2] || strings.HasPrefix(t2.Name(), "Opt[") || t2 == reflect.TypeFor[arch.Dist]() {
			return // a sketch is written as a law
		}
		seen[t2] = true
		for i := range t2.NumField() {
			f := t2.Field(i)
			if f.Tag.Get("arch") == "" || f.Name == "Ledger" || f.Name == "Coverage" {
				continue
			}
			if !said[t2.Name()+"."+f.Name] {
				t.Errorf("testdata/full.yaml says no %s.%s: is there a key for it?", t2.Name(), f.Name)
			}
			check(f.Type)
		}
	}
	check(reflect.TypeFor[arch.System]())
}
