package python

import (
	"github.com/ashlar-dev/ashlar/design/discover/treesource/tree"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
	"github.com/ashlar-dev/ashlar/formats/syntax"
)

func (x *extractor) args(n syntax.Node) []unit.Expr {
	var out []unit.Expr
	for c := range n.Children() {
		if c.Kind() == "keyword_argument" {
			out = append(out, unit.Expr{Kind: unit.Pair, Line: tree.Line(c), Text: c.Field("name").Text(), X: x.Ref(c.Field("value"))})
			continue
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
		e.Kind, e.Text, e.X = unit.Member, n.Field("attribute").Text(), x.Ref(n.Field("object"))
	case "call":
		f := n.Field("function")
		e.Kind = unit.Call
		if f.Kind() == "attribute" {
			e.Text, e.X, e.Line = f.Field("attribute").Text(), x.Ref(f.Field("object")), tree.Line(f.Field("attribute"))
		} else {
			e.Text = f.Text()
		}
		e.Args = x.args(n.Field("arguments"))
	case "assignment", "augmented_assignment":
		r := n.Field("right")
		if !r.Ok() {
			return e
		}
		e.Kind, e.X, e.Args = unit.Assign, x.Ref(n.Field("left")), []unit.Expr{x.expr(r)}
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
		e.Kind, e.Fn = unit.Func, &unit.Fn{Body: []unit.Stmt{{Kind: unit.Return, Line: tree.Line(n), X: &body}}}
		for p := range n.Field("parameters").Children() {
			e.Fn.Params = append(e.Fn.Params, unit.Param{Name: p.Text()})
		}
	case "await":
		e.Kind, e.X = unit.Await, x.Ref(valueOf(n))
	case "list", "tuple", "set":
		e.Kind, e.Args = unit.Array, x.args(n)
	case "dictionary":
		e.Kind = unit.Object
		for p := range n.Children() {
			if p.Kind() == "pair" {
				k := x.expr(p.Field("key"))
				e.Args = append(e.Args, unit.Expr{Kind: unit.Pair, Text: k.Text, X: x.Ref(p.Field("value")), Line: tree.Line(p)})
			}
		}
	case "parenthesized_expression":
		return x.expr(n.First())
	case "conditional_expression":
		e.Kind, e.Args = unit.Cond, x.args(n)
	case "keyword_argument":
		e.Kind, e.Text, e.X = unit.Pair, n.Field("name").Text(), x.Ref(n.Field("value"))
	case "subscript":
		e.Kind, e.X = unit.Other, x.Ref(n.Field("value"))
		if v := n.Field("subscript"); v.Kind() == "string" && n.Field("value").Text() == "os.environ" {
			return unit.Expr{Kind: unit.Call, Text: "getenv", Line: tree.Line(n), Args: []unit.Expr{x.expr(v)}}
		}
	case "list_comprehension", "generator_expression", "set_comprehension", "dictionary_comprehension":
		body := x.expr(n.Field("body"))
		e.Kind, e.Text = unit.Call, "map"
		e.Args = []unit.Expr{{Kind: unit.Func, Line: tree.Line(n), Fn: &unit.Fn{Body: []unit.Stmt{{Kind: unit.Loop, Line: tree.Line(n), Body: []unit.Stmt{{Kind: unit.Do, Line: tree.Line(n), X: &body}}}}}}}
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
	e := unit.Expr{Kind: unit.Str, Line: tree.Line(n)}
	var parts []unit.Expr
	for c := range n.Children() {
		switch c.Kind() {
		case "string_content":
			parts = append(parts, unit.Expr{Kind: unit.Str, Line: tree.Line(c), Text: c.Text()})
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
