// Package typescript makes a [unit.File] of the syntax trees of TypeScript and
// JavaScript: classes with decorators, functions, calls, constants. What stands
// outside of classes belongs to the file's loose type.
package typescript

import (
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/tree"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
	"github.com/ashlar-dev/ashlar/formats/syntax"
)

type extractor struct {
	tree.Reader

	f     *unit.File
	loose unit.Type
}

// Extract reads a module.
func Extract(t *syntax.Tree, path string) *unit.File {
	x := &extractor{f: &unit.File{Path: path, Lang: "typescript", Broken: t.Broken(), Lines: t.Root().Lines()}}
	x.Stmt, x.Expr = x.stmt, x.expr
	x.loose = unit.Type{Kind: unit.Loose, Line: 1, Col: 1, Lines: x.f.Lines}
	init := unit.Method{Name: "<init>", Line: 1, Col: 1, Lines: 1, Static: true}
	var marks []unit.Mark
	for n := range t.Root().Children() {
		if n.Kind() == "decorator" {
			marks = append(marks, x.mark(n))
			continue
		}
		init.Body = x.top(init.Body, n, marks)
		marks = nil
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
	return strings.Contains(base, ".spec.") || strings.Contains(base, ".test.") || strings.Contains(path, "/__tests__/") || strings.Contains(path, "/test/") || strings.Contains(path, "/tests/") || strings.Contains(path, "/e2e/")
}

func (x *extractor) top(init []unit.Stmt, n syntax.Node, marks []unit.Mark) []unit.Stmt {
	switch n.Kind() {
	case "import_statement":
		x.imports(n)
	case "export_statement":
		for c := range n.Children() {
			switch c.Kind() {
			case "decorator":
				marks = append(marks, x.mark(c))
			case "export", "default", "export_clause", "string":
			default:
				init = x.top(init, c, marks)
			}
		}
	case "class_declaration", "abstract_class_declaration", "interface_declaration", "class":
		x.class(n, marks)
	case "function_declaration", "generator_function_declaration":
		x.loose.Methods = append(x.loose.Methods, x.function(n, n.Field("name").Text(), nil))
	case "lexical_declaration", "variable_declaration":
		for d := range n.Children() {
			if d.Kind() != "variable_declarator" {
				continue
			}
			v, name := d.Field("value"), d.Field("name")
			if k := v.Kind(); (k == "arrow_function" || k == "function_expression" || k == "function") && name.Kind() == "identifier" {
				x.loose.Methods = append(x.loose.Methods, x.function(v, name.Text(), nil))
				continue
			}
			if x.required(d, v, name) {
				continue
			}
			if name.Kind() != "identifier" {
				init = x.Do(init, v)
				continue
			}
			f := unit.Field{Name: name.Text(), Type: annotation(d.Field("type")), Line: d.Line(), Fixed: n.Child("const").Ok()}
			if v.Ok() {
				e := x.expr(v)
				f.Init = &e
				if e.Kind == unit.Call || e.Kind == unit.New || e.Kind == unit.Await { // it also runs
					init = append(init, unit.Stmt{Kind: unit.Do, Line: tree.Line(d), X: &e})
				}
			}
			x.loose.Fields = append(x.loose.Fields, f)
		}
	default:
		return x.stmt(init, n)
	}
	return init
}

// required reads const a = require("b"), which is an import.
func (x *extractor) required(_, v, name syntax.Node) bool {
	if v.Kind() != "call_expression" || v.Field("function").Text() != "require" {
		return false
	}
	arg := x.expr(v.Field("arguments").First())
	if arg.Kind != unit.Str {
		return false
	}
	if name.Kind() == "identifier" {
		x.f.Imports = append(x.f.Imports, x.whole(arg.Text, name.Text()))
		return true
	}
	for p := range name.Children() {
		im := unit.Import{Package: arg.Text, Name: p.Text()}
		if p.Kind() == "pair_pattern" {
			im.Name, im.Alias = p.Field("key").Text(), p.Field("value").Text()
		}
		x.f.Imports = append(x.f.Imports, im)
	}
	return true
}

// whole imports a module under a name.
func (*extractor) whole(module, name string) unit.Import {
	if strings.HasPrefix(module, ".") {
		return unit.Import{Package: module, Name: "default", Alias: name}
	}
	return unit.Import{Name: module, Alias: name}
}

func (x *extractor) imports(n syntax.Node) {
	from := strings.Trim(n.Field("source").Text(), `"'`)
	for c := range n.Child("import_clause").Children() {
		switch c.Kind() {
		case "identifier":
			x.f.Imports = append(x.f.Imports, x.whole(from, c.Text()))
		case "namespace_import":
			x.f.Imports = append(x.f.Imports, x.whole(from, c.Child("identifier").Text()))
		case "named_imports":
			for s := range c.Children() {
				if s.Kind() == "import_specifier" {
					x.f.Imports = append(x.f.Imports, unit.Import{Package: from, Name: s.Field("name").Text(), Alias: s.Field("alias").Text()})
				}
			}
		}
	}
}

func annotation(n syntax.Node) string {
	return strings.TrimSpace(strings.TrimPrefix(n.Text(), ":"))
}

func (x *extractor) mark(n syntax.Node) unit.Mark {
	m := unit.Mark{Line: n.Line()}
	e := x.expr(n.First())
	m.Name = e.Text
	for _, a := range e.Args {
		if a.Kind == unit.Object {
			for _, p := range a.Args {
				if p.X != nil {
					m.Args = append(m.Args, unit.Arg{Name: p.Text, Value: *p.X})
				}
			}
			continue
		}
		m.Args = append(m.Args, unit.Arg{Name: "value", Value: a})
	}
	return m
}

func (x *extractor) class(n syntax.Node, marks []unit.Mark) {
	t := unit.Type{Name: n.Field("name").Text(), Kind: unit.Class, Line: n.Line(), Col: n.Col(), Lines: n.Lines(), Abstract: n.Kind() == "abstract_class_declaration"}
	if n.Kind() == "interface_declaration" {
		t.Kind = unit.Interface
	}
	t.Marks = marks
	for c := range n.Children() {
		switch c.Kind() {
		case "decorator":
			t.Marks = append(t.Marks, x.mark(c))
		case "class_heritage":
			for h := range c.Children() {
				if h.Kind() == "identifier" {
					t.Supers = append(t.Supers, h.Text())
				}
				for s := range h.Children() {
					if k := s.Kind(); k != "extends" && k != "implements" && k != "type_arguments" {
						t.Supers = append(t.Supers, s.Text()+h.Field("type_arguments").Text())
					}
				}
			}
		}
	}
	var ms []unit.Mark
	for c := range n.Field("body").Children() {
		switch c.Kind() {
		case "decorator":
			ms = append(ms, x.mark(c))
			continue
		case "method_definition", "method_signature", "abstract_method_signature":
			m := x.function(c, c.Field("name").Text(), ms)
			if m.Name == "constructor" {
				m.Name = "<init>"
				for p := range c.Field("parameters").Children() {
					if p.Child("accessibility_modifier", "readonly").Ok() { // a parameter that is a field
						q := x.param(p)
						t.Fields = append(t.Fields, unit.Field{Name: q.Name, Type: q.Type, Line: p.Line(), Fixed: true, Marks: q.Marks})
					}
				}
			}
			t.Methods = append(t.Methods, m)
		case "public_field_definition", "field_definition", "property_signature":
			f := unit.Field{Name: c.Field("name").Text() + c.Field("property").Text(), Type: annotation(c.Field("type")), Line: c.Line(), Marks: ms}
			for d := range c.Children() {
				if d.Kind() == "decorator" {
					f.Marks = append(f.Marks, x.mark(d))
				}
			}
			if v := c.Field("value"); v.Ok() {
				if v.Kind() == "arrow_function" {
					t.Methods = append(t.Methods, x.function(v, f.Name, ms))
					ms = nil
					continue
				}
				e := x.expr(v)
				f.Init = &e
			}
			t.Fields = append(t.Fields, f)
		}
		ms = nil
	}
	x.f.Types = append(x.f.Types, t)
}

func (x *extractor) param(p syntax.Node) unit.Param {
	q := unit.Param{Name: p.Field("pattern").Text(), Type: annotation(p.Field("type"))}
	if p.Kind() == "identifier" {
		q.Name = p.Text()
	}
	for d := range p.Children() {
		if d.Kind() == "decorator" {
			q.Marks = append(q.Marks, x.mark(d))
		}
	}
	return q
}

func (x *extractor) params(n syntax.Node) []unit.Param {
	var out []unit.Param
	if p := n.Field("parameter"); p.Ok() {
		return []unit.Param{{Name: p.Text()}}
	}
	for p := range n.Field("parameters").Children() {
		out = append(out, x.param(p))
	}
	return out
}

func (x *extractor) function(n syntax.Node, name string, marks []unit.Mark) unit.Method {
	m := unit.Method{Name: name, Marks: marks, Line: n.Line(), Col: n.Col(), Lines: n.Lines(), Result: annotation(n.Field("return_type")), Params: x.params(n), Async: n.Child("async").Ok(), Static: n.Child("static").Ok()}
	m.Internal = n.Child("accessibility_modifier").Text() == "private"
	body := n.Field("body")
	m.Bare = !body.Ok()
	m.Body = x.bodyOf(body)
	return m
}

func (x *extractor) bodyOf(body syntax.Node) []unit.Stmt {
	if !body.Ok() || body.Kind() == "statement_block" {
		return x.Block(body)
	}
	e := x.expr(body)
	return []unit.Stmt{{Kind: unit.Return, Line: tree.Line(body), X: &e}}
}

func (x *extractor) stmt(out []unit.Stmt, n syntax.Node) []unit.Stmt {
	defer x.Up()
	if !x.Deeper() {
		return out
	}
	nested := func(kind uint8, head []unit.Stmt, body syntax.Node) {
		if body.Ok() {
			head = x.stmt(head, body)
		}
		out = append(out, unit.Stmt{Kind: kind, Line: tree.Line(n), Body: head})
	}
	switch n.Kind() {
	case "statement_block", "else_clause", "finally_clause", "parenthesized_expression", "switch_body", "switch_case", "switch_default", "labeled_statement":
		for c := range n.Children() {
			out = x.stmt(out, c)
		}
	case "expression_statement", "throw_statement":
		for c := range n.Children() {
			out = x.Do(out, c)
		}
	case "return_statement":
		for c := range n.Children() {
			if c.Kind() != "return" {
				e := x.expr(c)
				out = append(out, unit.Stmt{Kind: unit.Return, Line: tree.Line(n), X: &e})
			}
		}
	case "lexical_declaration", "variable_declaration":
		for d := range n.Children() {
			if d.Kind() != "variable_declarator" || x.required(d, d.Field("value"), d.Field("name")) {
				continue
			}
			s := unit.Stmt{Kind: unit.Local, Line: tree.Line(d), Name: d.Field("name").Text(), Type: annotation(d.Field("type")), X: x.Ref(d.Field("value"))}
			out = append(out, s)
		}
	case "if_statement":
		out = x.Do(out, n.Field("condition"))
		nested(unit.Branch, nil, n.Field("consequence"))
		if a := n.Field("alternative"); a.Ok() {
			nested(unit.Branch, nil, a)
		}
	case "for_in_statement":
		e := x.expr(n.Field("right"))
		item := unit.Expr{Kind: unit.Other, Text: "each", X: &e, Line: tree.Line(n)}
		out = append(out, unit.Stmt{Kind: unit.Do, Line: tree.Line(n), X: &e})
		nested(unit.Loop, []unit.Stmt{{Kind: unit.Local, Line: tree.Line(n), Name: n.Field("left").Text(), X: &item}}, n.Field("body"))
	case "for_statement", "while_statement", "do_statement":
		nested(unit.Loop, x.Do(nil, n.Field("condition")), n.Field("body"))
	case "try_statement":
		nested(unit.Try, nil, n.Field("body"))
		if h := n.Field("handler"); h.Ok() {
			nested(unit.Catch, nil, h.Field("body"))
		}
		if f := n.Field("finalizer"); f.Ok() {
			out = x.stmt(out, f)
		}
	case "switch_statement":
		out = x.Do(out, n.Field("value"))
		nested(unit.Branch, nil, n.Field("body"))
	case "function_declaration":
		e := unit.Expr{Kind: unit.Func, Line: tree.Line(n), Fn: &unit.Fn{Name: n.Field("name").Text(), Params: x.params(n), Body: x.bodyOf(n.Field("body"))}}
		out = append(out, unit.Stmt{Kind: unit.Local, Line: tree.Line(n), Name: n.Field("name").Text(), X: &e})
	case "class_declaration":
		x.class(n, nil)
	case "import_statement", "comment", "break_statement", "continue_statement", "interface_declaration", "type_alias_declaration", "enum_declaration":
	default:
		out = x.Do(out, n)
	}
	return out
}
