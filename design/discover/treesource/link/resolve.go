package link

import (
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// Resolve says what a type's name means inside t.
func (p *Program) Resolve(t *Type, text string) Ref {
	return p.resolve(t, text, 0)
}

func (p *Program) resolve(t *Type, text string, depth int) Ref {
	text = strings.TrimSuffix(strings.TrimSpace(text), "?") // nullable, in C# and TypeScript
	if text == "" || depth > depthMax {
		return Ref{}
	}
	if inner, ok := strings.CutSuffix(text, "..."); ok {
		return Ref{Name: "[]", Args: []Ref{p.resolve(t, inner, depth+1)}}
	}
	if inner, ok := strings.CutSuffix(text, "[]"); ok {
		return Ref{Name: "[]", Args: []Ref{p.resolve(t, inner, depth+1)}}
	}
	if text[0] == '?' || strings.HasPrefix(text, "? ") { // a wildcard
		_, bound, _ := strings.Cut(strings.TrimSpace(text[1:]), " ")
		return p.resolve(t, bound, depth+1)
	}
	name, args := text, []Ref(nil)
	if i := strings.IndexByte(text, '<'); i > 0 && strings.HasSuffix(text, ">") {
		name = strings.TrimSpace(text[:i])
		for _, a := range split(text[i+1 : len(text)-1]) {
			args = append(args, p.resolve(t, a, depth+1))
		}
	}
	r := p.lookup(t, name)
	r.Args = args
	return r
}

// split cuts type arguments at commas that stand outside of brackets.
func split(s string) []string {
	var out []string
	depth, from := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '<', '(', '[', '{':
			depth++
		case '>', ')', ']', '}':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, s[from:i])
				from = i + 1
			}
		}
	}
	return append(out, s[from:])
}

// basic types say nothing about a design.
var basic = []string{"", "var", "val", "void", "int", "long", "short", "byte", "char", "float", "double", "boolean", "bool", "string", "number", "any", "object", "unknown", "never", "undefined", "null", "decimal"}

func (p *Program) lookup(t *Type, name string) Ref {
	if slices.Contains(basic, name) {
		return Ref{}
	}
	if t == nil {
		return Ref{Name: name}
	}
	first, rest, dotted := strings.Cut(name, ".")
	if !dotted {
		if x, ok := p.simple(t, name); ok {
			return x
		}
		return Ref{Name: name}
	}
	if x, ok := p.simple(t, first); ok {
		if x.Type != nil {
			if in := p.inner(x.Type, rest); in != nil {
				return Ref{Type: in}
			}
			return Ref{}
		}
		return Ref{Name: x.Name + "." + rest}
	}
	if x := p.best(t, p.named[name]); x != nil {
		return Ref{Type: x}
	}
	if t.File.Lang == "csharp" { // a part of a namespace may stand before a name
		if x := p.best(t, p.named[t.File.Package+"."+name]); x != nil {
			return Ref{Type: x}
		}
	}
	return Ref{Name: name}
}

// inner finds Outer.Inner from the outer type, or what it inherits.
func (p *Program) inner(t *Type, name string) *Type {
	for range depthMax {
		if x := p.sibling(t, t.Unit.Name+"."+name); x != nil {
			return x
		}
		i := slices.IndexFunc(t.Supers, func(s Ref) bool { return s.Type != nil && s.Type != t })
		if i < 0 {
			return nil
		}
		t = t.Supers[i].Type
	}
	return nil
}

// simple finds a name without dots: type parameters, nested types, imports, the
// package, imports of everything. Once all is linked, a name means one thing in a
// type however often it is met.
func (p *Program) simple(t *Type, name string) (Ref, bool) {
	if !p.linked {
		return p.search(t, name)
	}
	if n, ok := t.names[name]; ok {
		return n.ref, n.ok
	}
	r, ok := p.search(t, name)
	if t.names == nil {
		t.names = map[string]meaning{}
	}
	t.names[name] = meaning{r, ok}
	return r, ok
}

// meaning of a name, if it has one.
type meaning struct {
	ref Ref
	ok  bool
}

func (p *Program) search(t *Type, name string) (Ref, bool) {
	for o := t; o != nil; o = o.Outer {
		if slices.Contains(o.Unit.Params, name) {
			return Ref{Name: name}, true
		}
		if x := p.sibling(o, join(o.Unit.Name, name)); x != nil {
			return Ref{Type: x}, true
		}
		if o.Unit.Name == name {
			return Ref{Type: o}, true
		}
		if !o.asks {
			if x := p.inner(o, name); x != nil {
				return Ref{Type: x}, true
			}
		}
	}
	for i := range t.File.Imports {
		im := &t.File.Imports[i]
		if im.Name == "*" || im.Name == "" || called(im) != name {
			continue
		}
		key := join(im.Package, im.Name)
		if x := p.best(t, p.named[key]); x != nil {
			return Ref{Type: x}, true
		}
		if im.Static && !strings.Contains(im.Package, ".") {
			continue
		}
		return Ref{Name: key}, true
	}
	if x := p.best(t, p.inside[t.File.Package][name]); x != nil {
		return Ref{Type: x}, true
	}
	for i := range t.File.Imports {
		if im := &t.File.Imports[i]; im.Name == "*" {
			if x := p.best(t, p.named[join(im.Package, name)]); x != nil {
				return Ref{Type: x}, true
			}
		}
	}
	if t.File.Lang == "csharp" { // outer namespaces are open too
		for pkg := t.File.Package; pkg != ""; {
			i := strings.LastIndexByte(pkg, '.')
			if i < 0 {
				break
			}
			pkg = pkg[:i]
			if x := p.best(t, p.inside[pkg][name]); x != nil {
				return Ref{Type: x}, true
			}
		}
	}
	return Ref{}, false
}

