package gosource

import (
	"cmp"
	_ "embed"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"
)

//go:embed declared.txt
var declaredText []byte

// declarations are surfaces of libraries whose calls mean something here.
func declarations() map[string]string {
	m := map[string]string{}
	for _, f := range txtar.Parse(declaredText).Files {
		m[f.Name] = string(f.Data)
	}
	return m
}

// external is a package of the outside world: declarations only.
type external struct {
	pkg  *types.Package
	busy bool
	gaps gaps
}

// gaps is what of the outside world is not at hand.
type gaps struct {
	opaque bool            // not all declarations are known, so that faults may be the reader's
	absent map[string]bool // packages that were not found, some of them declared here
	lacks  map[string]bool // their modules, of which nothing is known
}

func (g *gaps) add(o gaps) {
	g.opaque = g.opaque || o.opaque
	for n := range o.absent {
		put(&g.absent, n)
	}
	for n := range o.lacks {
		put(&g.lacks, n)
	}
}

func put(m *map[string]bool, k string) {
	if *m == nil {
		*m = map[string]bool{}
	}
	(*m)[k] = true
}

// importer resolves the imports of one package.
type importer struct {
	w    *world
	from *module // whose requirements hold
	gaps         // of what was imported
}

// Import implements types.Importer. An unknown package is an empty one: what is
// done with its values is not known, and the rest counts.
func (im *importer) Import(name string) (*types.Package, error) {
	if name == "unsafe" {
		return types.Unsafe, nil
	}
	if p := im.w.pkgs[name]; p != nil {
		return im.w.typesOf(p), nil
	}
	e := im.w.loaded[name]
	if e == nil {
		e = &external{busy: true}
		im.w.loaded[name] = e
		own := &importer{w: im.w, from: im.w.requirer(name, im.from)}
		e.pkg = own.load(name)
		e.gaps = own.gaps
		e.busy = false
	}
	if e.pkg == nil {
		e.pkg = types.NewPackage(name, packageName(name))
		e.pkg.MarkComplete()
	}
	im.add(e.gaps)
	return e.pkg, nil
}

// requirer is the module under whose requirements an outside package is read: the
// first that has it, whoever asks, so that what is known does not hang on the order
// in which packages are read.
func (w *world) requirer(name string, from *module) *module {
	if m, ok := w.requirers[name]; ok {
		return m
	}
	best := from
	first, _, _ := strings.Cut(name, "/")
	if strings.Contains(first, ".") {
		requires := false
		for _, m := range w.modules {
			im := &importer{w: w, from: m}
			if dir, _ := im.dir(name); dir != "" {
				best = m
				break
			}
			if !requires && im.moduleOf(name) != "" {
				best, requires = m, true
			}
		}
	}
	w.requirers[name] = best
	return best
}

// atHand reports whether an outside package can be read.
func (w *world) atHand(name string) bool {
	dir, _ := (&importer{w: w, from: w.requirer(name, nil)}).dir(name)
	return dir != ""
}

// packageName is the custom: the last part that is no version.
func packageName(p string) string {
	base := path.Base(p)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(p))
	}
	base, _, _ = strings.Cut(base, ".")
	return strings.TrimPrefix(strings.TrimSuffix(strings.ReplaceAll(base, "-", "_"), "_go"), "go_")
}

func (im *importer) load(name string) *types.Package {
	if dir, from := im.dir(name); dir != "" {
		if p := im.check(name, goFiles(dir), from); p != nil {
			return p
		}
	}
	im.opaque = true
	dotted := strings.Contains(strings.Split(name, "/")[0], ".")
	if dotted {
		put(&im.absent, name)
	}
	if same, ok := sameLibrary[unversioned(name)]; ok {
		name = same
	}
	for n := name; ; { // a declaration holds for every major version
		if src, ok := im.w.declared[n]; ok {
			return im.check(name, map[string][]byte{n + ".go": []byte(src)}, im)
		}
		cut := unversioned(n)
		if cut == n {
			break
		}
		n = cut
	}
	if dotted && im.from != nil {
		put(&im.lacks, cmp.Or(im.moduleOf(name), name))
	}
	return nil
}

// unversioned drops the first /vN of a path.
func unversioned(p string) string {
	parts := strings.Split(p, "/")
	for i, x := range parts {
		if i > 0 && len(x) > 1 && x[0] == 'v' && strings.Trim(x[1:], "0123456789") == "" {
			return strings.Join(append(parts[:i:i], parts[i+1:]...), "/")
		}
	}
	return p
}

