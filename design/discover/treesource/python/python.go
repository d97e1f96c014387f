// Package python makes a [unit.File] of Python's syntax tree: classes, functions
// with their decorators, calls, constants. Functions outside of classes belong to
// the file's loose type.
package python

import (
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
	"github.com/ashlar-dev/ashlar/formats/syntax"
)

// depthMax bounds how deep expressions are followed.
const depthMax = 800

type extractor struct {
	f     *unit.File
	loose unit.Type
	depth int
}

// Extract reads a module.
func Extract(t *syntax.Tree, path string) *unit.File {
	x := &extractor{f: &unit.File{Path: path, Lang: "python", Broken: t.Broken(), Lines: t.Root().Lines()}}
	x.loose = unit.Type{Kind: unit.Loose, Line: 1, Col: 1, Lines: x.f.Lines}
	init := unit.Method{Name: "<init>", Line: 1, Col: 1, Lines: 1, Static: true}
	for n := range t.Root().Children() {
		init.Body = x.top(init.Body, n)
	}
	if len(init.Body) > 0 {
		x.loose.Methods = append(x.loose.Methods, init)
	}
	if len(x.loose.Methods) > 0 || len(x.loose.Fields) > 0 {
		x.f.Types = append(x.f.Types, x.loose)
	}
	return x.f
}

// Tests reports whether a path is one of tests.
func Tests(path string) bool {
	base := path[strings.LastIndexByte(path, '/')+1:]
	return strings.HasPrefix(base, "test_") || strings.HasSuffix(base, "_test.py") || base == "conftest.py" || strings.Contains(path, "/tests/") || strings.Contains(path, "/test/")
}

// top reads a statement of the module.
func (x *extractor) top(init []unit.Stmt, n syntax.Node) []unit.Stmt {
	switch n.Kind() {
	case "import_statement", "import_from_statement", "future_import_statement":
		x.imports(n)
	case "class_definition":
		x.class(n, nil)
	case "function_definition":
		x.loose.Methods = append(x.loose.Methods, x.function(n, nil))
	case "decorated_definition":
		marks := x.decorators(n)
		switch d := n.Field("definition"); d.Kind() {
		case "class_definition":
			x.class(d, marks)
		case "function_definition":
			x.loose.Methods = append(x.loose.Methods, x.function(d, marks))
		}
	case "expression_statement":
		if x.variable(n) {
			return init
		}
		return x.stmt(init, n)
	case "if_statement", "try_statement", "with_statement":
		var defs func(n syntax.Node)
		defs = func(n syntax.Node) {
			for c := range n.Children() {
				if k := c.Kind(); k == "block" || k == "else_clause" || k == "except_clause" {
					defs(c)
				} else if k == "function_definition" || k == "class_definition" || k == "import_from_statement" || k == "import_statement" {
					_ = x.top(nil, c)
				} else if k == "expression_statement" { // a variable of the module all the same
					x.variable(c)
				}
			}
		}
		defs(n)
		return x.stmt(init, n)
	default:
		return x.stmt(init, n)
	}
	return init
}

// variable reads the setting of a variable of the module.
func (x *extractor) variable(n syntax.Node) bool {
	a := n.Child("assignment")
	if !a.Ok() || a.Field("left").Kind() != "identifier" {
		return false
	}
	f := unit.Field{Name: a.Field("left").Text(), Type: typ(a.Field("type")), Line: a.Line()}
	if r := a.Field("right"); r.Ok() {
		e := x.expr(r)
		f.Init = &e
	}
	x.loose.Fields = append(x.loose.Fields, f)
	return true
}

func (x *extractor) imports(n syntax.Node) {
	from := n.Field("module_name").Text()
	if strings.HasPrefix(from, ".") {
		up := len(from) - len(strings.TrimLeft(from, "."))
		from = strings.Repeat("../", up-1) + "./" + strings.ReplaceAll(from[up:], ".", "/")
	}
	for c := range n.Children() {
		if c.In() == "module_name" {
			continue
		}
		im := unit.Import{Package: from}
		switch c.Kind() {
		case "dotted_name":
			im.Name = c.Text()
		case "aliased_import":
			im.Name, im.Alias = c.Field("name").Text(), c.Field("alias").Text()
		case "wildcard_import":
			im.Name = "*"
		default:
			continue
		}
		x.f.Imports = append(x.f.Imports, im)
	}
}

