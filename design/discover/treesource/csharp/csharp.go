// Package csharp makes a [unit.File] of C#'s syntax tree. Top-level statements
// belong to the file's loose type.
package csharp

import (
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
	"github.com/ashlar-dev/ashlar/formats/syntax"
)

// depthMax bounds how deep expressions are followed.
const depthMax = 800

type extractor struct {
	f     *unit.File
	init  []unit.Stmt // top-level statements
	depth int
}

// Extract reads a compilation unit.
func Extract(t *syntax.Tree, path string) *unit.File {
	x := &extractor{f: &unit.File{Path: path, Lang: "csharp", Broken: t.Broken(), Lines: t.Root().Lines()}}
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
			x.init = append(x.init, x.block(c)...)
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
		return x.block(body)
	case "arrow_expression_clause":
		body = body.First()
	}
	e := x.expr(body)
	return []unit.Stmt{{Kind: unit.Return, Line: line(body), X: &e}}
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
		if body.Ok() {
			head = x.stmt(head, body)
		}
		out = append(out, unit.Stmt{Kind: kind, Line: line(n), Body: head})
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
			out = append(out, unit.Stmt{Kind: unit.Local, Line: line(d), Name: name.Text(), Type: plain(v.Field("type")), X: x.ref(initial(d))})
		}
	case "expression_statement":
		out = x.do(out, n.First())
	case "return_statement", "yield_statement", "throw_statement":
		for c := range n.Children() {
			if k := c.Kind(); k != "return" && k != "yield" && k != "throw" && k != "break" {
				e := x.expr(c)
				out = append(out, unit.Stmt{Kind: unit.Return, Line: line(n), X: &e})
			}
		}
	case "if_statement":
		out = x.do(out, n.Field("condition"))
		nested(unit.Branch, nil, n.Field("consequence"))
		if a := n.Field("alternative"); a.Ok() {
			nested(unit.Branch, nil, a)
		}
	case "foreach_statement":
		e := x.expr(n.Field("right"))
		item := unit.Expr{Kind: unit.Other, Text: "each", X: &e, Line: line(n)}
		out = append(out, unit.Stmt{Kind: unit.Do, Line: line(n), X: &e})
		nested(unit.Loop, []unit.Stmt{{Kind: unit.Local, Line: line(n), Name: n.Field("left").Text(), Type: plain(n.Field("type")), X: &item}}, n.Field("body"))
	case "for_statement", "while_statement", "do_statement":
		nested(unit.Loop, x.do(nil, n.Field("condition")), n.Field("body"))
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
		out = x.do(out, n.Field("value"))
		nested(unit.Branch, nil, n.Field("body"))
	case "local_function_statement":
		m := x.method(n, modifiers(n))
		e := unit.Expr{Kind: unit.Func, Line: line(n), Fn: &unit.Fn{Name: m.Name, Params: m.Params, Body: m.Body}}
		out = append(out, unit.Stmt{Kind: unit.Local, Line: line(n), Name: m.Name, X: &e})
	case "await", "using", "break_statement", "continue_statement", "comment", "empty_statement":
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
	if e.Kind == unit.Lit || e.Kind == unit.Other && len(e.Args) == 0 && e.X == nil {
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
		if c.Kind() == "argument" {
			var last syntax.Node
			for v := range c.Children() {
				last = v
			}
			c = last
		}
		out = append(out, x.expr(c))
	}
	return out
}

// named is a name without its type arguments; those of a call become values,
// so that Get<Order>() is known to give an Order.
func named(n syntax.Node) (string, []unit.Expr) {
	if n.Kind() != "generic_name" {
		return n.Text(), nil
	}
	var types []unit.Expr
	for a := range n.Child("type_argument_list").Children() {
		types = append(types, unit.Expr{Kind: unit.TypeOf, Text: plain(a), Line: line(a)})
	}
	return n.Child("identifier").Text(), types
}

