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

func (w *walker) construct(s *Scope, e *unit.Expr) Ref {
	r := w.p.Resolve(w.m.Type, e.Text)
	args := w.args(s, e, r)
	if r.Type == nil && r.Name == "" {
		return r
	}
	var target *Method
	if r.Type != nil {
		target = w.p.Method(r.Type, "<init>", args)
		if target == nil || target.Type != r.Type {
			target = r.Type.Made("<init>")
		}
	}
	w.site(&Site{Call: e, Recv: r, Target: target, Args: args, Scope: s})
	return r
}

func (w *walker) call(s *Scope, e *unit.Expr) Ref {
	var recv Ref
	var target *Method
	if e.X != nil {
		recv = w.expr(s, e.X)
	}
	args := w.args(s, e, recv)
	switch {
	case e.X == nil:
		recv, target = w.bare(s, e.Text, args)
	case recv.Type != nil:
		target = w.p.Method(recv.Type, e.Text, args)
	}
	got := w.site(&Site{Call: e, Recv: recv, Target: target, Args: args, Scope: s})
	if got.Known() {
		return got
	}
	if target != nil {
		if target.Unit.Name == "<init>" {
			return Ref{Type: target.Type}
		}
		return w.p.Resolve(target.Type, target.Unit.Result).with(recv.Type.params(), recv.Args)
	}
	return w.outside(recv, e, args)
}

func (t *Type) params() []string {
	if t == nil {
		return nil
	}
	return t.Unit.Params
}

// bare is a call without a receiver: of the type's own methods, those around
// it, of what was imported, of the file's functions.
func (w *walker) bare(s *Scope, name string, args []Ref) (Ref, *Method) {
	if name == "this" || name == "super" {
		t := w.m.Type
		if name == "super" {
			if len(t.Supers) == 0 {
				return Ref{}, nil
			}
			t = t.Supers[0].Type
		}
		if t == nil {
			return Ref{}, nil
		}
		return Ref{Type: t}, w.p.Method(t, "<init>", args)
	}
	if v := s.Var(name); v != nil {
		return v.Type, nil
	}
	for t := w.m.Type; t != nil; t = t.Outer {
		if m := w.p.Method(t, name, args); m != nil {
			return Ref{Type: t}, m
		}
	}
	if o := w.p.sibling(w.m.Type, ""); o != nil && o.File == w.m.Type.File {
		if m := w.p.Method(o, name, args); m != nil {
			return Ref{Type: o}, m
		}
	}
	for i := range w.m.Type.File.Imports {
		im := &w.m.Type.File.Imports[i]
		if called(im) != name && !(im.Static && im.Name == "*") {
			continue
		}
		if x := w.p.best(w.m.Type, w.p.named[im.Package]); x != nil {
			if m := w.p.Method(x, im.Name, args); m != nil {
				return Ref{Type: x}, m
			}
			if m := w.p.Method(x, name, args); m != nil {
				return Ref{Type: x}, m
			}
		}
		if called(im) == name {
			if x := w.p.best(w.m.Type, w.p.named[join(im.Package, im.Name)]); x != nil && x.File.Lang == "python" { // a class that is called
				m := w.p.Method(x, "<init>", args)
				if m == nil {
					m = x.Made("<init>")
				}
				return Ref{Type: x}, m
			}
			return Ref{Name: im.Package}, nil
		}
	}
	if x, ok := w.p.simple(w.m.Type, name); ok && x.Type != nil && x.Type.File.Lang == "python" {
		m := w.p.Method(x.Type, "<init>", args)
		if m == nil {
			m = x.Type.Made("<init>")
		}
		return x, m
	}
	return Ref{Type: w.m.Type}, nil
}

// starters run a function that they are given somewhere else.
var starters = []string{"runAsync", "supplyAsync", "submit", "execute", "schedule", "scheduleAtFixedRate", "scheduleWithFixedDelay", "thenApplyAsync", "thenAcceptAsync", "thenRunAsync", "Thread", "StartNew", "create_task"}

// single hold at most one thing: a function that they are given runs once.
var single = []string{"Optional", "Mono", "CompletableFuture", "CompletionStage", "Future", "Single", "Maybe", "Try", "Either", "Promise", "Task"}

var repeats = []string{"forEach", "map", "flatMap", "mapToObj", "filter", "anyMatch", "allMatch", "noneMatch", "peek", "forEachOrdered", "computeIfAbsent", "removeIf", "replaceAll", "concatMap", "ForEach", "Select", "Where"}

// args walks the arguments; functions among them know what they are given and
// how often they run.
func (w *walker) args(s *Scope, e *unit.Expr, recv Ref) []Ref {
	out := make([]Ref, len(e.Args))
	for i := range e.Args {
		a := &e.Args[i]
		if a.Kind != unit.Func {
			out[i] = w.expr(s, a)
			continue
		}
		loop, async := w.loop, w.async
		name := unit.Last(e.Text)
		w.loop = loop || e.Kind == unit.Call && slices.Contains(repeats, name) && !recv.Is(single...) && (recv.Known() || e.X != nil && e.X.Kind == unit.Call)
		w.async = async || slices.Contains(starters, name) && !recv.Is("TransactionTemplate", "RetryTemplate", "Handle")
		w.held = append(w.held, e)
		given := recv.Elem()
		if name == "forEach" && len(recv.Args) == 2 && len(a.Fn.Params) == 2 {
			given = Ref{}
		}
		w.result = Ref{}
		w.fn(s, a.Fn, given)
		out[i] = Ref{Name: "()", Args: []Ref{w.result}}
		w.held = w.held[:len(w.held)-1]
		w.loop, w.async = loop, async
	}
	return out
}

