package treesource_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/compose"
	"github.com/ashlar-dev/ashlar/design/discover/keep"
	"github.com/ashlar-dev/ashlar/design/discover/spring"
	"github.com/ashlar-dev/ashlar/design/discover/treesource"
	"github.com/ashlar-dev/ashlar/internal/treesitter"
)

var update = flag.Bool("update", false, "rewrite what the cases expect")

func TestMain(m *testing.M) {
	treesitter.Child()
	flag.Parse()
	goleak.VerifyTestMain(m)
}

func pool(t testing.TB) *treesitter.Pool {
	t.Helper()
	p, err := treesitter.New(&treesitter.Options{Children: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	if len(p.Languages()) == 0 {
		t.Skip("built without cgo")
	}
	return p
}

func run(t testing.TB, cache *keep.Store, dirs ...string) *discover.Result {
	t.Helper()
	all := []discover.Source{compose.New(), spring.New(), treesource.New(pool(t), &treesource.Options{Cache: cache})}
	r, err := discover.Run(t.Context(), all, dirs, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t testing.TB, dir string, files []txtar.File) {
	t.Helper()
	for _, f := range files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Every case is a small program and what is to be known of it.
func TestCases(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(c), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(c)
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(t.TempDir(), "shop")
			i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
			if i < 0 {
				a.Files = append(a.Files, txtar.File{Name: "want"})
				i = len(a.Files) - 1
			}
			write(t, dir, a.Files[:i])
			got := show(run(t, nil, dir), filepath.ToSlash(dir)+"/")
			if *update {
				a.Files[i].Data = []byte(got)
				if err := os.WriteFile(c, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(a.Files[i].Data) {
				t.Errorf("got\n%s\nwant\n%s", got, a.Files[i].Data)
			}
		})
	}
}

// show prints what a run knows, places without the folder.
func show(r *discover.Result, dir string) string {
	var b bytes.Buffer
	p := func(format string, args ...any) {
		_, _ = fmt.Fprintf(&b, format+"\n", args...)
	}
	at := func(x code.Pos) string { return fmt.Sprintf("%s:%d", filepath.Base(x.File), x.Line) }
	g := r.Code
	for _, e := range g.Entries {
		p("entry   %s %s <- %s %s", e.Kind, e.Trigger, e.Method, at(e.Pos))
	}
	for _, c := range g.Clients {
		line := fmt.Sprintf("client  %s %q %q in %s %s", c.Kind, c.Target, c.Verb, c.Method, at(c.Pos))
		for _, f := range []struct {
			is   bool
			what string
		}{{c.InLoop, "loop"}, {c.Tx != "", "tx"}, {c.Fixed, "fixed"}, {c.Fallback, "fallback"}, {c.Policy.Breaker != nil, "breaker"}} {
			if f.is {
				line += " " + f.what
			}
		}
		if d, ok := c.Policy.Timeout.Get(); ok {
			line += " timeout " + d.String()
		}
		if c.Policy.Retry != nil {
			n, _ := c.Policy.Retry.Attempts.Get()
			line += fmt.Sprintf(" tries %d", n)
		}
		p("%s", line)
	}
	for _, a := range g.Access {
		line := fmt.Sprintf("%-7s %s %v in %s %s", a.Mode, a.Table.Short(), a.Columns, a.Method, at(a.Pos))
		for _, j := range a.Joins {
			line += " with " + j.Member()
		}
		if a.Tx != "" {
			line += " tx"
		}
		p("%s", line)
	}
	for _, k := range arch.Sorted(g.Tables) {
		x := g.Tables[k]
		p("table   %s %v", k.Short(), x.Columns)
		for _, c := range arch.Sorted(x.ForeignKeys) {
			p("        %s -> %s", c, x.ForeignKeys[c].Short())
		}
	}
	for _, k := range arch.Sorted(g.Tx) {
		p("tx      %s %s %s", g.Tx[k].Kind, k, at(g.Tx[k].Pos))
	}
	for _, c := range g.Calls {
		line := fmt.Sprintf("call    %s -> %s :%d", c.From, c.To, c.Pos.Line)
		if c.InLoop {
			line += " loop"
		}
		if c.Async {
			line += " async"
		}
		if c.Tx != "" {
			line += " tx"
		}
		p("%s", line)
	}
	for _, k := range arch.Sorted(g.Types) {
		p("type    %s %s %s", k, g.Types[k].Kind, g.Types[k].Module)
	}
	for _, e := range r.System.Edges() {
		p("edge    %s -> %s %s", e.From.Short(), e.Call.To, e.Call.Access)
	}
	for _, s := range r.Skipped {
		p("skipped %s: %s", strings.TrimPrefix(s.Path, dir), s.Why)
	}
	return b.String()
}
