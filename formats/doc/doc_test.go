package doc_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

type port struct {
	Number int    `json:"number"`
	Name   string `json:"name,omitempty"`
}

type meta struct {
	Labels map[string]string `json:"labels"`
}

type service struct {
	meta     `json:",inline"`
	Kind     string          `json:"kind"`
	Ports    []port          `json:"ports"`
	Replicas *int            `json:"replicas"`
	Timeout  time.Duration   `json:"timeout"`
	Ready    bool            `json:"ready"`
	Raw      json.RawMessage `json:"raw"`
	Any      any             `json:"any"`
}

func TestDecodeReportsAllFaultsAtTheirPlaces(t *testing.T) {
	t.Parallel()
	src := "# a comment\nkind: Service\nreplica: 3\nports:\n- number: http\n  nam: x\n- name: 80\ntimeout: 5\nready: perhaps\n"
	f := doc.Read("svc.yaml", []byte(src), nil)
	var s service
	faults := f.Docs[0].Decode(&s)
	want := []string{
		`svc.yaml:3:1: unknown field "replica"; did you mean "replicas"?`,
		`svc.yaml:5:11: ports.0.number: want a whole number, got text`,
		`svc.yaml:6:3: unknown field "ports.0.nam"; did you mean "name"?`,
		`svc.yaml:7:9: ports.1.name: want text, got a whole number; quote it`,
		`svc.yaml:8:10: timeout: want a time such as 300ms, 2s or 1m30s`,
		`svc.yaml:9:8: ready: want true or false, got text`,
	}
	if len(faults) != len(want) {
		t.Fatalf("%d faults: %v", len(faults), faults)
	}
	for i, w := range want {
		if faults[i].Error() != w {
			t.Errorf("fault %d:\n got %s\nwant %s", i, faults[i], w)
		}
	}
	if frame := faults[0].Frame(); !strings.HasSuffix(frame, "\n  3 | replica: 3\n    | ^") {
		t.Errorf("frame:\n%s", frame)
	}
	if s.Kind != "Service" || s.Ports[1].Name != "80" {
		t.Errorf("the rest does not count: %+v", s)
	}
}

func TestYAMLAndJSONReadAlike(t *testing.T) {
	t.Parallel()
	y := doc.Read("a.yaml", []byte("kind: Service\nlabels: {a: b}\nports:\n  - {number: 80}\nreplicas: 2\nready: true\nraw: {x: 1}\nany: [1, 2.5, x, null]\n"), nil)
	j := doc.Read("a.json", []byte(`{"kind": "Service", "labels": {"a": "b"}, "ports": [{"number": 80}], "replicas": 2, "ready": true, "raw": {"x": 1}, "any": [1, 2.5, "x", null]}`), nil)
	var a, b service
	if fs := append(y.Docs[0].Decode(&a), j.Docs[0].Decode(&b)...); len(fs) > 0 || y.Err() != nil || j.Err() != nil {
		t.Fatal(fs, y.Err(), j.Err())
	}
	if fmt.Sprintf("%+v", a.Any) != fmt.Sprintf("%+v", b.Any) || string(a.Raw) != string(b.Raw) || *a.Replicas != *b.Replicas || a.Labels["a"] != "b" || b.Labels["a"] != "b" {
		t.Fatalf("\n%+v\n%+v", a, b)
	}
	if p := j.Docs[0].At("ports", "0", "number"); p.Col != 64 {
		t.Errorf("JSON column = %d", p.Col)
	}
}

