package policy_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strconv"
	"strings"
	"testing"
)

// The simulator runs these machines in virtual time: one look at the real clock,
// one timer or one random number of their own and its forecasts are wrong.
func TestMachinesTakeTimeAndChanceFromTheirDriver(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	pkgs, err := parser.ParseDir(fset, ".", func(f fs.FileInfo) bool {
		return !strings.HasSuffix(f.Name(), "_test.go")
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	files := pkgs["policy"].Files
	if len(files) < 5 {
		t.Fatalf("looked at %d files only", len(files))
	}
	for name, f := range files {
		for _, fault := range impurities(fset, f) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

func TestImpuritiesAreFound(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]int{
		`import "math/rand/v2"`:                                     1,
		`import "context"`:                                          1,
		`import "github.com/x/y"`:                                   1,
		`import clock "time"; var t = clock.Now()`:                  1,
		`import "time"; var f = time.Since`:                         1,
		`import . "time"`:                                           1,
		`func f() { go f() }`:                                       1,
		`func f(c chan int) { select {} }`:                          2,
		`import "sync"; var c sync.Cond`:                            1,
		`import "time"; const d = time.Second; var t time.Duration`: 0,
		`import "sync"; import "sync/atomic"; var m sync.Mutex; var _ atomic.Int64`: 0,
	} {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, "x.go", "package x; "+src, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := impurities(fset, f); len(got) != want {
			t.Errorf("%s: found %q, want %d", src, got, want)
		}
	}
}

// impurities lists what a pure machine may not contain. Imports are an allow
// list, and of those packages only what neither tells time nor waits.
func impurities(fset *token.FileSet, f *ast.File) (faults []string) {
	allowed := map[string]map[string]bool{
		"errors": nil, "fmt": nil, "math": nil, "math/bits": nil, "sync/atomic": nil,
		"sync": {"Mutex": true, "RWMutex": true},
		"time": {"Duration": true, "Nanosecond": true, "Microsecond": true, "Millisecond": true, "Second": true, "Minute": true, "Hour": true},
	}
	fault := func(n ast.Node, what string) { faults = append(faults, fset.Position(n.Pos()).String()+" "+what) }
	names := map[string]string{}
	for _, im := range f.Imports {
		path, _ := strconv.Unquote(im.Path.Value)
		name := path[strings.LastIndexByte(path, '/')+1:]
		if im.Name != nil {
			name = im.Name.Name
		}
		if _, ok := allowed[path]; !ok || name == "." {
			fault(im, "imports "+path)
			continue
		}
		names[name] = path
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			fault(n, "starts a goroutine")
		case *ast.ChanType:
			fault(n, "uses a channel")
		case *ast.SelectStmt:
			fault(n, "selects")
		case *ast.SelectorExpr:
			id, ok := n.X.(*ast.Ident)
			if !ok {
				return true
			}
			path, ok := names[id.Name]
			if some := allowed[path]; ok && some != nil && !some[n.Sel.Name] {
				fault(n, "uses "+path+"."+n.Sel.Name)
			}
		}
		return true
	})
	return faults
}
