package gosource

import (
	"bytes"
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

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