func TestFaultsOfOneDocumentDoNotHideTheOthers(t *testing.T) {
	t.Parallel()
	f := doc.Read("m.yaml", []byte("a: 1\n---\n# nothing\n---\nb: [1, 2\nc: 3\n---\nd: 4\n--- # marked\n\te: 5\n---\nf: 6\nf: 7\n...\n"), nil)
	if len(f.Docs) != 3 || f.Docs[1].Root.Get("d").Line != 8 {
		t.Fatalf("%d documents", len(f.Docs))
	}
	var got []string
	for _, x := range f.Faults {
		got = append(got, x.Error())
	}
	want := []string{
		"m.yaml:6:2: while parsing a flow sequence: did not find expected ',' or ']'",
		"m.yaml:10:1: found a tab character where an indentation space is expected; indent with spaces; YAML takes no tabs",
		`m.yaml:13:1: key "f" stands here for the second time, first in line 12; which of them counts differs by reader; keep one`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestMergeKeysAndAliases(t *testing.T) {
	t.Parallel()
	f := doc.Read("c.yaml", []byte("x: &base {a: 1, b: 2}\ny:\n  <<: *base\n  b: 3\nz: [*base, *base]\n"), nil)
	y := f.Docs[0].Root.Get("y")
	if y.Str("a") != "1" || y.Str("b") != "3" || f.Docs[0].Root.Str("z", "1", "b") != "2" {
		t.Fatalf("%s", f.Docs[0].Root.JSON())
	}
	if l := doc.Read("l.yaml", []byte("a: &x [*x]\n"), nil); l.Err() == nil || !strings.Contains(l.Err().Error(), "inside") {
		t.Fatalf("a loop: %v", l.Err())
	}
}

func TestLimitsHoldWithinMemory(t *testing.T) {
	// Not parallel: it measures memory.
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		p := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+p+",", 10), ",") + "]\n"
	}
	for name, tc := range map[string]struct{ src, want string }{
		"bomb":          {bomb, "stands for more than"},
		"deep flow":     {strings.Repeat("[", 1<<20), "nested more than 200 deep"},
		"deep braces":   {strings.Repeat("{a: ", 1<<18), "nested more than 200 deep"},
		"deep block":    {strings.Repeat("- ", 5000) + "x", "nested more than"},
		"many":          {strings.Repeat("a,\n", 4<<20), "far more than"},
		"long list":     {"a: [" + strings.Repeat("1,", 2_000_000) + "1]", "more than 1000000 values"},
		"garbage":       {strings.Repeat("\x00\xff\x01", 100<<20/3), "larger than 16 MiB"},
		"binary":        {strings.Repeat("\x00\xff\x01", 1<<20), "control characters are not allowed"},
		"one long line": {strings.Repeat("x", 15<<20), ""},
	} {
		for _, ext := range []string{"yaml", "json"} {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			f := doc.Read("f."+ext, []byte(tc.src), nil)
			runtime.ReadMemStats(&after)
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 1500 {
				t.Errorf("%s as %s: %d MiB allocated", name, ext, used)
			}
			if ext == "yaml" && tc.want != "" && (f.Err() == nil || !strings.Contains(f.Err().Error(), tc.want)) {
				t.Errorf("%s: %v", name, f.Err())
			}
			if ext == "json" && f.Err() == nil {
				t.Errorf("%s is taken for JSON", name)
			}
			if f.Err() != nil && len(f.Err().Error()) > 4<<10 {
				t.Errorf("%s: an error of %d bytes", name, len(f.Err().Error()))
			}
		}
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"postgres://app:hunter2@db:5432/x?sslmode=disable": "postgres://***@db:5432/x?sslmode=disable",
		"jdbc:mysql://db/x?user=a&password=hunter2":        "jdbc:mysql://db/x?user=a&password=***",
		"key AKIAABCDEFGHIJKLMNOP end":                     "key *** end",
		"Bearer eyJhbGciOi.eyJzdWIi.c2ln":                  "Bearer ***",
		"payment:50051":                                    "payment:50051",
	} {
		if got := doc.Redact(in); got != want {
			t.Errorf("%q -> %q, want %q", in, got, want)
		}
	}
	for _, line := range []string{"  password: hunter2", "- value: hunter2", "  DB_PASSWORD: \"hunter2\"", "  x: aHVudGVyMmh1bnRlcjJodW50ZXIy"} {
		if got := doc.RedactLine(line); strings.Contains(got, "hunter2") || strings.Contains(got, "aHVu") {
			t.Errorf("%q -> %q", line, got)
		}
	}
	for name, want := range map[string]bool{"DB_PASSWORD": true, "SECRET_KEY": true, "secretName": false, "TOKEN_URL": false, "PAYMENT_ADDR": false, "API_KEY": true} {
		if doc.SecretName(name) != want {
			t.Errorf("SecretName(%q) = %v", name, !want)
		}
	}
}

