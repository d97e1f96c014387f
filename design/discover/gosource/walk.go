package gosource

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
)

// walker summarizes one package.
type walker struct {
	w    *world
	p    *pkg
	pkg  *types.Package
	info *types.Info
	sum  *summary
	gen  map[*ast.File]bool
	// fields are what is assigned to fields and variables of the package, for
	// values that are no texts: clients with their timeouts.
	inits map[types.Object][]ast.Expr
	own   map[*ast.FuncLit]bool // closures that are methods of their own
	addrs map[types.Object]bool // variables whose address is passed on
}

// fn is the function that is being read.
type fn struct {
	*walker
	id     code.MethodID
	body   *ast.BlockStmt
	params map[types.Object]int
	bind   map[types.Object]string // parameters of closures that stand for a text
	defs   map[types.Object][]def
	loops  []span
	blocks []span // in which one statement follows the other
	again  []span // loops, whose end comes before their start, and closures, which run at any time
	retry  []retrySpan
	gos    []span
	txs    []txSpan
	calls  map[*ast.CallExpr]bool // callee expressions seen as calls
	verbs  map[*ast.CallExpr][]string
	eval_  map[types.Object]bool // being evaluated
	lits   int
}

type def struct {
	expr ast.Expr
	n    int // of several results
	add  bool
	pos  token.Pos
}

type span struct{ from, to token.Pos }

func (s span) holds(p token.Pos) bool { return s.from <= p && p < s.to }

type txSpan struct {
	span
	id string
}

func (w *walker) position(p token.Pos) code.Pos {
	x := w.w.fset.Position(p)
	return code.Pos{File: x.Filename, Line: x.Line, Col: x.Column}
}

// files walks all files of the package.
func (w *walker) files(fs []*ast.File) {
	w.own = map[*ast.FuncLit]bool{}
	w.inits, w.addrs = map[types.Object][]ast.Expr{}, map[types.Object]bool{}
	for _, f := range fs {
		ast.Inspect(f, w.collect)
	}
	w.declare(fs)
	for _, f := range fs {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Body != nil {
					w.function(d, w.gen[f])
				}
			case *ast.GenDecl:
				if d.Tok == token.VAR && !w.gen[f] {
					w.variables(d)
				}
			}
		}
	}
}

// collect notes what is assigned to which field or variable.
func (w *walker) collect(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CompositeLit:
		for _, e := range n.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				if k, ok := kv.Key.(*ast.Ident); ok {
					if o := w.info.Uses[k]; o != nil {
						w.inits[o] = append(w.inits[o], kv.Value)
					}
				}
			}
		}
	case *ast.AssignStmt:
		if len(n.Lhs) == len(n.Rhs) {
			for i, l := range n.Lhs {
				if o := w.object(l); o != nil {
					w.inits[o] = append(w.inits[o], n.Rhs[i])
				}
			}
		} else if len(n.Rhs) == 1 {
			if o := w.object(n.Lhs[0]); o != nil {
				w.inits[o] = append(w.inits[o], n.Rhs[0])
			}
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if o := w.info.Defs[name]; o != nil && i < len(n.Values) {
				w.inits[o] = append(w.inits[o], n.Values[i])
			}
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			if o := w.object(n.X); o != nil {
				w.addrs[o] = true
			}
		}
	}
	return true
}

// object is the variable or field that an expression names.
func (w *walker) object(e ast.Expr) types.Object {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if o := w.info.Defs[e]; o != nil {
			return o
		}
		return w.info.Uses[e]
	case *ast.SelectorExpr:
		return w.info.Uses[e.Sel]
	case *ast.StarExpr:
		return nil
	}
	return nil
}

// varID names a field of a type of this source, or a variable of a package; "" for
// what is local.
func (w *walker) varID(o types.Object, recv types.Type) string {
	v, ok := o.(*types.Var)
	if !ok || v.Pkg() == nil {
		return ""
	}
	switch {
	case v.IsField():
		if n := named(recv); n != nil && n.Obj().Pkg() != nil {
			return n.Obj().Pkg().Path() + "." + n.Obj().Name() + "." + v.Name()
		}
		return v.Pkg().Path() + ".?" + v.Name()
	case v.Parent() == v.Pkg().Scope():
		return v.Pkg().Path() + "." + v.Name()
	case w.addrs[o]:
		p := w.w.fset.Position(v.Pos())
		return v.Pkg().Path() + ".local." + v.Name() + "@" + p.Filename + ":" + itoa(p.Line)
	}
	return ""
}

