package syntax_test

import (
	"reflect"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/syntax"
)

func tree() *syntax.Tree {
	return &syntax.Tree{
		Src: []byte("a =\n b+c"), Kinds: []string{"assign", "name", "sum"}, Fields: []string{"", "left", "right"},
		Nodes: []syntax.Raw{{Kind: 0, End: 8, Line: 1, Next: 5}, {Kind: 1, Field: 1, End: 1, Line: 1, Next: 2}, {Kind: 2, Field: 2, Start: 5, End: 8, Line: 2, Next: 5}, {Kind: 1, Start: 5, End: 6, Line: 2, Next: 4}, {Kind: 1, Start: 7, End: 8, Line: 2, Next: 5, Broken: true}},
	}
}

func TestWalkAndRoundTrip(t *testing.T) {
	t.Parallel()
	want := tree()
	got, err := syntax.Decode(want.Append(nil), want.Src)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%v\n%+v\n%+v", err, got, want)
	}
	sum := got.Root().Field("right")
	var names []string
	for c := range sum.Children() {
		names = append(names, c.Text())
	}
	if sum.Kind() != "sum" || !reflect.DeepEqual(names, []string{"b", "c"}) || sum.Line() != 2 || sum.Col() != 2 || got.Root().Lines() != 2 || got.Broken() != 1 {
		t.Errorf("%s %v %d:%d", sum.Kind(), names, sum.Line(), sum.Col())
	}
	var none syntax.Node
	if none.Field("x").Ok() || none.Text() != "" || none.Child("name").Ok() || got.Root().Field("none").Ok() {
		t.Error("no node has something")
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, break_ := range map[string]func(*syntax.Tree){
		"kind":          func(x *syntax.Tree) { x.Nodes[1].Kind = 9 },
		"field":         func(x *syntax.Tree) { x.Nodes[1].Field = 9 },
		"end":           func(x *syntax.Tree) { x.Nodes[1].End = 99 },
		"next back":     func(x *syntax.Tree) { x.Nodes[2].Next = 2 },
		"next outside":  func(x *syntax.Tree) { x.Nodes[3].Next = 6 },
		"second root":   func(x *syntax.Tree) { x.Nodes[0].Next = 2 },
		"beyond parent": func(x *syntax.Tree) { x.Nodes[2].Next = 4; x.Nodes[3].Next = 5 },
	} {
		x := tree()
		break_(x)
		if _, err := syntax.Decode(x.Append(nil), x.Src); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(tree().Append(nil), tree().Src)
	f.Fuzz(func(t *testing.T, b, src []byte) {
		x, err := syntax.Decode(b, src)
		if err != nil {
			return
		}
		steps := 0
		var walk func(syntax.Node)
		walk = func(n syntax.Node) {
			steps++
			_, _, _, _ = n.Kind(), n.Text(), n.Col(), n.In()
			for c := range n.Children() {
				walk(c)
			}
		}
		if x.Root().Ok() && len(x.Nodes) < 10_000 {
			walk(x.Root())
			if steps != len(x.Nodes) {
				t.Fatalf("%d nodes, %d walked", len(x.Nodes), steps)
			}
		}
	})
}
