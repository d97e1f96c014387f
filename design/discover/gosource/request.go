package gosource

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

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
		c.Context = f.limit(ctx)
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
