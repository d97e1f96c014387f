package structurizr_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/structurizr"
)

// local opens files below testdata.
var local = &structurizr.Options{Open: func(p string) ([]byte, []string, error) {
	es, err := fs.ReadDir(os.DirFS("testdata"), p)
	if err == nil {
		var names []string
		for _, e := range es {
			names = append(names, e.Name())
		}
		return nil, names, nil
	}
	b, err := fs.ReadFile(os.DirFS("testdata"), p)
	return b, nil, err
}}

func readDSL(tb testing.TB, file string) *structurizr.Workspace {
	tb.Helper()
	b, err := os.ReadFile("testdata/" + file) //nolint:gosec // a file of this test
	if err != nil {
		tb.Fatal(err)
	}
	if !structurizr.IsDSL(b) {
		tb.Fatalf("%s is not taken for a workspace", file)
	}
	w, faults := structurizr.ReadDSL(file, b, local)
	if len(faults) > 0 {
		tb.Errorf("%s: %v", file, faults)
	}
	return w
}

func readJSON(tb testing.TB, file string) *structurizr.Workspace {
	tb.Helper()
	b, err := os.ReadFile("testdata/" + file) //nolint:gosec // a file of this test
	if err != nil {
		tb.Fatal(err)
	}
	f := doc.Read(file, b, nil)
	if len(f.Docs) != 1 || !structurizr.IsJSON(f.Docs[0].Root) {
		tb.Fatalf("%s is not taken for a workspace", file)
	}
	return structurizr.ReadJSON(f.Docs[0])
}

// says lists what a workspace says, without identifiers and places.
func says(w *structurizr.Workspace) []string {
	names, parents := map[string]string{}, map[string]string{}
	for _, e := range w.Elements {
		names[e.ID], parents[e.ID] = e.Name, e.Parent
	}
	full := func(id string) string {
		var s []string
		for ; id != ""; id = parents[id] {
			s = append(s, names[id])
		}
		slices.Reverse(s)
		return strings.Join(s, "/")
	}
	var out []string
	for _, e := range w.Elements {
		out = append(out, fmt.Sprintf("%s %s|%s|%s|%q|%v", e.Kind, full(e.ID), e.Description, e.Technology, e.Tags, e.Properties))
	}
	for _, r := range w.Relationships {
		out = append(out, fmt.Sprintf("%s -> %s|%s|%s|%q|%v|%v", full(r.From), full(r.To), r.Description, r.Technology, r.Tags, r.Properties, r.Async))
	}
	for _, i := range w.Instances {
		out = append(out, fmt.Sprintf("%s in %s %q x %d", full(i.Of), i.Environment, i.Nodes, i.Count))
	}
	slices.Sort(out)
	return append([]string{w.Name + "|" + w.Description}, out...)
}

var files = []string{"examples/microservices/workspace.dsl", "examples/big-bank-plc/internet-banking-system/workspace.dsl", "examples/amazon-web-services/workspace.dsl", "java/test.dsl",
	"java/deployment-groups-hierarchical.dsl", "java/extend/extend-workspace-from-json-file.dsl", "java/big-bank-plc.dsl"}

func TestPublicFiles(t *testing.T) {
	t.Parallel()
	want := [][3]int{{30, 26, 0}, {19, 26, 12}, {3, 1, 2}, {8, 2, 4}, {3, 1, 12}, {7, 2, 0}, {19, 26, 12}} // elements, relationships, instances
	for i, file := range files {
		w := readDSL(t, file)
		if got := [3]int{len(w.Elements), len(w.Relationships), len(w.Instances)}; got != want[i] {
			t.Errorf("%s: %v elements, relationships and instances, want %v", file, got, want[i])
		}
		again, faults := structurizr.ReadDSL("again.dsl", w.DSL(), nil)
		if a, b := says(w), says(again); len(faults) > 0 || !reflect.DeepEqual(a, b) {
			t.Errorf("%s does not survive a round trip: %v\n%s\n--\n%s\n%s", file, faults, strings.Join(a, "\n"), strings.Join(b, "\n"), w.DSL())
		}
	}
}

func TestArchetypesAndGroups(t *testing.T) {
	t.Parallel()
	got := says(readDSL(t, files[0]))
	for _, want := range []string{
		`container Software System A/Service 1/Service 1 API||Java and Spring Boot|["API"]|map[]`,
		`container Software System A/Service 1/Service 1 Database Schema||MySQL|["Datastore"]|map[]`,
		`softwareSystem Software System B|||["External"]|map[]`,
		`Software System A/Service 1/Service 1 API -> Software System A/Service 1/Service 1 Database Schema|||[]|map[]|false`,
		`Software System A/Service 5/Service 5 API -> Software System B|||[]|map[]|false`,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, strings.Join(got, "\n"))
		}
	}
}

// TestJSONSaysTheSame reads one workspace in both forms, written by Structurizr's
// own tools; the JSON also has what the DSL implies.
func TestJSONSaysTheSame(t *testing.T) {
	t.Parallel()
	dsl, j := readDSL(t, "java/big-bank-plc.dsl"), readJSON(t, "java/big-bank-plc.json")
	if j.Views == 0 || dsl.Views == 0 {
		t.Errorf("views: %d and %d", j.Views, dsl.Views)
	}
	names := func(w *structurizr.Workspace) (out []string) {
		for _, s := range says(w)[1:] {
			s, _, _ = strings.Cut(s, "|")
			out = append(out, s)
		}
		return out
	}
	a, b := names(dsl), names(j)
	for _, s := range a {
		if !slices.Contains(b, s) && !strings.HasPrefix(s, "group ") {
			t.Errorf("only the DSL says %s", s)
		}
	}
	for _, s := range b {
		if !slices.Contains(a, s) {
			t.Errorf("only the JSON says %s", s)
		}
	}
}

