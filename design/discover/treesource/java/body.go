package java

import (
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
	"github.com/ashlar-dev/ashlar/formats/syntax"
)

func (x *extractor) block(n syntax.Node) []unit.Stmt {
	var out []unit.Stmt
	for c := range n.Children() {
		out = x.stmt(out, c)
	}
	return out
}

func (x *extractor) deeper() bool { x.depth++; return x.depth <= depthMax }

// stmt appends what the statement does.
func (x *extractor) stmt(out []unit.Stmt, n syntax.Node) []unit.Stmt {
	defer func() { x.depth-- }()
	if !x.deeper() {
		return out
	}
	nested := func(kind uint8, head []unit.Stmt, bodies ...syntax.Node) {
		s := unit.Stmt{Kind: kind, Line: line(n), Body: head}
		for _, b := range bodies {
			if b.Ok() {
				s.Body = x.stmt(s.Body, b)
			}
		}
		out = append(out, s)
	}
	switch n.Kind() {
	case "block", "constructor_body", "labeled_statement", "parenthesized_expression", "finally_clause":
		for c := range n.Children() {
			out = x.stmt(out, c)
		}
	case "local_variable_declaration":
		out = x.locals(out, n)
	case "expression_statement":
		out = x.do(out, n.First())
	case "return_statement", "yield_statement":
		if v := valueIn(n); v.Ok() {
			e := x.expr(v)
			out = append(out, unit.Stmt{Kind: unit.Return, Line: line(n), X: &e})
		}
	case "throw_statement":
		out = x.do(out, valueIn(n))
	case "if_statement":
		out = x.do(out, n.Field("condition"))
		nested(unit.Branch, nil, n.Field("consequence"))
		if alt := n.Field("alternative"); alt.Ok() {
			nested(unit.Branch, nil, alt)
		}
	case "while_statement", "do_statement":
		nested(unit.Loop, x.do(nil, n.Field("condition")), n.Field("body"))
	case "for_statement":
		for c := range n.Children() {
			if c.In() == "init" {
				out = x.stmt(out, c)
			}
		}
		nested(unit.Loop, x.do(x.do(nil, n.Field("condition")), n.Field("update")), n.Field("body"))
	case "enhanced_for_statement":
		e := x.expr(n.Field("value"))
		out = append(out, unit.Stmt{Kind: unit.Do, Line: line(n), X: &e})
		item := unit.Expr{Kind: unit.Other, Text: "each", X: &e, Line: line(n)}
		nested(unit.Loop, []unit.Stmt{{Kind: unit.Local, Line: line(n), Name: n.Field("name").Text(), Type: plain(n.Field("type")), X: &item}}, n.Field("body"))
	case "try_statement", "try_with_resources_statement":
		out = x.try(out, n)
	case "switch_expression", "switch_statement":
		out = x.do(out, n.Field("condition"))
		for g := range n.Field("body").Children() {
			nested(unit.Branch, nil, childrenOf(g)...)
		}
	case "synchronized_statement":
		nested(unit.Sync, nil, n.Field("body"))
	case "explicit_constructor_invocation":
		e := unit.Expr{Kind: unit.Call, Line: line(n), Text: n.Field("constructor").Text(), Args: x.args(n.Field("arguments"))}
		out = append(out, unit.Stmt{Kind: unit.Do, Line: line(n), X: &e})
	case "class_declaration", "interface_declaration", "record_declaration", "enum_declaration": // local types are rare, and nobody else can name them
		x.typ(n, "")
	case "switch_label", "break_statement", "continue_statement", "comment":
	default:
		out = x.do(out, n)
	}
	return out
}

func childrenOf(n syntax.Node) []syntax.Node {
	var out []syntax.Node
	for c := range n.Children() {
		if c.Kind() != "switch_label" {
			out = append(out, c)
		}
	}
	return out
}

