package gosource

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"reflect"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/sql"
)

func itoa(n int) string { return strconv.Itoa(n) }

// maxText bounds a text; longer ones are cut.
const maxText = 16 << 10

// text evaluates an expression to a text: a string, a byte list made of one, the
// address behind a connection, the prefix of a router. Unknown parts are holes,
// parts from outside the function marks, environment variables "${NAME}".
func (f *fn) text(e ast.Expr) string {
	s := f.evaluate(e, 0)
	if len(s) > maxText {
		s = s[:maxText]
	}
	return s
}

const maxEval = 24

func (f *fn) evaluate(e ast.Expr, depth int) string {
	if e == nil || depth > maxEval {
		return sql.Hole
	}
	e = ast.Unparen(e)
	if tv, ok := f.info.Types[e]; ok && tv.Value != nil {
		if tv.Value.Kind() == constant.String {
			return constant.StringVal(tv.Value)
		}
		if tv.Value.Kind() == constant.Int {
			return tv.Value.ExactString()
		}
		return sql.Hole
	}
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return s
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return f.evaluate(e.X, depth+1) + f.evaluate(e.Y, depth+1)
		}
	case *ast.Ident:
		return f.variable(f.object(e), nil, e.Pos(), depth)
	case *ast.SelectorExpr:
		return f.variable(f.info.Uses[e.Sel], f.info.TypeOf(e.X), e.Pos(), depth)
	case *ast.UnaryExpr:
		if e.Op == token.AND {
			return f.evaluate(e.X, depth+1)
		}
	case *ast.StarExpr:
		return f.evaluate(e.X, depth+1)
	case *ast.CompositeLit:
		return f.composite(e, depth)
	case *ast.CallExpr:
		return f.callText(e, depth)
	case *ast.TypeAssertExpr:
		return f.evaluate(e.X, depth+1)
	case *ast.SliceExpr:
		return f.evaluate(e.X, depth+1)
	}
	return sql.Hole
}

// composite: a list of one address, a URL by its parts, a writer by its topic.
func (f *fn) composite(e *ast.CompositeLit, depth int) string {
	if t, ok := f.clientText(e); ok {
		return t
	}
	if n := named(f.info.TypeOf(e)); n != nil && n.Obj().Name() == "URL" {
		host, path := sql.Hole, ""
		for _, x := range e.Elts {
			if kv, ok := x.(*ast.KeyValueExpr); ok {
				switch k, _ := kv.Key.(*ast.Ident); {
				case k == nil:
				case k.Name == "Host":
					host = f.evaluate(kv.Value, depth+1)
				case k.Name == "Path":
					path = f.evaluate(kv.Value, depth+1)
				}
			}
		}
		return "http://" + host + path
	}
	for _, x := range e.Elts {
		if kv, ok := x.(*ast.KeyValueExpr); ok {
			if k, ok := kv.Key.(*ast.Ident); ok && (k.Name == "Topic" || k.Name == "Addr" || k.Name == "Subject") {
				return f.evaluate(kv.Value, depth+1)
			}
			continue
		}
		return f.evaluate(x, depth+1)
	}
	return sql.Hole
}

// variable evaluates a variable where it is used: what a closure's parameter
// stands for, a parameter's mark, what this function has assigned by then, or the
// mark of a field.
func (f *fn) variable(o types.Object, recv types.Type, at token.Pos, depth int) string {
	if o == nil {
		return sql.Hole
	}
	if t, ok := f.bind[o]; ok {
		return t
	}
	if o.Name() == "DefaultClient" && pkgOf(o) == "net/http" {
		return clientStart + "0"
	}
	if id := f.varID(o, recv); id != "" {
		if env := f.tag(o, recv); env != "" {
			return "${" + env + "}"
		}
		return markVar(id)
	}
	if i, ok := f.params[o]; ok && len(f.defs[o]) == 0 {
		return markParam(f.id, i)
	}
	if f.eval_[o] {
		return ""
	}
	f.eval_[o] = true
	defer delete(f.eval_, o)
	ds, replaced := f.reaching(o, at)
	var b strings.Builder
	if i, ok := f.params[o]; ok && !replaced {
		b.WriteString(markParam(f.id, i))
	}
	for i, d := range ds {
		if d.n > 0 {
			return sql.Hole
		}
		v := f.evaluate(d.expr, depth+1)
		if i > 0 && !d.add && f.refers(d.expr, o) {
			d.add = true // q = q + " where …": what q was is there already
		}
		if d.add || i == 0 {
			b.WriteString(v)
			continue
		}
		if !blank(v) { // another way to the same variable: both count, one after the other
			if blank(b.String()) {
				b.Reset()
			} else if strings.Contains(v, "${") && !strings.Contains(b.String(), "${") && !sqlText(b.String()) {
				b.Reset()
			} else if sqlText(v) {
				b.WriteString(" ; ")
			} else {
				continue
			}
			b.WriteString(v)
		}
	}
	if b.Len() == 0 {
		return sql.Hole
	}
	return b.String()
}

func sqlText(s string) bool { return sql.Looks(s) }

func (f *fn) refers(e ast.Expr, o types.Object) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && f.info.Uses[id] == o {
			found = true
		}
		return !found
	})
	return found
}

// tag is the environment variable that fills a field, by the tags of the common
// libraries.
func (f *fn) tag(o types.Object, recv types.Type) string {
	v, ok := o.(*types.Var)
	if !ok || !v.IsField() || recv == nil {
		return ""
	}
	if p, ok := recv.Underlying().(*types.Pointer); ok {
		recv = p.Elem()
	}
	s, ok := recv.Underlying().(*types.Struct)
	if !ok {
		return ""
	}
	for i := range s.NumFields() {
		if s.Field(i) == v {
			t := reflect.StructTag(s.Tag(i))
			for _, k := range []string{"env", "envconfig", "mapstructure"} {
				if x, ok := t.Lookup(k); ok {
					x, _, _ = strings.Cut(x, ",")
					return x
				}
			}
		}
	}
	return ""
}

// callee is the function or method that a call names; nil for function values.
func (f *fn) callee(e *ast.CallExpr) *types.Func {
	fun := ast.Unparen(e.Fun)
	for {
		switch x := fun.(type) {
		case *ast.IndexExpr:
			fun = x.X
			continue
		case *ast.IndexListExpr:
			fun = x.X
			continue
		case *ast.Ident:
			o, _ := f.info.Uses[x].(*types.Func)
			return o
		case *ast.SelectorExpr:
			o, _ := f.info.Uses[x.Sel].(*types.Func)
			return o
		}
		return nil
	}
}

// pkgPath is the package of a function without its major version.
func pkgPath(o types.Object) string {
	if o.Pkg() == nil {
		return ""
	}
	return unversioned(o.Pkg().Path())
}

// recvName is the name of a method's type; "" for a function.
func recvName(o *types.Func) string {
	sig, _ := o.Type().(*types.Signature)
	if sig == nil || sig.Recv() == nil {
		return ""
	}
	if n := named(sig.Recv().Type()); n != nil {
		return n.Obj().Name()
	}
	return "?"
}

func (f *fn) siteID(e *ast.CallExpr) string {
	p := f.position(e.Pos())
	return string(f.id) + "@" + itoa(p.Line) + ":" + itoa(f.position(e.Rparen).Line) + ":" + itoa(f.position(e.Rparen).Col)
}

func intVal(v constant.Value) (int64, bool) {
	if v = constant.ToInt(v); v.Kind() != constant.Int {
		return 0, false
	}
	return constant.Int64Val(v)
}
