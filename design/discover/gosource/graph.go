package gosource

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

// graph makes the code graph; stores gives the store of a package.
func (p *program) graph(stores map[string]string) code.Graph {
	g := code.Graph{Modules: map[string]code.Module{}, Types: map[code.TypeID]code.Type{}, Methods: map[code.MethodID]code.Method{}, Tables: map[arch.Ref]code.Table{}, Tx: map[string]code.Transaction{}, Settings: map[string]code.Setting{}}
	for _, m := range p.w.modules {
		g.Modules[m.path] = code.Module{Name: m.path, Dir: m.dir, Lang: "go"}
	}
	entities := map[code.TypeID]entity{}
	for _, s := range p.parts {
		for _, e := range s.Entities {
			entities[e.Type] = e
		}
	}
	for _, s := range p.parts {
		for _, t := range s.Types {
			g.Types[t.ID] = t
		}
		for _, m := range s.Methods {
			g.Methods[m.ID] = m
		}
		for _, t := range s.Tx {
			g.Tx[t.ID] = t
		}
		for _, x := range s.Settings {
			g.Settings[x.Key] = x
		}
		g.Lines += s.Lines
		g.Skipped = append(g.Skipped, s.Skipped...)
		for _, st := range s.SQL {
			p.statements(&g, st, stores)
		}
		for _, r := range s.Rows {
			p.rows(&g, r, entities, stores)
		}
		for _, r := range s.Routes {
			g.Entries = append(g.Entries, p.entries(r)...)
		}
		g.Entries = append(g.Entries, p.served(s)...)
		if s.Main {
			if m, ok := p.methods[methodID(s.Path, "", "main")]; ok {
				g.Entries = append(g.Entries, code.Entry{Method: m.ID, Kind: "main", Trigger: "start of " + programName(s), Pos: m.Pos})
			}
		}
		for _, c := range s.Clients {
			if c.Kind != "sql" {
				g.Clients = append(g.Clients, p.clients(c)...)
			}
		}
	}
	for _, f := range p.w.schemas {
		p.schema(&g, f, stores)
	}
	for _, from := range sortedKeys(p.calls) {
		for _, c := range p.calls[from] {
			g.Calls = append(g.Calls, c.Call)
		}
	}
	p.kinds(&g)
	g.Sort()
	g.Calls = slices.Compact(g.Calls)
	g.Entries = slices.CompactFunc(g.Entries, func(a, b code.Entry) bool { // two ways to one path
		return a.Method == b.Method && a.Kind == b.Kind && a.Trigger == b.Trigger && a.Pos == b.Pos
	})
	g.Access = slices.CompactFunc(g.Access, func(a, b code.Access) bool {
		return a.Method == b.Method && a.Table == b.Table && a.Mode == b.Mode && a.Pos == b.Pos
	})
	return g
}

// storeFor is the store of a method's package.
func (p *program) storeFor(m code.MethodID, stores map[string]string) string {
	t := typeOfMethod(m)
	if s := p.pkgOf[t]; s != nil {
		return stores[s.Path]
	}
	pkg := string(t)
	if s, ok := stores[pkg]; ok {
		return s
	}
	if i := strings.LastIndexByte(pkg, '.'); i > strings.LastIndexByte(pkg, '/') {
		pkg = pkg[:i]
	}
	return stores[pkg]
}

// statements makes accesses of a text, at the place that gives the text.
func (p *program) statements(g *code.Graph, st statement, stores map[string]string) {
	for _, f := range p.resolve(st.Text) {
		at := st
		if f.via != nil {
			at.Method, at.Pos, at.InLoop = f.via.Caller, f.via.Pos, st.InLoop || f.via.InLoop
			at.Tx = cmp.Or(st.Tx, f.via.Tx)
		}
		if !st.Sure && !sql.Looks(f.text) {
			continue
		}
		store := p.storeFor(at.Method, stores)
		shape := ""
		for _, s := range sql.Parse(f.text) {
			for _, d := range s.Defines {
				define(g, store, d, at.Pos)
			}
			for _, u := range s.Uses {
				if u.Mode == sql.Define || system(u.Table) {
					continue
				}
				if shape == "" {
					shape = sql.Shape(f.text)
				}
				a := code.Access{Method: at.Method, Table: arch.NewRef(arch.KindTable, store, u.Table), Mode: string(u.Mode), Columns: u.Columns, Tx: at.Tx, Pos: at.Pos, SQL: shape}
				for _, j := range s.Joins(u.Table) {
					a.Joins = append(a.Joins, arch.NewRef(arch.KindTable, store, j))
				}
				g.Access = append(g.Access, a)
			}
		}
	}
}

