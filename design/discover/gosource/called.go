package gosource

import (
	"go/ast"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/sql"
)

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