// dir finds the folder of a package, and the importer for its own imports.
func (im *importer) dir(name string) (string, *importer) {
	first, _, _ := strings.Cut(name, "/")
	if !strings.Contains(first, ".") {
		if im.w.o.GoRoot == "-" {
			return "", nil
		}
		for _, d := range []string{"src", "src/vendor"} {
			dir := filepath.Join(im.w.o.GoRoot, d, name)
			if im.w.isDir(dir) {
				return dir, &importer{w: im.w}
			}
		}
		return "", nil
	}
	if im.from != nil {
		if d := filepath.Join(im.from.dir, "vendor"); im.w.isDir(d) && im.w.isDir(filepath.Join(d, name)) {
			return filepath.Join(d, name), im
		}
		if rest, ok := strings.CutPrefix(name, im.from.path+"/"); ok { // of this module, but not among what was named
			if d := filepath.Join(im.from.dir, rest); im.w.isDir(d) {
				return d, im
			}
		}
	}
	if mod := im.moduleOf(name); mod != "" && im.w.o.ModCache != "-" {
		at := mod + "@" + im.from.requires[mod]
		if r := im.from.replaces[mod]; r != "" {
			at = r
		}
		rest := strings.TrimPrefix(name, mod)
		root := filepath.Join(im.w.o.ModCache, escape(at))
		if strings.HasPrefix(at, ".") {
			root = filepath.Join(im.from.dir, at)
		}
		if d := filepath.Join(root, rest); im.w.isDir(d) {
			return d, im
		}
	}
	if im.w.o.GoRoot != "-" { // the standard library's own vendored packages
		if d := filepath.Join(im.w.o.GoRoot, "src", "vendor", name); im.w.isDir(d) && im.from == nil {
			return d, im
		}
	}
	return "", nil
}

func (im *importer) moduleOf(name string) string {
	if im.from == nil {
		return ""
	}
	for m := name; m != "." && m != "/"; m = path.Dir(m) {
		if _, ok := im.from.requires[m]; ok {
			return m
		}
	}
	return ""
}

// escape writes capitals as the module cache does: !a.
func escape(p string) string {
	var b strings.Builder
	for _, r := range p {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('!')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isDir asks once for each folder: a hundred modules ask for the same ones.
func (w *world) isDir(d string) bool {
	is, ok := w.folders[d]
	if !ok {
		fi, err := os.Stat(d)
		is = err == nil && fi.IsDir()
		w.folders[d] = is
	}
	return is
}

func goFiles(dir string) map[string][]byte {
	es, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	m := map[string][]byte{}
	for _, e := range es {
		n := e.Name()
		if !strings.HasSuffix(n, ".go") || strings.HasSuffix(n, "_test.go") || !fits(n) || n[0] == '_' || n[0] == '.' || !e.Type().IsRegular() {
			continue
		}
		if src, err := os.ReadFile(filepath.Join(dir, n)); err == nil && tagged(src) {
			m[filepath.Join(dir, n)] = src
		}
	}
	return m
}

// check reads declarations, without the bodies of functions.
func (im *importer) check(name string, files map[string][]byte, from *importer) *types.Package {
	var fs []*ast.File
	pkgName := ""
	for _, n := range sortedKeys(files) {
		a, _ := parser.ParseFile(im.w.fset, n, files[n], parser.SkipObjectResolution)
		if a == nil || a.Name == nil {
			continue
		}
		if pkgName == "" {
			pkgName = a.Name.Name
		}
		if a.Name.Name == pkgName {
			fs = append(fs, a)
		}
	}
	if len(fs) == 0 {
		return nil
	}
	for _, f := range fs {
		dropBlank(f)
	}
	conf := types.Config{Importer: from, IgnoreFuncBodies: true, FakeImportC: true, DisableUnusedImportCheck: true, Error: func(error) {}, Sizes: types.SizesFor("gc", "amd64")}
	p, _ := conf.Check(name, im.w.fset, fs, nil) // faults of other people's modules are theirs
	return p
}

// dropBlank takes out imports for side effects alone: their declarations are not
// used, and a driver's can be millions of lines.
func dropBlank(f *ast.File) {
	f.Decls = slices.DeleteFunc(f.Decls, func(d ast.Decl) bool {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.IMPORT || len(g.Specs) == 0 {
			return false
		}
		g.Specs = slices.DeleteFunc(g.Specs, func(s ast.Spec) bool {
			im, ok := s.(*ast.ImportSpec)
			return ok && im.Name != nil && im.Name.Name == "_"
		})
		return len(g.Specs) == 0
	})
}

// typesOf gives the declarations of a package of this source, read without
// bodies if it was not summarized in this run.
func (w *world) typesOf(p *pkg) *types.Package {
	e := w.loaded[p.path]
	if e == nil {
		e = &external{busy: true}
		w.loaded[p.path] = e
		src := map[string][]byte{}
		for _, f := range p.files {
			src[f.path] = f.src
		}
		im := &importer{w: w, from: p.mod}
		e.pkg = im.check(p.path, src, im)
		e.busy = false
	}
	if e.pkg == nil { // an import loop, or nothing that could be read
		e.pkg = types.NewPackage(p.path, cmp.Or(p.name, packageName(p.path)))
	}
	return e.pkg
}