// system tables are the database's own.
func system(t string) bool {
	return strings.HasPrefix(t, "information_schema.") || strings.HasPrefix(t, "pg_") || strings.HasPrefix(t, "sqlite_") || strings.HasPrefix(t, "mysql.")
}

// schema reads a file of statements: tables are declared there. It belongs to the
// package in the nearest folder above it, or to the only store.
func (p *program) schema(g *code.Graph, f *file, stores map[string]string) {
	store := ""
	for d := path.Dir(f.path); store == ""; d = path.Dir(d) {
		if x := p.w.byDir[d]; x != nil {
			store = stores[x.path]
		}
		if d == "." || d == "/" {
			break
		}
	}
	if all := slices.Compact(slices.Sorted(maps.Values(stores))); store == "" && len(all) > 0 {
		if store = all[0]; len(all) > 1 {
			return // whose it is, nothing says
		}
	}
	for _, s := range sql.Parse(string(f.src)) {
		for _, d := range s.Defines {
			define(g, store, d, code.Pos{File: f.path, Line: 1 + bytes.Count(f.src[:s.Offset], []byte("\n")), Col: 1})
		}
	}
}

// define notes a table as a statement declares it.
func define(g *code.Graph, store string, d sql.Definition, at code.Pos) {
	if d.View || d.Drop {
		return
	}
	ref := arch.NewRef(arch.KindTable, store, d.Table)
	t, ok := g.Tables[ref]
	if !ok {
		if d.Alter && len(d.Columns)+len(d.ForeignKeys) == 0 {
			return
		}
		t = code.Table{Ref: ref, Pos: at}
	}
	for _, c := range d.Columns {
		if !slices.Contains(t.Columns, c.Name) {
			t.Columns = append(t.Columns, c.Name)
		}
	}
	for _, k := range d.ForeignKeys {
		if t.ForeignKeys == nil {
			t.ForeignKeys = map[string]arch.Ref{}
		}
		t.ForeignKeys[strings.Join(k.Columns, ",")] = arch.NewRef(arch.KindTable, store, k.Table)
	}
	g.Tables[ref] = t
}

// tableOf is the table of an entity; guessed when only custom names it.
func tableOf(e entity) (string, bool) {
	if e.Table != "" {
		return e.Table, false
	}
	return plural(snake(string(e.Type[strings.LastIndexByte(string(e.Type), '.')+1:]))), true
}

// rows makes accesses of what an object mapper does.
func (p *program) rows(g *code.Graph, r row, entities map[code.TypeID]entity, stores map[string]string) {
	store := p.storeFor(r.Method, stores)
	var table string
	guessed := false
	e, known := entities[r.Type]
	switch {
	case r.Table != "":
		table = strings.ToLower(strings.TrimSpace(p.place(r.Table)))
		table, _, _ = strings.Cut(table, " ")
		if blank(table) {
			return
		}
	case known:
		table, guessed = tableOf(e)
		p.entity(g, e, entities, store)
	default:
		return
	}
	a := code.Access{Method: r.Method, Table: arch.NewRef(arch.KindTable, store, table), Mode: r.Mode, Tx: r.Tx, Pos: r.Pos, Guessed: guessed}
	for _, j := range r.Joins {
		name, _, _ := strings.Cut(strings.TrimSpace(j), ".")
		for _, f := range e.Fields {
			if to, ok := entities[f.To]; ok && f.Name == name {
				t, _ := tableOf(to)
				ref := arch.NewRef(arch.KindTable, store, t)
				a.Joins = append(a.Joins, ref)
				g.Access = append(g.Access, code.Access{Method: r.Method, Table: ref, Mode: string(sql.Read), Tx: r.Tx, Pos: r.Pos, Joins: []arch.Ref{a.Table}, Guessed: guessed})
				p.entity(g, to, entities, store)
			}
		}
	}
	g.Access = append(g.Access, a)
}

// entity declares the table of a type.
func (p *program) entity(g *code.Graph, e entity, entities map[code.TypeID]entity, store string) {
	name, _ := tableOf(e)
	ref := arch.NewRef(arch.KindTable, store, name)
	if _, ok := g.Tables[ref]; ok {
		return
	}
	t := code.Table{Ref: ref, Entity: e.Type, Pos: e.Pos}
	for _, f := range e.Fields {
		to, linked := entities[f.To]
		if !linked {
			t.Columns = append(t.Columns, f.Column)
			continue
		}
		if f.Many {
			continue
		}
		key := cmp.Or(f.Key, f.Name+"ID")
		if slices.ContainsFunc(e.Fields, func(x entityField) bool { return x.Name == key }) {
			tn, _ := tableOf(to)
			if t.ForeignKeys == nil {
				t.ForeignKeys = map[string]arch.Ref{}
			}
			t.ForeignKeys[snake(key)] = arch.NewRef(arch.KindTable, store, tn)
		}
	}
	g.Tables[ref] = t
	if x, ok := g.Types[e.Type]; ok {
		x.Kind, x.Table = code.KindEntity, ref
		g.Types[e.Type] = x
	}
}

