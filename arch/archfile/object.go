package archfile

import (
	"reflect"
	"regexp"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// object is a mapping with named keys.
type object struct {
	name  string // in the schema
	about string
	parts []part
	need  []string // keys that must be there
}

// part is one key of an object, or several that together say something.
type part interface {
	keys() []key
	// read takes its keys from n, the whole mapping, into v, the whole struct.
	read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact)
	tree(w *encoder, v reflect.Value, at arch.Fact) []entry
}

// key is a key as the schema describes it.
type key struct {
	name    string
	pattern *regexp.Regexp // instead of a name
	form    form
	about   string
}

func (o *object) known() []string {
	var ks []string
	for _, p := range o.parts {
		for _, k := range p.keys() {
			if k.pattern == nil {
				ks = append(ks, k.name)
			}
		}
	}
	slices.Sort(ks)
	return ks
}

func (o *object) knows(name string) bool {
	for _, p := range o.parts {
		for _, k := range p.keys() {
			if k.pattern != nil && k.pattern.MatchString(name) || k.pattern == nil && k.name == name {
				return true
			}
		}
	}
	return false
}

func (o *object) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	if !r.mapping(n, at) {
		return
	}
	r.unknown(n, o.knows, o.known())
	for _, k := range o.need {
		if n.Get(k) == nil {
			hint := ""
			if k == "ashlar" {
				hint = "begin with: ashlar: 1"
			}
			r.fault(n, doc.Value, arch.Fact{}, k+" is missing", hint)
		}
	}
	for _, p := range o.parts {
		p.read(r, n, v, at)
	}
}

func (o *object) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	t := &tree{kind: mapTree, from: w.source(at)}
	for _, p := range o.parts {
		t.entries = append(t.entries, p.tree(w, v, at)...)
	}
	return t
}

func (o *object) schema(d *definitions) map[string]any {
	return d.ref(o.name, func() map[string]any { return o.describe(d) })
}

func (o *object) describe(d *definitions) map[string]any {
	props, patterns := map[string]any{}, map[string]any{}
	for _, p := range o.parts {
		for _, k := range p.keys() {
			s := d.described(k.form, k.about)
			if k.pattern != nil {
				patterns[k.pattern.String()] = s
				continue
			}
			props[k.name] = s
		}
	}
	s := map[string]any{"type": []any{"object", "null"}, "properties": props, "additionalProperties": false}
	if o.about != "" {
		s["description"] = o.about
	}
	if len(patterns) > 0 {
		s["patternProperties"] = patterns
	}
	if len(o.need) > 0 {
		s["required"], s["type"] = anys(o.need), "object"
	}
	return s
}

// field is a key that stands for one field of the struct.
type field struct {
	key   string
	tag   string // of the struct's field; "": as key
	form  form
	about string
	also  string // another spelling that is read
}

func (f field) tagged() string {
	if f.tag != "" {
		return f.tag
	}
	return f.key
}

func (f field) keys() []key {
	ks := []key{{name: f.key, form: f.form, about: f.about}}
	if f.also != "" {
		ks = append(ks, key{name: f.also, form: f.form, about: "The same as " + f.key + "."})
	}
	return ks
}

func (f field) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	name := f.key
	if f.also != "" && n.Get(name) == nil {
		name = f.also
	}
	val := n.Get(name)
	if val == nil {
		return
	}
	at.At = at.At.Join(f.tagged())
	if _, ok := f.form.(pointer); ok {
		r.mark(at, n.KeyNode(name))
	}
	r.tag, r.key = f.tagged(), name
	f.form.read(r, val, byTag(v, f.tagged()), at)
}

func (f field) tree(w *encoder, v reflect.Value, at arch.Fact) []entry {
	at.At = at.At.Join(f.tagged())
	if t := f.form.tree(w, byTag(v, f.tagged()), at); t != nil {
		return []entry{{f.key, t}}
	}
	return nil
}

// byTag is the field of a struct with this arch tag.
func byTag(v reflect.Value, tag string) reflect.Value {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("arch") == tag {
			return v.Field(i)
		}
	}
	panic("archfile: " + v.Type().String() + " has no field " + tag)
}

// pointer is an object that may not be there.
type pointer struct{ *object }

func (p pointer) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	r.mark(at, n)
	e := reflect.New(v.Type().Elem())
	p.object.read(r, n, e.Elem(), at)
	v.Set(e)
}

func (p pointer) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	if v.IsNil() {
		return nil
	}
	return p.object.tree(w, v.Elem(), at)
}

// embedded is an object that is a struct by value: nothing when all is empty.
type embedded struct{ *object }

func (p embedded) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	if t := p.object.tree(w, v, at); len(t.entries) > 0 {
		return t
	}
	return nil
}

