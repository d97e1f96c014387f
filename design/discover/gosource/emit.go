package gosource

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
)

// binary is a main package with what it reaches.
type binary struct {
	main  *summary
	pkgs  map[string]bool // import paths
	reach map[code.MethodID]bool
	name  string
	ref   arch.Ref
	store string
	kind  string // of the store
	at    code.Pos
	dbAt  code.Pos
	known bool // something else describes it as a service
}

// emit puts out the graph and the services.
func (p *program) emit(ev *discover.Evidence, out discover.Sink) {
	bins := p.binaries(ev)
	stores := p.stores(bins)
	g := p.graph(stores)
	bs := p.owners(&g, bins)
	out.Code(g)
	cov := arch.Coverage{Origin: arch.Code, Files: len(p.w.byDir)}
	e := &emitter{p: p, ev: ev, out: out, g: &g, servers: map[string]arch.Ref{}, byMethod: index(&g)}
	for _, b := range bs {
		e.collect(b)
	}
	for _, b := range bs {
		e.service(b)
		cov.Of = append(cov.Of, b.ref)
	}
	out.Cover(cov)
}

// binaries finds the programs.
func (p *program) binaries(ev *discover.Evidence) []*binary {
	byPath := map[string]*summary{}
	for _, s := range p.parts {
		byPath[s.Path] = s
	}
	var out []*binary
	for _, s := range p.parts {
		m, ok := p.methods[methodID(s.Path, "", "main")]
		if !s.Main || !ok {
			continue
		}
		b := &binary{main: s, pkgs: map[string]bool{}, at: m.Pos}
		var visit func(path string)
		visit = func(path string) {
			if b.pkgs[path] || byPath[path] == nil {
				return
			}
			b.pkgs[path] = true
			for _, i := range byPath[path].Imports {
				visit(i)
			}
		}
		visit(s.Path)
		b.name = programName(s)
		b.ref = arch.NewRef(arch.KindService, b.name)
		for _, n := range []string{b.name, strings.TrimSuffix(b.name, "service"), strings.TrimSuffix(b.name, "-service")} {
			if r, ok := ev.Hosts.Resolve(n, ""); ok && r.Kind() == arch.KindService {
				b.ref, b.known = r, true
				break
			}
		}
		out = append(out, b)
	}
	return out
}

// programName is the last part of the way from the module to the main package that
// is not a word for any program, or else the module's own last part.
func programName(s *summary) string {
	rest := s.Dir
	if s.Module != "" {
		rest = strings.TrimPrefix(strings.TrimPrefix(s.Path, s.Module), "/")
	}
	parts := strings.Split(rest, "/")
	for i := len(parts) - 1; i >= 0; i-- {
		switch parts[i] {
		case "", ".", "cmd", "main", "src", "server", "app", "api", "service", "internal", "bin":
		default:
			return strings.ToLower(parts[i])
		}
	}
	name := unversioned(cmp.Or(s.Module, s.Path))
	if !strings.Contains(name, "/") { // a domain of its own: shop.example
		name, _, _ = strings.Cut(name, ".")
	}
	return strings.ToLower(path.Base(name))
}

// aids are words in the names of programs that developers run beside the system,
// to look at a part of it: they are deployed nowhere.
var aids = []string{"storybook", "playground", "sandbox"}

