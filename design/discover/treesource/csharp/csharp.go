// Package csharp makes a [unit.File] of C#'s syntax tree. Top-level statements
// belong to the file's loose type.
package csharp

import (
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/tree"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
	"github.com/ashlar-dev/ashlar/formats/syntax"
)

type extractor struct {
	tree.Reader

	f    *unit.File
	init []unit.Stmt // top-level statements
}

// Extract reads a compilation unit.
func Extract(t *syntax.Tree, path string) *unit.File {
	x := &extractor{f: &unit.File{Path: path, Lang: "csharp", Broken: t.Broken(), Lines: t.Root().Lines()}}
	x.Stmt, x.Expr = x.stmt, x.expr
	x.declarations(t.Root())
	if len(x.init) > 0 {
		x.f.Types = append(x.f.Types, unit.Type{Name: "Program", Kind: unit.Loose, Line: 1, Col: 1, Lines: x.f.Lines, Methods: []unit.Method{{Name: "<init>", Line: 1, Col: 1, Lines: x.f.Lines, Static: true, Body: x.init}}})
	}
	return x.f
}

// Tests reports whether a path is one of tests.
func Tests(path string) bool {
	return strings.Contains(path, "Tests/") || strings.Contains(path, "Test/") || strings.Contains(path, "/test/") || strings.Contains(path, "/tests/") || strings.HasSuffix(path, "Tests.cs") || strings.HasSuffix(path, "Test.cs")
}

var kinds = map[string]string{"class_declaration": unit.Class, "struct_declaration": unit.Class, "interface_declaration": unit.Interface, "record_declaration": unit.Record, "record_struct_declaration": unit.Record, "enum_declaration": unit.Enum}

func (x *extractor) declarations(n syntax.Node) {
	for c := range n.Children() {
		switch k := c.Kind(); {
		case k == "using_directive":
			name := c.Child("qualified_name", "identifier", "alias_qualified_name").Text()
			im := unit.Import{Package: name, Name: "*", Static: c.Child("static").Ok()}
			if a := c.Field("name"); a.Ok() && c.Child("qualified_name").Ok() { // using X = A.B
				im.Name, im.Alias = "", a.Text()
			}
			x.f.Imports = append(x.f.Imports, im)
		case k == "namespace_declaration":
			x.f.Package = c.Field("name").Text()
			x.declarations(c.Field("body"))
		case k == "file_scoped_namespace_declaration":
			x.f.Package = c.Field("name").Text()
			x.declarations(c)
		case k == "global_statement":
			x.init = append(x.init, x.Block(c)...)
		case kinds[k] != "":
			x.typ(c, "")
		}
	}
}

func modifiers(n syntax.Node) map[string]bool {
	out := map[string]bool{}
	for c := range n.Children() {
		if c.Kind() == "modifier" {
			out[c.Text()] = true
		}
	}
	return out
}

func (x *extractor) typ(n syntax.Node, outer string) {
	name := n.Field("name").Text()
	if outer != "" {
		name = outer + "." + name
	}
	mods := modifiers(n)
	t := unit.Type{Name: name, Kind: kinds[n.Kind()], Line: n.Field("name").Line(), Col: n.Field("name").Col(), Lines: n.Lines(), Marks: x.marks(n), Abstract: mods["abstract"]}
	for p := range n.Child("type_parameter_list").Children() {
		t.Params = append(t.Params, p.Field("name").Text())
	}
	for b := range n.Child("base_list").Children() {
		if b.Kind() == "primary_constructor_base_type" {
			b = b.First()
		}
		if b.Kind() != "argument_list" {
			t.Supers = append(t.Supers, plain(b))
		}
	}
	if ps := n.Child("parameter_list"); ps.Ok() { // a primary constructor's parameters are fields
		params := x.params(ps)
		for _, p := range params {
			t.Fields = append(t.Fields, unit.Field{Name: p.Name, Type: p.Type, Line: t.Line, Marks: p.Marks})
		}
		t.Methods = append(t.Methods, unit.Method{Name: "<init>", Params: params, Line: t.Line, Col: t.Col, Lines: 1})
	}
	at := len(x.f.Types)
	x.f.Types = append(x.f.Types, t)
	for c := range n.Field("body").Children() {
		x.member(&t, c)
	}
	x.f.Types[at] = t
}

