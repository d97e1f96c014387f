package gosource

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover"
)

// world is everything that can be imported.
type world struct {
	o        Options
	fset     *token.FileSet
	modules  []*module       // longest folder first
	pkgs     map[string]*pkg // of the source that is read, by import path
	byDir    map[string]*pkg //
	schemas  []*file
	declared map[string]string    // built-in declarations, by import path
	loaded   map[string]*external // by import path
	// requirers of packages of the outside world.
	requirers map[string]*module
	folders   map[string]bool // on disk, as far as asked
}

// module is a go.mod file.
type module struct {
	path, dir string // dir as people see it, slashes
	requires  map[string]string
	replaces  map[string]string // module path -> folder, or module@version
	file      string
}

// pkg is a package of the source that is read.
type pkg struct {
	path, dir string
	mod       *module
	name      string
	files     []*file
	imports   []string // of this source, sorted; filled by scan
	outside   []string
	api       [32]byte // of what other packages can see
	scanned   bool
}

func newWorld(o Options, files []*file) *world {
	w := &world{o: o, fset: token.NewFileSet(), pkgs: map[string]*pkg{}, byDir: map[string]*pkg{}, declared: declarations(), loaded: map[string]*external{}, requirers: map[string]*module{}, folders: map[string]bool{}}
	if w.o.GoRoot == "" {
		w.o.GoRoot = goRoot()
	}
	if w.o.ModCache == "" {
		w.o.ModCache = modCache()
	}
	for _, f := range files {
		if path.Base(f.path) == "go.mod" {
			w.modules = append(w.modules, readMod(f))
		}
	}
	slices.SortFunc(w.modules, func(a, b *module) int {
		return cmp.Or(len(b.dir)-len(a.dir), cmp.Compare(a.dir, b.dir))
	})
	for _, f := range files {
		if strings.HasSuffix(f.path, ".sql") {
			w.schemas = append(w.schemas, f)
		}
		if strings.HasSuffix(f.path, ".go") && !strings.HasSuffix(f.path, "_test.go") && wanted(f) {
			w.place(f)
		}
	}
	return w
}

// goRoot finds the declarations of the standard library without running anything.
func goRoot() string {
	dirs := []string{os.Getenv("GOROOT")}
	for _, d := range filepath.SplitList(os.Getenv("PATH")) {
		if real, err := filepath.EvalSymlinks(filepath.Join(d, "go")); err == nil {
			dirs = append(dirs, filepath.Dir(filepath.Dir(real)))
		}
	}
	for _, d := range append(dirs, "/usr/local/go", "/usr/lib/go") {
		if d == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(d, "src", "net", "http")); err == nil {
			return d
		}
	}
	return "-"
}

func modCache() string {
	if d := os.Getenv("GOMODCACHE"); d != "" {
		return d
	}
	if l := filepath.SplitList(os.Getenv("GOPATH")); len(l) > 0 && l[0] != "" {
		return filepath.Join(l[0], "pkg", "mod")
	}
	if h, err := os.UserHomeDir(); err == nil {
		return filepath.Join(h, "go", "pkg", "mod")
	}
	return "-"
}

var modLine = regexp.MustCompile(`^(?:(module|require|replace)\s+)?"?([^\s"()]+)"?(?:\s+(v[^\s]+))?(?:\s+=>\s+([^\s]+)(?:\s+(v[^\s]+))?)?`)

// readMod reads what is needed of a go.mod file: its path, requirements and
// replacements. Since Go 1.17 it lists every module of the build.
func readMod(f *file) *module {
	m := &module{dir: path.Dir(f.path), file: f.path, requires: map[string]string{}, replaces: map[string]string{}}
	block := ""
	sc := bufio.NewScanner(bytes.NewReader(f.src))
	for sc.Scan() {
		line, _, _ := strings.Cut(strings.TrimSpace(sc.Text()), "//")
		line = strings.TrimSpace(line)
		if strings.HasSuffix(line, "(") {
			block = strings.TrimSpace(strings.TrimSuffix(line, "("))
			continue
		}
		if line == ")" {
			block = ""
			continue
		}
		x := modLine.FindStringSubmatch(line)
		if x == nil {
			continue
		}
		switch cmp.Or(x[1], block) {
		case "module":
			m.path = x[2]
		case "require":
			m.requires[x[2]] = x[3]
		case "replace":
			m.replaces[x[2]] = x[4]
			if x[5] != "" {
				m.replaces[x[2]] += "@" + x[5]
			}
		}
	}
	return m
}

// place puts a file into its package.
func (w *world) place(f *file) {
	dir := path.Dir(f.path)
	p := w.byDir[dir]
	if p == nil {
		p = &pkg{dir: dir}
		for _, m := range w.modules {
			if dir == m.dir || m.dir == "." || strings.HasPrefix(dir, m.dir+"/") {
				p.mod = m
				break
			}
		}
		rel := ""
		if p.mod == nil {
			p.mod, rel = w.above(dir)
		}
		if rel != "" {
			p.path = path.Join(p.mod.path, rel)
		} else if p.mod == nil { // code without a go.mod: its folder is its name
			p.path = strings.TrimPrefix(dir, "/")
			if i := strings.Index(dir, "/src/"); i >= 0 { // as in a GOPATH
				p.path = dir[i+5:]
			}
		} else {
			p.path = path.Join(p.mod.path, strings.TrimPrefix(strings.TrimPrefix(dir, p.mod.dir), "/"))
		}
		w.byDir[dir] = p
		w.pkgs[p.path] = p
	}
	p.files = append(p.files, f)
}