func named(t types.Type) *types.Named {
	if t == nil {
		return nil
	}
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	n, _ := types.Unalias(t).(*types.Named)
	return n
}

// variables reads what the package's variables are set to.
func (w *walker) variables(d *ast.GenDecl) {
	f := &fn{walker: w, id: methodID(w.p.path, "", "init"), params: map[types.Object]int{}, bind: map[types.Object]string{}, defs: map[types.Object][]def{}, calls: map[*ast.CallExpr]bool{}, verbs: map[*ast.CallExpr][]string{}, eval_: map[types.Object]bool{}}
	used := false
	for _, s := range d.Specs {
		vs := s.(*ast.ValueSpec)
		for i, name := range vs.Names {
			if o := w.info.Defs[name]; o != nil && i < len(vs.Values) {
				w.assign(f, w.varID(o, nil), vs.Values[i])
			}
		}
		for _, v := range vs.Values {
			if _, basic := v.(*ast.BasicLit); !basic {
				used = true
				f.visit(v)
			}
		}
	}
	if used {
		if !w.hasMethod(f.id) {
			w.sum.Methods = append(w.sum.Methods, code.Method{ID: f.id, Type: code.TypeID(w.p.path), Name: "init", Pos: w.position(d.Pos()), Lines: 1})
		}
	}
}

func (w *walker) hasMethod(id code.MethodID) bool {
	for i := len(w.sum.Methods) - 1; i >= 0; i-- {
		if w.sum.Methods[i].ID == id {
			return true
		}
	}
	return false
}

func (w *walker) assign(f *fn, id string, e ast.Expr) {
	if id == "" {
		return
	}
	if v := f.text(e); !blank(v) {
		w.sum.Vars = append(w.sum.Vars, assignment{id, v})
	}
}

func methodID(pkg, typ, name string) code.MethodID {
	t := pkg
	if typ != "" {
		t += "." + typ
	}
	return code.MethodID(t + "#" + name)
}

// idOf names a function or method of any source; generic ones by their origin.
func idOf(o *types.Func) code.MethodID {
	o = o.Origin()
	if o.Pkg() == nil {
		return methodID("", "", o.Name())
	}
	sig, _ := o.Type().(*types.Signature)
	if sig == nil || sig.Recv() == nil {
		return methodID(o.Pkg().Path(), "", o.Name())
	}
	if n := named(sig.Recv().Type()); n != nil {
		return methodID(o.Pkg().Path(), n.Obj().Name(), o.Name())
	}
	return methodID(o.Pkg().Path(), "?", o.Name())
}

// function summarizes a function or method.
func (w *walker) function(d *ast.FuncDecl, gen bool) {
	o, _ := w.info.Defs[d.Name].(*types.Func)
	if o == nil {
		return
	}
	f := &fn{walker: w, id: idOf(o), body: d.Body, params: map[types.Object]int{}, bind: map[types.Object]string{}, defs: map[types.Object][]def{}, calls: map[*ast.CallExpr]bool{}, verbs: map[*ast.CallExpr][]string{}, eval_: map[types.Object]bool{}}
	sig := o.Type().(*types.Signature)
	for i := range sig.Params().Len() {
		f.params[sig.Params().At(i)] = i
	}
	if gen {
		w.generatedFunction(d, o)
		if !strings.Contains(string(w.fileHead(d)), "sqlc") {
			return
		}
	}
	m := code.Method{ID: f.id, Name: d.Name.Name, Pos: w.position(d.Name.Pos()), Lines: w.position(d.End()).Line - w.position(d.Pos()).Line + 1}
	m.Type, m.Params, m.Results = typeOfMethod(f.id), typeIDs(sig.Params()), typeIDs(sig.Results())
	f.prepare()
	f.visit(d.Body)
	m.Reads, m.Writes = f.fieldUse(sig)
	w.sum.Methods = append(w.sum.Methods, m)
}

func typeOfMethod(id code.MethodID) code.TypeID {
	t, _, _ := strings.Cut(string(id), "#")
	return code.TypeID(t)
}

func typeIDs(t *types.Tuple) []code.TypeID {
	var out []code.TypeID
	for i := range t.Len() {
		if id := typeID(t.At(i).Type()); id != "" {
			out = append(out, id)
		}
	}
	return out
}

// typeID names the type behind pointers, slices and the like; "" for basic ones.
func typeID(t types.Type) code.TypeID {
	for range 8 {
		switch x := types.Unalias(t).(type) {
		case *types.Pointer:
			t = x.Elem()
			continue
		case *types.Slice:
			t = x.Elem()
			continue
		case *types.Array:
			t = x.Elem()
			continue
		case *types.Map:
			t = x.Elem()
			continue
		case *types.Chan:
			t = x.Elem()
			continue
		case *types.Named:
			if x.Obj().Pkg() == nil {
				return ""
			}
			return code.TypeID(x.Obj().Pkg().Path() + "." + x.Obj().Name())
		}
		return ""
	}
	return ""
}

