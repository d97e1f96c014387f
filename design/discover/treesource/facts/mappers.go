package facts

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

var ormWrites = []string{"add", "save", "create", "insert", "update", "delete", "remove", "upsert", "bulk", "destroy", "merge", "softdelete", "increment", "decrement", "get_or_create", "update_or_create", "executeupdate", "executedelete"}

func ormMode(name string) string {
	l := strings.ToLower(name)
	if slices.ContainsFunc(ormWrites, func(w string) bool { return strings.HasPrefix(l, w) }) && l != "createquerybuilder" {
		return write
	}
	return read
}

// otherData notes what object-relational mappers do.
func (r *reader) otherData(s *link.Site, tx string) {
	if r.document(s, tx) {
		return
	}
	m := mapper{r, s, tx}
	switch s.In.Type.File.Lang {
	case "typescript":
		m.typescript()
	case "python":
		m.python()
	case "csharp":
		m.csharp()
	}
}

// mapper notes the accesses of one call.
type mapper struct {
	r  *reader
	s  *link.Site
	tx string
}

func (m mapper) note(of *link.Type, mode string, line int32) {
	if of == nil {
		return
	}
	p := pos(m.s)
	if line > 0 {
		p.Line = int(line)
	}
	m.r.entityAccess(m.s.In.Type, m.s.In.ID, of, mode, nil, p, m.tx, false)
}

func (m mapper) noteTable(table, mode string, line int32) {
	p := pos(m.s)
	if line > 0 {
		p.Line = int(line)
	}
	m.r.note(code.Access{Method: m.s.In.ID, Table: m.r.tableRef(m.s.In.Type, table, "sql"), Mode: mode, Pos: p, Tx: m.tx})
}

// related is what a field of an entity leads to, out of lists and promises.
func (m mapper) related(of *link.Type, field string) *link.Type {
	o, f := m.r.Program.Field(of, field)
	if f == nil {
		return nil
	}
	ref := m.r.Program.FieldType(o, f)
	for range 3 {
		if ref.Type != nil {
			break
		}
		ref = ref.Elem()
	}
	if m.r.entities[ref.Type] == nil {
		return nil
	}
	return ref.Type
}

// typescript: TypeORM's and Sequelize's repositories and query builders, Prisma.
func (m mapper) typescript() {
	name, x := m.s.Call.Text, m.s.Call.X
	if of := m.repository(); of != nil && name != "create" {
		m.note(of, ormMode(name), 0)
		for i := range m.s.Call.Args { // find({relations: ["lines"]})
			if list := pair(m.s.Call.Args[i], "relations"); list != nil {
				for j := range list.Args {
					first, _, _ := strings.Cut(list.Args[j].Text, ".")
					m.note(m.related(of, first), read, 0)
				}
			}
		}
		return
	}
	if of := m.built(x); of != nil {
		switch {
		case strings.Contains(name, "Join") && len(m.s.Call.Args) > 0: // leftJoinAndSelect("order.lines", "line")
			text := m.s.Call.Args[0].Text
			m.note(m.related(of, text[strings.LastIndexByte(text, '.')+1:]), read, 0)
		case slices.Contains([]string{"update", "delete", "insert", "softDelete"}, name):
			m.note(of, write, 0)
		}
		return
	}
	if x != nil && x.Kind == unit.Member && x.X != nil && strings.HasSuffix(strings.ToLower(x.X.Text), "prisma") { // prisma.order.findMany()
		m.noteTable(snake(x.Text), ormMode(name), 0)
	}
}

// repository is the entity of the repository that a call is made on.
func (m mapper) repository() *link.Type {
	if m.s.Recv.Is("Repository", "EntityRepository", "MongoRepository", "Model") && m.s.Recv.Last() == "" {
		return m.s.Recv.Elem().Type
	}
	if x := m.s.Call.X; x != nil && x.Kind == unit.Call && x.Text == "getRepository" && len(x.Args) > 0 {
		if of := m.r.Program.Resolve(m.s.In.Type, x.Args[0].Text).Type; m.r.entities[of] != nil {
			return of
		}
	}
	return nil
}