// above finds the go.mod file in a folder above those that were named, as the go
// command does, and the rest of the way from there.
func (w *world) above(dir string) (*module, string) {
	abs, err := filepath.Abs(filepath.FromSlash(dir))
	if err != nil || !w.isDir(abs) {
		return nil, ""
	}
	for up := abs; ; up = filepath.Dir(up) {
		for _, m := range w.modules {
			if m.dir == up {
				return m, strings.TrimPrefix(abs, up+"/")
			}
		}
		name := filepath.Join(up, "go.mod")
		if src, err := os.ReadFile(name); err == nil {
			m := readMod(&file{path: filepath.ToSlash(name), src: src})
			w.modules = append(w.modules, m)
			return m, filepath.ToSlash(strings.TrimPrefix(abs, up+string(filepath.Separator)))
		}
		if up == filepath.Dir(up) {
			return nil, ""
		}
	}
}

var osNames = map[string]bool{"aix": true, "android": true, "darwin": true, "dragonfly": true, "freebsd": true, "illumos": true, "ios": true, "js": true, "netbsd": true, "openbsd": true, "plan9": true, "solaris": true, "wasip1": true, "windows": true}
var archNames = map[string]bool{"386": true, "arm": true, "arm64": true, "loong64": true, "mips": true, "mipsle": true, "mips64": true, "mips64le": true, "ppc64": true, "ppc64le": true, "riscv64": true, "s390x": true, "wasm": true, "sparc64": true}

// fits reports whether a file's name is one that a build for Linux on amd64 takes.
func fits(name string) bool {
	parts := strings.Split(strings.TrimSuffix(name, ".go"), "_")
	for i := max(1, len(parts)-2); i < len(parts); i++ {
		if osNames[parts[i]] || archNames[parts[i]] {
			return false
		}
	}
	return true
}

// wanted applies build constraints as for Linux on amd64 without extra tags.
func wanted(f *file) bool { return fits(path.Base(f.path)) && tagged(f.src) }

func tagged(src []byte) bool {
	rest := src
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		line = bytes.TrimSpace(line)
		if bytes.HasPrefix(line, []byte("package ")) {
			return true
		}
		if !bytes.HasPrefix(line, []byte("//go:build")) {
			continue
		}
		x, err := constraint.Parse(string(line))
		return err != nil || x.Eval(func(tag string) bool {
			switch tag {
			case "linux", "amd64", "unix", "gc", "cgo":
				return true
			}
			v, ok := strings.CutPrefix(tag, "go1.")
			n, err := strconv.Atoi(v)
			return ok && err == nil && n <= 26
		})
	}
	return true
}

// generated reports whether a file says so in the form that the go command knows.
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.\s*$`)

// parse reads a package's files; what has syntax errors counts as far as it goes.
func (w *world) parse(p *pkg, out discover.Sink) []*ast.File {
	var fs []*ast.File
	for _, f := range p.files {
		a, err := parser.ParseFile(w.fset, f.path, f.src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil && out != nil {
			out.Skip(f.path, Name+": "+err.Error()+"; what comes before it counts")
		}
		if a == nil || a.Name == nil || a.Name.Name == "_" {
			continue
		}
		if p.name == "" || strings.HasSuffix(p.name, "_test") {
			p.name = a.Name.Name
		}
		if a.Name.Name == p.name {
			fs = append(fs, a)
		}
	}
	return fs
}

// scan reads the imports of a package.
func (w *world) scan(p *pkg) {
	if p.scanned {
		return
	}
	p.scanned = true
	in, out := map[string]bool{}, map[string]bool{}
	fset := token.NewFileSet()
	for _, f := range p.files {
		a, _ := parser.ParseFile(fset, f.path, f.src, parser.ImportsOnly)
		if a == nil {
			continue
		}
		if p.name == "" {
			p.name = a.Name.Name
		}
		for _, im := range a.Imports {
			if name, err := strconv.Unquote(im.Path.Value); err == nil {
				if w.pkgs[name] != nil && w.pkgs[name] != p {
					in[name] = true
				} else {
					out[name] = true
				}
			}
		}
	}
	p.imports, p.outside = sortedKeys(in), sortedKeys(out)
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	if len(m) == 0 {
		return nil // as what was kept is read
	}
	out := make([]K, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// order lists the packages so that each comes after those that it imports; loops,
// which do not compile, are cut anywhere.
func (w *world) order(ctx context.Context) []*pkg {
	var out []*pkg
	state := map[*pkg]bool{}
	var visit func(p *pkg)
	visit = func(p *pkg) {
		if state[p] || ctx.Err() != nil {
			return
		}
		state[p] = true
		w.scan(p)
		for _, i := range p.imports {
			visit(w.pkgs[i])
		}
		out = append(out, p)
	}
	for _, n := range sortedKeys(w.pkgs) {
		visit(w.pkgs[n])
	}
	return out
}
