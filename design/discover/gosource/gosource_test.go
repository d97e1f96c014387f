package gosource_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/gosource"
	"github.com/ashlar-dev/ashlar/design/discover/keep"
)

// alone reads without a Go installation and without a module cache: the built-in
// declarations have to do.
var alone = &gosource.Options{GoRoot: "-", ModCache: "-"}

func run(t *testing.T, dir string, o *gosource.Options) *discover.Result {
	t.Helper()
	r, err := discover.Run(t.Context(), []discover.Source{gosource.New(o)}, []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// write lays an archive out as files.
func write(t *testing.T, src []byte) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse(src).Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// brief writes what was found, a line each.
func brief(g *code.Graph, dir string) string {
	at := func(p code.Pos) string {
		return fmt.Sprintf("%s:%d", strings.TrimPrefix(strings.TrimPrefix(p.File, filepath.ToSlash(dir)), "/"), p.Line)
	}
	flags := func(loop bool, tx string, fixed bool, p arch.Policy) string {
		var s string
		if loop {
			s += " loop"
		}
		if tx != "" {
			s += " tx"
		}
		if fixed {
			s += " fixed"
		}
		if d, ok := p.Timeout.Get(); ok {
			s += " " + d.String()
		}
		if p.Retry != nil {
			s += fmt.Sprintf(" tries=%d", p.Retry.Attempts.V)
		}
		return s
	}
	short := func(m code.MethodID) string {
		s := string(m)
		return s[strings.LastIndexByte(s, '/')+1:]
	}
	var out []string
	for _, e := range g.Entries {
		out = append(out, fmt.Sprintf("entry %s -> %s %s", e.Trigger, short(e.Method), at(e.Pos)))
	}
	for _, c := range g.Clients {
		out = append(out, fmt.Sprintf("client %s %s %s%s %s", c.Kind, c.Target, c.Verb, flags(c.InLoop, c.Tx, c.Fixed, c.Policy), at(c.Pos)))
	}
	for _, a := range g.Access {
		out = append(out, fmt.Sprintf("%s %s %v%s %s", a.Mode, a.Table.Short(), a.Columns, flags(false, a.Tx, false, arch.Policy{}), at(a.Pos)))
	}
	for _, ref := range arch.Sorted(g.Tables) {
		out = append(out, fmt.Sprintf("table %s %v keys=%v", ref.Short(), g.Tables[ref].Columns, g.Tables[ref].ForeignKeys))
	}
	slices.Sort(out)
	return strings.Join(out, "\n") + "\n"
}

// Each file of testdata is a program and, in "want", what is to be found in it.
// ASHLAR_UPDATE=1 writes the last part anew.
func TestLibraries(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data")
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			dir := write(t, src)
			r := run(t, dir, alone)
			got := brief(r.Code, dir)
			a := txtar.Parse(src)
			i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
			if os.Getenv("ASHLAR_UPDATE") != "" {
				if i < 0 {
					a.Files = append(a.Files, txtar.File{Name: "want"})
					i = len(a.Files) - 1
				}
				a.Files[i].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := string(a.Files[i].Data); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

const legacy = "../../../examples/shop/legacy"

// Every hard part of the fixture is seen, with its place.
func TestTheLegacyShop(t *testing.T) {
	t.Parallel()
	r := run(t, legacy, nil)
	g := r.Code
	tables := map[string]bool{}
	for ref := range g.Tables {
		tables[ref.Short()] = true
	}
	for _, n := range []string{"customers", "products", "stock", "orders", "order_lines", "payments", "invoices", "shipments", "reviews"} {
		if !tables["shop."+n] {
			t.Errorf("table %s is missing: %v", n, tables)
		}
	}
	if fk := g.Tables["table/shop.orders"].ForeignKeys["customer_id"]; fk != "table/shop.customers" {
		t.Errorf("foreign key of orders: %q", fk)
	}
	dao := map[arch.Ref]bool{}
	for _, a := range g.Access {
		if strings.Contains(string(a.Method), "dao.ShopDAO#") {
			dao[a.Table] = true
		}
	}
	if len(dao) != 6 {
		t.Errorf("the DAO touches %v", dao)
	}
	svc := r.System.Services["shop"]
	if len(svc.Operations) != 14 {
		t.Errorf("%d operations", len(svc.Operations))
	}
	inTx := map[arch.Ref]bool{}
	for _, c := range svc.Operations["placeOrder"].Calls {
		if c.Tx != "" {
			inTx[c.To] = true
		}
	}
	for _, want := range []arch.Ref{"table/shop.orders", "table/shop.stock", "table/shop.payments", "table/shop.invoices", "external/bank"} {
		if !inTx[want] {
			t.Errorf("%s is not in the transaction of placeOrder: %v", want, inTx)
		}
	}
	for _, c := range svc.Operations["ship"].Calls {
		if c.To == "external/carrier" {
			if p := c.Layers[0]; p.Timeout != arch.Some(time.Duration(0)) || p.Retry == nil || p.Retry.Attempts != arch.Some(3) {
				t.Errorf("carrier: %+v", p)
			}
		}
		if c.To == "external/bank" && c.Layers[0].Timeout != arch.Some(10*time.Second) {
			t.Errorf("bank: %+v", c.Layers)
		}
	}
	i := slices.IndexFunc(g.Clients, func(c code.Client) bool { return c.Fixed })
	if i < 0 || g.Clients[i].Target != "edi.timber-and-sons.example:8080" {
		t.Errorf("the supplier's address is not seen as fixed: %+v", g.Clients)
	}
	loop := slices.ContainsFunc(g.Calls, func(c code.Call) bool {
		return c.InLoop && strings.HasSuffix(string(c.To), "outside.Supplier#Price") && strings.HasSuffix(string(c.From), "#RefreshPrices")
	})
	if !loop {
		t.Error("the call in a loop is not seen")
	}
	if len(r.Skipped) > 0 {
		t.Errorf("skipped %v", r.Skipped)
	}
}

// Of several programs the module is that which serves most; one that shows parts
// to developers is no service, and a domain's ending is no part of a name.
func TestWhichProgramIsTheService(t *testing.T) {
	t.Parallel()
	const handler = "http.HandleFunc(%q, func(http.ResponseWriter, *http.Request) {})\n"
	program := func(paths ...string) string {
		s := "package main\nimport \"net/http\"\nfunc main() {\n"
		for _, p := range paths {
			s += fmt.Sprintf(handler, p)
		}
		return s + "}\n"
	}
	dir := write(t, txtar.Format(&txtar.Archive{Files: []txtar.File{
		{Name: "go.mod", Data: []byte("module dials.example/v2\ngo 1.24\n")},
		{Name: "main.go", Data: []byte(program("/a", "/b", "/c"))},
		{Name: "cmd/admin/main.go", Data: []byte(program("/admin"))},
		{Name: "cmd/dials-storybook/main.go", Data: []byte(program("/1", "/2", "/3", "/4", "/5"))},
	}}))
	r := run(t, dir, alone)
	if got, want := arch.Sorted(r.System.Services), []string{"admin", "dials"}; !slices.Equal(got, want) {
		t.Errorf("services %v, want %v", got, want)
	}
	if got := r.Code.Modules["dials.example/v2"].Service; got != "service/dials" {
		t.Errorf("the module is %s", got)
	}
}

// What is broken costs itself alone.
func TestOddSourceIsPassedOver(t *testing.T) {
	t.Parallel()
	dir := write(t, []byte(`-- go.mod --
module example.com/odd
go 1.24
-- good.go --
package main

import ("database/sql"; "net/http"; "example.com/nowhere/lib")

func main() {
	db, _ := sql.Open("postgres", lib.DSN())
	http.HandleFunc("/x", func(w http.ResponseWriter, r *http.Request) { db.Exec("delete from cart where id = $1", lib.ID(r)) })
}
-- broken/broken.go --
package broken

import "database/sql"

func F(db *sql.DB) { db.Exec("update t set a = 1"); undefined.Call(
-- types/types.go --
package types

import "database/sql"

func F(db *sql.DB) int { db.Exec("insert into u values (1)"); return "no number" }
-- gen/gen.go --
// Code generated by a tool. DO NOT EDIT.

package gen

import "database/sql"

func F(db *sql.DB) { db.Exec("delete from generated") }
-- vendor/example.com/v/v.go --
package v

import "database/sql"

func F(db *sql.DB) { db.Exec("delete from vendored") }
-- win/x_windows.go --
package win

import "database/sql"

func F(db *sql.DB) { db.Exec("delete from windows") }
-- loop/a/a.go --
package a

import "example.com/odd/loop/b"

var X = b.X
-- loop/b/b.go --
package b

import "example.com/odd/loop/a"

var X = a.X
-- empty.go --
`))
	if err := os.WriteFile(filepath.Join(dir, "latin1.go"), []byte("package main\n// \xe4\xf6\xfc\nvar s = \"\xff\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "huge.go"), []byte("package main\n"+strings.Repeat("// x\n", 1<<20)), 0o644); err != nil {
		t.Fatal(err)
	}
	r := run(t, dir, &gosource.Options{ModCache: "-"})
	var got []string
	for _, a := range r.Code.Access {
		got = append(got, a.Table.Member())
	}
	slices.Sort(got)
	if want := []string{"cart", "t", "u"}; !slices.Equal(got, want) {
		t.Errorf("tables %v, want %v", got, want)
	}
	skipped := fmt.Sprint(r.Skipped)
	for _, want := range []string{"broken.go", "types", "example.com/nowhere", "huge.go", "latin1.go"} {
		if !strings.Contains(skipped, want) {
			t.Errorf("%s is not among what was passed over: %s", want, skipped)
		}
	}
}

// A second run with a cache finds the same, and so does one after a change.
func TestTheCacheChangesNothing(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/values.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, src)
	cache, err := keep.Open(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	o := &gosource.Options{GoRoot: "-", ModCache: "-", Cache: cache}
	first := run(t, dir, o)
	second := run(t, dir, o)
	if brief(first.Code, dir) != brief(second.Code, dir) || !reflect.DeepEqual(first.Code.Calls, second.Code.Calls) || len(first.Code.Types) != len(second.Code.Types) {
		t.Errorf("from the cache\n%s\nwithout\n%s", brief(second.Code, dir), brief(first.Code, dir))
	}
	name := filepath.Join(dir, "store", "store.go")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.ReplaceAll(string(b), "customers", "people")), 0o644); err != nil {
		t.Fatal(err)
	}
	changed, fresh := run(t, dir, o), run(t, dir, alone)
	if got, want := brief(changed.Code, dir), brief(fresh.Code, dir); got != want || !strings.Contains(got, "people") {
		t.Errorf("after a change, from the cache\n%s\nwithout\n%s", got, want)
	}
}
