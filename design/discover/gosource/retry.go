package gosource

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

type retrySpan struct {
	span
	tries int
}

// retryLoop: a loop whose counter is not used for anything but counting and which
// ends when a call went well is a retry and no loop over data.
func (f *fn) retryLoop(n *ast.ForStmt) (tries int, ok bool) {
	if n.Post == nil && n.Cond != nil || n.Body == nil {
		return 0, false
	}
	var counter types.Object
	if a, is := n.Init.(*ast.AssignStmt); is && len(a.Lhs) == 1 {
		counter = f.object(a.Lhs[0])
	}
	leaves, fails := false, false
	ast.Inspect(n.Body, func(x ast.Node) bool {
		switch x := x.(type) {
		case *ast.FuncLit:
			return false
		case *ast.IndexExpr:
			if o := f.object(x.Index); o != nil && o == counter {
				counter, fails = nil, true // it walks a list
			}
		case *ast.IfStmt:
			b, is := ast.Unparen(x.Cond).(*ast.BinaryExpr)
			if !is {
				return true
			}
			id, isID := ast.Unparen(b.X).(*ast.Ident)
			if isID && b.Op == token.EQL && strings.Contains(strings.ToLower(id.Name), "err") && ends(x.Body) {
				leaves = true
			}
			if isID && b.Op == token.LAND { // err == nil && status …
				return true
			}
			if l, is := ast.Unparen(b.X).(*ast.BinaryExpr); is && b.Op == token.LAND && l.Op == token.EQL {
				if id, is := ast.Unparen(l.X).(*ast.Ident); is && strings.Contains(strings.ToLower(id.Name), "err") && ends(x.Body) {
					leaves = true
				}
			}
		}
		return true
	})
	if !leaves || fails {
		return 0, false
	}
	if b, is := n.Cond.(*ast.BinaryExpr); is {
		if tv, has := f.info.Types[b.Y]; has && tv.Value != nil {
			if i, exact := intVal(tv.Value); exact && tv.Value.Kind() != constant.Unknown {
				tries = int(i)
				if b.Op == token.LEQ {
					tries++
				}
				if a, is := n.Init.(*ast.AssignStmt); is && len(a.Rhs) == 1 {
					if tv, has := f.info.Types[a.Rhs[0]]; has && tv.Value != nil {
						if from, exact := intVal(tv.Value); exact {
							tries -= int(from)
						}
					}
				}
			}
		}
	}
	return tries, true
}

// ends reports whether a block leaves the loop.
func ends(b *ast.BlockStmt) bool {
	if len(b.List) == 0 {
		return false
	}
	switch s := b.List[len(b.List)-1].(type) {
	case *ast.ReturnStmt:
		return true
	case *ast.BranchStmt:
		return s.Tok == token.BREAK
	}
	return false
}
