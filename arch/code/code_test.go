package code_test

import (
	"reflect"
	"testing"

	"github.com/ashlar-dev/ashlar/arch/code"
)

func part(file string) code.Graph {
	m := code.MethodID(file + "#f")
	return code.Graph{
		Types:   map[code.TypeID]code.Type{code.TypeID(file): {ID: code.TypeID(file)}},
		Methods: map[code.MethodID]code.Method{m: {ID: m}},
		Calls:   []code.Call{{From: m, To: "shared#g", Pos: code.Pos{File: file, Line: 2}}, {From: m, To: "shared#h", Pos: code.Pos{File: file, Line: 1}}},
		Clients: []code.Client{{Method: m, Target: "http://x"}},
		Authors: map[string]map[code.TypeID]int{"ann": {"shared": 1}},
		Skipped: []code.Skip{{File: file, Why: "odd"}},
		Lines:   10,
	}
}

func TestOrderOfReadingLeavesNoTrace(t *testing.T) {
	t.Parallel()
	var ab, ba code.Graph
	ab.Add(part("a"))
	ab.Add(part("b"))
	ba.Add(part("b"))
	ba.Add(part("a"))
	ab.Sort()
	ba.Sort()
	if !reflect.DeepEqual(ab, ba) {
		t.Fatalf("%+v\n%+v", ab, ba)
	}
	if ab.Lines != 20 || ab.Authors["ann"]["shared"] != 2 || ab.Calls[0].Pos.Line != 1 || ab.Empty() {
		t.Fatalf("%+v", ab)
	}
}
