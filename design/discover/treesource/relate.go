package treesource

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/spring"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/facts"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
	"github.com/ashlar-dev/ashlar/formats/compose"
	"github.com/ashlar-dev/ashlar/formats/jvmbuild"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

// module is a unit of build with the files that belong to it.
type module struct {
	name  string
	dir   string
	lang  string
	build *jvmbuild.Build
	libs  []string // that it is built with, its parents' too
	app   *spring.Application
	ref   arch.Ref
	why   string
	store string
	main  bool     // something in it starts
	in    bool     // requests or messages come in
	only  []string // extensions of what it is built of; nil for all
}

// Relate links the files into a program and says what it means.
func (s *Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	var files []*unit.File
	for _, d := range discover.Of[*unit.File](ev.Documents) {
		files = append(files, d.V)
	}
	aside(ev, out)
	if len(files) == 0 {
		return nil
	}
	slices.SortFunc(files, func(a, b *unit.File) int { return cmp.Compare(a.Path, b.Path) })
	ms := modules(ev, files)
	for _, m := range ms.list {
		ms.place(ev, m)
	}
	var lm []*link.Module
	in := facts.Input{Files: files, Mapped: map[string][]facts.Mapped{}}
	for _, m := range ms.list {
		needs := ms.needs(m)
		lm = append(lm, &link.Module{Name: m.name, Dir: m.dir, Needs: needs})
		fm := facts.Module{Name: m.name, Dir: m.dir, Lang: m.lang, Service: m.ref, Store: m.store, Imports: needs}
		fm.Libraries = m.libs
		if m.app != nil {
			fm.Setting = m.app.Get
		}
		in.Modules = append(in.Modules, fm)
	}
	in.Program = link.New(files, lm, func(p string) string { return ms.of(p).name })
	for _, d := range discover.Of[*mappers](ev.Documents) {
		for k, v := range d.V.by {
			in.Mapped[k] = append(in.Mapped[k], v...)
		}
	}
	for _, d := range discover.Of[*webRoutes](ev.Documents) {
		for _, r := range d.V.list {
			r.Module = ms.of(d.Path).name
			in.Routes = append(in.Routes, r)
		}
	}
	f := facts.Read(in)
	ms.defined(ev, &f.Graph)
	for _, u := range files {
		if u.Broken > 0 {
			f.Graph.Skipped = append(f.Graph.Skipped, code.Skip{File: u.Path, Why: fmt.Sprintf("%d places do not parse; the rest was read", u.Broken)})
		}
	}
	ms.serve(f)
	out.Code(f.Graph)
	e := &emitter{ev: ev, out: out, ms: ms, f: f}
	e.emit()
	return nil
}

// aside lists what was passed over, a line a folder.
func aside(ev *discover.Evidence, out discover.Sink) {
	type key struct{ dir, why string }
	n := map[key]int{}
	for _, d := range discover.Of[*passed](ev.Documents) {
		n[key{d.V.dir, d.V.why}]++
	}
	for k, c := range n {
		out.Skip(k.dir, fmt.Sprintf("%s: %d source files left out", k.why, c))
	}
	missing := map[string]int{}
	for _, d := range discover.Of[*left](ev.Documents) {
		missing[d.V.lang]++
	}
	for lang, c := range missing {
		out.Skip("("+lang+")", fmt.Sprintf("%d source files left out: this build was made without cgo and has no grammars", c))
	}
}

// moduleSet finds the module of a path.
type moduleSet struct {
	list     []*module
	byDir    map[string]*module
	composed []discover.Typed[*compose.File]
}

func modules(ev *discover.Evidence, files []*unit.File) *moduleSet {
	ms := &moduleSet{byDir: map[string]*module{}, composed: discover.Of[*compose.File](ev.Documents)}
	for _, d := range discover.Of[*jvmbuild.Build](ev.Documents) {
		if old := ms.byDir[d.V.Dir]; old == nil || old.build.Gradle {
			ms.byDir[d.V.Dir] = &module{name: cmp.Or(d.V.Name, path.Base(d.V.Dir)), dir: d.V.Dir, build: d.V}
		}
	}
	for _, d := range discover.Of[*spring.Application](ev.Documents) {
		m := ms.byDir[d.V.Module]
		if m == nil {
			m = &module{name: path.Base(d.V.Module), dir: d.V.Module}
			ms.byDir[d.V.Module] = m
		}
		m.app = d.V
	}
	ms.manifested(ev)
	has := map[*module]bool{}
	for _, f := range files {
		m := ms.of(f.Path)
		has[m] = true
		if m.lang == "" && !f.Test {
			m.lang = f.Lang
		}
	}
	names := map[string]int{}
	for _, dir := range arch.Sorted(ms.byDir) {
		if m := ms.byDir[dir]; has[m] {
			ms.list = append(ms.list, m)
			names[m.name]++
		}
	}
	var builds []*jvmbuild.Build
	for _, d := range discover.Of[*jvmbuild.Build](ev.Documents) {
		builds = append(builds, d.V)
	}
	for _, m := range ms.list {
		if m.build != nil {
			m.libs = jvmbuild.Effective(m.build, builds)
		}
		if names[m.name] > 1 {
			m.name = m.dir
		}
	}
	return ms
}