// fieldUse lists the fields of the receiver that a method reads and writes.
func (f *fn) fieldUse(sig *types.Signature) (reads, writes []string) {
	if sig.Recv() == nil {
		return nil, nil
	}
	r, wr, skip := map[string]bool{}, map[string]bool{}, map[ast.Node]bool{}
	field := func(e ast.Expr) (string, *ast.SelectorExpr) {
		if s, ok := ast.Unparen(e).(*ast.SelectorExpr); ok {
			if x, ok := ast.Unparen(s.X).(*ast.Ident); ok && f.info.Uses[x] == sig.Recv() {
				if v, ok := f.info.Uses[s.Sel].(*types.Var); ok && v.IsField() {
					return v.Name(), s
				}
			}
		}
		return "", nil
	}
	ast.Inspect(f.body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, l := range n.Lhs {
				if i, ok := ast.Unparen(l).(*ast.IndexExpr); ok {
					l = i.X
				}
				if name, s := field(l); s != nil {
					wr[name], skip[s] = true, true
				}
			}
		case *ast.IncDecStmt:
			if name, s := field(n.X); s != nil {
				wr[name] = true
			}
		case *ast.SelectorExpr:
			if name, s := field(n); s != nil && !skip[s] {
				r[name] = true
			}
		}
		return true
	})
	return sortedKeys(r), sortedKeys(wr)
}

// prepare finds definitions, loops, goroutines and transactions of a function.
func (f *fn) prepare() {
	ast.Inspect(f.body, func(n ast.Node) bool {
		f.order(n)
		switch n := n.(type) {
		case *ast.AssignStmt:
			f.definitions(n)
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if o := f.info.Defs[name]; o != nil && i < len(n.Values) {
					f.defs[o] = append(f.defs[o], def{n.Values[i], 0, false, n.Pos()})
				}
			}
		case *ast.ForStmt:
			if tries, ok := f.retryLoop(n); ok {
				f.retry = append(f.retry, retrySpan{span{n.Body.Pos(), n.Body.End()}, tries})
			} else if n.Cond != nil { // for { … } serves, and walks nothing
				f.loops = append(f.loops, span{n.Body.Pos(), n.Body.End()})
			}
		case *ast.RangeStmt:
			if t := f.info.TypeOf(n.X); t == nil || !isChan(t) {
				f.loops = append(f.loops, span{n.Body.Pos(), n.Body.End()})
			}
			f.rangeDef(n)
		case *ast.GoStmt:
			f.gos = append(f.gos, span{n.Pos(), n.End()})
		}
		return true
	})
	f.transactions()
}

// isChan: who ranges over a channel waits for what comes.
func isChan(t types.Type) bool {
	_, ok := t.Underlying().(*types.Chan)
	return ok
}

func (f *fn) definitions(n *ast.AssignStmt) {
	for i, l := range n.Lhs {
		o := f.object(l)
		if o == nil {
			continue
		}
		switch {
		case len(n.Lhs) == len(n.Rhs):
			f.defs[o] = append(f.defs[o], def{n.Rhs[i], 0, n.Tok == token.ADD_ASSIGN, n.Pos()})
		case len(n.Rhs) == 1:
			f.defs[o] = append(f.defs[o], def{n.Rhs[0], i, false, n.Pos()})
		}
	}
}

// rangeDef: the values of a list that is written in the code are its elements'
// only when there is one of them; others stay unknown.
func (f *fn) rangeDef(n *ast.RangeStmt) {
	lit, ok := ast.Unparen(n.X).(*ast.CompositeLit)
	if !ok || n.Value == nil || len(lit.Elts) != 1 {
		return
	}
	if o := f.object(n.Value); o != nil {
		f.defs[o] = append(f.defs[o], def{lit.Elts[0], 0, false, n.Pos()})
	}
}

func in(spans []span, p token.Pos) bool {
	for _, s := range spans {
		if s.holds(p) {
			return true
		}
	}
	return false
}

// tx is the innermost transaction at a place.
func (f *fn) tx(p token.Pos) string {
	id, size := "", token.Pos(1<<40)
	for _, t := range f.txs {
		if t.holds(p) && t.to-t.from < size {
			id, size = t.id, t.to-t.from
		}
	}
	return id
}
