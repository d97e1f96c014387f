package gosource

import (
	"go/ast"
	"go/types"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
)

// routers are packages whose types have methods named after those of HTTP.
var routers = map[string]bool{"github.com/gin-gonic/gin": true, "github.com/labstack/echo": true, "github.com/go-chi/chi": true, "github.com/julienschmidt/httprouter": true, "github.com/gofiber/fiber": true, "github.com/valyala/fasthttprouter": true, "github.com/fasthttp/router": true, "goji.io": true}

// router evaluates a router to the prefix of its routes.
func (f *fn) router(o *types.Func, e *ast.CallExpr, depth int) (string, bool) {
	pkg, name := pkgPath(o), o.Name()
	if !routers[pkg] && pkg != "github.com/gorilla/mux" && pkg != "net/http" {
		return "", false
	}
	recv := func() string {
		if s, ok := ast.Unparen(e.Fun).(*ast.SelectorExpr); ok {
			return f.evaluate(s.X, depth+1)
		}
		return ""
	}
	switch name {
	case "New", "Default", "NewRouter", "NewMux", "NewServeMux":
		return "", true
	case "Group", "PathPrefix", "Path", "Route":
		if len(e.Args) == 0 || !isString(f.info.TypeOf(e.Args[0])) {
			return recv(), true
		}
		return joinPath(recv(), f.evaluate(e.Args[0], depth+1)), true
	case "Subrouter", "Methods", "Name", "Queries", "StrictSlash", "NewRoute", "With", "Use", "Schemes", "Host", "Headers":
		return recv(), true
	}
	return "", false
}

