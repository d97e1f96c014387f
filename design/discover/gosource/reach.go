package gosource

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// order notes what decides which of two statements runs first.
func (f *fn) order(n ast.Node) {
	switch n := n.(type) {
	case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
		f.blocks = append(f.blocks, span{n.Pos(), n.End()})
	case *ast.ForStmt, *ast.RangeStmt:
		f.again = append(f.again, span{n.Pos(), n.End()})
	case *ast.FuncLit:
		f.again = append(f.again, span{n.Pos(), n.End()})
	}
}

// reaching lists the definitions that a use of a local variable may see. One that
// stands before the use, in a block around it, replaces all earlier ones, the
// parameter among them: a connection that is dialled into the same variable once
// for each client is another one each time. What stands behind the use counts
// where a loop or a closure may bring it there first.
func (f *fn) reaching(o types.Object, at token.Pos) (ds []def, replaced bool) {
	ds = f.defs[o]
	if !at.IsValid() {
		return ds, false
	}
	last := -1
	for i, d := range ds {
		if d.pos < at && !d.add && f.block(d.pos).holds(at) && !f.refers(d.expr, o) {
			last = i
		}
	}
	if last < 0 {
		return ds, false
	}
	back := slices.ContainsFunc(f.again, func(s span) bool { return s.holds(at) && !s.holds(ds[last].pos) })
	out := slices.Clone(ds[last:])
	return slices.DeleteFunc(out, func(d def) bool { return d.pos > at && !back }), true
}

// block is the innermost one around a place; none holds nothing.
func (f *fn) block(p token.Pos) span {
	var in span
	for _, s := range f.blocks {
		if s.holds(p) && (in == span{} || s.to-s.from < in.to-in.from) {
			in = s
		}
	}
	return in
}
