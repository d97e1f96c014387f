package link

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// Site is a call in a body.
type Site struct {
	In     *Method
	Call   *unit.Expr // of kind Call, New or FuncOf
	Recv   Ref        // the type that it is called on
	Target *Method    // nil when it leads outside
	Args   []Ref
	Scope  *Scope
	InLoop bool
	Async  bool
	Held   []*unit.Expr // calls whose function argument the site is in, outermost first
	Order  int          // among the sites of the method
}

// Visitor is told what bodies do.
type Visitor interface {
	// Site is a call. What it returns, if known, is the type of the call's value:
	// for methods that a library puts into a type.
	Site(s *Site) Ref
	// Use is a field of the method's own type that is read or written.
	Use(m *Method, owner *Type, field string, write bool)
}

// Scope is what names mean at a place in a body.
type Scope struct {
	In    *Method
	Outer *Scope
	vars  map[string]*Var
}

// Var is a parameter or a local variable.
type Var struct {
	Type  Ref
	Init  *unit.Expr // what it was set to where it is declared
	Scope *Scope     // that Init is to be read in
	More  []*unit.Expr
	Param *unit.Param
	Text  *Text // known from the caller, for a call that is looked through
}

func (s *Scope) set(name string, v *Var) {
	if s.vars == nil {
		s.vars = map[string]*Var{}
	}
	s.vars[name] = v
}

// Var finds a variable.
func (s *Scope) Var(name string) *Var {
	for ; s != nil; s = s.Outer {
		if v := s.vars[name]; v != nil {
			return v
		}
	}
	return nil
}

type walker struct {
	p      *Program
	v      Visitor
	m      *Method
	loop   bool
	async  bool
	held   []*unit.Expr
	order  int
	depth  int
	result Ref // of the function that was walked last
}

// Walk tells the visitor what the method's body does, in order.
func (p *Program) Walk(m *Method, v Visitor) {
	w := &walker{p: p, v: v, m: m}
	w.body(p.scope(m), m.Unit.Body)
}

// WalkInit does the same for the fields' initial values, as part of m.
func (p *Program) WalkInit(m *Method, v Visitor) {
	w := &walker{p: p, v: v, m: m}
	for i := range m.Type.Unit.Fields {
		if x := m.Type.Unit.Fields[i].Init; x != nil {
			w.expr(&Scope{In: m}, x)
		}
	}
}

func (p *Program) scope(m *Method) *Scope {
	s := &Scope{In: m}
	for i := range m.Unit.Params {
		q := &m.Unit.Params[i]
		s.set(q.Name, &Var{Type: p.Resolve(m.Type, q.Type), Param: q})
	}
	return s
}

func (w *walker) body(s *Scope, body []unit.Stmt) {
	for i := range body {
		w.stmt(s, &body[i])
	}
}

func (w *walker) stmt(s *Scope, st *unit.Stmt) {
	switch st.Kind {
	case unit.Local:
		t := w.p.Resolve(w.m.Type, st.Type)
		got := Ref{}
		if st.X != nil {
			got = w.expr(s, st.X)
		}
		if !t.Known() && (st.Type == "" || slices.Contains(basic, st.Type)) {
			t = got
		}
		s.set(st.Name, &Var{Type: t, Init: st.X, Scope: s})
	case unit.Loop:
		was := w.loop
		w.loop = true
		w.body(&Scope{In: s.In, Outer: s}, st.Body)
		w.loop = was
	case unit.Return:
		w.result = w.expr(s, st.X)
	default:
		if st.X != nil {
			w.expr(s, st.X)
		}
		if len(st.Body) > 0 {
			w.body(&Scope{In: s.In, Outer: s}, st.Body)
		}
	}
}

// exprMax bounds how deep expressions are followed.
const exprMax = 2000

func (w *walker) expr(s *Scope, e *unit.Expr) Ref {
	if e == nil || w.depth > exprMax {
		return Ref{}
	}
	w.depth++
	defer func() { w.depth-- }()
	switch e.Kind {
	case unit.Str, unit.Concat:
		for i := range e.Args {
			w.expr(s, &e.Args[i])
		}
		return Ref{Name: "String"}
	case unit.Name:
		return w.name(s, e.Text, false)
	case unit.Member:
		return w.member(s, e)
	case unit.Call:
		return w.call(s, e)
	case unit.New:
		return w.construct(s, e)
	case unit.FuncOf:
		recv := w.expr(s, e.X)
		target := w.p.Method(recv.Type, e.Text, nil)
		return w.site(&Site{Call: e, Recv: recv, Target: target, Scope: s})
	case unit.Func:
		w.fn(s, e.Fn, Ref{})
		return Ref{}
	case unit.Cast:
		w.expr(s, e.X)
		return w.p.Resolve(w.m.Type, e.Text)
	case unit.TypeOf:
		return Ref{Name: "Class", Args: []Ref{w.p.Resolve(w.m.Type, e.Text)}}
	case unit.Assign:
		return w.assign(s, e)
	case unit.Await:
		r := w.expr(s, e.X)
		if r.Is("Promise", "Task", "ValueTask", "Awaitable") {
			return r.Elem()
		}
		return r
	case unit.Cond:
		w.expr(s, e.X)
		var r Ref
		for i := range e.Args {
			if x := w.expr(s, &e.Args[i]); !r.Known() {
				r = x
			}
		}
		return r
	case unit.Array:
		var r Ref
		for i := range e.Args {
			r = w.expr(s, &e.Args[i])
		}
		return Ref{Name: "[]", Args: []Ref{r}}
	case unit.Other:
		if e.Text == "each" { // what is walked through has been visited before the loop
			quiet := &walker{p: w.p, v: nobody{}, m: w.m, depth: w.depth}
			return quiet.expr(s, e.X).Elem()
		}
		r := w.expr(s, e.X)
		for i := range e.Args {
			w.expr(s, &e.Args[i])
		}
		if e.Text == "same" { // wrapped in something that leaves its type
			return r
		}
		return Ref{}
	}
	w.expr(s, e.X)
	for i := range e.Args {
		w.expr(s, &e.Args[i])
	}
	return Ref{}
}

