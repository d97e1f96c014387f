package gosource

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

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
		return f.variable(f.object(e), nil, depth)
	case *ast.SelectorExpr:
		return f.variable(f.info.Uses[e.Sel], f.info.TypeOf(e.X), depth)
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

// variable evaluates a variable: what a closure's parameter stands for, a
// parameter's mark, what this function assigns, or the mark of a field.
func (f *fn) variable(o types.Object, recv types.Type, depth int) string {
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
	ds := f.defs[o]
	var b strings.Builder
	if i, ok := f.params[o]; ok {
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

// callText evaluates a call.
func (f *fn) callText(e *ast.CallExpr, depth int) string {
	arg := func(i int) string {
		if i < len(e.Args) {
			return f.evaluate(e.Args[i], depth+1)
		}
		return sql.Hole
	}
	if tv, ok := f.info.Types[e.Fun]; ok && tv.IsType() { // a conversion
		return arg(0)
	}
	o := f.callee(e)
	if o == nil {
		return f.shared(e)
	}
	pkg, name := pkgPath(o), o.Name()
	recv := func() string {
		if s, ok := ast.Unparen(e.Fun).(*ast.SelectorExpr); ok {
			return f.evaluate(s.X, depth+1)
		}
		return sql.Hole
	}
	switch pkg {
	case "os":
		if name == "Getenv" || name == "LookupEnv" || name == "ExpandEnv" {
			return "${" + arg(0) + "}"
		}
	case "fmt":
		if name == "Sprintf" {
			return f.format(e, depth)
		}
		if strings.HasPrefix(name, "Sprint") {
			return f.joined(e.Args, depth)
		}
	case "strings":
		switch name {
		case "Join":
			return f.list(e.Args[0], " ", depth)
		case "TrimSpace", "TrimRight", "TrimSuffix", "ToLower", "TrimPrefix", "Split", "Clone", "Replace", "ReplaceAll", "TrimLeft", "Trim":
			return arg(0)
		}
	case "cmp":
		if name == "Or" {
			for i := range e.Args {
				if v := arg(i); strings.Contains(v, "${") || i == len(e.Args)-1 {
					return v
				}
			}
		}
	case "path", "net/url":
		if name == "Join" || name == "JoinPath" {
			var parts []string
			for i := range e.Args {
				parts = append(parts, strings.Trim(arg(i), "/"))
			}
			return strings.Join(parts, "/")
		}
		if name == "Parse" || name == "ParseRequestURI" {
			return arg(0)
		}
		if name == "String" {
			return recv()
		}
	case "net":
		if name == "JoinHostPort" {
			return arg(0) + ":" + arg(1)
		}
	case "net/http":
		switch name {
		case "NewRequest":
			return arg(0) + " " + arg(1)
		case "NewRequestWithContext":
			return arg(1) + " " + arg(2)
		case "WithContext", "Clone":
			return recv()
		}
	case "flag", "github.com/spf13/pflag":
		if name == "String" {
			return arg(1)
		}
	case "github.com/spf13/viper":
		if strings.HasPrefix(name, "Get") {
			return "${" + arg(0) + "}"
		}
	case "google.golang.org/grpc":
		switch name {
		case "Dial", "NewClient":
			return arg(0)
		case "DialContext":
			return arg(1)
		}
	case "github.com/aws/aws-sdk-go-v2/aws", "github.com/aws/aws-sdk-go/aws":
		return arg(0)
	}
	if t, ok := f.router(o, e, depth); ok {
		return t
	}
	if t, ok := f.brokerText(o, e, depth); ok {
		return t
	}
	if strings.HasPrefix(name, "New") && strings.HasSuffix(name, "Client") && len(e.Args) == 1 && f.grpcClientType(f.info.TypeOf(e)) {
		return arg(0)
	}
	if name == "Rebind" || name == "Sql" { // sqlx
		return arg(0)
	}
	if f.w.pkgs[pkg] != nil {
		return markResult(f.siteID(e))
	}
	return sql.Hole
}

// shared: calls of what is not known pass on what looks like a statement.
func (f *fn) shared(e *ast.CallExpr) string {
	if len(e.Args) == 1 {
		if v := f.evaluate(e.Args[0], maxEval-4); sqlText(v) {
			return v
		}
	}
	return sql.Hole
}

func (f *fn) joined(args []ast.Expr, depth int) string {
	var b strings.Builder
	for _, a := range args {
		b.WriteString(f.evaluate(a, depth+1))
	}
	return b.String()
}

// list joins all that this function puts into a list of texts: the conditions that
// are appended to a statement.
func (f *fn) list(e ast.Expr, sep string, depth int) string {
	if depth > maxEval {
		return sql.Hole
	}
	switch e := ast.Unparen(e).(type) {
	case *ast.CompositeLit:
		var parts []string
		for _, x := range e.Elts {
			parts = append(parts, f.evaluate(x, depth+1))
		}
		return strings.Join(parts, sep)
	case *ast.CallExpr:
		if calledName(e) == "append" {
			var parts []string
			for _, x := range e.Args[min(1, len(e.Args)):] {
				parts = append(parts, f.evaluate(x, depth+1))
			}
			return strings.Join(parts, sep)
		}
	case *ast.Ident:
		var parts []string
		for _, d := range f.defs[f.object(e)] {
			if d.n == 0 {
				if _, same := ast.Unparen(d.expr).(*ast.Ident); !same {
					parts = append(parts, f.list(d.expr, sep, depth+1))
				}
			}
		}
		if len(parts) > 0 {
			return strings.Join(parts, sep)
		}
	}
	return f.evaluate(e, depth+1)
}

// format fills the verbs of a format with what is known of the arguments.
func (f *fn) format(e *ast.CallExpr, depth int) string {
	if len(e.Args) == 0 {
		return sql.Hole
	}
	s := f.evaluate(e.Args[0], depth+1)
	var b strings.Builder
	arg := 1
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i+1 >= len(s) {
			b.WriteByte(s[i])
			continue
		}
		j := i + 1
		for j < len(s) && strings.IndexByte("+-# 0123456789.*[]", s[j]) >= 0 {
			if s[j] == '[' {
				if n := strings.IndexByte(s[j:], ']'); n > 0 {
					if k, err := strconv.Atoi(s[j+1 : j+n]); err == nil {
						arg = k
					}
				}
			}
			j++
		}
		if j >= len(s) {
			break
		}
		if s[j] == '%' {
			b.WriteByte('%')
		} else if arg < len(e.Args) {
			v := f.evaluate(e.Args[arg], depth+1)
			if s[j] == 'q' && !blank(v) {
				v = `"` + v + `"`
			}
			b.WriteString(v)
			arg++
		} else {
			b.WriteString(sql.Hole)
		}
		i = j
	}
	return b.String()
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

// duration evaluates a constant length of time; limited is true for one that
// only the running program knows.
func (w *walker) duration(e ast.Expr) (d time.Duration, known, limited bool) {
	if e == nil {
		return 0, false, false
	}
	if tv, ok := w.info.Types[e]; ok && tv.Value != nil {
		if i, ok := intVal(tv.Value); ok {
			return time.Duration(i), true, i > 0
		}
	}
	if o := w.object(e); o != nil {
		if in := w.inits[o]; len(in) == 1 {
			if tv, ok := w.info.Types[in[0]]; ok && tv.Value != nil {
				if i, ok := intVal(tv.Value); ok {
					return time.Duration(i), true, i > 0
				}
			}
		}
	}
	return 0, false, true
}

// deadline finds the limit that this function puts on a context.
func (f *fn) deadline(e ast.Expr) (d time.Duration, known, limited bool) {
	for range 6 {
		c, ok := ast.Unparen(e).(*ast.CallExpr)
		if !ok {
			o := f.object(e)
			if o == nil {
				return 0, false, false
			}
			ds := slices.Clone(f.defs[o])
			slices.Reverse(ds)
			i := slices.IndexFunc(ds, func(d def) bool { return d.pos < e.Pos() && d.n == 0 })
			if i < 0 {
				return 0, false, false
			}
			e = ds[i].expr
			continue
		}
		o := f.callee(c)
		if o == nil || o.Pkg() == nil || len(c.Args) == 0 {
			return 0, false, false
		}
		switch name := o.Name(); {
		case o.Pkg().Path() == "context" && strings.HasPrefix(name, "WithTimeout") && len(c.Args) > 1:
			return f.duration(c.Args[1])
		case o.Pkg().Path() == "context" && strings.HasPrefix(name, "WithDeadline"):
			return 0, false, true
		case o.Pkg().Path() == "context", strings.Contains(name, "Context"):
			e = c.Args[0]
		default:
			return 0, false, false
		}
	}
	return 0, false, false
}
