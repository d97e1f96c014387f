package gosource

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

// databases are packages whose methods take statements.
var databases = map[string]bool{"database/sql": true, "github.com/jmoiron/sqlx": true, "github.com/jackc/pgx": true, "github.com/jackc/pgx/pgxpool": true, "github.com/jackc/pgx/pgconn": true, "github.com/jackc/pgx/stdlib": true, "github.com/jackc/pgxpool": true,
	"github.com/uptrace/bun": true, "xorm.io/xorm": true, "github.com/gocql/gocql": true}

// sqlArg is the least number of the parameter that holds the statement, by the
// names that drivers and wrappers use; -1 when the name is none of them.
func sqlArg(name string) int {
	switch strings.TrimSuffix(strings.TrimSuffix(name, "Context"), "x") {
	case "Exec", "Query", "QueryRow", "Prepare", "MustExec", "NamedExec", "NamedQuery", "Get", "Select", "Raw", "Queue", "PrepareNamed", "MustPrepare", "NewQuery", "NewRaw", "SelectOne", "SelectInt", "SelectStr", "Preparex", "SQL":
		return 0
	}
	return -1
}

// database reads statements, on a driver's types or on an interface that stands
// for them.
func (f *fn) database(e *ast.CallExpr, o *types.Func) bool {
	pkg, name := pkgPath(o), o.Name()
	known := databases[pkg]
	if known && (name == "Open" || name == "Connect" || name == "New") && recvName(o) == "" {
		f.open(e, o)
		return true
	}
	if known && name == "CopyFrom" && len(e.Args) > 1 { // pgx
		f.sum.Rows = append(f.sum.Rows, row{Method: f.id, Table: f.text(e.Args[1]), Mode: string(sql.Write), Pos: f.position(e.Pos()), Tx: f.tx(e.Pos())})
		return true
	}
	if sqlArg(name) < 0 || recvName(o) == "" {
		return false
	}
	sig := o.Type().(*types.Signature)
	for i := range min(sig.Params().Len(), len(e.Args)) {
		if !isString(sig.Params().At(i).Type()) {
			continue
		}
		t := f.text(e.Args[i])
		switch {
		case known && !blank(t):
			f.statement(e, t, true)
		case known:
			f.statement(e, sql.Hole, true)
		case isInterface(o) && resultOf(sig):
			f.statement(e, t, true)
		case sql.Looks(strings.NewReplacer(markStart, " ", markEnd, " ").Replace(t)) && f.w.pkgs[pkgOf(o)] == nil:
			f.statement(e, t, false)
		default:
			return false
		}
		return true
	}
	return false
}

// resultOf reports whether a method of an interface gives back what a driver does.
func resultOf(sig *types.Signature) bool {
	for i := range sig.Results().Len() {
		if n := named(sig.Results().At(i).Type()); n != nil && n.Obj().Pkg() != nil && databases[unversioned(n.Obj().Pkg().Path())] {
			return true
		}
	}
	return false
}

func (f *fn) statement(e ast.Node, text string, sure bool) {
	f.sum.SQL = append(f.sum.SQL, statement{Method: f.id, Text: text, Pos: f.position(e.Pos()), Tx: f.tx(e.Pos()), InLoop: in(f.loops, e.Pos()), Sure: sure})
}

// open notes where a database is: its place may be told by a variable.
func (f *fn) open(e *ast.CallExpr, o *types.Func) {
	dsn, driver := sql.Hole, ""
	switch {
	case len(e.Args) == 2 && isString(f.info.TypeOf(e.Args[0])):
		driver, dsn = f.text(e.Args[0]), f.text(e.Args[1])
	case len(e.Args) > 1:
		dsn = f.text(e.Args[1])
	}
	if strings.Contains(pkgPath(o), "pgx") {
		driver = "pgx"
	}
	f.sum.Clients = append(f.sum.Clients, client{Client: code.Client{Method: f.id, Kind: "sql", Target: dsn, Verb: driver, Pos: f.position(e.Pos())}})
}

