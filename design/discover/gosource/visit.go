package gosource

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

// visit reads the calls and assignments below a node.
func (f *fn) visit(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			f.call(n)
		case *ast.AssignStmt:
			f.assignments(n)
		case *ast.CompositeLit:
			f.literal(n)
		case *ast.ReturnStmt:
			f.returns(n)
		case *ast.SelectorExpr:
			f.value(n.Sel, n.Pos())
		case *ast.Ident:
			f.value(n, n.Pos())
		case *ast.SendStmt:
			f.send(n)
		case *ast.FuncLit:
			if f.own[n] && n.Body != f.body {
				return false
			}
			f.lits++
		}
		return true
	})
}

// call reads one call.
func (f *fn) call(e *ast.CallExpr) {
	o := f.callee(e)
	if o == nil {
		f.unknownCall(e)
		return
	}
	f.calls[e] = true
	if f.w.pkgs[pkgOf(o)] != nil || isInterface(o) && pkgOf(o) != "" {
		f.edge(e, o)
	}
	pkg, name := pkgPath(o), o.Name()
	switch {
	case pkg == "os" && (name == "Getenv" || name == "LookupEnv"):
		if k := f.text(e.Args[0]); !blank(k) && !strings.Contains(k, markStart) {
			f.sum.Settings = append(f.sum.Settings, code.Setting{Key: k, Pos: f.position(e.Pos())})
		}
	case f.httpServer(e, o), f.httpClient(e, o), f.grpc(e, o), f.gorm(e, o), f.database(e, o), f.broker(e, o):
	}
}

func pkgOf(o types.Object) string {
	if o.Pkg() == nil {
		return ""
	}
	return o.Pkg().Path()
}

func isInterface(o *types.Func) bool {
	sig, _ := o.Type().(*types.Signature)
	return sig != nil && sig.Recv() != nil && types.IsInterface(sig.Recv().Type())
}

// edge notes a call of a function of this source, with what its arguments say.
func (f *fn) edge(e *ast.CallExpr, o *types.Func) {
	id := idOf(o)
	c := call{Call: code.Call{From: f.id, To: id, Pos: f.position(e.Pos()), InLoop: in(f.loops, e.Pos()), Async: in(f.gos, e.Pos()), Tx: f.tx(e.Pos())}}
	f.sum.Calls = append(f.sum.Calls, c)
	s := site{ID: f.siteID(e), Caller: f.id, Callee: id, Pos: c.Pos, Tx: c.Tx, InLoop: c.InLoop}
	s.Retry = f.retries(e)
	said := false
	for i, a := range e.Args {
		f.callback(id, i, a)
		text, addr := "", ""
		if u, ok := ast.Unparen(a).(*ast.UnaryExpr); ok && u.Op == token.AND {
			var recv types.Type
			if sel, ok := ast.Unparen(u.X).(*ast.SelectorExpr); ok {
				recv = f.info.TypeOf(sel.X)
			}
			if _, lit := u.X.(*ast.CompositeLit); !lit {
				addr = f.varID(f.object(u.X), recv)
			}
		}
		if t := f.info.TypeOf(a); addr == "" && isContext(t) {
			text, said = f.limit(a), true // that a caller sets no limit says something too
		} else if addr == "" && worth(t) {
			if text = f.text(a); blank(text) {
				text = ""
			}
		}
		said = said || text != "" || addr != ""
		s.Args, s.Addr = append(s.Args, text), append(s.Addr, addr)
	}
	if said || results(o) {
		f.sum.Sites = append(f.sum.Sites, s)
	}
}

// results reports whether a function gives back something that may be a text.
func results(o *types.Func) bool {
	sig, _ := o.Type().(*types.Signature)
	return sig != nil && sig.Results().Len() > 0 && worth(sig.Results().At(0).Type())
}

// worth: only texts, connections, routers and the like are followed.
func worth(t types.Type) bool {
	if t == nil {
		return false
	}
	switch x := t.Underlying().(type) {
	case *types.Basic:
		return x.Info()&types.IsString != 0 || x.Kind() == types.Invalid || x.Kind() == types.UntypedNil
	case *types.Slice:
		b, ok := x.Elem().Underlying().(*types.Basic)
		return ok && (b.Info()&types.IsString != 0 || b.Kind() == types.Byte)
	case *types.Pointer, *types.Interface, *types.Struct:
		n := named(t)
		if n == nil || n.Obj().Pkg() == nil {
			return false
		}
		p := unversioned(n.Obj().Pkg().Path())
		return strings.HasPrefix(p, "github.com/") || strings.HasPrefix(p, "google.golang.org/") || strings.HasPrefix(p, "net/") || strings.HasPrefix(p, "cloud.google.com/") || strings.HasSuffix(n.Obj().Name(), "Client")
	}
	return false
}