func (x *extractor) expr(n syntax.Node) unit.Expr {
	defer func() { x.depth-- }()
	e := unit.Expr{Line: line(n)}
	if x.depth++; x.depth > depthMax {
		return e
	}
	switch n.Kind() {
	case "string_literal":
		e.Kind, e.Text = unit.Str, strings.Trim(n.Text(), `"`)
	case "verbatim_string_literal":
		e.Kind, e.Text = unit.Str, strings.Trim(strings.TrimPrefix(n.Text(), "@"), `"`)
	case "raw_string_literal":
		e.Kind, e.Text = unit.Str, strings.TrimSpace(strings.Trim(n.Text(), `"`))
	case "interpolated_string_expression":
		e.Kind = unit.Concat
		for c := range n.Children() {
			switch c.Kind() {
			case "string_content", "interpolated_string_text", "interpolated_verbatim_string_text":
				e.Args = append(e.Args, unit.Expr{Kind: unit.Str, Line: line(c), Text: c.Text()})
			case "interpolation":
				for v := range c.Children() {
					if v.Kind() != "interpolation_brace" && v.Kind() != "interpolation_format_clause" {
						e.Args = append(e.Args, x.expr(v))
						break
					}
				}
			}
		}
	case "integer_literal", "real_literal", "boolean_literal", "null_literal", "character_literal":
		e.Kind, e.Text = unit.Lit, n.Text()
	case "identifier", "this", "this_expression", "base", "base_expression", "predefined_type", "generic_name", "qualified_name":
		e.Kind = unit.Name
		e.Text, _ = named(n)
	case "member_access_expression":
		e.Kind, e.X = unit.Member, x.ref(n.Field("expression"))
		e.Text, _ = named(n.Field("name"))
	case "conditional_access_expression":
		e = x.expr(n.Field("condition"))
		for c := range n.Children() {
			if c.In() != "condition" {
				rest := x.expr(c)
				return graft(rest, e)
			}
		}
	case "member_binding_expression":
		e.Kind = unit.Member
		e.Text, _ = named(n.Field("name"))
	case "invocation_expression":
		f := n.Field("function")
		e.Kind = unit.Call
		var types []unit.Expr
		switch f.Kind() {
		case "member_access_expression":
			e.X, e.Line = x.ref(f.Field("expression")), line(f.Field("name"))
			e.Text, types = named(f.Field("name"))
		case "member_binding_expression":
			e.Text, types = named(f.Field("name"))
		case "identifier", "generic_name":
			e.Text, types = named(f)
		default:
			e.X = x.ref(f)
		}
		e.Args = append(x.args(n.Field("arguments")), types...)
	case "object_creation_expression", "implicit_object_creation_expression":
		e.Kind, e.Text, e.Args = unit.New, plain(n.Field("type")), x.args(n.Field("arguments"))
		if i := n.Field("initializer"); i.Ok() {
			e.Args = append(e.Args, unit.Expr{Kind: unit.Other, Line: line(i), Args: x.args(i)})
		}
	case "assignment_expression":
		e.Kind, e.X, e.Args = unit.Assign, x.ref(n.Field("left")), []unit.Expr{x.expr(n.Field("right"))}
		if n.Field("operator").Text() == "+=" {
			e.Text = "+="
		}
	case "binary_expression":
		switch n.Field("operator").Text() {
		case "+":
			e.Kind = unit.Concat
		case "??":
			e.Kind = unit.Cond
		}
		e.Args = []unit.Expr{x.expr(n.Field("left")), x.expr(n.Field("right"))}
	case "conditional_expression":
		e.Kind, e.X, e.Args = unit.Cond, x.ref(n.Field("condition")), []unit.Expr{x.expr(n.Field("consequence")), x.expr(n.Field("alternative"))}
	case "lambda_expression", "anonymous_method_expression":
		e.Kind, e.Fn = unit.Func, &unit.Fn{Body: x.bodyOf(n.Field("body"))}
		if p := n.Field("parameters"); p.Kind() == "identifier" || p.Kind() == "implicit_parameter" {
			e.Fn.Params = []unit.Param{{Name: p.Text()}}
		} else {
			e.Fn.Params = x.params(p)
		}
	case "await_expression":
		for c := range n.Children() {
			if c.Kind() != "await" {
				e.Kind, e.X = unit.Await, x.ref(c)
			}
		}
	case "cast_expression":
		e.Kind, e.Text, e.X = unit.Cast, plain(n.Field("type")), x.ref(n.Field("value"))
	case "as_expression":
		e.Kind, e.Text, e.X = unit.Cast, plain(n.Field("right")), x.ref(n.Field("left"))
	case "typeof_expression":
		e.Kind, e.Text = unit.TypeOf, plain(n.Field("type"))
	case "array_creation_expression", "implicit_array_creation_expression", "collection_expression", "initializer_expression":
		e.Kind = unit.Array
		for c := range n.Children() {
			if k := c.Kind(); k != "array_type" {
				e.Args = append(e.Args, x.expr(c))
			}
		}
	case "parenthesized_expression":
		return x.expr(n.First())
	case "postfix_unary_expression": // x!
		e.Kind, e.Text, e.X = unit.Other, "same", x.ref(n.First())
	case "comment":
	default:
		for c := range n.Children() {
			if a := x.expr(c); a.Kind != unit.Lit && !(a.Kind == unit.Other && len(a.Args) == 0 && a.X == nil) {
				e.Args = append(e.Args, a)
			}
		}
	}
	return e
}

// graft puts what stands before a ?. where the rest begins.
func graft(rest, on unit.Expr) unit.Expr {
	p := &rest
	for p.X != nil {
		p = p.X
	}
	if p.Kind == unit.Call || p.Kind == unit.Member {
		p.X = &on
	}
	return rest
}

func line(n syntax.Node) int32 { return int32(n.Line()) } //nolint:gosec // files have fewer lines