// valueIn is the value that a return or throw carries: what is no keyword.
func valueIn(n syntax.Node) syntax.Node {
	for c := range n.Children() {
		switch c.Kind() {
		case "return", "throw", "yield":
		default:
			return c
		}
	}
	return syntax.Node{}
}

func (x *extractor) locals(out []unit.Stmt, n syntax.Node) []unit.Stmt {
	typ := plain(n.Field("type"))
	for d := range n.Children() {
		if d.Kind() != "variable_declarator" {
			continue
		}
		s := unit.Stmt{Kind: unit.Local, Line: line(d), Name: d.Field("name").Text(), Type: typ + d.Field("dimensions").Text()}
		if v := d.Field("value"); v.Ok() {
			e := x.expr(v)
			s.X = &e
		}
		out = append(out, s)
	}
	return out
}

func (x *extractor) try(out []unit.Stmt, n syntax.Node) []unit.Stmt {
	body := unit.Stmt{Kind: unit.Try, Line: line(n)}
	for r := range n.Field("resources").Children() {
		if r.Field("name").Ok() {
			e := x.expr(r.Field("value"))
			body.Body = append(body.Body, unit.Stmt{Kind: unit.Local, Line: line(r), Name: r.Field("name").Text(), Type: plain(r.Field("type")), X: &e})
		}
	}
	body.Body = x.stmt(body.Body, n.Field("body"))
	out = append(out, body)
	for c := range n.Children() {
		switch c.Kind() {
		case "catch_clause":
			s := unit.Stmt{Kind: unit.Catch, Line: line(c)}
			p := c.Child("catch_formal_parameter")
			s.Body = append(s.Body, unit.Stmt{Kind: unit.Local, Line: line(c), Name: p.Field("name").Text(), Type: plain(p.Child("catch_type"))})
			s.Body = x.stmt(s.Body, c.Field("body"))
			out = append(out, s)
		case "finally_clause":
			out = x.stmt(out, c)
		}
	}
	return out
}

// do appends an expression that is evaluated, if it does anything.
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

func (x *extractor) args(n syntax.Node) []unit.Expr {
	var out []unit.Expr
	for c := range n.Children() {
		out = append(out, x.expr(c))
	}
	return out
}

func (x *extractor) ref(n syntax.Node) *unit.Expr {
	if !n.Ok() {
		return nil
	}
	e := x.expr(n)
	return &e
}