// of finds the module of a file: the innermost folder with a build file or an
// application's settings, else what lies above its sources.
func (ms *moduleSet) of(p string) *module {
	for d := path.Dir(p); ; d = path.Dir(d) {
		if m := ms.byDir[d]; m != nil && m.takes(p) {
			return m
		}
		if d == "." || d == "/" {
			break
		}
	}
	dir := ""
	if i := strings.Index(p, "/src/"); i > 0 {
		dir = p[:i]
	}
	if m := ms.byDir[dir]; m != nil && m.takes(p) {
		return m
	}
	m := &module{name: cmp.Or(path.Base(dir), "code"), dir: dir}
	if dir == "" {
		m.name = "code"
	}
	ms.byDir[dir] = m
	return m
}

// needs are other modules of the repository, by their artifacts.
func (ms *moduleSet) needs(m *module) []string {
	if m.build == nil {
		return nil
	}
	var out []string
	for _, o := range ms.list {
		if o != m && o.build != nil && (slices.Contains(m.build.Libraries, o.build.Name) || slices.Contains(m.build.Libraries, path.Base(o.dir))) {
			out = append(out, o.name)
		}
	}
	slices.Sort(out)
	return out
}

// place finds the service that a module becomes, and the store that it uses.
func (ms *moduleSet) place(ev *discover.Evidence, m *module) {
	switch {
	case m.app != nil:
		m.ref = m.app.Ref
	default:
		m.ref, m.why = placed(ev, ms.composed, m)
	}
	if m.ref == "" {
		return
	}
	var stores []string
	for _, c := range ev.System.Services[m.ref.Name()].Uses {
		if k := ev.System.Stores[c.To.Name()].Kind; c.To.Kind() == arch.KindStore && k != "redis" && k != "memcached" {
			stores = append(stores, c.To.Name())
		}
	}
	slices.Sort(stores)
	if stores = slices.Compact(stores); len(stores) == 1 {
		m.store = stores[0]
	}
}

// placed: the compose service that is built from the module's folder, or the
// service of its name.
func placed(ev *discover.Evidence, composed []discover.Typed[*compose.File], m *module) (arch.Ref, string) {
	for _, f := range composed {
		for _, s := range f.V.Services {
			if s.Build != "" && path.Clean(path.Join(path.Dir(f.Path), s.Build)) == path.Clean(m.dir) {
				return arch.NewRef(arch.KindService, s.Name), fmt.Sprintf("%s is built from %s", s.Name, m.dir)
			}
		}
	}
	for _, n := range []string{m.name, path.Base(m.dir)} {
		if ref, ok := ev.Hosts.Resolve(n, ""); ok && ref.Kind() == arch.KindService {
			return ref, fmt.Sprintf("the module %s is called as the service", n)
		}
	}
	return "", ""
}

// serve makes services of modules that nothing else knows, but in which
// something starts or comes in.
func (ms *moduleSet) serve(f *facts.Facts) {
	by := map[string]*module{}
	for _, m := range ms.list {
		by[m.name] = m
	}
	for _, e := range f.Endpoints {
		m := by[e.Module]
		if m == nil {
			continue
		}
		m.main = m.main || e.Entry.Kind == "main"
		m.in = m.in || e.Entry.Kind != "main" && e.Entry.Kind != "timer"
	}
	for _, m := range ms.list {
		boot := len(f.Enabled[m.name]) > 0
		if m.ref == "" && m.in && (boot || m.main || m.only != nil || m.build != nil && m.build.Packs || len(ms.list) == 1) {
			m.ref = arch.NewRef(arch.KindService, strings.ToLower(m.name))
			m.why = "requests come in at its code"
		}
		if cm, ok := f.Graph.Modules[m.name]; ok {
			cm.Service = m.ref
			f.Graph.Modules[m.name] = cm
		}
	}
}

// defined adds the tables of scripts: their keys are what the database enforces.
func (ms *moduleSet) defined(ev *discover.Evidence, g *code.Graph) {
	touched := map[string]bool{}
	for i := range g.Access {
		touched[g.Access[i].Table.Name()] = true
	}
	for ref := range g.Tables {
		touched[ref.Name()] = true
	}
	goDirs := goModules(ev)
	for _, d := range discover.Of[*tables](ev.Documents) {
		m := ms.of(d.Path)
		store := cmp.Or(m.store, m.name)
		if !touched[store] && within(d.Path, goDirs) {
			continue // a Go program's, and told by who reads Go
		}
		for _, t := range d.V.list {
			ms.define(g, store, t)
		}
	}
}

// goModules are the folders of go.mod files.
func goModules(ev *discover.Evidence) []string {
	var out []string
	for _, d := range ev.Documents {
		if path.Base(d.Path) == "go.mod" {
			out = append(out, path.Dir(d.Path))
		}
	}
	return out
}

func within(p string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return d == "." || strings.HasPrefix(p, d+"/") })
}

func (*moduleSet) define(g *code.Graph, store string, t defined) {
	ref := arch.NewRef(arch.KindTable, store, t.Table)
	tab, known := g.Tables[ref]
	tab.Ref = ref
	if !known || tab.Entity == "" {
		tab.Pos = t.pos
	}
	var cols []string
	for _, c := range t.Columns {
		cols = append(cols, c.Name)
	}
	tab.Columns = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(tab.Columns), cols...))))
	for _, k := range t.ForeignKeys {
		if tab.ForeignKeys == nil {
			tab.ForeignKeys = map[string]arch.Ref{}
		}
		tab.ForeignKeys[strings.Join(k.Columns, ",")] = arch.NewRef(arch.KindTable, store, k.Table)
	}
	g.Tables[ref] = tab
	_ = sql.Define
}
