// Package link joins files into a program: it knows which type a name means in a
// file, which method a call reaches, and what text an expression has, as far as
// the sources say. It needs no class path: types from outside are known by name
// alone.
package link

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// Module is what is built as one. Types of a module's own, then of those that it
// needs, win over others of the same name.
type Module struct {
	Name  string
	Dir   string
	Needs []string // names of modules
}

// Program is all files with their types.
type Program struct {
	Types   map[code.TypeID]*Type
	Ordered []*Type // by ID

	named   map[string][]*Type            // by package and name
	inside  map[string]map[string][]*Type // package -> name without package
	modules map[string]*Module            // by name
	fields  map[*unit.Field]*Ref          // types of fields that declare none; nil while one is being found out
	steps   int                           // that may still be taken for a text
	linked  bool                          // names may be kept: what they mean changes no more
}

// Type is a declared type.
type Type struct {
	ID     code.TypeID
	Unit   *unit.Type
	File   *unit.File
	Module string
	Outer  *Type
	Supers []Ref
	Subs   []*Type // declared to extend or implement it
	// Methods in the order of the source.
	Methods []*Method

	byName map[string][]*Method
	fields map[string]*unit.Field
	names  map[string]meaning // what simple found
	asks   bool               // supers are being resolved
}

// Method is a declared method, or one that a library puts in (Made).
type Method struct {
	ID   code.MethodID
	Type *Type
	Unit *unit.Method
	Made bool
}

// Ref is a type as an expression has it.
type Ref struct {
	Type *Type  // nil for one from outside
	Name string // with its package as far as known; behind a call of a type from outside, the way there: "x.Client.get().uri()"
	Args []Ref
}

// Known reports whether anything is known.
func (r Ref) Known() bool { return r.Type != nil || r.Name != "" }

// Is reports whether the type is, or was reached through, one of these simple names.
func (r Ref) Is(names ...string) bool {
	n := r.Root()
	return n != "" && slices.Contains(names, n)
}

// Root is the simple name of the type that a chain began with.
func (r Ref) Root() string {
	n := r.Name
	if i := strings.Index(n, "()"); i >= 0 {
		n = n[:max(0, strings.LastIndexByte(n[:i], '.'))] // a function of no type has none
	}
	return unit.Last(n)
}

// Last is the call that a chain ends with, "" when it is none.
func (r Ref) Last() string {
	if n, ok := strings.CutSuffix(r.Name, "()"); ok {
		return unit.Last(n)
	}
	return ""
}

// Elem is what a collection, an optional or a future holds.
func (r Ref) Elem() Ref {
	if len(r.Args) == 0 {
		return Ref{}
	}
	return r.Args[len(r.Args)-1]
}

// New links files. moduleOf tells the module of a file by its path.
func New(files []*unit.File, modules []*Module, moduleOf func(path string) string) *Program {
	p := &Program{Types: map[code.TypeID]*Type{}, named: map[string][]*Type{}, inside: map[string]map[string][]*Type{}, modules: map[string]*Module{}, fields: map[*unit.Field]*Ref{}}
	for _, m := range modules {
		p.modules[m.Name] = m
	}
	for _, f := range files {
		for i := range f.Types {
			p.add(&Type{Unit: &f.Types[i], File: f, Module: moduleOf(f.Path)})
		}
	}
	p.packages(files)
	p.name()
	for _, t := range p.Ordered {
		if i := strings.LastIndexByte(t.Unit.Name, '.'); i > 0 {
			t.Outer = p.sibling(t, t.Unit.Name[:i])
		}
	}
	for _, t := range p.Ordered {
		p.supers(t)
	}
	for _, t := range p.Ordered {
		for _, s := range t.Supers {
			if s.Type != nil && s.Type != t {
				s.Type.Subs = append(s.Type.Subs, t)
			}
		}
	}
	p.linked = true
	return p
}

// full is package and name.
func full(t *Type) string {
	if t.File.Package == "" {
		return t.Unit.Name
	}
	if t.Unit.Name == "" {
		return t.File.Package
	}
	return t.File.Package + "." + t.Unit.Name
}

func (p *Program) add(t *Type) {
	key := full(t)
	p.named[key] = append(p.named[key], t)
	in := p.inside[t.File.Package]
	if in == nil {
		in = map[string][]*Type{}
		p.inside[t.File.Package] = in
	}
	in[t.Unit.Name] = append(in[t.Unit.Name], t)
}

// name gives every type its ID: package and name, and the module where several
// modules have one of that name.
func (p *Program) name() {
	for key, same := range p.named {
		slices.SortFunc(same, func(a, b *Type) int {
			return cmp.Or(cmp.Compare(a.File.Path, b.File.Path), a.Unit.Line-b.Unit.Line)
		})
		for _, t := range same {
			t.ID = code.TypeID(key)
			if len(same) > 1 {
				t.ID = code.TypeID(key + "@" + t.Module)
			}
			if _, taken := p.Types[t.ID]; taken { // declared twice in a module: conditional compilation, samples
				t.ID = code.TypeID(key + "@" + t.File.Path)
				if _, taken := p.Types[t.ID]; taken {
					continue
				}
			}
			p.Types[t.ID] = t
			p.Ordered = append(p.Ordered, t)
			t.index()
		}
	}
	slices.SortFunc(p.Ordered, func(a, b *Type) int { return cmp.Compare(a.ID, b.ID) })
}