// value notes a function that is passed on rather than called.
func (f *fn) value(id *ast.Ident, pos token.Pos) {
	o, ok := f.info.Uses[id].(*types.Func)
	if !ok || f.w.pkgs[pkgOf(o)] == nil {
		return
	}
	f.sum.Calls = append(f.sum.Calls, call{Call: code.Call{From: f.id, To: idOf(o), Pos: f.position(pos), InLoop: in(f.loops, pos), Async: in(f.gos, pos), Tx: f.tx(pos)}, Value: true})
}

func (f *fn) assignments(n *ast.AssignStmt) {
	for i, l := range n.Lhs {
		var rhs ast.Expr
		switch {
		case len(n.Lhs) == len(n.Rhs):
			rhs = n.Rhs[i]
		case len(n.Rhs) == 1 && i == 0:
			rhs = n.Rhs[0]
		default:
			continue
		}
		if st, ok := ast.Unparen(l).(*ast.StarExpr); ok {
			if k, ok := f.params[f.object(st.X)]; ok {
				if v := f.text(rhs); !blank(v) {
					f.sum.Sets = append(f.sum.Sets, assignment{markParam(f.id, k), v})
				}
			}
			continue
		}
		var recv types.Type
		if s, ok := ast.Unparen(l).(*ast.SelectorExpr); ok {
			recv = f.info.TypeOf(s.X)
		}
		o := f.object(l)
		if o != nil && worth(o.Type()) {
			f.assign(f, f.varID(o, recv), rhs)
		}
	}
}

// literal notes the fields that a composite literal sets.
func (f *fn) literal(n *ast.CompositeLit) {
	t := f.info.TypeOf(n)
	if nm := named(t); nm == nil || f.w.pkgs[pkgOf(nm.Obj())] == nil {
		return
	}
	st, _ := named(t).Underlying().(*types.Struct)
	for i, x := range n.Elts {
		val := x
		var o types.Object
		if kv, ok := x.(*ast.KeyValueExpr); ok {
			val = kv.Value
			if k, ok := kv.Key.(*ast.Ident); ok {
				o = f.info.Uses[k]
			}
		} else if st != nil && i < st.NumFields() {
			o = st.Field(i)
		}
		if o != nil && worth(o.Type()) {
			f.assign(f, f.varID(o, t), val)
		}
	}
}

// returns notes what a function gives back.
func (f *fn) returns(n *ast.ReturnStmt) {
	if len(n.Results) == 0 || !worth(f.info.TypeOf(n.Results[0])) || in(f.litSpans(), n.Pos()) {
		return
	}
	if v := f.text(n.Results[0]); !blank(v) {
		f.sum.Returns = append(f.sum.Returns, assignment{string(f.id), v})
	}
}

// litSpans are the closures of the function: what they return, it does not.
func (f *fn) litSpans() []span {
	if f.lits == 0 {
		return nil
	}
	var out []span
	if f.body != nil {
		ast.Inspect(f.body, func(n ast.Node) bool {
			if l, ok := n.(*ast.FuncLit); ok {
				out = append(out, span{l.Pos(), l.End()})
			}
			return true
		})
	}
	return out
}

// unknownCall reads a call of what could not be resolved: its library is missing
// or the code does not compile. Its name and a text tell enough for SQL and routes.
func (f *fn) unknownCall(e *ast.CallExpr) {
	f.calledBack(e)
	s, ok := ast.Unparen(e.Fun).(*ast.SelectorExpr)
	if !ok || len(e.Args) == 0 {
		return
	}
	if verb := verbOf(s.Sel.Name); verb != "" && len(e.Args) >= 2 && s.Sel.Name == strings.ToUpper(s.Sel.Name) {
		if p := f.text(e.Args[0]); strings.HasPrefix(p, "/") {
			f.route(route{Kind: "http", Method: verb, Path: f.evaluate(s.X, 0) + p, Pos: f.position(e.Pos())}, e.Args[len(e.Args)-1])
			return
		}
	}
	if i := sqlArg(s.Sel.Name); i >= 0 {
		for j, a := range e.Args {
			if j > 2 {
				break
			}
			if t := f.text(a); sql.Looks(t) {
				f.statement(e, t, false)
				return
			}
		}
	}
}

// verbOf: GET of GET and Get; "" when it is no method of HTTP.
func verbOf(name string) string {
	switch up := strings.ToUpper(name); up {
	case "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS":
		return up
	case "ANY":
		return "*"
	}
	return ""
}
