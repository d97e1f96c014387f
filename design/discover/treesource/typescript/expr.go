package typescript

import (
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/tree"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
	"github.com/ashlar-dev/ashlar/formats/syntax"
)

func (x *extractor) args(n syntax.Node) []unit.Expr {
	var out []unit.Expr
	for c := range n.Children() {
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
	case "string":
		e.Kind, e.Text = unit.Str, strings.Trim(n.Text(), `"'`)
	case "template_string":
		return x.template(n)
	case "number", "true", "false", "null", "undefined", "regex":
		e.Kind, e.Text = unit.Lit, n.Text()
	case "identifier", "this", "super", "shorthand_property_identifier", "property_identifier":
		e.Kind, e.Text = unit.Name, n.Text()
	case "member_expression":
		e.Kind, e.Text, e.X = unit.Member, n.Field("property").Text(), x.Ref(n.Field("object"))
	case "call_expression":
		f := n.Field("function")
		e.Kind = unit.Call
		switch f.Kind() {
		case "member_expression":
			e.Text, e.X, e.Line = f.Field("property").Text(), x.Ref(f.Field("object")), tree.Line(f.Field("property"))
		case "identifier", "super", "import":
			e.Text = f.Text()
		default:
			e.X = x.Ref(f)
		}
		if a := n.Field("arguments"); a.Kind() == "template_string" { // sql`...`
			e.Args = []unit.Expr{x.template(a)}
		} else {
			e.Args = x.args(a)
		}
	case "new_expression":
		e.Kind, e.Text, e.Args = unit.New, n.Field("constructor").Text(), x.args(n.Field("arguments"))
	case "assignment_expression", "augmented_assignment_expression":
		e.Kind, e.X, e.Args = unit.Assign, x.Ref(n.Field("left")), []unit.Expr{x.expr(n.Field("right"))}
		if n.Field("operator").Text() == "+=" {
			e.Text = "+="
		}
	case "binary_expression":
		switch n.Field("operator").Text() {
		case "+":
			e.Kind = unit.Concat
		case "||", "??":
			e.Kind = unit.Cond
		}
		e.Args = []unit.Expr{x.expr(n.Field("left")), x.expr(n.Field("right"))}
	case "ternary_expression":
		e.Kind, e.X, e.Args = unit.Cond, x.Ref(n.Field("condition")), []unit.Expr{x.expr(n.Field("consequence")), x.expr(n.Field("alternative"))}
	case "arrow_function", "function_expression", "function":
		e.Kind, e.Fn = unit.Func, &unit.Fn{Params: x.params(n), Body: x.bodyOf(n.Field("body")), Async: n.Child("async").Ok()}
	case "await_expression":
		for c := range n.Children() {
			if c.Kind() != "await" {
				e.Kind, e.X = unit.Await, x.Ref(c)
			}
		}
	case "array":
		e.Kind, e.Args = unit.Array, x.args(n)
	case "object":
		e.Kind = unit.Object
		for p := range n.Children() {
			switch p.Kind() {
			case "pair":
				e.Args = append(e.Args, unit.Expr{Kind: unit.Pair, Line: tree.Line(p), Text: strings.Trim(p.Field("key").Text(), `"'`), X: x.Ref(p.Field("value"))})
			case "shorthand_property_identifier":
				v := unit.Expr{Kind: unit.Name, Text: p.Text(), Line: tree.Line(p)}
				e.Args = append(e.Args, unit.Expr{Kind: unit.Pair, Line: tree.Line(p), Text: p.Text(), X: &v})
			case "method_definition":
				m := x.function(p, p.Field("name").Text(), nil)
				v := unit.Expr{Kind: unit.Func, Line: tree.Line(p), Fn: &unit.Fn{Params: m.Params, Body: m.Body}}
				e.Args = append(e.Args, unit.Expr{Kind: unit.Pair, Line: tree.Line(p), Text: m.Name, X: &v})
			default:
				e.Args = append(e.Args, x.expr(p))
			}
		}
	case "as_expression", "satisfies_expression", "non_null_expression":
		e.Kind, e.Text, e.X = unit.Other, "same", x.Ref(n.First())
	case "parenthesized_expression":
		return x.expr(n.First())
	case "comment", "type_arguments":
	default:
		for c := range n.Children() {
			if a := x.expr(c); a.Kind != unit.Lit && !(a.Kind == unit.Other && len(a.Args) == 0 && a.X == nil) {
				e.Args = append(e.Args, a)
			}
		}
	}
	return e
}

func (x *extractor) template(n syntax.Node) unit.Expr {
	e := unit.Expr{Kind: unit.Concat, Line: tree.Line(n)}
	for c := range n.Children() {
		switch c.Kind() {
		case "string_fragment", "escape_sequence":
			e.Args = append(e.Args, unit.Expr{Kind: unit.Str, Line: tree.Line(c), Text: c.Text()})
		case "template_substitution":
			e.Args = append(e.Args, x.expr(c.First()))
		}
	}
	if len(e.Args) == 0 {
		e.Kind, e.Text = unit.Str, strings.Trim(n.Text(), "`")
	}
	return e
}