func (t *Type) index() {
	t.byName, t.fields = map[string][]*Method{}, map[string]*unit.Field{}
	for i := range t.Unit.Methods {
		m := &Method{Type: t, Unit: &t.Unit.Methods[i]}
		m.ID = methodID(t, m.Unit)
		t.Methods = append(t.Methods, m)
		t.byName[m.Unit.Name] = append(t.byName[m.Unit.Name], m)
	}
	for i := range t.Unit.Fields {
		t.fields[t.Unit.Fields[i].Name] = &t.Unit.Fields[i]
	}
}

func methodID(t *Type, m *unit.Method) code.MethodID {
	var b strings.Builder
	b.WriteString(string(t.ID))
	b.WriteByte('#')
	b.WriteString(m.Name)
	if !overloads(t.File.Lang) {
		return code.MethodID(b.String())
	}
	b.WriteByte('(')
	for i, p := range m.Params {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(simple(p.Type))
	}
	b.WriteByte(')')
	return code.MethodID(b.String())
}

// simple is a type's name without package and type arguments.
func simple(typ string) string {
	base, rest := typ, ""
	if i := strings.IndexAny(typ, "<[."); i >= 0 {
		base = typ
		if j := strings.IndexByte(typ, '<'); j >= 0 {
			base = typ[:j]
			if k := strings.LastIndexByte(typ, '>'); k >= j {
				rest = typ[k+1:]
			}
		}
		if j := strings.IndexAny(base, "["); j >= 0 {
			base, rest = base[:j], base[j:]
		}
		if s, ok := strings.CutSuffix(base, "..."); ok {
			base, rest = s, "..."
		}
	}
	return unit.Last(base) + rest
}

// sibling finds a type of the same package, in the same file or module first.
func (p *Program) sibling(t *Type, name string) *Type {
	return p.best(t, p.inside[t.File.Package][name])
}

// best of several types of one name, as seen from t.
func (p *Program) best(t *Type, same []*Type) *Type {
	if len(same) <= 1 {
		if len(same) == 1 {
			return same[0]
		}
		return nil
	}
	var needs []string
	if m := p.modules[t.Module]; m != nil {
		needs = m.Needs
	}
	best, rank := (*Type)(nil), -1
	for _, s := range same {
		r := 0
		switch {
		case s.File == t.File:
			r = 4
		case s.Module == t.Module && s.File.Test == t.File.Test:
			r = 3
		case s.Module == t.Module:
			r = 2
		case slices.Contains(needs, s.Module):
			r = 1
		}
		if r > rank && s.ID != "" {
			best, rank = s, r
		}
	}
	return best
}

// Made returns the method that a library puts into a type, such as a
// repository's save, and declares it when it is first asked for.
func (t *Type) Made(name string, params ...string) *Method {
	for _, m := range t.byName[name] {
		if len(m.Unit.Params) == len(params) {
			return m
		}
	}
	u := &unit.Method{Name: name, Line: t.Unit.Line, Col: t.Unit.Col, Bare: true}
	for _, p := range params {
		u.Params = append(u.Params, unit.Param{Type: p})
	}
	m := &Method{ID: methodID(t, u), Type: t, Unit: u, Made: true}
	t.Methods = append(t.Methods, m)
	t.byName[name] = append(t.byName[name], m)
	return m
}

func (p *Program) supers(t *Type) {
	t.asks = true
	for _, s := range t.Unit.Supers {
		if r := p.Resolve(t, s); r.Known() {
			t.Supers = append(t.Supers, r)
		}
	}
	t.asks = false
}

// depthMax bounds hierarchies: real ones are flat, and sources may be circular.
const depthMax = 40

// Field finds a field of the type or of those above it.
func (p *Program) Field(t *Type, name string) (*Type, *unit.Field) {
	return p.field(t, name, 0)
}

func (p *Program) field(t *Type, name string, depth int) (*Type, *unit.Field) {
	if t == nil || depth > depthMax {
		return nil, nil
	}
	if f := t.fields[name]; f != nil {
		return t, f
	}
	for _, s := range t.Supers {
		if o, f := p.field(s.Type, name, depth+1); f != nil {
			return o, f
		}
	}
	return nil, nil
}

// Above lists the types from outside that t descends from, with their arguments.
func (p *Program) Above(t *Type) []Ref { return p.above(t, 0) }

func (p *Program) above(t *Type, depth int) []Ref {
	var out []Ref
	if t == nil || depth > depthMax {
		return nil
	}
	for _, s := range t.Supers {
		if s.Type == nil {
			out = append(out, s)
			continue
		}
		for _, up := range p.above(s.Type, depth+1) {
			out = append(out, up.with(s.Type.Unit.Params, s.Args))
		}
	}
	return out
}

// with puts arguments in the place of type parameters.
func (r Ref) with(params []string, args []Ref) Ref {
	for i, q := range params {
		if i < len(args) && r.Type == nil && r.Name == q {
			return args[i]
		}
	}
	if len(params) == 0 || len(r.Args) == 0 {
		return r
	}
	out := Ref{Type: r.Type, Name: r.Name}
	for _, a := range r.Args {
		out.Args = append(out.Args, a.with(params, args))
	}
	return out
}