// entries makes entries of a route, one for each prefix that its router may have.
func (p *program) entries(r route) []code.Entry {
	var out []code.Entry
	for _, f := range p.resolve(r.Path) {
		path := strings.ReplaceAll(f.text, sql.Hole, "")
		for r.Kind == "http" && strings.HasPrefix(path, "${") { // where it is mounted is a matter of deployment
			_, path, _ = strings.Cut(path, "}")
		}
		for strings.Contains(path, "//") {
			path = strings.ReplaceAll(path, "//", "/")
		}
		e := code.Entry{Method: cmp.Or(r.Handler, r.In), Kind: r.Kind, Pos: r.Pos}
		switch r.Kind {
		case "topic":
			if path == "" {
				path = "?"
			}
			e.Trigger = "topic " + path
		default:
			method := strings.ReplaceAll(p.place(r.Method), sql.Hole, "")
			if m, rest, ok := strings.Cut(path, " "); ok && verbOf(m) != "" {
				method, path = m, strings.TrimSpace(rest)
			}
			for _, m := range strings.Split(cmp.Or(method, "*"), ",") {
				if m == "HEAD" && strings.Contains(method, "GET") {
					continue // the same without the answer's body
				}
				e.Trigger = m + " " + cmp.Or(path, "/")
				out = append(out, e)
			}
			continue
		}
		out = append(out, e)
	}
	if r.Handler == "" { // another module handles it: what it does is not known
		for i := range out {
			out[i].Method = foreign(r.In)
		}
	}
	for _, e := range out {
		p.registered[e.Pos] = r.In
	}
	return out
}

// foreign is the method of an entry that no function of this source handles: its
// type is that of the place that registers it.
func foreign(in code.MethodID) code.MethodID { return in + ".elsewhere" }

// served lists the methods of the gRPC services that a package registers.
func (p *program) served(s *summary) []code.Entry {
	var out []code.Entry
	for _, x := range s.Serves {
		full, methods := p.grpcService(x.Package, x.Service)
		for _, m := range methods {
			id := code.MethodID(string(x.Impl) + "#" + m)
			if _, ok := p.methods[id]; ok {
				p.registered[p.methods[id].Pos] = x.In
				out = append(out, code.Entry{Method: id, Kind: "grpc", Trigger: "grpc " + full + "/" + m, Pos: p.methods[id].Pos})
			}
		}
		if len(methods) == 0 { // generated elsewhere: its exported methods with a context are what it serves
			for _, id := range sortedKeys(p.methods) {
				m := p.methods[id]
				if m.Type == x.Impl && len(m.Params) == 2 && strings.HasPrefix(string(m.Params[0]), "context.") && m.Name[0] >= 'A' && m.Name[0] <= 'Z' {
					p.registered[m.Pos] = x.In
					out = append(out, code.Entry{Method: id, Kind: "grpc", Trigger: "grpc " + x.Service + "/" + m.Name, Pos: m.Pos})
				}
			}
		}
	}
	return out
}

func (p *program) grpcService(pkg, name string) (full string, methods []string) {
	for _, s := range p.parts {
		for _, g := range s.Services {
			if s.Path == pkg && g.Go == name {
				return g.Full, g.Methods
			}
		}
	}
	return name, nil
}

