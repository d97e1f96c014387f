// Package tree is what the extractors of all languages do alike when they read
// bodies: blocks of statements, expressions that stand alone, and a bound on how
// deep a tree is followed. A language adds its own statements and expressions.
package tree

import (
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
	"github.com/ashlar-dev/ashlar/formats/syntax"
)

// depthMax bounds how deep statements and expressions are followed.
const depthMax = 800

// Reader reads bodies by what a language gives it.
type Reader struct {
	// Stmt appends what a statement says.
	Stmt func(out []unit.Stmt, n syntax.Node) []unit.Stmt
	// Expr reads an expression.
	Expr func(n syntax.Node) unit.Expr
	// Prose: a text that stands alone is for people, and says nothing.
	Prose bool

	depth int
}

// Deeper goes one level down and reports whether that is still followed; [Reader.Up]
// comes back, in either case.
func (r *Reader) Deeper() bool { r.depth++; return r.depth <= depthMax }

// Up is the end of what [Reader.Deeper] began.
func (r *Reader) Up() { r.depth-- }

// Block reads the statements of a node.
func (r *Reader) Block(n syntax.Node) []unit.Stmt {
	var out []unit.Stmt
	for c := range n.Children() {
		out = r.Stmt(out, c)
	}
	return out
}

// Do appends an expression that stands alone, unless it does nothing.
func (r *Reader) Do(out []unit.Stmt, n syntax.Node) []unit.Stmt {
	if !n.Ok() {
		return out
	}
	e := r.Expr(n)
	if Idle(&e) || e.Kind == unit.Str && r.Prose {
		return out
	}
	return append(out, unit.Stmt{Kind: unit.Do, Line: Line(n), X: &e})
}

// Idle reports whether an expression does nothing and names nothing.
func Idle(e *unit.Expr) bool {
	return e.Kind == unit.Lit || e.Kind == unit.Other && len(e.Args) == 0 && e.X == nil
}

// Ref reads an expression that may be missing.
func (r *Reader) Ref(n syntax.Node) *unit.Expr {
	if !n.Ok() {
		return nil
	}
	e := r.Expr(n)
	return &e
}

// Returns appends what a statement gives back: all of its parts but its words.
func (r *Reader) Returns(out []unit.Stmt, n syntax.Node, words ...string) []unit.Stmt {
	for c := range n.Children() {
		if !word(c.Kind(), words) {
			e := r.Expr(c)
			out = append(out, unit.Stmt{Kind: unit.Return, Line: Line(n), X: &e})
		}
	}
	return out
}

func word(kind string, words []string) bool {
	for _, w := range words {
		if kind == w {
			return true
		}
	}
	return false
}

// Line of a node.
func Line(n syntax.Node) int32 { return int32(n.Line()) } //nolint:gosec // files have fewer lines
