//go:build unix

package sources_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/gosource"
	"github.com/ashlar-dev/ashlar/design/discover/keep"
	"github.com/ashlar-dev/ashlar/design/discover/treesource"
	"github.com/ashlar-dev/ashlar/internal/treesitter"
)

// reading is everything that a run over source code says, as text, and the CPU time
// that it took.
func reading(t *testing.T, dir string, cache *keep.Store) (string, time.Duration) {
	t.Helper()
	p, err := treesitter.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	before := spent(t)
	r, err := discover.Run(context.Background(), []discover.Source{
		gosource.New(&gosource.Options{Cache: cache}), treesource.New(p, &treesource.Options{Cache: cache}),
	}, []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Close() // the parsers' time counts when they have ended
	took := spent(t) - before
	var said []string
	for _, f := range arch.Facts(r.System) {
		said = append(said, fmt.Sprintf("%v %v", f, r.System.Ledger[f.Fact]))
	}
	b, err := json.Marshal(map[string]any{"facts": said, "skipped": r.Skipped, "types": r.Code.Types, "methods": r.Code.Methods, "calls": r.Code.Calls, "entries": r.Code.Entries, "clients": r.Code.Clients, "access": r.Code.Access, "tables": r.Code.Tables, "tx": r.Code.Tx})
	if err != nil {
		t.Fatal(err)
	}
	return string(b), took
}

// spent is the CPU time of this process and of its children that have ended.
func spent(t *testing.T) (all time.Duration) {
	t.Helper()
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			t.Fatal(err)
		}
		all += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return all
}

// generate writes n Go packages and n Java packages, each of which calls the one
// before it, and returns one file of each language.
func generate(t *testing.T, dir string, n int) (changed []string) {
	t.Helper()
	put := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	put("go.mod", "module shop.example\n\ngo 1.26\n\nrequire example.com/nowhere v1.0.0\n")
	put("pom.xml", "<project><groupId>shop</groupId><artifactId>shop</artifactId></project>\n")
	put("main.go", fmt.Sprintf("package main\n\nimport (\n\t\"database/sql\"\n\t\"net/http\"\n\n\t\"shop.example/p%d\"\n)\n\nfunc main() {\n\tdb, _ := sql.Open(\"postgres\", \"postgres://db/shop\")\n\thttp.HandleFunc(\"POST /orders\", p%[1]d.New(db).Place)\n\thttp.ListenAndServe(\":80\", nil)\n}\n", n-1))
	for i := range n {
		below, call := "", ""
		if i > 0 {
			below, call = fmt.Sprintf("\t\"shop.example/p%d\"\n", i-1), fmt.Sprintf("\tp%d.New(s.db).Place(w, r)\n", i-1)
		}
		g := put(fmt.Sprintf("p%d/p.go", i), fmt.Sprintf("package p%d\n\nimport (\n\t\"database/sql\"\n\t\"net/http\"\n\n\t\"example.com/nowhere\"\n%s)\n\n// Store keeps orders.\ntype Store struct{ db *sql.DB }\n\nfunc New(db *sql.DB) *Store { return &Store{db} }\n\nfunc (s *Store) Place(w http.ResponseWriter, r *http.Request) {\n\tnowhere.Do()\n\ts.db.Exec(\"INSERT INTO t%[1]d (id) VALUES ($1)\", r.URL.Path)\n%[3]s}\n", i, below, call))
		use := "return 0;"
		if i > 0 {
			use = fmt.Sprintf("return new p%d.S%[1]d(db).place(id);", i-1)
		}
		j := put(fmt.Sprintf("src/main/java/p%d/S%[1]d.java", i), fmt.Sprintf("package p%d;\n\nimport org.springframework.web.bind.annotation.*;\nimport org.springframework.jdbc.core.JdbcTemplate;\n\n@RestController\npublic class S%[1]d {\n    private final JdbcTemplate db;\n    public S%[1]d(JdbcTemplate db) { this.db = db; }\n    @PostMapping(\"/s%[1]d\")\n    public int place(String id) {\n        db.update(\"INSERT INTO j%[1]d (id) VALUES (?)\", id);\n        %s\n    }\n}\n", i, use))
		if i == n/2 {
			changed = []string{g, j}
		}
	}
	return changed
}

// A second run says byte for byte what the first said, and one after a change what a
// run without a cache says.
func TestSecondRuns(t *testing.T) {
	t.Parallel()
	p, err := treesitter.New(nil)
	if err != nil || len(p.Languages()) == 0 {
		t.Skip("built without cgo: there are no grammars")
	}
	_ = p.Close()
	dir := t.TempDir()
	changed := generate(t, dir, 40)
	cache, err := keep.Open(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	cold, _ := reading(t, dir, cache)
	for _, want := range []string{"t39", "j39", "example.com/nowhere", "POST /orders", "POST /s7"} {
		if !strings.Contains(cold, want) {
			t.Fatalf("%s is not in what was read: %.2000s", want, cold)
		}
	}
	same(t, "a second run", cold, dir, cache)
	for _, name := range changed {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, bytes.Replace(b, []byte("INSERT INTO "), []byte("INSERT INTO other_"), 1), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fresh, _ := reading(t, dir, nil)
	if fresh == cold {
		t.Fatal("the change is not seen")
	}
	same(t, "after a change", fresh, dir, cache)
	same(t, "and once more", fresh, dir, cache)
}

func same(t *testing.T, what, want, dir string, cache *keep.Store) {
	t.Helper()
	got, _ := reading(t, dir, cache)
	if got == want {
		return
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	from := max(0, i-200)
	t.Errorf("%s: from byte %d on\n%.400s\nwithout the cache\n%.400s", what, i, got[from:], want[from:])
}

// The same on a real tree, with the CPU time of each run:
//
//	ASHLAR_TREE=path go test -run RealTree -v ./design/discover/sources
func TestSecondRunOfARealTree(t *testing.T) {
	dir := os.Getenv("ASHLAR_TREE")
	if dir == "" {
		t.Skip("ASHLAR_TREE names no folder with source code")
	}
	cache, err := keep.Open(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	cold, first := reading(t, dir, cache)
	warm, second := reading(t, dir, cache)
	t.Logf("first %v, second %v of CPU time: %.0f %%", first.Round(time.Millisecond), second.Round(time.Millisecond), 100*second.Seconds()/first.Seconds())
	if warm != cold {
		t.Error("the second run says something else")
	}
}