func (x *extractor) decorators(n syntax.Node) []unit.Mark {
	var out []unit.Mark
	for d := range n.Children() {
		if d.Kind() != "decorator" {
			continue
		}
		e := x.expr(d.First())
		m := unit.Mark{Line: d.Line()}
		if e.Kind == unit.Call {
			m.Name = e.Text
			if e.X != nil && e.X.Text != "" {
				m.Name = e.X.Text + "." + e.Text
			}
			m.Args = arguments(e.Args)
		} else {
			m.Name = e.Text
			if e.X != nil {
				m.Name = e.X.Text + "." + e.Text
			}
		}
		out = append(out, m)
	}
	return out
}

func arguments(args []unit.Expr) []unit.Arg {
	var out []unit.Arg
	for _, a := range args {
		if a.Kind == unit.Pair && a.X != nil {
			out = append(out, unit.Arg{Name: a.Text, Value: *a.X})
		} else {
			out = append(out, unit.Arg{Name: "value", Value: a})
		}
	}
	return out
}

func (x *extractor) class(n syntax.Node, marks []unit.Mark) {
	t := unit.Type{Name: n.Field("name").Text(), Kind: unit.Class, Marks: marks, Line: n.Line(), Col: n.Col(), Lines: n.Lines()}
	for s := range n.Field("superclasses").Children() {
		if s.Kind() != "keyword_argument" {
			t.Supers = append(t.Supers, s.Text())
		}
	}
	for c := range n.Field("body").Children() {
		switch c.Kind() {
		case "function_definition":
			t.Methods = append(t.Methods, x.function(c, nil))
		case "decorated_definition":
			if d := c.Field("definition"); d.Kind() == "function_definition" {
				t.Methods = append(t.Methods, x.function(d, x.decorators(c)))
			}
		case "expression_statement":
			a := c.Child("assignment")
			if !a.Ok() || a.Field("left").Kind() != "identifier" {
				continue
			}
			f := unit.Field{Name: a.Field("left").Text(), Type: typ(a.Field("type")), Line: a.Line()}
			if r := a.Field("right"); r.Ok() {
				e := x.expr(r)
				f.Init = &e
			}
			t.Fields = append(t.Fields, f)
		}
	}
	x.f.Types = append(x.f.Types, x.own(t))
}

// own adds the fields that methods give to self.
func (x *extractor) own(t unit.Type) unit.Type {
	have := map[string]bool{}
	for i := range t.Fields {
		have[t.Fields[i].Name] = true
	}
	for i := range t.Methods {
		m := &t.Methods[i]
		for j := range m.Body {
			e := m.Body[j].X
			if e == nil || e.Kind != unit.Assign || e.X == nil || e.X.Kind != unit.Member || e.X.X == nil || e.X.X.Text != "self" || have[e.X.Text] {
				continue
			}
			have[e.X.Text] = true
			f := unit.Field{Name: e.X.Text, Line: int(m.Body[j].Line), Init: &e.Args[0]}
			if v := f.Init; v.Kind == unit.Name { // what the constructor is given
				for _, p := range m.Params {
					if p.Name == v.Text {
						f.Type = p.Type
					}
				}
			}
			t.Fields = append(t.Fields, f)
		}
	}
	return t
}

// typ is a type hint, in the form that types have in other languages.
func typ(n syntax.Node) string {
	s := strings.Trim(n.Text(), `"' `)
	s = strings.NewReplacer("[", "<", "]", ">", " ", "").Replace(s)
	for _, p := range []string{"Optional<", "Annotated<"} {
		if rest, ok := strings.CutPrefix(s, p); ok {
			s = strings.TrimSuffix(rest, ">")
			s, _, _ = strings.Cut(s, ",")
		}
	}
	s, _, _ = strings.Cut(s, "|")
	return s
}

func (x *extractor) function(n syntax.Node, marks []unit.Mark) unit.Method {
	m := unit.Method{Name: n.Field("name").Text(), Marks: marks, Line: n.Line(), Col: n.Col(), Lines: n.Lines(), Result: typ(n.Field("return_type")), Async: n.Child("async").Ok()}
	m.Internal = strings.HasPrefix(m.Name, "_")
	if m.Name == "__init__" {
		m.Name = "<init>"
	}
	for p := range n.Field("parameters").Children() {
		var q unit.Param
		switch p.Kind() {
		case "identifier":
			q.Name = p.Text()
		case "typed_parameter":
			q.Name, q.Type = p.First().Text(), typ(p.Field("type"))
		case "default_parameter", "typed_default_parameter":
			q.Name, q.Type = p.Field("name").Text(), typ(p.Field("type"))
		default:
			continue
		}
		if q.Name != "self" && q.Name != "cls" {
			m.Params = append(m.Params, q)
		}
	}
	m.Body = x.block(n.Field("body"))
	return m
}

func (x *extractor) block(n syntax.Node) []unit.Stmt {
	var out []unit.Stmt
	for c := range n.Children() {
		out = x.stmt(out, c)
	}
	return out
}