func TestNothingIsFetchedOrRun(t *testing.T) {
	t.Parallel()
	src := `workspace "w" {
  !script groovy {
    workspace.model.addSoftwareSystem("X")
  }
  !plugin com.example.Plugin
  !const SECRET ${HOME}
  model {
    !include https://example.com/model.dsl
    !include ../../etc/passwd
    a = softwareSystem "${SECRET}"
    a -> nowhere
  }
}`
	var asked []string
	w, faults := structurizr.ReadDSL("a/b.dsl", []byte(src), &structurizr.Options{Open: func(p string) ([]byte, []string, error) {
		asked = append(asked, p)
		return nil, nil, errors.New("it lies outside")
	}})
	if len(asked) != 1 || path.Clean(asked[0]) != "../etc/passwd" {
		t.Errorf("asked for %q", asked)
	}
	var left []string
	for _, l := range w.Left {
		left = append(left, fmt.Sprintf("%d %s", l.Pos.Line, l.What))
	}
	want := []string{"2 !script is not run", "5 !plugin is not run", "8 https://example.com/model.dsl is not fetched", "9 ../../etc/passwd could not be read: it lies outside"}
	if !slices.Equal(left, want) || len(faults) > 0 {
		t.Errorf("left %q, faults %v", left, faults)
	}
	if len(w.Elements) != 1 || w.Elements[0].Name != "${HOME}" {
		t.Errorf("%+v", w.Elements)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	_, faults := structurizr.ReadDSL("a.dsl", []byte("workspace {\n model {\n  order = softwareSystem \"Order\"\n  a -> ordr \"x\"\n  sofwareSystem \"B\"\n }\n}\n}\n"), nil)
	var got []string
	for _, f := range faults {
		got = append(got, f.Error())
	}
	want := []string{`a.dsl:5:3: "sofwareSystem" is no word of the language here`, `a.dsl:8:1: there is no block to close`, `a.dsl:4:3: there is no element "a"`, `a.dsl:4:3: there is no element "ordr"; did you mean "order"?`}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestIncludeThatIncludesItself(t *testing.T) {
	t.Parallel()
	w, _ := structurizr.ReadDSL("a.dsl", []byte("workspace {\n!include b.dsl\n}"), &structurizr.Options{Open: func(p string) ([]byte, []string, error) {
		return []byte("!include x/../" + strings.TrimPrefix(p, "x") + "b\n!include c.dsl\n"), nil, nil
	}})
	if len(w.Left) == 0 {
		t.Error("it ends without a word")
	}
}

// FuzzReadDSL holds the promise that what DSL writes reads back equal.
func FuzzReadDSL(f *testing.F) {
	f.Add([]byte("!const N \"x\"\nworkspace w {\n model {\n archetypes {\n api = container {\n technology Go\n }\n }\n s = softwareSystem \"${N}\" {\n group g {\n a = api \"A\" \"d\" {\n properties {\n k v\n }\n }\n }\n b = container \"B\"\n a -> b \"uses\" \"HTTP\" \"t,Asynchronous\"\n }\n deploymentEnvironment live {\n deploymentNode n \"\" \"\" \"\" 2 {\n containerInstance a\n }\n }\n }\n}\n"))
	f.Add([]byte("workspace {\n!identifiers hierarchical\nmodel {\n a = element x {\n -> this\n}\n!element a {\ntags z\n}\n/* c */ person p\n \"\"\"\nq\"\"\"\n}\nviews {\nsystemLandscape {\n}\n}\n}"))
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 1<<14 {
			return
		}
		w, _ := structurizr.ReadDSL("f.dsl", src, nil)
		one := w.DSL()
		a, faults := structurizr.ReadDSL("f.dsl", one, nil)
		for _, x := range faults {
			if !strings.Contains(x.What, "needs a name") {
				t.Fatalf("%v in\n%s", x, one)
			}
		}
		if two := a.DSL(); !bytes.Equal(one, two) {
			t.Fatalf("written\n%s\nread and written again\n%s", one, two)
		}
	})
}

func FuzzReadJSON(f *testing.F) {
	f.Add([]byte(`{"name":"w","model":{"properties":{"structurizr.groupSeparator":"/"},"people":[{"id":"1","name":"P","relationships":[{"id":"9","sourceId":"1","destinationId":"2"}]}],"softwareSystems":[{"id":"2","name":"S","group":"a/b","tags":"Element,x","containers":[{"id":"3","name":"C"}]}],"deploymentNodes":[{"id":"4","name":"N","environment":"live","instances":"2","containerInstances":[{"containerId":"3"}]}]},"views":{"containerViews":[{}]}}`))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.json", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			if structurizr.IsJSON(d.Root) {
				_ = structurizr.ReadJSON(d).DSL()
			}
		}
	})
}

func ExampleReadDSL() {
	w, _ := structurizr.ReadDSL("shop.dsl", []byte(`
workspace "Shop" {
  model {
    shop = softwareSystem "Shop" {
      order = container "Order" "takes orders" "Go"
      orders = container "Orders" "" "PostgreSQL"
      order -> orders "writes" "SQL"
    }
  }
}`), nil)
	for _, r := range w.Relationships {
		fmt.Println(r.From, r.Description, r.To, "at", r.Pos)
	}
	// Output: order writes orders at shop.dsl:7:7
}