// built is the entity that the query builder at the start of a chain is of.
func (m mapper) built(e *unit.Expr) *link.Type {
	for range 40 {
		switch {
		case e == nil:
			return nil
		case e.Kind == unit.Await:
			e = e.X
			continue
		case e.Kind == unit.Name:
			v := m.s.Scope.Var(e.Text)
			if v == nil || v.Init == nil || v.Init == e {
				return nil
			}
			e = v.Init
			continue
		case e.Kind == unit.Call && e.Text == "createQueryBuilder":
			site := *m.s
			site.Call, site.Recv = e, link.Ref{}
			if e.X != nil && e.X.Kind == unit.Member {
				if _, f := m.r.Program.Field(m.s.In.Type, e.X.Text); f != nil {
					site.Recv = m.r.Program.FieldType(m.s.In.Type, f)
				}
			}
			return mapper{m.r, &site, m.tx}.repository()
		}
		e = e.X
	}
	return nil
}

// efQueries do nothing to a table, or are no queries.
var efQueries = []string{"Attach", "AttachRange", "Entry", "AsQueryable"}

// csharp: Entity Framework's sets, with what they include, and the saving of what
// was changed.
func (m mapper) csharp() {
	name, x := strings.TrimSuffix(m.s.Call.Text, "Async"), m.s.Call.X
	switch {
	case m.s.Recv.Is("DbSet", "IQueryable", "IIncludableQueryable"):
		of := m.s.Recv.Elem().Type
		if of == nil || slices.Contains(efQueries, name) {
			return
		}
		if name == "Include" || name == "ThenInclude" {
			m.included(of)
		}
		if m.s.Recv.Last() == "" && (m.begins(x) || ormMode(name) == write) {
			m.note(of, ormMode(name), 0)
		}
	case m.r.Program.Descends(m.s.Recv.Type, "DbContext", "IdentityDbContext"):
		if name == "SaveChanges" {
			m.changed()
		} else if len(m.s.Args) > 0 && m.s.Args[0].Type != nil && !slices.Contains(efQueries, name) {
			m.note(m.s.Args[0].Type, ormMode(name), 0)
		}
	}
}

// begins reports whether a call is the first of its query: on a set itself, and not
// on what an earlier call gave or a caller passed, where that one counts.
func (m mapper) begins(x *unit.Expr) bool {
	switch {
	case x == nil:
		return false
	case x.Kind == unit.Call:
		return x.Text == "Set"
	case x.Kind == unit.Name:
		if v := m.s.Scope.Var(x.Text); v != nil {
			return v.Init != nil && v.Init.Kind == unit.Member
		}
	}
	return true
}

// included: Include(x => x.Lines) reads the lines along.
func (m mapper) included(of *link.Type) {
	if len(m.s.Call.Args) == 0 || m.s.Call.Args[0].Fn == nil {
		return
	}
	unit.Each(m.s.Call.Args[0].Fn.Body, func(e *unit.Expr) {
		if e.Kind != unit.Member {
			return
		}
		to := m.related(of, e.Text)
		if to == nil && m.s.Call.Text == "ThenInclude" { // of what was included before
			for _, x := range m.includes(of) {
				if to = m.related(x, e.Text); to != nil {
					break
				}
			}
		}
		m.note(to, read, 0)
	})
}

// includes are the entities that the includes before this one on the chain name.
func (m mapper) includes(of *link.Type) []*link.Type {
	out := []*link.Type{of}
	for x := m.s.Call.X; x != nil; x = x.X {
		if x.Kind != unit.Call || !strings.HasSuffix(x.Text, "Include") || len(x.Args) == 0 || x.Args[0].Fn == nil {
			continue
		}
		unit.Each(x.Args[0].Fn.Body, func(e *unit.Expr) {
			for _, o := range slices.Clone(out) {
				if to := m.related(o, e.Text); e.Kind == unit.Member && to != nil && !slices.Contains(out, to) {
					out = append(out, to)
				}
			}
		})
	}
	return out
}

// changed: SaveChanges writes what this method has read and then set.
func (m mapper) changed() {
	unit.Each(m.s.In.Unit.Body, func(e *unit.Expr) {
		if e.Kind != unit.Assign || e.X == nil || e.X.Kind != unit.Member || e.X.X == nil || e.X.X.Kind != unit.Name {
			return
		}
		if v := m.s.Scope.Var(e.X.X.Text); v != nil && v.Init != nil && v.Init.Kind != unit.New && m.r.entities[v.Type.Type] != nil {
			m.note(v.Type.Type, write, 0)
		}
	})
}