func (x *extractor) stmt(out []unit.Stmt, n syntax.Node) []unit.Stmt {
	defer func() { x.depth-- }()
	if x.depth++; x.depth > depthMax {
		return out
	}
	nested := func(kind uint8, head []unit.Stmt, body syntax.Node) {
		out = append(out, unit.Stmt{Kind: kind, Line: line(n), Body: append(head, x.block(body)...)})
	}
	switch n.Kind() {
	case "expression_statement":
		for c := range n.Children() {
			out = x.do(out, c)
		}
	case "return_statement":
		for c := range n.Children() {
			if c.Kind() != "return" {
				e := x.expr(c)
				out = append(out, unit.Stmt{Kind: unit.Return, Line: line(n), X: &e})
			}
		}
	case "for_statement":
		e := x.expr(n.Field("right"))
		item := unit.Expr{Kind: unit.Other, Text: "each", X: &e, Line: line(n)}
		out = append(out, unit.Stmt{Kind: unit.Do, Line: line(n), X: &e})
		nested(unit.Loop, []unit.Stmt{{Kind: unit.Local, Name: n.Field("left").Text(), X: &item, Line: line(n)}}, n.Field("body"))
	case "while_statement":
		nested(unit.Loop, x.do(nil, n.Field("condition")), n.Field("body"))
	case "if_statement", "elif_clause":
		out = x.do(out, n.Field("condition"))
		nested(unit.Branch, nil, n.Field("consequence"))
		for c := range n.Children() {
			if k := c.Kind(); k == "elif_clause" || k == "else_clause" {
				out = x.stmt(out, c)
			}
		}
	case "else_clause", "finally_clause", "block", "with_clause", "match_statement", "case_clause":
		out = append(out, x.block(n)...)
	case "except_clause":
		nested(unit.Catch, nil, n.Child("block"))
	case "try_statement":
		nested(unit.Try, nil, n.Field("body"))
		for c := range n.Children() {
			if c.In() != "body" {
				out = x.stmt(out, c)
			}
		}
	case "with_statement":
		for it := range n.Child("with_clause").Children() {
			v := it.Field("value")
			if v.Kind() == "as_pattern" {
				e := x.expr(v.First())
				out = append(out, unit.Stmt{Kind: unit.Local, Line: line(n), Name: v.Field("alias").Text(), X: &e})
			} else {
				out = x.do(out, v)
			}
		}
		out = append(out, x.block(n.Field("body"))...)
	case "function_definition":
		m := x.function(n, nil)
		e := unit.Expr{Kind: unit.Func, Line: line(n), Fn: &unit.Fn{Name: m.Name, Params: m.Params, Body: m.Body, Async: m.Async}}
		out = append(out, unit.Stmt{Kind: unit.Local, Line: line(n), Name: m.Name, X: &e})
	case "decorated_definition", "class_definition", "comment", "pass_statement", "import_statement", "import_from_statement":
	default:
		out = x.do(out, n)
	}
	return out
}

func (x *extractor) do(out []unit.Stmt, n syntax.Node) []unit.Stmt {
	if !n.Ok() {
		return out
	}
	e := x.expr(n)
	if e.Kind == unit.Lit || e.Kind == unit.Str || e.Kind == unit.Other && len(e.Args) == 0 && e.X == nil {
		return out
	}
	return append(out, unit.Stmt{Kind: unit.Do, Line: line(n), X: &e})
}

func (x *extractor) ref(n syntax.Node) *unit.Expr {
	if !n.Ok() {
		return nil
	}
	e := x.expr(n)
	return &e
}

func (x *extractor) args(n syntax.Node) []unit.Expr {
	var out []unit.Expr
	for c := range n.Children() {
		if c.Kind() == "keyword_argument" {
			out = append(out, unit.Expr{Kind: unit.Pair, Line: line(c), Text: c.Field("name").Text(), X: x.ref(c.Field("value"))})
			continue
		}
		out = append(out, x.expr(c))
	}
	return out
}

