// Package facts says what a linked program means to an architecture: which of its
// methods requests, messages and timers come in at, where calls go out, which
// tables are touched, what runs in a transaction. It knows the frameworks; a
// framework is a file here.
package facts

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// Input is what the facts are read from.
type Input struct {
	Program *link.Program
	Files   []*unit.File
	Modules []Module
	// Mapped are statements that stand outside of the code, by the type and method
	// that they belong to: "com.shop.OrderMapper.insert".
	Mapped map[string][]Mapped
	// Routes that web.xml, struts.xml and the like give to classes.
	Routes []Route
}

// Module is a unit of build with what is known of its settings.
type Module struct {
	Name, Dir, Lang string
	Service         arch.Ref
	Store           string // name of the database that it uses
	Imports         []string
	Libraries       []string // artifacts that it is built with
	// Setting resolves a configuration key.
	Setting func(key string) (string, bool)
}

// Mapped is a statement of a mapper file.
type Mapped struct {
	SQL  string
	Verb string // select, insert, update, delete
	Pos  code.Pos
}

// Route leads requests to a class by configuration.
type Route struct {
	Module, Path, Class, Method string
	Pos                         code.Pos
}

// Endpoint is where requests come in, for those who match calls with it.
type Endpoint struct {
	Entry  code.Entry
	Module string
}

// Outgoing is a call that leaves, with the module that makes it.
type Outgoing struct {
	code.Client
	Module string
}

// Facts of a program.
type Facts struct {
	Graph     code.Graph
	Endpoints []Endpoint
	Outgoing  []Outgoing
	// Uses of a module's classes that say what the module is: annotations on its
	// main class, such as EnableEurekaServer, by module.
	Enabled map[string]map[string]code.Pos
	// ModuleOf a method.
	ModuleOf map[code.MethodID]string
}

// reader gathers the facts. It is a link.Visitor.
type reader struct {
	Input
	out         Facts
	g           *code.Graph
	modules     map[string]*Module
	entities    map[*link.Type]*entity
	byEntity    map[string]*link.Type // JPQL's names, by module + "/" + lower-case name
	named       map[string]string     // named queries
	tx          map[*link.Method]string
	repos       map[*link.Type]*repository
	feign       map[*link.Type]*feign
	paths       map[*link.Type][]string
	cur         *current
	uses        map[*link.Method]*uses
	seen        map[access]bool
	mounts      map[string]string // file -> the path that its router is mounted at
	prefixes    map[string]string // module -> what stands before all its paths
	collections map[string]string // file and variable -> the collection that it holds
}

// current is the method that is walked.
type current struct {
	m      *link.Method
	tx     string // opened by a call, "" when none is
	policy arch.Policy
	safe   bool // has a fallback
}

type uses struct{ reads, writes map[string]bool }

// Read reads the facts of a program.
func Read(in Input) *Facts {
	r := &reader{Input: in, modules: map[string]*Module{}, entities: map[*link.Type]*entity{}, byEntity: map[string]*link.Type{}, named: map[string]string{},
		tx: map[*link.Method]string{}, repos: map[*link.Type]*repository{}, feign: map[*link.Type]*feign{}, paths: map[*link.Type][]string{}, uses: map[*link.Method]*uses{}, seen: map[access]bool{}, mounts: map[string]string{}, prefixes: map[string]string{}, collections: map[string]string{}}
	r.out = Facts{Enabled: map[string]map[string]code.Pos{}, ModuleOf: map[code.MethodID]string{}}
	r.g = &r.out.Graph
	*r.g = code.Graph{Modules: map[string]code.Module{}, Types: map[code.TypeID]code.Type{}, Methods: map[code.MethodID]code.Method{}, Tables: map[arch.Ref]code.Table{}, Tx: map[string]code.Transaction{}, Settings: map[string]code.Setting{}}
	for i := range r.Modules {
		m := &r.Modules[i]
		r.modules[m.Name] = m
		r.g.Modules[m.Name] = code.Module{Name: m.Name, Dir: m.Dir, Lang: m.Lang, Service: m.Service, Imports: m.Imports}
	}
	for _, f := range in.Files {
		r.g.Lines += int64(f.Lines)
	}
	for _, t := range r.Program.Ordered {
		r.entity(t)
		if t.File.Lang != "java" {
			r.otherEntity(t)
		}
	}
	for _, t := range r.Program.Ordered {
		r.sets(t)
		r.mount(t)
		r.collection(t)
	}
	r.tables()
	for _, t := range r.Program.Ordered {
		r.repository(t)
		r.feignClient(t)
		r.transactions(t)
	}
	for _, t := range r.Program.Ordered {
		if !aside(t) {
			r.enabled(t)
			r.entries(t)
			r.implementations(t)
		}
	}
	r.routes()
	for _, t := range r.Program.Ordered {
		r.walk(t)
	}
	for _, t := range r.Program.Ordered {
		r.declare(t)
	}
	r.g.Sort()
	return &r.out
}

