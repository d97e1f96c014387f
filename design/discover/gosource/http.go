package gosource

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/formats/sql"
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

// httpClient reads requests.
func (f *fn) httpClient(e *ast.CallExpr, o *types.Func) bool {
	pkg, name := pkgPath(o), o.Name()
	if pkg == "github.com/go-resty/resty" && recvName(o) == "Request" && verbOf(name) != "" && len(e.Args) > 0 {
		f.request(e, verbOf(name), f.text(e.Args[0]), nil, nil)
		return true
	}
	if pkg != "net/http" || name != "Do" && name != "Get" && name != "Post" && name != "PostForm" && name != "Head" || len(e.Args) == 0 {
		return false
	}
	var recv ast.Expr
	if recvName(o) == "Client" {
		recv = ast.Unparen(e.Fun).(*ast.SelectorExpr).X
	} else if recvName(o) != "" || name == "Do" {
		return false
	}
	if name != "Do" {
		verb := strings.ToUpper(strings.TrimSuffix(name, "Form"))
		f.request(e, verb, f.text(e.Args[0]), recv, nil)
		return true
	}
	verb, url, ctx := f.newRequest(e.Args[0])
	f.request(e, verb, url, recv, ctx)
	return true
}

// newRequest finds where a request was made.
func (f *fn) newRequest(e ast.Expr) (verb, url string, ctx ast.Expr) {
	for range 6 {
		c, ok := ast.Unparen(e).(*ast.CallExpr)
		if !ok {
			o := f.object(e)
			if o == nil || len(f.defs[o]) == 0 || f.defs[o][0].n != 0 {
				return "", sql.Hole, ctx
			}
			for _, d := range f.defs[o] { // req = req.WithContext(ctx)
				if c, ok := ast.Unparen(d.expr).(*ast.CallExpr); ok {
					if x := f.callee(c); x != nil && x.Name() == "WithContext" && len(c.Args) == 1 {
						ctx = c.Args[0]
					}
				}
			}
			e = f.defs[o][0].expr
			continue
		}
		o := f.callee(c)
		switch {
		case o != nil && o.Name() == "NewRequestWithContext" && len(c.Args) > 2:
			return f.text(c.Args[1]), f.text(c.Args[2]), c.Args[0]
		case o != nil && o.Name() == "NewRequest" && len(c.Args) > 1:
			return f.text(c.Args[0]), f.text(c.Args[1]), ctx
		case o != nil && o.Name() == "WithContext" && len(c.Args) == 1:
			ctx = c.Args[0]
			e = c.Fun.(*ast.SelectorExpr).X
			continue
		case o != nil && f.w.pkgs[pkgOf(o)] != nil: // made by a function of this source
			return "", f.text(c), ctx
		}
		return "", sql.Hole, ctx
	}
	return "", sql.Hole, ctx
}

// request notes a client with its limits: the shorter of its client's and its
// context's.
func (f *fn) request(e *ast.CallExpr, verb, url string, recv, ctx ast.Expr) {
	c := client{Client: code.Client{Method: f.id, Kind: "http", Target: url, Verb: verb, Pos: f.position(e.Pos())}}
	f.around(&c, e)
	c.Policy.Layer = arch.LayerCode
	d, known, limited := f.clientTimeout(recv)
	if ctx != nil {
		if d2, k2, l2 := f.deadline(ctx); k2 && (!known || d == 0 || d2 < d) {
			d, known, limited = d2, true, true
		} else if l2 && !(known && d > 0) {
			known, limited = false, true
		}
	}
	if known {
		c.Policy.Timeout = arch.Some(d)
	}
	c.Limited = limited && !known
	if c.Limited && recv != nil {
		if t := f.text(recv); !blank(t) { // whoever gives the client knows
			c.Target += clientStart + strings.TrimPrefix(t, clientStart)
		}
	}
	f.sum.Clients = append(f.sum.Clients, c)
}

// clientText is the text of an HTTP client that is written out.
func (f *fn) clientText(l *ast.CompositeLit) (string, bool) {
	n := named(f.info.TypeOf(l))
	if n == nil || n.Obj().Name() != "Client" || pkgOf(n.Obj()) != "net/http" {
		return "", false
	}
	d, known, _ := f.literalTimeout(l)
	if !known {
		return clientStart + "?", true
	}
	return clientStart + strconv.FormatInt(int64(d), 10), true
}

// around notes what a call stands in: a loop, a transaction, a retry.
func (f *fn) around(c *client, e ast.Node) {
	c.InLoop, c.Tx = in(f.loops, e.Pos()), f.tx(e.Pos())
	c.Policy.Retry = f.retries(e)
}

// retries is the retry that a call stands in; nil for none.
func (f *fn) retries(e ast.Node) *arch.Retry {
	for _, r := range f.retry {
		if r.holds(e.Pos()) {
			out := &arch.Retry{}
			if r.tries > 0 {
				out.Attempts = arch.Some(r.tries)
			}
			return out
		}
	}
	return nil
}

