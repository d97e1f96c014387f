package gosource

import (
	"go/ast"
	"go/types"
	"strings"
	"unicode"

	"github.com/ashlar-dev/ashlar/arch/code"
)

// declare notes the types of the package, with what they can do.
func (w *walker) declare(fs []*ast.File) {
	names := map[code.TypeID]string{} // by TableName
	loose := false
	for _, f := range fs {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if ts, ok := s.(*ast.TypeSpec); ok {
						w.typeSpec(d, ts, w.gen[f])
					}
				}
			case *ast.FuncDecl:
				loose = loose || d.Recv == nil && !w.gen[f]
				if t := w.tableName(d); t != "" {
					if o, ok := w.info.Defs[d.Name].(*types.Func); ok {
						names[typeOfMethod(idOf(o))] = t
					}
				}
			}
		}
	}
	for i, e := range w.sum.Entities {
		if t, ok := names[e.Type]; ok {
			w.sum.Entities[i].Table = t
		}
	}
	if loose && len(fs) > 0 {
		w.sum.Types = append(w.sum.Types, code.Type{ID: code.TypeID(w.p.path), Kind: code.KindPackage, Package: w.p.path, Module: w.sum.Module, Pos: w.position(fs[0].Package), Terms: terms(w.sum.Name)})
	}
}

func (w *walker) typeSpec(d *ast.GenDecl, ts *ast.TypeSpec, gen bool) {
	o, ok := w.info.Defs[ts.Name].(*types.TypeName)
	if !ok || ts.Assign.IsValid() {
		return
	}
	n, ok := o.Type().(*types.Named)
	if !ok {
		return
	}
	doc := ts.Doc.Text()
	if doc == "" {
		doc = d.Doc.Text()
	}
	t := code.Type{ID: typeID(n), Name: ts.Name.Name, Kind: code.KindClass, Package: w.p.path, Module: w.sum.Module, Pos: w.position(ts.Name.Pos()), Lines: w.position(ts.End()).Line - w.position(ts.Pos()).Line + 1}
	text := ts.Name.Name + " " + doc
	switch u := n.Underlying().(type) {
	case *types.Interface:
		t.Kind = code.KindInterface
		if u.NumMethods() > 0 {
			w.sum.Interfaces = append(w.sum.Interfaces, ifaceSet(t.ID, u))
		}
	case *types.Struct:
		for i := range u.NumFields() {
			v := u.Field(i)
			id := typeID(v.Type())
			if v.Embedded() && id != "" {
				t.Extends = append(t.Extends, id)
			}
			t.Fields = append(t.Fields, code.Field{Name: v.Name(), Type: id, Text: types.TypeString(v.Type(), func(p *types.Package) string { return p.Name() })})
			text += " " + v.Name()
		}
		if n.NumMethods() == 0 {
			t.Kind = code.KindValue
		}
		if e, ok := w.entity(n, u, t.Pos); ok || u.NumFields() > 0 && o.Exported() {
			w.sum.Entities = append(w.sum.Entities, e)
		}
	default:
		if n.NumMethods() == 0 {
			t.Kind = code.KindValue
		}
	}
	if gen {
		t.Kind = code.KindGenerated
	}
	for i := range n.NumMethods() {
		text += " " + n.Method(i).Name()
	}
	t.Terms = terms(text)
	w.sum.Types = append(w.sum.Types, t)
	if !types.IsInterface(n) && !gen {
		if s := concreteSet(t.ID, n); len(s.Methods) > 0 {
			w.sum.Implements = append(w.sum.Implements, s)
		}
	}
}

// signature writes a method for comparison between packages.
func signature(m *types.Func) string {
	return m.Name() + strings.TrimPrefix(types.TypeString(m.Type(), func(p *types.Package) string { return p.Path() }), "func")
}

// shape drops the names of parameters, which do not matter.
func shape(sig *types.Signature) string {
	var b strings.Builder
	q := func(p *types.Package) string { return p.Path() }
	for i := range sig.Params().Len() {
		b.WriteString(types.TypeString(sig.Params().At(i).Type(), q) + ",")
	}
	b.WriteString(")")
	for i := range sig.Results().Len() {
		b.WriteString(types.TypeString(sig.Results().At(i).Type(), q) + ",")
	}
	return b.String()
}

func methodKey(m *types.Func) string {
	sig, ok := m.Type().(*types.Signature)
	if !ok {
		return signature(m)
	}
	return m.Name() + "(" + shape(sig)
}

func ifaceSet(id code.TypeID, i *types.Interface) methodSet {
	s := methodSet{Type: id, Methods: map[string]code.MethodID{}}
	for m := range i.Methods() {
		s.Methods[methodKey(m)] = methodID("", "", m.Name())
	}
	return s
}

func concreteSet(id code.TypeID, n *types.Named) methodSet {
	s := methodSet{Type: id, Methods: map[string]code.MethodID{}}
	ms := types.NewMethodSet(types.NewPointer(n))
	for i := range ms.Len() {
		if m, ok := ms.At(i).Obj().(*types.Func); ok {
			s.Methods[methodKey(m)] = idOf(m)
		}
	}
	return s
}

var stopWords = map[string]bool{"the": true, "and": true, "for": true, "with": true, "that": true, "this": true, "from": true, "are": true, "not": true, "get": true, "set": true, "new": true, "are_": true, "has": true, "its": true, "one": true, "all": true, "string": true, "error": true, "func": true, "type": true, "struct": true, "returns": true, "which": true, "when": true, "is": true, "it": true, "of": true, "in": true, "to": true, "an": true, "by": true, "on": true, "or": true, "as": true, "be": true, "id": true}

// terms splits names and prose into words, each once, in order of appearance.
func terms(s string) []string {
	var out []string
	seen := map[string]bool{}
	add := func(w string) {
		w = strings.ToLower(w)
		if len(w) > 1 && !stopWords[w] && !seen[w] && len(out) < 60 {
			seen[w] = true
			out = append(out, w)
		}
	}
	var cur []rune
	rs := []rune(s)
	for i, r := range rs {
		switch {
		case !unicode.IsLetter(r):
			add(string(cur))
			cur = cur[:0]
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(rs[i-1]) || i+1 < len(rs) && unicode.IsLower(rs[i+1])):
			add(string(cur))
			cur = cur[:0]
		}
		cur = append(cur, r)
	}
	add(string(cur))
	return out
}
