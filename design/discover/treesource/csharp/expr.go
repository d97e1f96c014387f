package csharp

import (
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/tree"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
	"github.com/ashlar-dev/ashlar/formats/syntax"
)

// named is a name without its type arguments; those of a call become values,
// so that Get<Order>() is known to give an Order.
func named(n syntax.Node) (string, []unit.Expr) {
	if n.Kind() != "generic_name" {
		return n.Text(), nil
	}
	var types []unit.Expr
	for a := range n.Child("type_argument_list").Children() {
		types = append(types, unit.Expr{Kind: unit.TypeOf, Text: plain(a), Line: tree.Line(a)})
	}
	return n.Child("identifier").Text(), types
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

func (x *extractor) expr(n syntax.Node) unit.Expr {
	defer x.Up()
	e := unit.Expr{Line: tree.Line(n)}
	if !x.Deeper() {
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
				e.Args = append(e.Args, unit.Expr{Kind: unit.Str, Line: tree.Line(c), Text: c.Text()})
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
		e.Kind, e.X = unit.Member, x.Ref(n.Field("expression"))
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
			e.X, e.Line = x.Ref(f.Field("expression")), tree.Line(f.Field("name"))
			e.Text, types = named(f.Field("name"))
		case "member_binding_expression":
			e.Text, types = named(f.Field("name"))
		case "identifier", "generic_name":
			e.Text, types = named(f)
		default:
			e.X = x.Ref(f)
		}
		e.Args = append(x.args(n.Field("arguments")), types...)
	case "object_creation_expression", "implicit_object_creation_expression":
		e.Kind, e.Text, e.Args = unit.New, plain(n.Field("type")), x.args(n.Field("arguments"))
		if i := n.Field("initializer"); i.Ok() {
			e.Args = append(e.Args, unit.Expr{Kind: unit.Other, Line: tree.Line(i), Args: x.args(i)})
		}
	case "assignment_expression":
		e.Kind, e.X, e.Args = unit.Assign, x.Ref(n.Field("left")), []unit.Expr{x.expr(n.Field("right"))}
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
		e.Kind, e.X, e.Args = unit.Cond, x.Ref(n.Field("condition")), []unit.Expr{x.expr(n.Field("consequence")), x.expr(n.Field("alternative"))}
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
				e.Kind, e.X = unit.Await, x.Ref(c)
			}
		}
	case "cast_expression":
		e.Kind, e.Text, e.X = unit.Cast, plain(n.Field("type")), x.Ref(n.Field("value"))
	case "as_expression":
		e.Kind, e.Text, e.X = unit.Cast, plain(n.Field("right")), x.Ref(n.Field("left"))
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
		e.Kind, e.Text, e.X = unit.Other, "same", x.Ref(n.First())
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