func (x *extractor) expr(n syntax.Node) unit.Expr {
	defer func() { x.depth-- }()
	e := unit.Expr{Line: line(n)}
	if !x.deeper() {
		return e
	}
	switch n.Kind() {
	case "string_literal", "text_block":
		e.Kind, e.Text = unit.Str, unquote(n.Text())
	case "decimal_integer_literal", "hex_integer_literal", "octal_integer_literal", "binary_integer_literal", "decimal_floating_point_literal", "true", "false", "null_literal", "character_literal":
		e.Kind, e.Text = unit.Lit, n.Text()
	case "identifier", "this", "super", "type_identifier", "scoped_type_identifier", "generic_type":
		e.Kind, e.Text = unit.Name, n.Text()
	case "field_access":
		e.Kind, e.Text, e.X = unit.Member, n.Field("field").Text(), x.ref(n.Field("object"))
	case "scoped_identifier":
		e.Kind, e.Text, e.X = unit.Member, n.Field("name").Text(), x.ref(n.Field("scope"))
	case "method_invocation":
		e.Kind, e.Text, e.X, e.Args = unit.Call, n.Field("name").Text(), x.ref(n.Field("object")), x.args(n.Field("arguments"))
		e.Line = line(n.Field("name")) // of a chain over several lines, where this call stands
	case "object_creation_expression":
		e.Kind, e.Text, e.Args = unit.New, plain(n.Field("type")), x.args(n.Field("arguments"))
		e.Args = append(e.Args, x.anonymous(n.Child("class_body"))...)
	case "array_creation_expression":
		e.Kind = unit.Array
		e.Args = x.args(n.Field("value"))
	case "array_initializer", "element_value_array_initializer":
		e.Kind, e.Args = unit.Array, x.args(n)
	case "class_literal":
		e.Kind, e.Text = unit.TypeOf, plain(n.First())
	case "lambda_expression":
		e.Kind, e.Fn = unit.Func, x.lambda(n)
	case "method_reference":
		e.Kind, e.X = unit.FuncOf, x.ref(n.First())
		for c := range n.Children() {
			e.Text = c.Text()
		}
	case "cast_expression":
		e.Kind, e.Text, e.X = unit.Cast, plain(n.Field("type")), x.ref(n.Field("value"))
	case "assignment_expression":
		e.Kind, e.X, e.Args = unit.Assign, x.ref(n.Field("left")), []unit.Expr{x.expr(n.Field("right"))}
		if n.Field("operator").Text() == "+=" {
			e.Text = "+="
		}
	case "binary_expression":
		return x.binary(n)
	case "ternary_expression":
		e.Kind = unit.Cond
		e.Args = []unit.Expr{x.expr(n.Field("consequence")), x.expr(n.Field("alternative"))}
		e.X = x.ref(n.Field("condition"))
	case "parenthesized_expression":
		return x.expr(n.First())
	case "annotation", "marker_annotation": // inside another annotation
		m := x.mark(n)
		e.Kind, e.Text = unit.New, m.Name
		for i := range m.Args {
			e.Args = append(e.Args, unit.Expr{Kind: unit.Pair, Text: m.Args[i].Name, X: &m.Args[i].Value})
		}
	case "switch_expression":
		e.Args = append(e.Args, unit.Expr{Kind: unit.Func, Fn: &unit.Fn{Body: x.stmt(nil, n)}})
	case "asterisk", "comment":
	default:
		for c := range n.Children() {
			if a := x.expr(c); a.Kind != unit.Lit {
				e.Args = append(e.Args, a)
			}
		}
	}
	return e
}

// binary reads a chain of operators from the left without going deep: long
// texts are put together by hundreds of them.
func (x *extractor) binary(n syntax.Node) unit.Expr {
	e := unit.Expr{Line: line(n)}
	if n.Field("operator").Text() == "+" {
		e.Kind = unit.Concat
	}
	var right []syntax.Node
	for n.Kind() == "binary_expression" && (n.Field("operator").Text() == "+") == (e.Kind == unit.Concat) {
		right = append(right, n.Field("right"))
		n = n.Field("left")
	}
	e.Line = line(n)
	e.Args = append(e.Args, x.expr(n))
	for i := len(right) - 1; i >= 0; i-- {
		e.Args = append(e.Args, x.expr(right[i]))
	}
	return e
}

func (x *extractor) lambda(n syntax.Node) *unit.Fn {
	fn := &unit.Fn{}
	p := n.Field("parameters")
	switch p.Kind() {
	case "identifier":
		fn.Params = []unit.Param{{Name: p.Text()}}
	default:
		fn.Params = x.params(p)
	}
	body := n.Field("body")
	if body.Kind() == "block" {
		fn.Body = x.block(body)
	} else {
		e := x.expr(body)
		fn.Body = []unit.Stmt{{Kind: unit.Return, Line: line(body), X: &e}}
	}
	return fn
}

// anonymous gives the methods of an anonymous class as functions.
func (x *extractor) anonymous(body syntax.Node) []unit.Expr {
	var out []unit.Expr
	for m := range body.Children() {
		if m.Kind() == "method_declaration" {
			d := x.method(m)
			out = append(out, unit.Expr{Kind: unit.Func, Line: line(m), Fn: &unit.Fn{Name: d.Name, Params: d.Params, Body: d.Body}})
		}
	}
	return out
}

// Tests reports whether a path is one of tests.
func Tests(path string) bool {
	return strings.Contains(path, "/src/test/") || strings.Contains(path, "/src/it/") || strings.Contains(path, "/src/integrationTest/")
}