// clients makes the calls of one call site, one for each target that it may have.
func (p *program) clients(c client) []code.Client {
	var out []code.Client
	all := p.resolve(c.Target)
	own := map[string]bool{} // what is known without looking at the callers
	for _, f := range p.expand(found{text: c.Target}, 0, map[string]bool{ownKey(c.Method): true}) {
		own[f.text] = true
	}
	seen := map[string]bool{}
	for _, f := range all {
		if own[f.text] || c.Kind == "http" && own[vague(f.text)] {
			f.via = nil
		}
		if key := fmt.Sprint(vague(f.text), f.via); seen[key] {
			continue
		} else {
			seen[key] = true
		}
		x := c.Client
		if f.via != nil && x.Kind != "grpc" {
			x.Method, x.Pos, x.InLoop = f.via.Caller, f.via.Pos, x.InLoop || f.via.InLoop
			x.Tx = cmp.Or(x.Tx, f.via.Tx)
			if x.Policy.Retry == nil {
				x.Policy.Retry = f.via.Retry
			}
		}
		text, limit, _ := strings.Cut(f.text, clientStart)
		limit = strings.TrimPrefix(limit, clientStart)
		if ns, err := strconv.ParseInt(limit, 10, 64); err == nil && !x.Policy.Timeout.Known {
			x.Policy.Timeout = arch.Some(time.Duration(ns))
		}
		text = strings.ReplaceAll(text, sql.Hole, "{}")
		switch x.Kind {
		case "http":
			text = unformatted(text)
			verb := p.place(c.Verb)
			if v, rest, ok := strings.Cut(text, " "); ok && (verbOf(v) != "" || v == "{}") {
				verb, text = v, rest
			}
			host, rest := splitURL(text)
			x.Target, x.Fixed = host, fixed(host)
			x.Verb = strings.TrimSpace(strings.NewReplacer(sql.Hole, "", "{}", "").Replace(verb) + " " + rest)
		case "grpc":
			x.Target, x.Fixed = text, fixed(text)
			if !strings.Contains(x.Verb, "/") {
				pkg, svc, _ := strings.Cut(c.Service, "#")
				full, _ := p.grpcService(pkg, svc)
				x.Verb = full + "/" + x.Verb
			}
		case "topic":
			x.Target = text
		}
		if x.Target == "{}" {
			x.Target = ""
		}
		out = append(out, x)
	}
	if len(out) > 1 { // what is known beats what is not
		if known := slices.DeleteFunc(slices.Clone(out), func(x code.Client) bool { return x.Target == "" }); len(known) > 0 {
			out = known
		}
		if env := slices.DeleteFunc(slices.Clone(out), func(x code.Client) bool { return !strings.Contains(x.Target, "${") }); len(env) > 0 && c.Kind != "topic" {
			out = env
		}
	}
	if c.Kind == "grpc" && len(out) > 1 {
		out = out[:1]
	}
	return out
}

// unformatted makes holes of the verbs of a format that only linking found: the
// format was a variable's.
func unformatted(s string) string {
	return formatVerb.ReplaceAllString(s, "{}")
}

// formatVerb: %s and the like; %2F and %d0 are escapes of a URL.
var formatVerb = regexp.MustCompile(`%[svqxt]|%d\b`)

// ownKey closes a function's parameters in [program.expand]: its callers are not
// asked.
func ownKey(m code.MethodID) string {
	id, _, _ := strings.Cut(string(m), ".func@")
	return "own " + id
}

// vague is a text as its function alone knows it, where callers add nothing to it.
func vague(s string) string { return holes.ReplaceAllString(s, sql.Hole) }

var holes = regexp.MustCompile("\x00+")

// splitURL parts a URL into its place and its path without the query.
func splitURL(s string) (host, rest string) {
	i := strings.Index(s, "://")
	start := 0
	if i >= 0 {
		start = i + 3
	}
	if j := strings.IndexAny(s[start:], "/?"); j >= 0 {
		if k := strings.Index(s[start:], "}"); k > j && strings.HasPrefix(s[start:], "${") { // a name of a variable may hold anything
			j = strings.IndexAny(s[start+k:], "/?") + k
			if j < k {
				return s[start:], "/"
			}
		}
		rest = s[start+j:]
		host = s[start : start+j]
	} else {
		host = s[start:]
	}
	rest, _, _ = strings.Cut(rest, "?")
	if k := strings.LastIndexByte(host, '@'); k >= 0 {
		host = host[k+1:]
	}
	return host, cmp.Or(rest, "/")
}

// fixed reports whether a place is written into the code: a name with a port or a
// domain, no variable and nothing unknown; this machine is none.
func fixed(host string) bool {
	if host == "" || strings.ContainsAny(host, "${}* ") {
		return false
	}
	name, port, _ := strings.Cut(host, ":")
	switch name {
	case "", "localhost", "127.0.0.1", "0.0.0.0", "metadata.google.internal", "169.254.169.254":
		return false
	}
	return strings.Contains(name, ".") || port != ""
}

// kinds tells what types are for, from what they do.
func (p *program) kinds(g *code.Graph) {
	access, entry, client := map[code.TypeID]bool{}, map[code.TypeID]bool{}, map[code.TypeID]bool{}
	for _, a := range g.Access {
		access[g.Methods[a.Method].Type] = true
	}
	for _, e := range g.Entries {
		if e.Kind != "main" {
			entry[g.Methods[e.Method].Type] = true
		}
	}
	for _, c := range g.Clients {
		client[g.Methods[c.Method].Type] = true
	}
	for id, t := range g.Types {
		if t.Kind != code.KindClass {
			continue
		}
		switch {
		case entry[id]:
			t.Kind = code.KindController
		case access[id]:
			t.Kind = code.KindRepository
		case client[id]:
			t.Kind = code.KindClient
		case strings.HasSuffix(t.Name, "Service"):
			t.Kind = code.KindService
		}
		g.Types[id] = t
	}
}