func called(im *unit.Import) string {
	if im.Alias != "" {
		return im.Alias
	}
	return im.Name
}

func join(pkg, name string) string {
	if pkg == "" {
		return name
	}
	if name == "" {
		return pkg
	}
	return pkg + "." + name
}

// Method finds the method that a call of this name with arguments of these types
// reaches on t or above it.
func (p *Program) Method(t *Type, name string, args []Ref) *Method {
	return p.method(t, name, args, 0)
}

func (p *Program) method(t *Type, name string, args []Ref, depth int) *Method {
	if t == nil || depth > depthMax {
		return nil
	}
	var best *Method
	score := -1
	for _, m := range t.byName[name] {
		if s := p.fits(m, args); s > score {
			best, score = m, s
		}
	}
	if score >= 1<<10 || best != nil && !overloads(t.File.Lang) {
		return best
	}
	for _, s := range t.Supers {
		if m := p.method(s.Type, name, args, depth+1); m != nil && p.fits(m, args) > score {
			return m
		}
	}
	return best
}

func overloads(lang string) bool { return lang == "java" || lang == "csharp" }

// fits rates how well arguments suit a method: by number first.
func (p *Program) fits(m *Method, args []Ref) int {
	ps := m.Unit.Params
	n := 0
	switch {
	case len(ps) == len(args):
		n = 1 << 10
	case len(ps) > 0 && strings.HasSuffix(ps[len(ps)-1].Type, "...") && len(args) >= len(ps)-1:
		n = 1 << 9
	}
	for i, a := range args {
		if i >= len(ps) {
			break
		}
		switch want := simple(ps[i].Type); {
		case a.Type != nil && unit.Last(a.Type.Unit.Name) == want:
			n += 4
		case a.Type == nil && a.Name != "" && unit.Last(a.Name) == want:
			n += 3
		case a.Type != nil && p.descends(a.Type, want, 0):
			n += 2
		case a.Known() && want != "" && want != "Object":
			n--
		}
	}
	return n
}

func (p *Program) descends(t *Type, name string, depth int) bool {
	if depth > depthMax {
		return false
	}
	for _, s := range t.Supers {
		if s.Type == nil && unit.Last(s.Name) == name || s.Type != nil && (unit.Last(s.Type.Unit.Name) == name || p.descends(s.Type, name, depth+1)) {
			return true
		}
	}
	return false
}

// Descends reports whether t is below a type of one of these simple names.
func (p *Program) Descends(t *Type, names ...string) bool {
	return t != nil && slices.ContainsFunc(names, func(n string) bool { return p.descends(t, n, 0) })
}

// Imported is the file that a name is imported from, as a type of its loose
// functions; nil when it is none of the program.
func (p *Program) Imported(t *Type, name string) *Type {
	for i := range t.File.Imports {
		im := &t.File.Imports[i]
		if called(im) != name {
			continue
		}
		for _, key := range []string{im.Package, join(im.Package, im.Name)} {
			if x := p.best(t, p.named[key]); x != nil && x.Unit.Kind == unit.Loose {
				return x
			}
		}
	}
	return nil
}

// FileField is a variable of the file that t stands in.
func (p *Program) FileField(t *Type, name string) *unit.Field {
	if o := p.sibling(t, ""); o != nil && o.File == t.File {
		return o.fields[name]
	}
	return nil
}

// Relative is the package that a relative path means in a file.
func Relative(file, to string) string {
	if !strings.HasPrefix(to, ".") {
		return to
	}
	to = path.Join(path.Dir(file), to)
	for _, ext := range []string{".js", ".ts", ".jsx", ".tsx", ".mjs"} {
		to = strings.TrimSuffix(to, ext)
	}
	return to
}

// packages makes the imports of languages whose files are modules mean files:
// the module's own name is looked for in every folder above.
func (p *Program) packages(files []*unit.File) {
	for _, f := range files {
		if f.Lang != "python" && f.Lang != "typescript" {
			continue
		}
		for i := range f.Imports {
			im := &f.Imports[i]
			from := im.Package
			if strings.HasPrefix(from, ".") {
				from = Relative(f.Package, from)
			} else if f.Lang == "python" {
				from = strings.ReplaceAll(from, ".", "/")
			}
			im.Package = p.file(f.Package, from, im)
		}
	}
}

// file finds the file that a module's name means.
func (p *Program) file(from, module string, im *unit.Import) string {
	if module == "" {
		return im.Package
	}
	for d := path.Dir(from); ; d = path.Dir(d) {
		at := module
		if !path.IsAbs(module) && !strings.HasPrefix(module, d+"/") {
			at = path.Join(d, module)
		}
		for _, k := range []string{at, at + "/index", at + "/__init__"} {
			if p.inside[k] != nil {
				return k
			}
		}
		if im.Name != "" && im.Name != "*" && p.inside[at+"/"+im.Name] != nil { // from package import module
			return at
		}
		if d == "." || d == "/" {
			return im.Package
		}
	}
}
