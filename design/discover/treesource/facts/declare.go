package facts

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// declare puts a type and its methods into the graph.
func (r *reader) declare(t *link.Type) {
	if t.Unit.Kind == unit.Loose && len(t.Methods) == 0 {
		return
	}
	ct := code.Type{ID: t.ID, Name: t.Unit.Name, Kind: r.kind(t), Package: t.File.Package, Module: t.Module, Pos: lineOf(t, t.Unit.Line), Lines: t.Unit.Lines, Terms: terms(t.Unit)}
	ct.Pos.Col = max(1, t.Unit.Col)
	for i := range t.Unit.Fields {
		f := &t.Unit.Fields[i]
		ct.Fields = append(ct.Fields, code.Field{Name: f.Name, Type: id(held(r.Program.Resolve(t, f.Type))), Text: f.Type})
	}
	for _, s := range t.Supers {
		ct.Extends = append(ct.Extends, id(s))
	}
	if e := r.entities[t]; e != nil && e.table != "" {
		ct.Table = r.tableRef(t, e.table, e.kind)
	}
	r.g.Types[t.ID] = ct
	for _, m := range t.Methods {
		r.method(t, m)
	}
}

func (r *reader) method(t *link.Type, m *link.Method) {
	cm := code.Method{ID: m.ID, Type: t.ID, Name: m.Unit.Name, Pos: at(m), Lines: m.Unit.Lines}
	for i := range m.Unit.Params {
		cm.Params = append(cm.Params, id(r.Program.Resolve(t, m.Unit.Params[i].Type)))
	}
	if res := id(held(r.Program.Resolve(t, m.Unit.Result))); res != "" {
		cm.Results = []code.TypeID{res}
	}
	if u := r.uses[m]; u != nil {
		cm.Reads, cm.Writes = slices.Sorted(maps.Keys(u.reads)), slices.Sorted(maps.Keys(u.writes))
	}
	r.g.Methods[m.ID] = cm
	r.out.ModuleOf[m.ID] = t.Module
}

// held is what a collection holds, and other types themselves.
func held(r link.Ref) link.Ref {
	for r.Type == nil && len(r.Args) > 0 {
		r = r.Elem()
	}
	return r
}

func id(r link.Ref) code.TypeID {
	if r.Type != nil {
		return r.Type.ID
	}
	return code.TypeID(r.Name)
}

func (r *reader) kind(t *link.Type) code.TypeKind {
	u := t.Unit
	switch {
	case t.File.Test:
		return code.KindTest
	case t.File.Made || u.Mark("Generated") != nil:
		return code.KindGenerated
	case u.Kind == unit.Loose:
		return code.KindPackage
	case r.entities[t] != nil:
		return code.KindEntity
	case r.enters(t):
		return code.KindController
	case r.repos[t] != nil || u.Mark("Repository", "Mapper") != nil || r.touches(t):
		return code.KindRepository
	case r.feign[t] != nil:
		return code.KindClient
	case u.Mark("Service", "Component", "Stateless", "Stateful", "Singleton", "ApplicationScoped", "Named", "Injectable") != nil:
		return code.KindService
	case u.Kind == unit.Interface:
		return code.KindInterface
	case plainData(t):
		return code.KindValue
	}
	return code.KindClass
}

// touches: statements stand in it, and it does little else.
func (r *reader) touches(t *link.Type) bool {
	n := 0
	for _, m := range t.Methods {
		if r.seen[access{method: m.ID}] {
			n++
		}
	}
	return n > 0 && 2*n >= len(t.Methods)
}

func (r *reader) enters(t *link.Type) bool {
	return t.Unit.Mark("RestController", "Controller", "Path", "WebServlet", "ApiController", "WebService") != nil || strings.HasSuffix(t.Unit.Name, "Controller") && t.File.Lang == "csharp"
}

// plainData: fields, and methods that only give and take them.
func plainData(t *link.Type) bool {
	if t.Unit.Kind == unit.Enum || t.Unit.Kind == unit.Record {
		return true
	}
	if len(t.Unit.Fields) == 0 || t.Unit.Kind != unit.Class {
		return false
	}
	for _, m := range t.Methods {
		n := m.Unit.Name
		if !m.Made && m.Unit.Lines > 6 && n != "equals" && n != "hashCode" && n != "toString" && n != "<init>" && n != "compareTo" {
			return false
		}
	}
	return true
}

// noise are words that say nothing about a domain.
var noise = map[string]bool{"get": true, "set": true, "is": true, "has": true, "add": true, "remove": true, "find": true, "by": true, "all": true, "to": true, "from": true, "of": true, "the": true, "and": true, "or": true, "a": true, "an": true, "in": true, "on": true, "for": true, "with": true,
	"impl": true, "service": true, "controller": true, "repository": true, "dao": true, "mapper": true, "manager": true, "bean": true, "entity": true, "dto": true, "vo": true, "util": true, "utils": true, "helper": true, "factory": true, "config": true, "configuration": true, "abstract": true, "base": true, "default": true,
	"id": true, "name": true, "serial": true, "version": true, "uid": true, "log": true, "logger": true, "init": true, "equals": true, "hash": true, "code": true, "string": true, "list": true, "map": true, "test": true, "main": true, "update": true, "delete": true, "save": true, "create": true, "insert": true, "value": true, "type": true, "data": true, "info": true, "action": true, "exception": true, "handler": true, "request": true, "response": true, "this": true, "new": true}

func terms(t *unit.Type) []string {
	set := map[string]bool{}
	add := func(name string) {
		for _, w := range Words(name) {
			if len(w) > 1 && !noise[w] {
				set[w] = true
			}
		}
	}
	add(t.Name)
	for i := range t.Fields {
		add(t.Fields[i].Name)
	}
	for i := range t.Methods {
		add(t.Methods[i].Name)
	}
	return slices.Sorted(maps.Keys(set))
}

// Words splits a name as people read it: OrderLineItem, order_line_item and
// HTTPServer2 are order line item, and http server.
func Words(name string) []string {
	var out []string
	var w []rune
	flush := func() {
		if len(w) > 0 {
			out = append(out, strings.ToLower(string(w)))
			w = w[:0]
		}
	}
	rs := []rune(name)
	for i, c := range rs {
		switch {
		case !unicode.IsLetter(c):
			flush()
		case unicode.IsUpper(c) && i > 0 && (unicode.IsLower(rs[i-1]) || i+1 < len(rs) && unicode.IsLower(rs[i+1])):
			flush()
			w = append(w, c)
		default:
			w = append(w, c)
		}
	}
	flush()
	return out
}