func (x *extractor) expr(n syntax.Node) unit.Expr {
	defer func() { x.depth-- }()
	e := unit.Expr{Line: line(n)}
	if x.depth++; x.depth > depthMax {
		return e
	}
	switch n.Kind() {
	case "string":
		return x.text(n)
	case "concatenated_string":
		e.Kind = unit.Concat
		for c := range n.Children() {
			e.Args = append(e.Args, x.expr(c))
		}
	case "integer", "float", "true", "false", "none":
		e.Kind, e.Text = unit.Lit, n.Text()
	case "identifier":
		e.Kind, e.Text = unit.Name, n.Text()
	case "attribute":
		e.Kind, e.Text, e.X = unit.Member, n.Field("attribute").Text(), x.ref(n.Field("object"))
	case "call":
		f := n.Field("function")
		e.Kind = unit.Call
		if f.Kind() == "attribute" {
			e.Text, e.X, e.Line = f.Field("attribute").Text(), x.ref(f.Field("object")), line(f.Field("attribute"))
		} else {
			e.Text = f.Text()
		}
		e.Args = x.args(n.Field("arguments"))
	case "assignment", "augmented_assignment":
		r := n.Field("right")
		if !r.Ok() {
			return e
		}
		e.Kind, e.X, e.Args = unit.Assign, x.ref(n.Field("left")), []unit.Expr{x.expr(r)}
		if n.Field("operator").Text() == "+=" {
			e.Text = "+="
		}
	case "binary_operator":
		if n.Field("operator").Text() == "+" {
			e.Kind = unit.Concat
		}
		if n.Field("operator").Text() == "%" && n.Field("left").Kind() == "string" { // "..." % x
			return x.expr(n.Field("left"))
		}
		e.Args = []unit.Expr{x.expr(n.Field("left")), x.expr(n.Field("right"))}
	case "lambda":
		body := x.expr(n.Field("body"))
		e.Kind, e.Fn = unit.Func, &unit.Fn{Body: []unit.Stmt{{Kind: unit.Return, Line: line(n), X: &body}}}
		for p := range n.Field("parameters").Children() {
			e.Fn.Params = append(e.Fn.Params, unit.Param{Name: p.Text()})
		}
	case "await":
		e.Kind, e.X = unit.Await, x.ref(valueOf(n))
	case "list", "tuple", "set":
		e.Kind, e.Args = unit.Array, x.args(n)
	case "dictionary":
		e.Kind = unit.Object
		for p := range n.Children() {
			if p.Kind() == "pair" {
				k := x.expr(p.Field("key"))
				e.Args = append(e.Args, unit.Expr{Kind: unit.Pair, Text: k.Text, X: x.ref(p.Field("value")), Line: line(p)})
			}
		}
	case "parenthesized_expression":
		return x.expr(n.First())
	case "conditional_expression":
		e.Kind, e.Args = unit.Cond, x.args(n)
	case "keyword_argument":
		e.Kind, e.Text, e.X = unit.Pair, n.Field("name").Text(), x.ref(n.Field("value"))
	case "subscript":
		e.Kind, e.X = unit.Other, x.ref(n.Field("value"))
		if v := n.Field("subscript"); v.Kind() == "string" && n.Field("value").Text() == "os.environ" {
			return unit.Expr{Kind: unit.Call, Text: "getenv", Line: line(n), Args: []unit.Expr{x.expr(v)}}
		}
	case "list_comprehension", "generator_expression", "set_comprehension", "dictionary_comprehension":
		body := x.expr(n.Field("body"))
		e.Kind, e.Text = unit.Call, "map"
		e.Args = []unit.Expr{{Kind: unit.Func, Line: line(n), Fn: &unit.Fn{Body: []unit.Stmt{{Kind: unit.Loop, Line: line(n), Body: []unit.Stmt{{Kind: unit.Do, Line: line(n), X: &body}}}}}}}
		for c := range n.Children() {
			if c.Kind() == "for_in_clause" {
				e.Args = append(e.Args, x.expr(c.Field("right")))
			}
		}
	default:
		for c := range n.Children() {
			if a := x.expr(c); a.Kind != unit.Lit && !(a.Kind == unit.Other && len(a.Args) == 0 && a.X == nil) {
				e.Args = append(e.Args, a)
			}
		}
	}
	return e
}

func valueOf(n syntax.Node) syntax.Node {
	for c := range n.Children() {
		if c.Kind() != "await" {
			return c
		}
	}
	return syntax.Node{}
}

// text is a string, with what is put into it.
func (x *extractor) text(n syntax.Node) unit.Expr {
	e := unit.Expr{Kind: unit.Str, Line: line(n)}
	var parts []unit.Expr
	for c := range n.Children() {
		switch c.Kind() {
		case "string_content":
			parts = append(parts, unit.Expr{Kind: unit.Str, Line: line(c), Text: c.Text()})
		case "interpolation":
			parts = append(parts, x.expr(c.Field("expression")))
		}
	}
	switch {
	case len(parts) == 1 && parts[0].Kind == unit.Str:
		e.Text = parts[0].Text
	case len(parts) > 0:
		e.Kind, e.Args = unit.Concat, parts
	}
	return e
}

func line(n syntax.Node) int32 { return int32(n.Line()) } //nolint:gosec // files have fewer lines