func plain(n syntax.Node) string { return strings.Join(strings.Fields(n.Text()), "") }

func (x *extractor) member(t *unit.Type, n syntax.Node) {
	mods := modifiers(n)
	switch n.Kind() {
	case "field_declaration":
		v := n.Child("variable_declaration")
		for d := range v.Children() {
			if d.Kind() != "variable_declarator" {
				continue
			}
			f := unit.Field{Name: d.Field("name").Text(), Type: plain(v.Field("type")), Line: d.Line(), Marks: x.marks(n), Fixed: mods["const"] || mods["readonly"]}
			if f.Name == "" {
				f.Name = d.Child("identifier").Text()
			}
			if i := initial(d); i.Ok() {
				e := x.expr(i)
				f.Init = &e
			}
			t.Fields = append(t.Fields, f)
		}
	case "property_declaration":
		f := unit.Field{Name: n.Field("name").Text(), Type: plain(n.Field("type")), Line: n.Line(), Marks: x.marks(n)}
		v := n.Field("value")
		if v.Kind() == "arrow_expression_clause" {
			v = v.First()
		}
		if v.Ok() {
			e := x.expr(v)
			f.Init = &e
		}
		t.Fields = append(t.Fields, f)
	case "method_declaration", "constructor_declaration", "local_function_statement":
		t.Methods = append(t.Methods, x.method(n, mods))
	case "enum_member_declaration":
		t.Fields = append(t.Fields, unit.Field{Name: n.Field("name").Text(), Type: t.Name, Line: n.Line(), Fixed: true})
	default:
		if kinds[n.Kind()] != "" {
			x.typ(n, t.Name)
		}
	}
}

// initial is the value behind the = of a declarator.
func initial(d syntax.Node) syntax.Node {
	var last syntax.Node
	for c := range d.Children() {
		if c.In() != "name" && c.Kind() != "identifier" || c.In() == "" && last.Ok() {
			last = c
		}
	}
	if last.Kind() == "equals_value_clause" {
		return last.First()
	}
	if !last.Ok() { // a = b: two identifiers
		n := 0
		for c := range d.Children() {
			if n++; n == 2 {
				last = c
			}
		}
	}
	return last
}

func (x *extractor) method(n syntax.Node, mods map[string]bool) unit.Method {
	m := unit.Method{Name: n.Field("name").Text(), Line: n.Field("name").Line(), Col: n.Field("name").Col(), Lines: n.Lines(), Marks: x.marks(n), Params: x.params(n.Field("parameters")), Static: mods["static"], Async: mods["async"]}
	m.Internal = !mods["public"] && !mods["protected"] && !mods["internal"] && !mods["override"]
	m.Result = plain(n.Field("returns"))
	if m.Result == "" {
		m.Result = plain(n.Field("type"))
	}
	if n.Kind() == "constructor_declaration" {
		m.Name = "<init>"
	}
	body := n.Field("body")
	m.Bare = !body.Ok()
	m.Body = x.bodyOf(body)
	return m
}

func (x *extractor) bodyOf(body syntax.Node) []unit.Stmt {
	switch body.Kind() {
	case "":
		return nil
	case "block":
		return x.Block(body)
	case "arrow_expression_clause":
		body = body.First()
	}
	e := x.expr(body)
	return []unit.Stmt{{Kind: unit.Return, Line: tree.Line(body), X: &e}}
}

func (x *extractor) params(n syntax.Node) []unit.Param {
	var out []unit.Param
	for p := range n.Children() {
		if p.Kind() == "parameter" {
			out = append(out, unit.Param{Name: p.Field("name").Text(), Type: plain(p.Field("type")), Marks: x.marks(p)})
		} else if p.Kind() == "implicit_parameter" || p.Kind() == "identifier" {
			out = append(out, unit.Param{Name: p.Text()})
		}
	}
	return out
}