func (w *walker) fn(s *Scope, fn *unit.Fn, given Ref) {
	if fn == nil {
		return
	}
	inner := &Scope{In: s.In, Outer: s}
	for i := range fn.Params {
		q := &fn.Params[i]
		t := w.p.Resolve(w.m.Type, q.Type)
		if !t.Known() && q.Type == "" && i == len(fn.Params)-1 {
			t = given
		}
		inner.set(q.Name, &Var{Type: t, Param: q})
	}
	w.body(inner, fn.Body)
}

func (w *walker) site(x *Site) Ref {
	x.In, x.InLoop, x.Async, x.Held, x.Order = w.m, w.loop, w.async, w.held, w.order
	w.order++
	return w.v.Site(x)
}

// unwraps give what is held by what they are called on.
var unwraps = []string{"get", "orElse", "orElseThrow", "orElseGet", "getBody", "next", "join", "block", "getFirst", "getLast", "first", "remove", "poll", "peek", "blockFirst", "blockLast", "body", "getOrDefault", "findAny", "find", "First", "FirstOrDefault", "Single", "SingleOrDefault", "Find", "Last", "LastOrDefault", "at", "pop", "shift"}

// keeps give the same again.
var keeps = []string{"stream", "parallelStream", "filter", "sorted", "distinct", "limit", "skip", "iterator", "collect", "toList", "reversed", "findFirst", "max", "min", "reduce", "subList", "values", "toStream", "onErrorResume", "timeout", "retry", "doOnNext", "switchIfEmpty", "Where", "OrderBy", "OrderByDescending", "ToList", "Include", "ThenInclude", "AsNoTracking", "AsQueryable", "Skip", "Take", "slice", "sort"}

// outside is what a call of something from outside gives, by the customs of the
// libraries that everybody uses.
func (w *walker) outside(recv Ref, e *unit.Expr, args []Ref) Ref {
	if w.m.Type.File.Lang == "python" {
		if r := w.queried(recv, e); r.Known() {
			return r
		}
	}
	if w.m.Type.File.Lang == "csharp" && strings.HasSuffix(e.Text, "Async") && e.Text != "Async" {
		plain := *e
		plain.Text = strings.TrimSuffix(e.Text, "Async")
		e = &plain
	}
	if len(recv.Args) > 0 {
		switch {
		case slices.Contains(unwraps, e.Text) && !(e.Text == "peek" && len(args) > 0):
			return recv.Elem()
		case slices.Contains(keeps, e.Text):
			return recv
		case e.Text == "map" || e.Text == "flatMap" || e.Text == "Select":
			if len(args) == 1 && args[0].Name == "()" {
				r := args[0].Elem()
				if e.Text == "flatMap" && len(r.Args) > 0 {
					return r
				}
				return Ref{Name: recv.Name, Args: []Ref{r}}
			}
		}
	}
	if recv.Type != nil {
		if prop, ok := property(e.Text); ok {
			if o, f := w.p.Field(recv.Type, prop); f != nil {
				return w.p.FieldType(o, f).with(recv.Type.Unit.Params, recv.Args)
			}
		}
		return Ref{}
	}
	if recv.Name == "" {
		return Ref{}
	}
	for _, a := range args { // getForObject(url, Order.class) gives an Order
		if a.Name == "Class" && len(a.Args) == 1 && a.Args[0].Known() {
			if strings.HasSuffix(e.Text, "Entity") || e.Text == "exchange" {
				return Ref{Name: "ResponseEntity", Args: a.Args}
			}
			if e.Text == "bodyToMono" || e.Text == "bodyToFlux" || e.Text == "toEntity" {
				return Ref{Name: "Mono", Args: a.Args}
			}
			return a.Args[0]
		}
	}
	if len(recv.Name) > 400 {
		return Ref{Name: recv.Name}
	}
	return Ref{Name: recv.Name + "." + e.Text + "()"}
}

// one are calls of a Python query that give a row.
var one = []string{"first", "one", "one_or_none", "get", "first_or_404", "get_or_404", "scalar", "scalar_one", "scalar_one_or_none", "last", "create"}

// queried is what a call of a Python query gives, and the query that a relationship
// is; nothing for other calls.
func (w *walker) queried(recv Ref, e *unit.Expr) Ref {
	switch {
	case recv.Name == "Query" && slices.Contains(one, e.Text):
		return recv.Elem()
	case recv.Name == "Query":
		return recv
	case e.Text == "relationship" && len(e.Args) > 0:
		name := e.Args[0].Text
		r := w.p.Resolve(w.m.Type, name)
		if r.Type == nil { // named before it is declared, in another file
			r = Ref{Type: w.p.class(name)}
		}
		if r.Type != nil {
			return Ref{Name: "Query", Args: []Ref{r}}
		}
	}
	return Ref{}
}

// class is the only class of Python that bears a name; nil when there are several.
func (p *Program) class(name string) (found *Type) {
	for _, t := range p.Ordered {
		if t.File.Lang == "python" && t.Unit.Name == name {
			if found != nil {
				return nil
			}
			found = t
		}
	}
	return found
}

// property is the field behind getX, setX and isX.
func property(method string) (string, bool) {
	for _, p := range []string{"get", "set", "is"} {
		if rest, ok := strings.CutPrefix(method, p); ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
			return strings.ToLower(rest[:1]) + rest[1:], true
		}
	}
	return "", false
}

// Property is the field behind an accessor that an annotation (Lombok's) puts in.
func (p *Program) Property(t *Type, method string) (*Type, *unit.Field) {
	if prop, ok := property(method); ok {
		return p.Field(t, prop)
	}
	return nil, nil
}

// Scope is what names mean at the start of a method.
func (p *Program) Scope(m *Method) *Scope { return p.scope(m) }
