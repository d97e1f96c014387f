package gosource

import (
	"go/ast"
	"go/types"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
)

// unknownLimit is the text of a context that has a limit which only the running
// program knows; a known one is its nanoseconds, and no text is no limit.
const unknownLimit = "?"

// isContext reports whether a type is context.Context.
func isContext(t types.Type) bool {
	n := named(t)
	return n != nil && n.Obj().Name() == "Context" && pkgOf(n.Obj()) == "context"
}

// limit evaluates a context to the text of its limit: what this function puts on
// it, or the mark of the parameter that it comes from, which callers fill in.
func (f *fn) limit(e ast.Expr) string {
	d, known, limited := f.deadline(e)
	switch {
	case known && d > 0:
		return strconv.FormatInt(int64(d), 10)
	case limited:
		return unknownLimit
	}
	for range 6 {
		switch x := ast.Unparen(e).(type) {
		case *ast.CallExpr: // context.WithValue(ctx, …), metadata.NewOutgoingContext(ctx, …)
			o := f.callee(x)
			if o == nil || len(x.Args) == 0 || !isContext(f.info.TypeOf(x.Args[0])) {
				return ""
			}
			e = x.Args[0]
			continue
		case *ast.Ident:
			o := f.object(x)
			if o == nil {
				return ""
			}
			if t, ok := f.bind[o]; ok {
				return t
			}
			last, found := def{}, false
			for _, d := range f.defs[o] {
				if d.pos < e.Pos() && d.n == 0 {
					last, found = d, true
				}
			}
			if !found {
				if i, ok := f.params[o]; ok {
					return markParam(f.id, i)
				}
				return ""
			}
			e = last.expr
			continue
		}
		return ""
	}
	return ""
}

// handed names what a function gives the j-th parameter of the function that is its
// own i-th.
func handed(to code.MethodID, i, j int) string {
	return string(to) + "!" + itoa(i) + "." + itoa(j)
}

// callback: the contexts of a closure that is passed on are those that the function
// which it is passed to gives it.
func (f *fn) callback(to code.MethodID, i int, arg ast.Expr) {
	l, ok := ast.Unparen(arg).(*ast.FuncLit)
	if !ok {
		return
	}
	j := 0
	for _, p := range l.Type.Params.List {
		for _, name := range p.Names {
			if o := f.info.Defs[name]; o != nil && isContext(o.Type()) {
				f.bind[o] = markVar(handed(to, i, j))
			}
			j++
		}
	}
}

// calledBack notes what a function gives the functions that it is passed.
func (f *fn) calledBack(e *ast.CallExpr) {
	i, ok := f.params[f.object(e.Fun)]
	if !ok {
		return
	}
	for j, a := range e.Args {
		if isContext(f.info.TypeOf(a)) {
			if t := f.limit(a); t != "" {
				f.sum.Vars = append(f.sum.Vars, assignment{handed(f.id, i, j), t})
			}
		}
	}
}

// limitOf is the limit that all callers put on a client's context: the longest of
// them, and none where one of them puts none.
func (p *program) limitOf(c client) (arch.Opt[time.Duration], bool) {
	if !strings.Contains(c.Context, markStart) {
		return arch.Opt[time.Duration]{}, false
	}
	longest, all := time.Duration(0), true
	for _, f := range p.resolve(c.Context) {
		switch ns, err := strconv.ParseInt(f.text, 10, 64); {
		case err == nil:
			longest = max(longest, time.Duration(ns))
		case f.text == unknownLimit:
			all = false
		default:
			return arch.Opt[time.Duration]{}, false
		}
	}
	if all && longest > 0 {
		return arch.Some(longest), true
	}
	return arch.Opt[time.Duration]{}, true
}

// duration evaluates a constant length of time; limited is true for one that
// only the running program knows.
func (w *walker) duration(e ast.Expr) (d time.Duration, known, limited bool) {
	if e == nil {
		return 0, false, false
	}
	if tv, ok := w.info.Types[e]; ok && tv.Value != nil {
		if i, ok := intVal(tv.Value); ok {
			return time.Duration(i), true, i > 0
		}
	}
	if o := w.object(e); o != nil {
		if in := w.inits[o]; len(in) == 1 {
			if tv, ok := w.info.Types[in[0]]; ok && tv.Value != nil {
				if i, ok := intVal(tv.Value); ok {
					return time.Duration(i), true, i > 0
				}
			}
		}
	}
	return 0, false, true
}

// deadline finds the limit that this function puts on a context.
func (f *fn) deadline(e ast.Expr) (d time.Duration, known, limited bool) {
	for range 6 {
		c, ok := ast.Unparen(e).(*ast.CallExpr)
		if !ok {
			o := f.object(e)
			if o == nil {
				return 0, false, false
			}
			ds := slices.Clone(f.defs[o])
			slices.Reverse(ds)
			i := slices.IndexFunc(ds, func(d def) bool { return d.pos < e.Pos() && d.n == 0 })
			if i < 0 {
				return 0, false, false
			}
			e = ds[i].expr
			continue
		}
		o := f.callee(c)
		if o == nil || o.Pkg() == nil || len(c.Args) == 0 {
			return 0, false, false
		}
		switch name := o.Name(); {
		case o.Pkg().Path() == "context" && strings.HasPrefix(name, "WithTimeout") && len(c.Args) > 1:
			return f.duration(c.Args[1])
		case o.Pkg().Path() == "context" && strings.HasPrefix(name, "WithDeadline"):
			return 0, false, true
		case o.Pkg().Path() == "context", strings.Contains(name, "Context"):
			e = c.Args[0]
		default:
			return 0, false, false
		}
	}
	return 0, false, false
}