// clientTimeout is the limit of an HTTP client: a known 0 where nothing sets one.
func (f *fn) clientTimeout(recv ast.Expr) (d time.Duration, known, limited bool) {
	if recv == nil {
		return 0, true, false // http.Get uses the default client
	}
	if s, ok := ast.Unparen(recv).(*ast.SelectorExpr); ok && s.Sel.Name == "DefaultClient" {
		return 0, true, false
	}
	if l := compositeOf(recv); l != nil {
		return f.literalTimeout(l)
	}
	o := f.object(recv)
	if o == nil {
		return 0, false, true
	}
	found := false
	for _, x := range f.inits[o] {
		l := compositeOf(x)
		if s, ok := ast.Unparen(x).(*ast.SelectorExpr); ok && s.Sel.Name == "DefaultClient" {
			found = true
			continue
		}
		if l == nil {
			if y := f.object(x); y != nil && y != o {
				for _, z := range f.inits[y] {
					if l = compositeOf(z); l != nil {
						break
					}
				}
			}
		}
		if l == nil {
			return 0, false, true // given from outside: it may well have one
		}
		found = true
		if n := named(f.info.TypeOf(l)); n == nil || n.Obj().Name() != "Client" {
			return 0, false, true
		}
		v, k, lim := f.literalTimeout(l)
		if lim && !k {
			return 0, false, true
		}
		if v > d {
			d = v
		}
	}
	if v, ok := f.timeoutField(o); ok {
		return v, v > 0, true
	}
	if !found {
		return 0, false, true
	}
	return d, true, d > 0
}

// timeoutField: client.Timeout = 5 * time.Second somewhere in this function.
func (f *fn) timeoutField(o types.Object) (d time.Duration, ok bool) {
	if f.body == nil {
		return 0, false
	}
	ast.Inspect(f.body, func(n ast.Node) bool {
		a, is := n.(*ast.AssignStmt)
		if !is || len(a.Lhs) != 1 || len(a.Rhs) != 1 {
			return true
		}
		if s, is := ast.Unparen(a.Lhs[0]).(*ast.SelectorExpr); is && s.Sel.Name == "Timeout" && f.object(s.X) == o {
			d, _, _ = f.duration(a.Rhs[0])
			ok = true
		}
		return true
	})
	return d, ok
}

func compositeOf(e ast.Expr) *ast.CompositeLit {
	e = ast.Unparen(e)
	if u, ok := e.(*ast.UnaryExpr); ok && u.Op == token.AND {
		e = ast.Unparen(u.X)
	}
	l, _ := e.(*ast.CompositeLit)
	return l
}

func (f *fn) literalTimeout(l *ast.CompositeLit) (d time.Duration, known, limited bool) {
	transport := false
	for _, x := range l.Elts {
		if kv, ok := x.(*ast.KeyValueExpr); ok {
			switch k, _ := kv.Key.(*ast.Ident); {
			case k == nil:
			case k.Name == "Timeout":
				return f.duration(kv.Value)
			case k.Name == "Transport":
				transport = true
			}
		}
	}
	if transport { // it may limit, as a resilient one does; an ordinary one does not
		for _, x := range l.Elts {
			if kv, ok := x.(*ast.KeyValueExpr); ok {
				if n := named(f.info.TypeOf(kv.Value)); n != nil && n.Obj().Name() == "Transport" && (pkgOf(n.Obj()) == "net/http" || strings.Contains(pkgOf(n.Obj()), "otelhttp")) {
					return 0, true, false
				}
			}
		}
		return 0, false, true
	}
	return 0, true, false
}

type retrySpan struct {
	span
	tries int
}

// retryLoop: a loop whose counter is not used for anything but counting and which
// ends when a call went well is a retry and no loop over data.
func (f *fn) retryLoop(n *ast.ForStmt) (tries int, ok bool) {
	if n.Post == nil && n.Cond != nil || n.Body == nil {
		return 0, false
	}
	var counter types.Object
	if a, is := n.Init.(*ast.AssignStmt); is && len(a.Lhs) == 1 {
		counter = f.object(a.Lhs[0])
	}
	leaves, fails := false, false
	ast.Inspect(n.Body, func(x ast.Node) bool {
		switch x := x.(type) {
		case *ast.FuncLit:
			return false
		case *ast.IndexExpr:
			if o := f.object(x.Index); o != nil && o == counter {
				counter, fails = nil, true // it walks a list
			}
		case *ast.IfStmt:
			b, is := ast.Unparen(x.Cond).(*ast.BinaryExpr)
			if !is {
				return true
			}
			id, isID := ast.Unparen(b.X).(*ast.Ident)
			if isID && b.Op == token.EQL && strings.Contains(strings.ToLower(id.Name), "err") && ends(x.Body) {
				leaves = true
			}
			if isID && b.Op == token.LAND { // err == nil && status …
				return true
			}
			if l, is := ast.Unparen(b.X).(*ast.BinaryExpr); is && b.Op == token.LAND && l.Op == token.EQL {
				if id, is := ast.Unparen(l.X).(*ast.Ident); is && strings.Contains(strings.ToLower(id.Name), "err") && ends(x.Body) {
					leaves = true
				}
			}
		}
		return true
	})
	if !leaves || fails {
		return 0, false
	}
	if b, is := n.Cond.(*ast.BinaryExpr); is {
		if tv, has := f.info.Types[b.Y]; has && tv.Value != nil {
			if i, exact := intVal(tv.Value); exact && tv.Value.Kind() != constant.Unknown {
				tries = int(i)
				if b.Op == token.LEQ {
					tries++
				}
				if a, is := n.Init.(*ast.AssignStmt); is && len(a.Rhs) == 1 {
					if tv, has := f.info.Types[a.Rhs[0]]; has && tv.Value != nil {
						if from, exact := intVal(tv.Value); exact {
							tries -= int(from)
						}
					}
				}
			}
		}
	}
	return tries, true
}

// ends reports whether a block leaves the loop.
func ends(b *ast.BlockStmt) bool {
	if len(b.List) == 0 {
		return false
	}
	switch s := b.List[len(b.List)-1].(type) {
	case *ast.ReturnStmt:
		return true
	case *ast.BranchStmt:
		return s.Tok == token.BREAK
	}
	return false
}