func TestEditorChangesOnlyWhatItMeans(t *testing.T) {
	t.Parallel()
	src := `# the shop
system: shop   # its name

services:
  # takes orders
  order:
    replicas: 2 # enough
    tags: { a: 1 }

  # charges cards
  payment:
    owner: "money"
journeys: {}
`
	e, err := doc.NewEditor("a.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		path  string
		value string // "-": delete
	}{
		{"services/order/replicas", "3"},
		{"services/payment/owner", "cash"},
		{"services/order/tags/b", "[1, 2]"},
		{"services/cart/operations/Add", "trigger: POST /cart\nidempotent: true"},
		{"services/order/owner", "sales"},
		{"system", `"the shop"`},
		{"journeys/buy", "{entry: order.Place}"},
	} {
		if err := e.Set(0, step.value, strings.Split(step.path, "/")...); err != nil {
			t.Fatalf("%s: %v", step.path, err)
		}
	}
	if err := e.Delete(0, "services", "payment"); err != nil {
		t.Fatal(err)
	}
	want := `# the shop
system: "the shop"   # its name

services:
  # takes orders
  order:
    replicas: 3 # enough
    tags: { a: 1, b: [1, 2] }
    owner: sales

  cart:
    operations:
      Add:
        trigger: POST /cart
        idempotent: true
journeys: {buy: {entry: order.Place}}
`
	if got := string(e.Bytes()); got != want {
		t.Fatalf("got:\n%s", got)
	}
	if err := e.Set(0, "x", "system", "deeper"); err == nil || !strings.Contains(err.Error(), "is no mapping") {
		t.Errorf("err = %v", err)
	}
}

// Inside brackets a single pair needs no braces of its own; what is changed there
// must not reach into its neighbours.
func TestEditorOnAPairWithoutBraces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ src, at, value, want string }{
		{"a: [x: 1, {y: 2}]\n", "a/0/z", "3", "a: [{x: 1, z: 3}, {y: 2}]\n"},
		{"a: [x: {b: 1}, {y: 2}]\n", "a/0/z", "3", "a: [{x: {b: 1}, z: 3}, {y: 2}]\n"},
		{"a: [x: 'o''k', y]\n", "a/0/z", "[3]", "a: [{x: 'o''k', z: [3]}, y]\n"},
		{"a: [x: 1, {y: 2}]\n", "a/0", "{z: 3}", "a: [{z: 3}, {y: 2}]\n"},
		{"a: [x: 1, {y: 2}]\n", "a/0/x", "3", "a: [x: 3, {y: 2}]\n"},
		{"a: [q, x: 1]\n", "a/1/z", "3", "a: [q, {x: 1, z: 3}]\n"},
	} {
		e, err := doc.NewEditor("a.yaml", []byte(c.src))
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Set(0, c.value, strings.Split(c.at, "/")...); err != nil {
			t.Errorf("%s in %s: %v", c.at, c.src, err)
		} else if got := string(e.Bytes()); got != c.want {
			t.Errorf("%s in %s: got %s, want %s", c.at, c.src, got, c.want)
		}
	}
}

// The first key of an item shares its line with the dash.
func TestEditorOnTheFirstKeyOfAnItem(t *testing.T) {
	t.Parallel()
	src := "l:\n  - a: 1\n    b: 2\n  - - c:\n        x: 1\n      # of d\n      d: 4\n  - e: 5\n"
	for _, c := range []struct{ at, value, want string }{
		{"l/0/a", "-", "l:\n  - b: 2\n  - - c:\n        x: 1\n      # of d\n      d: 4\n  - e: 5\n"},
		{"l/1/0/c", "-", "l:\n  - a: 1\n    b: 2\n  - - # of d\n      d: 4\n  - e: 5\n"},
		{"l/1/0/c", "y: 2\nz: 3", "l:\n  - a: 1\n    b: 2\n  - - c:\n        y: 2\n        z: 3\n      # of d\n      d: 4\n  - e: 5\n"},
		{"l/2/e", "-", "the only entry of its item"},
	} {
		e, err := doc.NewEditor("a.yaml", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		if c.value == "-" {
			err = e.Delete(0, strings.Split(c.at, "/")...)
		} else {
			err = e.Set(0, c.value, strings.Split(c.at, "/")...)
		}
		if got := string(e.Bytes()); err == nil && got != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, got\n%s\nwant\n%s", c.at, err, got, c.want)
		}
	}
}

