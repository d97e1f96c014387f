package doc_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

type inner struct {
	Zero *int `json:"zero"`
	Name string
}

type outer struct {
	inner
	Text  string            `json:"text"`
	Map   map[string]string `json:"map"`
	List  []inner           `json:"list"`
	Wait  time.Duration     `json:"wait"`
	Any   *doc.Node         `json:"any"`
	On    *bool             `json:"on"`
	Share float64           `json:"share"`
	None  []string          `json:"none"`
	Skip  string            `json:"-"`
}

func TestEncode(t *testing.T) {
	t.Parallel()
	nought, off := 0, false
	in := outer{
		inner: inner{Zero: &nought, Name: "yes"}, Text: "two\nlines: \"x\"", Map: map[string]string{"b": "1", "a": "", "404": "~x"},
		List: []inner{{Name: "first"}, {}}, Wait: 90 * time.Second, On: &off, Share: .25, None: []string{}, Skip: "",
	}
	in.Any = doc.Read("x", []byte("[1, {a: [], b: {}}, !ref x, 0x1F, null]"), nil).Docs[0].Root
	b, err := doc.Encode(in)
	if err != nil {
		t.Fatal(err)
	}
	var out outer
	f := doc.Read("out.yaml", b, nil)
	if len(f.Docs) != 1 || f.Err() != nil {
		t.Fatalf("%v\n%s", f.Err(), b)
	}
	if fs := f.Docs[0].Decode(&out); len(fs) > 0 {
		t.Errorf("%v\n%s", fs, b)
	}
	if !same(in.Any, out.Any) {
		t.Errorf("the node came back other\n%s", b)
	}
	in.Any, out.Any = nil, nil
	if !reflect.DeepEqual(in, out) {
		t.Errorf("%+v\ncame back as\n%+v\n%s", in, out, b)
	}
	if _, err := doc.Encode(struct{ C chan int }{make(chan int)}); err == nil {
		t.Error("a channel has no form")
	}
}

// same compares what two nodes say, not where and how.
func same(a, b *doc.Node) bool {
	if a.Kind != b.Kind || a.Kind != doc.Null && a.Text != b.Text || a.Tag != b.Tag || len(a.Entries) != len(b.Entries) || len(a.Items) != len(b.Items) {
		return false
	}
	for i := range a.Entries {
		if a.Entries[i].Key.Text != b.Entries[i].Key.Text || !same(a.Entries[i].Value, b.Entries[i].Value) {
			return false
		}
	}
	for i := range a.Items {
		if !same(a.Items[i], b.Items[i]) {
			return false
		}
	}
	return true
}

// odd is what YAML can say and a configuration file does not: keys that are no
// names, tags of all kinds.
func odd(n *doc.Node) bool {
	if n.Tag != "" || n.Kind != doc.String && n.Kind != doc.Null && n.Kind != doc.Map && n.Kind != doc.List && strings.TrimSpace(n.Text) != n.Text {
		return true
	}
	for _, e := range n.Entries {
		if e.Key.Kind == doc.Map || e.Key.Kind == doc.List || e.Key.Kind == doc.Null || e.Key.Tag != "" || len(e.Key.Text) > 900 || e.Key.Text == "<<" || odd(e.Value) {
			return true
		}
	}
	for _, it := range n.Items {
		if odd(it) {
			return true
		}
	}
	return false
}

// What is written reads back equal.
func FuzzYAML(f *testing.F) {
	f.Add([]byte("a: [1, {b: 'x: y'}]\nc: |\n  two\n  lines\n-x: ~\n"))
	f.Add([]byte("- - 1\n  - {}\n- a:\n  - b\n"))
	f.Add([]byte(`{"a": 1e5, "b": "\u0007"}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 14, Depth: 50}).Docs {
			if odd(d.Root) {
				continue
			}
			out := d.Root.YAML()
			back := doc.Read("f.yaml", out, nil)
			if len(back.Docs) == 0 && (d.Root.Kind == doc.Null || d.Root.Kind == doc.String && d.Root.Text == "") {
				continue
			}
			if len(back.Docs) != 1 || !same(d.Root, back.Docs[0].Root) {
				t.Fatalf("%q\nwas written as\n%q: %v", src, out, back.Err())
			}
		}
	})
}

const around = `apiVersion: v1
data:
  # the collector
  relay.yaml: |

    a: 1
    b:
      c: [x, y]
    ---
    d: 2
  short: "{e: 3}"
`

func TestEmbedded(t *testing.T) {
	t.Parallel()
	f := doc.Read("cm.yaml", []byte(around), nil)
	d := f.Docs[0]
	in := d.Embedded(d.Root.Find("data", "relay.yaml"), nil)
	if len(in.Docs) != 2 || in.Err() != nil {
		t.Fatalf("%d documents, %v", len(in.Docs), in.Err())
	}
	for _, x := range []struct{ got, want string }{
		{in.Docs[0].At("b", "c", "1").String(), "cm.yaml:8:14"},
		{in.Docs[1].At("d").String(), "cm.yaml:10:8"},
		{d.Embedded(d.Root.Find("data", "short"), nil).Docs[0].At("e").String(), "cm.yaml:11:10"},
	} {
		if x.got != x.want {
			t.Errorf("%s, want %s", x.got, x.want)
		}
	}
	folded := doc.Read("f.yaml", []byte("x: >-\n  a:\n    1\nb: >\n  {c: 1,\n  d: 2}\n"), nil).Docs[0]
	if in := folded.Embedded(folded.Root.Get("b"), nil); len(in.Docs) != 1 || in.Docs[0].At("d").String() != "f.yaml:4:4" {
		t.Errorf("folded: %v", in.Faults)
	}
	rendered := doc.Read("r.yaml", []byte("a: |\n  b: 1\n  c: 2\n"), nil).Docs[0]
	rendered.File.Source = []byte("a: |\n  b: {{ .One }}\n  c: 2\n") // the template that it came of
	if in := rendered.Embedded(rendered.Root.Get("a"), nil); len(in.Docs) != 1 || in.Docs[0].Root.Str("b") != "1" || in.Docs[0].At("c").String() != "r.yaml:1:4" {
		t.Errorf("rendered: %v", in.Faults)
	}
	if d.Embedded(d.Root, nil) != nil || d.Embedded(nil, nil) != nil {
		t.Error("what is no text holds no document")
	}
}

func FuzzEmbedded(f *testing.F) {
	f.Add([]byte(around))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 14}).Docs {
			for _, e := range d.Root.Entries {
				_ = d.Embedded(e.Value, nil)
			}
		}
	})
}