func (x *extractor) marks(n syntax.Node) []unit.Mark {
	var out []unit.Mark
	for l := range n.Children() {
		if l.Kind() != "attribute_list" {
			continue
		}
		for a := range l.Children() {
			if a.Kind() != "attribute" {
				continue
			}
			m := unit.Mark{Name: strings.TrimSuffix(a.Field("name").Text(), "Attribute"), Line: a.Line()}
			for arg := range a.Child("attribute_argument_list").Children() {
				v := unit.Arg{Name: "value"}
				var e syntax.Node
				for c := range arg.Children() {
					e = c
				}
				if first := arg.First(); first.Kind() == "assignment_expression" {
					v.Name, e = first.Field("left").Text(), first.Field("right")
				} else if arg.First().Kind() == "name_equals" || arg.Field("name").Ok() {
					v.Name = strings.TrimRight(arg.First().Text(), " =")
				}
				v.Value = x.expr(e)
				m.Args = append(m.Args, v)
			}
			out = append(out, m)
		}
	}
	return out
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
	case "block", "finally_clause", "checked_statement", "switch_body", "switch_section", "labeled_statement":
		for c := range n.Children() {
			out = x.stmt(out, c)
		}
	case "local_declaration_statement", "variable_declaration":
		v := n
		if c := n.Child("variable_declaration"); c.Ok() {
			v = c
		}
		for d := range v.Children() {
			if d.Kind() != "variable_declarator" {
				continue
			}
			name := d.Field("name")
			if !name.Ok() {
				name = d.Child("identifier")
			}
			out = append(out, unit.Stmt{Kind: unit.Local, Line: tree.Line(d), Name: name.Text(), Type: plain(v.Field("type")), X: x.Ref(initial(d))})
		}
	case "expression_statement":
		out = x.Do(out, n.First())
	case "return_statement", "yield_statement", "throw_statement":
		for c := range n.Children() {
			if k := c.Kind(); k != "return" && k != "yield" && k != "throw" && k != "break" {
				e := x.expr(c)
				out = append(out, unit.Stmt{Kind: unit.Return, Line: tree.Line(n), X: &e})
			}
		}
	case "if_statement":
		out = x.Do(out, n.Field("condition"))
		nested(unit.Branch, nil, n.Field("consequence"))
		if a := n.Field("alternative"); a.Ok() {
			nested(unit.Branch, nil, a)
		}
	case "foreach_statement":
		e := x.expr(n.Field("right"))
		item := unit.Expr{Kind: unit.Other, Text: "each", X: &e, Line: tree.Line(n)}
		out = append(out, unit.Stmt{Kind: unit.Do, Line: tree.Line(n), X: &e})
		nested(unit.Loop, []unit.Stmt{{Kind: unit.Local, Line: tree.Line(n), Name: n.Field("left").Text(), Type: plain(n.Field("type")), X: &item}}, n.Field("body"))
	case "for_statement", "while_statement", "do_statement":
		nested(unit.Loop, x.Do(nil, n.Field("condition")), n.Field("body"))
	case "try_statement":
		nested(unit.Try, nil, n.Field("body"))
		for c := range n.Children() {
			if c.Kind() == "catch_clause" {
				nested(unit.Catch, nil, c.Field("body"))
			} else if c.Kind() == "finally_clause" {
				out = x.stmt(out, c)
			}
		}
	case "using_statement", "lock_statement", "fixed_statement":
		for c := range n.Children() {
			out = x.stmt(out, c)
		}
	case "switch_statement":
		out = x.Do(out, n.Field("value"))
		nested(unit.Branch, nil, n.Field("body"))
	case "local_function_statement":
		m := x.method(n, modifiers(n))
		e := unit.Expr{Kind: unit.Func, Line: tree.Line(n), Fn: &unit.Fn{Name: m.Name, Params: m.Params, Body: m.Body}}
		out = append(out, unit.Stmt{Kind: unit.Local, Line: tree.Line(n), Name: m.Name, X: &e})
	case "await", "using", "break_statement", "continue_statement", "comment", "empty_statement":
	default:
		out = x.Do(out, n)
	}
	return out
}