// named is a mapping from names to values. With a kind they are elements with
// references of their own.
type named struct {
	kind arch.Kind
	form form
	of   string // what a name is, for the schema
}

func (m named) fact(at arch.Fact, name string) arch.Fact {
	switch {
	case m.kind == "":
		return arch.Fact{Of: at.Of, At: at.At.Join(name)}
	case hasMember(m.kind):
		return arch.Fact{Of: arch.NewRef(m.kind, at.Of.Name(), name)}
	}
	return arch.Fact{Of: arch.NewRef(m.kind, name)}
}

func (m named) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	if !r.mapping(n, at) || len(n.Entries) == 0 {
		return
	}
	out := reflect.MakeMap(v.Type())
	for _, e := range n.Entries {
		name := e.Key.Text
		if name == "" || e.Key.Kind == doc.Map || e.Key.Kind == doc.List {
			r.fault(e.Key, doc.Value, at, "a name is missing", "")
			continue
		}
		f := m.fact(at, name)
		if _, leaf := m.form.(*object); leaf {
			r.mark(f, e.Key)
		}
		if m.kind == arch.KindStore {
			r.home = name
		}
		x := reflect.New(v.Type().Elem()).Elem()
		m.form.read(r, e.Value, x, f)
		out.SetMapIndex(reflect.ValueOf(name), x)
		if m.kind == arch.KindStore {
			r.home = ""
		}
	}
	v.Set(out)
}

func (m named) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	if v.Len() == 0 {
		return nil
	}
	t := &tree{kind: mapTree}
	if m.kind == arch.KindTable && !w.listed[w.home] {
		return nil
	}
	ks := v.MapKeys()
	slices.SortFunc(ks, func(a, b reflect.Value) int { return cmpString(a.String(), b.String()) })
	for _, k := range ks {
		x := reflect.New(v.Type().Elem()).Elem() // what is in a map has no address
		x.Set(v.MapIndex(k))
		if m.kind == arch.KindStore {
			w.home = k.String()
		}
		_, isObject := m.form.(*object)
		w.inMap = !isObject
		e := m.form.tree(w, x, m.fact(at, k.String()))
		w.inMap = false
		if e != nil {
			t.entries = append(t.entries, entry{k.String(), e})
		}
		if m.kind == arch.KindStore {
			w.home = ""
		}
	}
	if len(t.entries) == 0 {
		return nil
	}
	return t
}

func (m named) schema(d *definitions) map[string]any {
	return map[string]any{"type": []any{"object", "null"}, "propertyNames": map[string]any{"minLength": 1}, "additionalProperties": d.described(m.form, m.of)}
}

func cmpString(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// one is a reference; many is a list of them.
type (
	one  struct{ kinds []arch.Kind }
	many struct{ kinds []arch.Kind }
)

// to is a reference to one of kinds.
func to(kinds ...arch.Kind) one { return one{kinds} }

func (r *reader) ref(n *doc.Node, kinds []arch.Kind, at arch.Fact) (arch.Ref, bool) {
	s, ok := r.text(n, at)
	if !ok {
		return "", false
	}
	if s == "" {
		r.fault(n, doc.Value, at, "the reference is empty", "")
		return "", false
	}
	ref, err := r.names.resolve(s, kinds, r.home)
	if err != nil {
		r.fault(n, doc.Value, at, err.Error(), "")
		return "", false
	}
	if _, ok := r.tables[ref]; !ok && ref.Kind() == arch.KindTable {
		r.tables[ref] = n
	}
	return ref, true
}

func (f one) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	r.mark(at, n)
	if ref, ok := r.ref(n, f.kinds, at); ok {
		v.SetString(string(ref))
	}
}

func (f one) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	s, ok := w.ref(arch.Ref(v.String()), f.kinds, at)
	if !ok {
		return nil
	}
	return w.scalar(at, s)
}

func (f one) schema(*definitions) map[string]any { return refSchema() }

func refSchema() map[string]any { return map[string]any{"type": "string", "minLength": 1} }

func (f many) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	r.mark(at, n)
	var out []arch.Ref
	for _, it := range r.list(n, at) {
		if ref, ok := r.ref(it, f.kinds, at); ok {
			out = append(out, ref)
		}
	}
	v.Set(reflect.ValueOf(out))
}

func (f many) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	t := &tree{kind: listTree, from: w.source(at)}
	for i := range v.Len() {
		if s, ok := w.ref(arch.Ref(v.Index(i).String()), f.kinds, at); ok {
			t.items = append(t.items, &tree{text: s})
		}
	}
	if len(t.items) == 0 {
		return nil
	}
	return t
}

func (f many) schema(*definitions) map[string]any { return listOf(refSchema()) }