func isString(t types.Type) bool {
	if t == nil {
		return false
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsString != 0
}

func joinPath(a, b string) string {
	if blank(a) {
		return b
	}
	if b == "" {
		return a
	}
	return strings.TrimSuffix(a, "/") + "/" + strings.TrimPrefix(b, "/")
}

// httpServer reads registrations of handlers.
func (f *fn) httpServer(e *ast.CallExpr, o *types.Func) bool {
	pkg, name := pkgPath(o), o.Name()
	gorilla := pkg == "github.com/gorilla/mux"
	if pkg != "net/http" && !routers[pkg] && !gorilla || len(e.Args) == 0 {
		return false
	}
	prefix := ""
	if s, ok := ast.Unparen(e.Fun).(*ast.SelectorExpr); ok && recvName(o) != "" {
		prefix = f.text(s.X)
	}
	last := e.Args[len(e.Args)-1]
	r := route{Kind: "http", Pos: f.position(e.Pos())}
	switch {
	case (name == "HandleFunc" || name == "Handle") && len(e.Args) == 2 && recvName(o) != "RouterGroup":
		p := f.text(e.Args[0])
		if m, rest, ok := strings.Cut(p, " "); ok && verbOf(m) != "" {
			r.Method, p = m, strings.TrimSpace(rest)
		}
		r.Path = joinPath(prefix, p)
		if vs := f.verbs[e]; len(vs) > 0 {
			r.Method = strings.Join(vs, ",")
		}
		f.route(r, last)
	case gorilla && name == "Methods":
		f.methods(e)
	case gorilla && (name == "HandlerFunc" || name == "Handler"):
		r.Path, r.Method = prefix, strings.Join(f.chainMethods(e), ",")
		f.route(r, last)
	case (name == "Handle" || name == "Add" || name == "Method" || name == "MethodFunc") && len(e.Args) >= 3:
		r.Method, r.Path = f.text(e.Args[0]), joinPath(prefix, f.text(e.Args[1]))
		if pkg != "github.com/labstack/echo" {
			f.route(r, last)
		} else {
			f.route(r, e.Args[2])
		}
	case routers[pkg] && verbOf(name) != "" && len(e.Args) >= 2 && recvName(o) != "" && recvName(o) != "Context":
		r.Method, r.Path = verbOf(name), joinPath(prefix, f.text(e.Args[0]))
		if pkg == "github.com/labstack/echo" {
			last = e.Args[1]
		}
		f.route(r, last)
	case routers[pkg] && (name == "Route" || name == "Group"):
		if l, ok := ast.Unparen(last).(*ast.FuncLit); ok && len(l.Type.Params.List) == 1 && len(l.Type.Params.List[0].Names) == 1 {
			if name == "Route" {
				prefix = joinPath(prefix, f.text(e.Args[0]))
			}
			f.bind[f.info.Defs[l.Type.Params.List[0].Names[0]]] = prefix
		}
	default:
		return false
	}
	return true
}

// methods: r.HandleFunc("/x", h).Methods("GET") says the method around the call.
func (f *fn) methods(e *ast.CallExpr) {
	var ms []string
	for _, a := range e.Args {
		if m := f.text(a); verbOf(m) != "" {
			ms = append(ms, m)
		}
	}
	for x := e; ; {
		s, ok := ast.Unparen(x.Fun).(*ast.SelectorExpr)
		if !ok {
			return
		}
		if x, ok = ast.Unparen(s.X).(*ast.CallExpr); !ok {
			return
		}
		if o := f.callee(x); o != nil && (o.Name() == "HandleFunc" || o.Name() == "Handle") {
			f.verbs[x] = ms
			return
		}
	}
}

// chainMethods: r.Methods("GET").Path("/x").HandlerFunc(h).
func (f *fn) chainMethods(e *ast.CallExpr) (ms []string) {
	for x := e; ; {
		s, ok := ast.Unparen(x.Fun).(*ast.SelectorExpr)
		if !ok {
			return ms
		}
		if x, ok = ast.Unparen(s.X).(*ast.CallExpr); !ok {
			return ms
		}
		if o := f.callee(x); o != nil && o.Name() == "Methods" {
			for _, a := range x.Args {
				ms = append(ms, f.text(a))
			}
		}
	}
}

// route notes an entry with the function that handles it.
func (f *fn) route(r route, handler ast.Expr) {
	r.In = f.id
	r.Handler = f.handler(handler)
	f.sum.Routes = append(f.sum.Routes, r)
}

// handler finds the function of this source that handles requests behind
// middleware, conversions and factories; a closure is a method of its own, named
// after its place.
func (f *fn) handler(e ast.Expr) code.MethodID {
	switch e := ast.Unparen(e).(type) {
	case *ast.FuncLit:
		return f.closureMethod(e)
	case *ast.Ident, *ast.SelectorExpr:
		var id *ast.Ident
		if s, ok := e.(*ast.SelectorExpr); ok {
			id = s.Sel
		} else {
			id = e.(*ast.Ident)
		}
		if o, ok := f.info.Uses[id].(*types.Func); ok && f.w.pkgs[pkgOf(o)] != nil {
			return idOf(o)
		}
		if o := f.object(e); o != nil {
			for _, d := range f.defs[o] {
				if d.n == 0 {
					if m := f.handler(d.expr); m != "" {
						return m
					}
				}
			}
		}
		if n := named(f.info.TypeOf(e)); n != nil && f.w.pkgs[pkgOf(n.Obj())] != nil {
			return methodID(pkgOf(n.Obj()), n.Obj().Name(), "ServeHTTP")
		}
	case *ast.UnaryExpr:
		return f.handler(e.X)
	case *ast.CompositeLit:
		if n := named(f.info.TypeOf(e)); n != nil && f.w.pkgs[pkgOf(n.Obj())] != nil {
			return methodID(pkgOf(n.Obj()), n.Obj().Name(), "ServeHTTP")
		}
	case *ast.CallExpr:
		var inner code.MethodID
		for i := len(e.Args) - 1; i >= 0 && inner == ""; i-- { // middleware takes the handler last, as a rule
			inner = f.handler(e.Args[i])
		}
		if inner != "" {
			return inner
		}
		if o := f.callee(e); o != nil && f.w.pkgs[pkgOf(o)] != nil {
			return idOf(o)
		}
	}
	return ""
}

// closureMethod makes a method of a closure, with a summary of its own.
func (f *fn) closureMethod(l *ast.FuncLit) code.MethodID {
	p := f.position(l.Pos())
	id := code.MethodID(string(f.id) + ".func@" + itoa(p.Line))
	if f.own[l] {
		return id
	}
	f.own[l] = true
	f.sum.Calls = append(f.sum.Calls, call{Call: code.Call{From: f.id, To: id, Pos: p}, Value: true})
	c := &fn{walker: f.walker, id: id, body: l.Body, params: map[types.Object]int{}, bind: f.bind, defs: f.defs, calls: map[*ast.CallExpr]bool{}, verbs: f.verbs, eval_: map[types.Object]bool{}}
	f.sum.Methods = append(f.sum.Methods, code.Method{ID: id, Type: typeOfMethod(f.id), Name: strings.TrimPrefix(string(id)[strings.IndexByte(string(id), '#'):], "#"), Pos: p, Lines: f.position(l.End()).Line - p.Line + 1})
	for o, i := range f.params { // what the function around was given is still what its caller gave
		c.bind[o] = markParam(f.id, i)
	}
	c.defs = map[types.Object][]def{}
	c.prepare()
	for o, d := range f.defs {
		if c.defs[o] == nil {
			c.defs[o] = d
		}
	}
	c.visit(l.Body)
	return id
}