// name is a variable, a field, or a type.
func (w *walker) name(s *Scope, name string, write bool) Ref {
	if name == "this" || (name == "self" || name == "cls") && w.m.Type.File.Lang == "python" {
		return Ref{Type: w.m.Type}
	}
	if name == "super" || name == "base" && w.m.Type.File.Lang == "csharp" {
		for _, up := range w.m.Type.Supers {
			return up
		}
		return Ref{}
	}
	if v := s.Var(name); v != nil {
		return v.Type
	}
	for t := w.m.Type; t != nil; t = t.Outer {
		if o, f := w.p.Field(t, name); f != nil {
			w.v.Use(w.m, o, name, write)
			return w.p.FieldType(o, f)
		}
	}
	if x, ok := w.p.simple(w.m.Type, name); ok {
		return x
	}
	if name != "" && name[0] >= 'A' && name[0] <= 'Z' {
		return Ref{Name: name}
	}
	if w.m.Type.Unit.Kind != unit.Loose {
		if o := w.p.sibling(w.m.Type, ""); o != nil && o.File == w.m.Type.File { // of the file
			if f := o.fields[name]; f != nil {
				return w.p.FieldType(o, f)
			}
		}
	}
	return Ref{}
}

// FieldType is a field's type, from its declaration or what it is set to.
func (p *Program) FieldType(o *Type, f *unit.Field) Ref {
	if f.Type != "" || f.Init == nil {
		return p.Resolve(o, f.Type)
	}
	if r, ok := p.fields[f]; ok {
		if r == nil { // set to itself, or in a circle
			return Ref{}
		}
		return *r
	}
	p.fields[f] = nil
	w := &walker{p: p, v: nobody{}, m: &Method{Type: o, Unit: &unit.Method{}}, depth: exprMax - 20}
	r := w.expr(&Scope{In: w.m}, f.Init)
	p.fields[f] = &r
	return r
}

type nobody struct{}

func (nobody) Site(*Site) Ref                   { return Ref{} }
func (nobody) Use(*Method, *Type, string, bool) {}

func (w *walker) member(s *Scope, e *unit.Expr) Ref {
	if dotted := dotted(e); dotted != "" && s.Var(firstOf(dotted)) == nil { // a type with its package
		if x := w.p.best(w.m.Type, w.p.named[dotted]); x != nil {
			return Ref{Type: x}
		}
	}
	r := w.expr(s, e.X)
	if r.Type != nil {
		if o, f := w.p.Field(r.Type, e.Text); f != nil {
			if r.Type == w.m.Type {
				w.v.Use(w.m, o, e.Text, false)
			}
			return w.p.FieldType(o, f).with(r.Type.Unit.Params, r.Args)
		}
		if in := w.p.inner(r.Type, e.Text); in != nil {
			return Ref{Type: in}
		}
		if (e.Text == "query" || e.Text == "objects") && r.Type.File.Lang == "python" { // of SQLAlchemy's and Django's models
			return Ref{Name: "Query", Args: []Ref{r}}
		}
		return Ref{}
	}
	if r.Name != "" {
		return Ref{Name: r.Name + "." + e.Text}
	}
	return Ref{}
}

// dotted is a.b.C as text, "" when e is anything else.
func dotted(e *unit.Expr) string {
	switch {
	case e == nil:
		return ""
	case e.Kind == unit.Name:
		return e.Text
	case e.Kind == unit.Member:
		if up := dotted(e.X); up != "" {
			return up + "." + e.Text
		}
	}
	return ""
}

func firstOf(dotted string) string {
	first, _, _ := strings.Cut(dotted, ".")
	return first
}

func (w *walker) assign(s *Scope, e *unit.Expr) Ref {
	r := w.expr(s, &e.Args[0])
	switch {
	case e.X == nil:
	case e.X.Kind == unit.Name:
		if v := s.Var(e.X.Text); v != nil {
			v.More = append(v.More, e)
			if !v.Type.Known() {
				v.Type = r
			}
		} else if w.m.Type.File.Lang == "python" {
			s.set(e.X.Text, &Var{Type: r, Init: &e.Args[0], Scope: s})
		} else {
			w.name(s, e.X.Text, true)
		}
	case e.X.Kind == unit.Member:
		if x := w.expr(s, e.X.X); x.Type != nil && x.Type == w.m.Type {
			if o, f := w.p.Field(x.Type, e.X.Text); f != nil {
				w.v.Use(w.m, o, e.X.Text, true)
			}
		}
	default:
		w.expr(s, e.X)
	}
	return r
}