func TestEditorAppends(t *testing.T) {
	t.Parallel()
	e, err := doc.NewEditor("a.yaml", []byte("flow: [ a, b ] # two\nblock:\n- a # first\n\n# of last\nlast:\n  - {x: 1}\n  - x: 2\n    y: 3\n"))
	if err != nil {
		t.Fatal(err)
	}
	for path, value := range map[string]string{"flow": "c", "block": "b: 1\nc: 2", "last": "{x: 3}"} {
		if err := e.Append(0, value, path); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	if err := e.Set(0, "# why\nk: v\n", "new"); err != nil {
		t.Fatal(err)
	}
	want := "flow: [ a, b, c ] # two\nblock:\n- a # first\n- b: 1\n  c: 2\n\n# of last\nlast:\n  - {x: 1}\n  - x: 2\n    y: 3\n  - {x: 3}\nnew: # why\n  k: v\n"
	if got := string(e.Bytes()); got != want {
		t.Fatalf("got:\n%s", got)
	}
	if err := e.Append(0, "x", "new"); err == nil {
		t.Error("a mapping takes an item")
	}
	f := doc.Read("a.yaml", []byte("a: 1\nb: two\n"), nil)
	if frame := f.FaultAt(f.Docs[0].Root.Get("b"), doc.Value, "no", "").Frame(); !strings.HasSuffix(frame, "| b: two\n    |    ^") {
		t.Errorf("frame:\n%s", frame)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"a: 1\n---\nb: [1, {c: 2}]\n", `{"a": [1, 2.5e3, "x\u00e9"], "b": null}`, "x: &a {y: 1}\nz: {<<: *a}\n", "a: |\n  b\n  c\n", "? a\n: b\n", "\xff\xfea\x00:\x00 \x001\x00"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, src []byte, isJSON bool) {
		path := "f.yaml"
		if isJSON {
			path = "f.json"
		}
		file := doc.Read(path, src, &doc.Limits{Bytes: 1 << 16, Nodes: 10000, Depth: 50})
		for _, d := range file.Docs {
			var s service
			for _, x := range d.Decode(&s) {
				if x.Pos.Line < 1 || x.Pos.Col < 1 {
					t.Fatalf("fault without a place: %v", x)
				}
				_ = x.Frame()
			}
			_ = d.Root.JSON()
		}
		for _, x := range file.Faults {
			_ = x.Frame()
		}
	})
}

// An edit that would come to mean something else is refused, and changes nothing.
func TestEditRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		src, value string
		path       []string
	}{
		"a key that is asked for": {"?\n  \"x\":\n", "3", []string{"x", "y"}},
	} {
		e, err := doc.NewEditor("f.yaml", []byte(c.src))
		if err != nil {
			t.Fatal(name, err)
		}
		if err := e.Set(0, c.value, c.path...); err == nil || string(e.Bytes()) != c.src {
			t.Errorf("%s: %v, %q", name, err, e.Bytes())
		}
	}
	for _, src := range []string{"a:\r b: 1\n", "a: 1\u2028b: 2\n", "a: 1\r"} {
		if _, err := doc.NewEditor("f.yaml", []byte(src)); err == nil {
			t.Errorf("%q is edited, though its lines cannot be counted", src)
		}
	}
}

func FuzzEdit(f *testing.F) {
	f.Add([]byte("a:\n  b: 1 # c\n  d: [1]\n"), "a", "b", "2")
	f.Fuzz(func(t *testing.T, src []byte, a, b, v string) {
		e, err := doc.NewEditor("f.yaml", src)
		if err != nil || len(src) > 1<<12 {
			return
		}
		if e.Set(0, doc.Quote(v), a, b) == nil {
			d := e.Doc(0)
			if d == nil || doc.Read("f.yaml", e.Bytes(), nil).Err() != nil {
				t.Fatalf("broken: %q", e.Bytes())
			}
			if n := d.Root.Find(a, b); utf8.ValidString(a+b+v) && (n == nil || n.Text != v) {
				t.Fatalf("set to %q, now %+v: %q", v, n, e.Bytes())
			}
		}
		_ = e.Delete(0, a)
	})
}