// aside: tests and generated code have types and calls, and no more.
func aside(t *link.Type) bool { return t.File.Test || t.File.Made }

func (r *reader) walk(t *link.Type) {
	for _, m := range t.Methods {
		if m.Made {
			continue
		}
		r.cur = &current{m: m, tx: ""}
		if !aside(t) {
			r.guards(t, m)
		}
		r.Program.Walk(m, r)
		if !aside(t) {
			r.mapped(t, m)
		}
	}
	if !aside(t) && slices.ContainsFunc(t.Unit.Fields, func(f unit.Field) bool {
		return f.Init != nil && (f.Init.Kind == unit.Call || f.Init.Kind == unit.New || f.Init.Kind == unit.Func)
	}) {
		at := slices.IndexFunc(t.Methods, func(m *link.Method) bool { return m.Unit.Name == "<init>" && !m.Unit.Static })
		m := (*link.Method)(nil)
		if at >= 0 {
			m = t.Methods[at]
		} else {
			m = t.Made("<init>")
		}
		r.cur = &current{m: m}
		r.Program.WalkInit(m, r)
	}
}

// Use implements link.Visitor.
func (r *reader) Use(m *link.Method, owner *link.Type, field string, write bool) {
	if owner != m.Type {
		return
	}
	u := r.uses[m]
	if u == nil {
		u = &uses{map[string]bool{}, map[string]bool{}}
		r.uses[m] = u
	}
	if write {
		u.writes[field] = true
	} else {
		u.reads[field] = true
	}
}

// Site implements link.Visitor: it keeps the call and asks every framework.
func (r *reader) Site(s *link.Site) link.Ref {
	var got link.Ref
	if s.Target == nil && s.Recv.Type != nil && s.Call.Kind != unit.New {
		s.Target, got = r.madeTarget(s)
	}
	tx := r.txOf(s)
	if s.Target != nil && (s.Target != s.In || s.Call.Kind != unit.FuncOf) {
		r.g.Calls = append(r.g.Calls, code.Call{From: s.In.ID, To: s.Target.ID, Pos: pos(s), InLoop: s.InLoop, Async: s.Async || s.Target.Unit.Mark("Async", "Asynchronous") != nil, Tx: tx})
	}
	if aside(s.In.Type) {
		return got
	}
	r.setting(s)
	if s.In.Type.File.Lang == "java" {
		r.client(s, tx)
	} else {
		r.otherSite(s, tx)
	}
	r.data(s, tx)
	return got
}

// madeTarget is a method that a library puts into a type of the program.
func (r *reader) madeTarget(s *link.Site) (*link.Method, link.Ref) {
	t := s.Recv.Type
	if repo := r.repos[t]; repo != nil {
		m := t.Made(s.Call.Text, argNames(s)...)
		return m, repo.gives(s.Call.Text)
	}
	if accessors(t) {
		if o, f := r.Program.Property(t, s.Call.Text); f != nil {
			var params []string
			if len(s.Args) == 1 {
				params = []string{f.Type}
			}
			m := o.Made(s.Call.Text, params...)
			m.Unit.Line = f.Line
			return m, r.Program.FieldType(o, f)
		}
	}
	return nil, link.Ref{}
}

