package unit_test

import (
	"reflect"
	"testing"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

func file() *unit.File {
	x := unit.Expr{Kind: unit.Call, Line: 3, Text: "f", X: &unit.Expr{Kind: unit.Name, Text: "a"}, Args: []unit.Expr{{Kind: unit.Func, Fn: &unit.Fn{Name: "run", Async: true, Params: []unit.Param{{Name: "p", Type: "T"}}, Body: []unit.Stmt{{Kind: unit.Return, Line: 4}}}}}}
	return &unit.File{Path: "p", Lang: "java", Package: "a.b", Lines: 9, Broken: 1, Test: true, Made: true, Imports: []unit.Import{{Package: "x", Name: "*", Alias: "y", Static: true}},
		Types: []unit.Type{{Name: "A", Kind: unit.Class, Params: []string{"T"}, Supers: []string{"B"}, Line: 1, Col: 2, Lines: 3, Abstract: true,
			Marks:   []unit.Mark{{Name: "M", Line: 1, Args: []unit.Arg{{Name: "value", Value: x}}}},
			Fields:  []unit.Field{{Name: "f", Type: "F", Line: 2, Fixed: true, Init: &x, Marks: []unit.Mark{{Name: "N"}}}, {Name: "g"}},
			Methods: []unit.Method{{Name: "m", Result: "R", Line: 3, Col: 4, Lines: 5, Bare: true, Static: true, Async: true, Internal: true, Params: []unit.Param{{Name: "q", Marks: []unit.Mark{{Name: "O"}}}}, Marks: []unit.Mark{{Name: "P"}}, Body: []unit.Stmt{{Kind: unit.Loop, Line: 6, Name: "i", Type: "I", X: &x, Body: []unit.Stmt{{Kind: unit.Do, X: &x}}}}}}}}}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want := file()
	b := want.Append(nil)
	got, err := unit.Decode(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%v\n%+v\n%+v", err, got, want)
	}
	for i := range b { // torn at every place
		if _, err := unit.Decode(b[:i]); err == nil {
			t.Fatalf("%d of %d bytes are taken", i, len(b))
		}
	}
	if _, err := unit.Decode(append(b, 0)); err == nil {
		t.Error("something behind the end is taken")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(file().Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := unit.Decode(b)
		if err != nil {
			return
		}
		back, err := unit.Decode(u.Append(nil))
		if err != nil || !reflect.DeepEqual(u, back) {
			t.Fatalf("%v", err)
		}
	})
}
