package java_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/java"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
	"github.com/ashlar-dev/ashlar/internal/treesitter"
)

func TestMain(m *testing.M) {
	treesitter.Child()
	os.Exit(m.Run())
}

func extract(t testing.TB, p *treesitter.Pool, src string) *unit.File {
	t.Helper()
	tree, err := p.Parse(t.Context(), "java", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return java.Extract(tree, "A.java")
}

func pool(t testing.TB) *treesitter.Pool {
	t.Helper()
	p, err := treesitter.New(&treesitter.Options{Children: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	if len(p.Languages()) == 0 {
		t.Skip("built without cgo")
	}
	return p
}

const source = `package a.b;
import static x.Y.*;
import java.util.List;
@Mark(value = {"a", B.C}, n = 1)
public abstract class A<T extends Number> extends Base<T> implements I, J<List<T>> {
  @Inject private final Map<String, List<T>> m = new HashMap<>(), n;
  static { init(); }
  A(int x, String... rest) { super(x); this.n = null; }
  abstract void bare(@Valid T t) throws E;
  <Q> List<Q> all(Q[] qs) {
    for (Q q : qs) { use(q.name() + "-" + 'x', (String) q); }
    try (var in = open("f")) { in.read(); } catch (IOException | Oops e) { log(e); } finally { done(); }
    switch (k) { case 1 -> one(); default -> { two(); } }
    Runnable r = new Runnable() { public void run() { inner(); } };
    qs = cond ? a() : b();
    return Stream.of(qs).map(A::make).filter(q -> q.ok()).toList();
  }
  enum Color { RED("r"), GREEN { void f() {} }; Color(String s) {} String s() { return """
      text"""; } }
  record Pair(int left, @NotNull String right) {}
  interface In { int K = 3; default void d() {} }
  @interface Mark { int n() default 1; }
}
`

func TestExtract(t *testing.T) {
	t.Parallel()
	f := extract(t, pool(t), source)
	if f.Package != "a.b" || f.Broken != 0 || len(f.Imports) != 2 || f.Imports[0] != (unit.Import{Package: "x.Y", Name: "*", Static: true}) {
		t.Errorf("%+v", f)
	}
	var names []string
	for i := range f.Types {
		names = append(names, f.Types[i].Kind+" "+f.Types[i].Name)
	}
	if want := []string{"class A", "enum A.Color", "record A.Pair", "interface A.In", "annotation A.Mark"}; !reflect.DeepEqual(names, want) {
		t.Fatalf("%v", names)
	}
	a := f.Types[0]
	if !a.Abstract || !reflect.DeepEqual(a.Params, []string{"T"}) || !reflect.DeepEqual(a.Supers, []string{"Base<T>", "I", "J<List<T>>"}) || len(a.Fields) != 2 || a.Fields[1].Type != "Map<String,List<T>>" || !a.Fields[0].Fixed {
		t.Errorf("%+v", a)
	}
	var ms []string
	for _, m := range a.Methods {
		ms = append(ms, m.Name)
	}
	if want := []string{"<init>", "<init>", "bare", "all"}; !reflect.DeepEqual(ms, want) || !a.Methods[2].Bare || a.Methods[1].Params[1].Type != "String..." {
		t.Errorf("%v %+v", ms, a.Methods)
	}
	calls := map[string]bool{}
	var expr func(e *unit.Expr)
	var body func(b []unit.Stmt)
	expr = func(e *unit.Expr) {
		if e == nil {
			return
		}
		if e.Kind == unit.Call || e.Kind == unit.FuncOf {
			calls[e.Text] = true
		}
		expr(e.X)
		for i := range e.Args {
			expr(&e.Args[i])
		}
		if e.Fn != nil {
			body(e.Fn.Body)
		}
	}
	body = func(b []unit.Stmt) {
		for i := range b {
			expr(b[i].X)
			body(b[i].Body)
		}
	}
	body(a.Methods[3].Body)
	for _, want := range strings.Fields("use name open read log done one two inner a b of map make filter ok toList") {
		if !calls[want] {
			t.Errorf("the call of %s is lost: %v", want, calls)
		}
	}
	if got := a.Marks[0].Arg("value"); got.Kind != unit.Array || got.Args[0].Text != "a" || got.Args[1].Kind != unit.Member {
		t.Errorf("%+v", got)
	}
}

func TestLongTextsAreNoDeepTrees(t *testing.T) {
	t.Parallel()
	src := `class A { String s = "a"` + strings.Repeat(` + "b"`, 5000) + `; int n = ` + strings.Repeat("(", 3000) + "1" + strings.Repeat(")", 3000) + "; }"
	f := extract(t, pool(t), src)
	if len(f.Types) != 1 || len(f.Types[0].Fields) != 2 || len(f.Types[0].Fields[0].Init.Args) != 5001 {
		t.Errorf("%d types", len(f.Types))
	}
}

// Whatever the source, a unit is made of it that can be kept and read again.
func FuzzExtract(f *testing.F) {
	p := pool(f)
	f.Add(source)
	f.Add("class A { void f() { a.b().c(x -> y); } }")
	f.Fuzz(func(t *testing.T, src string) {
		u := extract(t, p, strings.ToValidUTF8(src, "?"))
		back, err := unit.Decode(u.Append(nil))
		if err != nil || !reflect.DeepEqual(back.Append(nil), u.Append(nil)) {
			t.Fatalf("%v\n%+v\n%+v", err, u, back)
		}
	})
}
