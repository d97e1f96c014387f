package treesource_test

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/spring"
	"github.com/ashlar-dev/ashlar/design/discover/treesource"
)

// Whatever stands in the files, a run ends and tells of it: extraction, linking
// and facts of every language, and the files beside them.
func FuzzRun(f *testing.F) {
	p := pool(f)
	f.Add("java", "package a; class A extends A { A a = a; String s = s + t(); String t() { return t(); } void f() { f(); for (A x : a.f()) { x.g(() -> f()); } } }")
	f.Add("java", "@Entity @Table(name=T) class B { static final String T = T; @ManyToMany Set<B> bs; @Embedded B b; } interface R extends JpaRepository<B, B> { B findByBAndBOrderByB(B b); }")
	f.Add("py", "class A(A):\n  x = x\n  def f(self):\n    self.y = self.y\n    return self.f()\n@app.get('/<int:a>')\ndef g(): g()\n")
	f.Add("ts", "@Controller('a') class A extends A { constructor(private a: A) {} @Get(':x') f() { return fetch(`${this.a}`) } }\nconst a = a; app.use('/x', require('./a'));")
	f.Add("cs", "namespace N; class C : C { DbSet<C> Cs; C c = c; [HttpGet(\"{x}\")] public C F() => c?.F(); }")
	f.Add("xml", "<mapper namespace='a'><sql id='x'><include refid='x'/></sql><select id='f'>select a from b <include refid='x'/></select></mapper>")
	f.Add("sql", "create table a (b int references c(d));")
	f.Add("gradle", "dependencies { compile 'a:b:1' }")
	f.Fuzz(func(t *testing.T, ext, src string) {
		if strings.ContainsAny(ext, "/\x00.") || len(ext) > 6 || len(src) > 1<<16 {
			return
		}
		dir := t.TempDir()
		name := "a." + ext
		if ext == "gradle" {
			name = "build.gradle"
		}
		write(t, dir, []txtar.File{{Name: name, Data: []byte(src)}, {Name: "b.java", Data: []byte("package a; class Z { A a; void f() { a.f(); new B().g(\"select 1 from t\"); } }")}})
		if _, err := discover.Run(t.Context(), []discover.Source{spring.New(), treesource.New(p, nil)}, []string{dir}, nil); err != nil {
			t.Fatal(err)
		}
	})
}