// argNames give a made method its parameters.
func argNames(s *link.Site) []string {
	var out []string
	for _, a := range s.Args {
		switch {
		case a.Type != nil:
			out = append(out, unit.Last(a.Type.Unit.Name))
		case a.Name != "" && !strings.Contains(a.Name, "("):
			out = append(out, unit.Last(a.Name))
		default:
			out = append(out, "?")
		}
	}
	return out
}

// accessors: Lombok or the language writes getters and setters.
func accessors(t *link.Type) bool {
	if t.Unit.Mark("Data", "Getter", "Setter", "Value", "Builder", "With", "SuperBuilder") != nil {
		return true
	}
	if slices.ContainsFunc(t.Unit.Fields, func(f unit.Field) bool { return f.Mark("Getter", "Setter") != nil }) {
		return true
	}
	return slices.ContainsFunc(t.Supers, func(s link.Ref) bool {
		return s.Type != nil && s.Type != t && len(s.Type.Supers) == 0 && accessors(s.Type)
	})
}

// implementations: a call of an interface's method runs those that implement it.
func (r *reader) implementations(t *link.Type) {
	if t.Unit.Kind != unit.Interface && !t.Unit.Abstract {
		return
	}
	for _, m := range t.Methods {
		if !m.Unit.Bare {
			continue
		}
		for _, sub := range t.Subs {
			if aside(sub) {
				continue
			}
			args := make([]link.Ref, len(m.Unit.Params))
			for i := range m.Unit.Params {
				args[i] = r.Program.Resolve(t, m.Unit.Params[i].Type)
			}
			if impl := r.Program.Method(sub, m.Unit.Name, args); impl != nil && impl != m && impl.Type != t {
				r.g.Calls = append(r.g.Calls, code.Call{From: m.ID, To: impl.ID, Pos: at(impl)})
			}
		}
	}
}

func pos(s *link.Site) code.Pos {
	return code.Pos{File: s.In.Type.File.Path, Line: max(1, int(s.Call.Line)), Col: s.Order + 1}
}

func at(m *link.Method) code.Pos {
	return code.Pos{File: m.Type.File.Path, Line: max(1, m.Unit.Line), Col: max(1, m.Unit.Col)}
}

func lineOf(t *link.Type, line int) code.Pos {
	return code.Pos{File: t.File.Path, Line: max(1, line), Col: 1}
}

// expand replaces settings in a text by what the module's configuration says.
func (r *reader) expand(module, text string) string {
	m := r.modules[module]
	if !strings.Contains(text, "${") && !strings.Contains(text, "#{") {
		return text
	}
	for range 4 {
		i := strings.LastIndex(text, "${")
		if i < 0 {
			break
		}
		j := strings.IndexByte(text[i:], '}')
		if j < 0 {
			break
		}
		key, def, has := strings.Cut(text[i+2:i+j], ":")
		v, ok := "", false
		if m != nil && m.Setting != nil {
			v, ok = m.Setting(key)
		}
		switch {
		case ok:
		case has:
			v = def
		default:
			v = "{" + key + "}" // stays a hole
		}
		text = text[:i] + v + text[i+j+1:]
	}
	return text
}

// texts evaluates an annotation's argument: one text, or a list.
func (r *reader) texts(t *link.Type, e *unit.Expr) []string {
	if e == nil {
		return nil
	}
	if e.Kind == unit.Array {
		var out []string
		for i := range e.Args {
			out = append(out, r.texts(t, &e.Args[i])...)
		}
		return out
	}
	s := &link.Scope{In: &link.Method{Type: t, Unit: &unit.Method{}}}
	return []string{r.expand(t.Module, r.Program.Text(s, e).S)}
}

func (r *reader) text1(t *link.Type, e *unit.Expr) string {
	if ts := r.texts(t, e); len(ts) > 0 {
		return ts[0]
	}
	return ""
}

// arg evaluates an argument of a call as text, settings replaced.
func (r *reader) arg(s *link.Site, i int) link.Text {
	if i >= len(s.Call.Args) {
		return link.Text{}
	}
	t := r.Program.Text(s.Scope, &s.Call.Args[i])
	if x := r.expand(s.In.Type.Module, t.S); x != t.S { // a setting's value does not stand in the code
		t = link.Text{S: x}
	}
	return t
}