// aid reports whether a program is such a one, unless something else describes it
// as a service.
func (b *binary) aid() bool {
	words := strings.FieldsFunc(b.name, func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return !b.known && slices.ContainsFunc(words, func(w string) bool { return slices.Contains(aids, w) })
}

// stores names the store of every package: by the program that it belongs to, or
// by its module where several share it.
func (p *program) stores(bins []*binary) map[string]string {
	out := map[string]string{}
	for _, b := range bins {
		for _, s := range p.parts {
			if !b.pkgs[s.Path] {
				continue
			}
			for _, c := range s.Clients {
				if c.Kind != "sql" || b.store != "" {
					continue
				}
				b.kind, b.dbAt = driverKind(p.place(c.Verb), c.Target), c.Pos
				b.store = databaseName(p.place(c.Target))
			}
		}
		b.store = cmp.Or(b.store, b.name)
	}
	for _, s := range p.parts {
		names := map[string]bool{}
		for _, b := range bins {
			if b.pkgs[s.Path] && b.dbAt.File != "" {
				names[b.store] = true
			}
		}
		switch {
		case len(names) == 1:
			out[s.Path] = sortedKeys(names)[0]
		case len(names) > 1 || s.Module == "":
			out[s.Path] = cmp.Or(path.Base(s.Module), "database")
		default:
			out[s.Path] = path.Base(s.Module)
		}
	}
	return out
}

// driverKind is the model's word for a driver.
func driverKind(driver, dsn string) string {
	switch d := strings.ToLower(driver); {
	case strings.Contains(d, "pgx"), strings.Contains(d, "postgres"), d == "pq", strings.Contains(d, "cloudsqlpostgres"):
		return "postgres"
	case strings.Contains(d, "mysql"):
		return "mysql"
	case strings.Contains(d, "sqlite"):
		return "sqlite"
	case strings.Contains(d, "sqlserver"), strings.Contains(d, "mssql"):
		return "sqlserver"
	}
	if strings.HasPrefix(dsn, "postgres") {
		return "postgres"
	}
	return "sql"
}

// databaseName finds the database's name in a data source name, or in the name of
// the variable that holds it; never anything of a user or a password.
func databaseName(dsn string) string {
	if k, ok := strings.CutPrefix(dsn, "${"); ok {
		k, _, _ = strings.Cut(k, "}")
		k = strings.ToLower(k)
		for _, s := range []string{"_database_url", "_db_url", "_dsn", "_url", "_db", "_database", "_connection_string", "_path", "_file"} {
			k = strings.TrimSuffix(k, s)
		}
		switch k {
		case "database", "db", "dsn", "postgres", "postgresql", "mysql", "sqlite", "pg", "data_source_name", "":
			return ""
		}
		return strings.ReplaceAll(k, "_", "-")
	}
	if _, after, ok := strings.Cut(dsn, "dbname="); ok {
		name, _, _ := strings.Cut(after, " ")
		return plain(name)
	}
	if i := strings.LastIndexByte(dsn, '/'); i >= 0 && (strings.Contains(dsn, "://") || strings.Contains(dsn, "@")) {
		name, _, _ := strings.Cut(dsn[i+1:], "?")
		return plain(name)
	}
	name := strings.TrimPrefix(dsn, "file:")
	name, _, _ = strings.Cut(name, "?")
	name = path.Base(name)
	for _, ext := range []string{".db", ".sqlite", ".sqlite3"} {
		if x, ok := strings.CutSuffix(name, ext); ok {
			return plain(x)
		}
	}
	return ""
}

func plain(s string) string {
	if s == "" || strings.ContainsAny(s, "\x00${}%@:= ") {
		return ""
	}
	return s
}

// owners keeps the programs that serve something, and tells the modules: of
// several programs the module is that which serves most.
func (p *program) owners(g *code.Graph, bins []*binary) []*binary {
	served := map[*binary]int{}
	out := slices.DeleteFunc(slices.Clone(bins), func(b *binary) bool {
		b.reach = p.reach(methodID(b.main.Path, "", "main"), b)
		for _, e := range g.Entries {
			if p.serves(b, e) {
				served[b]++
			}
		}
		return served[b] == 0 || b.aid()
	})
	most := map[string]int{}
	for _, b := range out {
		if m, ok := g.Modules[b.main.Module]; ok && served[b] > most[b.main.Module] {
			most[b.main.Module] = served[b]
			m.Service = b.ref
			g.Modules[b.main.Module] = m
		}
	}
	return out
}

// serves reports whether a program registers an entry: a tool that uses a package
// for its client alone serves nothing.
func (p *program) serves(b *binary, e code.Entry) bool {
	if e.Kind == "main" {
		return false
	}
	in, ok := p.registered[e.Pos]
	return b.reach[in] || !ok && b.reach[e.Method]
}

// reach is what a program may call: from its main function, and from the
// initialization of its packages, on.
func (p *program) reach(main code.MethodID, b *binary) map[code.MethodID]bool {
	seen := map[code.MethodID]bool{}
	todo := []code.MethodID{main}
	for _, pkg := range sortedKeys(b.pkgs) {
		todo = append(todo, methodID(pkg, "", "init"))
	}
	for len(todo) > 0 {
		m := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[m] {
			continue
		}
		seen[m] = true
		for _, c := range p.calls[m] {
			todo = append(todo, c.To)
		}
	}
	return seen
}