// transactions finds the stretches of the function that commit as one: from Begin
// to the last Commit, and closures that are given a transaction.
func (f *fn) transactions() {
	add := func(s span, at token.Pos, kind string) {
		n := 0
		for _, t := range f.sum.Tx {
			if t.Method == f.id {
				n++
			}
		}
		id := string(f.id) + "@tx" + itoa(n+1)
		f.txs = append(f.txs, txSpan{s, id})
		f.sum.Tx = append(f.sum.Tx, code.Transaction{ID: id, Method: f.id, Kind: kind, Pos: f.position(at)})
	}
	deferred := map[ast.Node]bool{}
	var begins []*ast.CallExpr
	last := token.NoPos
	ast.Inspect(f.body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.DeferStmt:
			ast.Inspect(n, func(x ast.Node) bool { deferred[x] = true; return true })
		case *ast.FuncLit:
			if takesTx(f.info.TypeOf(n)) {
				add(span{n.Body.Pos(), n.Body.End()}, n.Pos(), "explicit")
			}
		case *ast.CallExpr:
			name := calledName(n)
			switch {
			case beginName(name) && isTx(f.first(n)):
				begins = append(begins, n)
			case name == "Commit" && !deferred[n]:
				last = max(last, n.End())
			}
		}
		return true
	})
	for i, b := range begins {
		to := f.body.End()
		if last > b.Pos() {
			to = last
		}
		if i+1 < len(begins) && begins[i+1].Pos() < to {
			to = begins[i+1].Pos()
		}
		if f.handsOn(span{b.End(), to}) { // a helper that runs what it is given in a transaction
			continue
		}
		add(span{b.Pos(), to}, b.Pos(), "explicit")
	}
}

func calledName(e *ast.CallExpr) string {
	switch x := ast.Unparen(e.Fun).(type) {
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.Ident:
		return x.Name
	}
	return ""
}

func beginName(n string) bool {
	switch n {
	case "Begin", "BeginTx", "Beginx", "BeginTxx", "MustBegin", "BeginTransaction", "NewTx", "StartTx":
		return true
	}
	return false
}

// first is the type of a call's first result.
func (f *fn) first(e *ast.CallExpr) types.Type {
	t := f.info.TypeOf(e)
	if tup, ok := t.(*types.Tuple); ok && tup.Len() > 0 {
		return tup.At(0).Type()
	}
	return t
}

// isTx reports whether a type is a transaction: a driver's, or gorm's handle where
// Begin gave it.
func isTx(t types.Type) bool {
	n := named(t)
	if n == nil || n.Obj().Pkg() == nil {
		return t == nil || t == types.Typ[types.Invalid] // the driver is missing; Begin says enough
	}
	p := unversioned(n.Obj().Pkg().Path())
	return databases[p] && n.Obj().Name() == "Tx" || p == "gorm.io/gorm" || p == "github.com/jinzhu/gorm" || strings.HasSuffix(n.Obj().Name(), "Tx")
}

// takesTx reports whether a closure is given a transaction.
func takesTx(t types.Type) bool {
	sig, ok := t.(*types.Signature)
	if !ok {
		return false
	}
	for i := range sig.Params().Len() {
		n := named(sig.Params().At(i).Type())
		if n == nil || n.Obj().Pkg() == nil {
			continue
		}
		p := unversioned(n.Obj().Pkg().Path())
		if databases[p] && n.Obj().Name() == "Tx" || (p == "gorm.io/gorm" || p == "github.com/jinzhu/gorm") && n.Obj().Name() == "DB" {
			return true
		}
	}
	return false
}

// handsOn reports whether a stretch calls a function that was passed in.
func (f *fn) handsOn(s span) bool {
	found := false
	ast.Inspect(f.body, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && s.holds(c.Pos()) {
			if id, ok := ast.Unparen(c.Fun).(*ast.Ident); ok {
				if _, param := f.params[f.info.Uses[id]]; param {
					found = true
				}
			}
		}
		return !found
	})
	return found
}
