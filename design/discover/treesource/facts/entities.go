package facts

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// entity is a class that is kept in a table or collection.
type entity struct {
	table   string // "" for a class whose fields are part of others' tables
	kind    string // sql, mongodb, elasticsearch, cassandra, redis, neo4j
	columns []string
	refs    map[string]*link.Type // column -> the entity that it leads to
	joins   []joinTable
	fields  map[string]string // field -> column
	pos     code.Pos
}

// joinTable holds a relation between many and many.
type joinTable struct {
	name   string
	to     *link.Type
	fields []string // own column, other column
	pos    code.Pos
}

var entityMarks = []string{"Entity", "Document", "TableName", "MappedSuperclass", "Embeddable", "RedisHash", "Node", "Table", "PersistenceCapable"}

func (r *reader) entity(t *link.Type) {
	if aside(t) || t.File.Lang != "java" || t.Unit.Kind != unit.Class && t.Unit.Kind != unit.Record {
		return
	}
	mark := t.Unit.Mark(entityMarks...)
	if mark == nil {
		return
	}
	e := &entity{kind: "sql", refs: map[string]*link.Type{}, fields: map[string]string{}, pos: lineOf(t, t.Unit.Line)}
	name := r.text1(t, t.Unit.Mark("Entity").Arg("name"))
	if name == "" {
		name = unit.Last(t.Unit.Name)
	}
	e.table = r.naming(t, name)
	switch unit.Last(mark.Name) {
	case "MappedSuperclass", "Embeddable":
		e.table = ""
	case "Document":
		e.kind = "mongodb"
		if mark.Arg("indexName") != nil || imports(t, "org.springframework.data.elasticsearch") {
			e.kind = "elasticsearch"
		}
		n := unit.Last(t.Unit.Name)
		e.table = strings.ToLower(n[:1]) + n[1:]
		if c := r.text1(t, mark.Arg("collection", "value", "indexName")); c != "" {
			e.table = c
		}
	case "RedisHash":
		e.kind = "redis"
		if c := r.text1(t, mark.Arg("value")); c != "" {
			e.table = c
		}
	case "Node":
		e.kind = "neo4j"
	case "TableName":
		if c := r.text1(t, mark.Arg("value")); c != "" {
			e.table = strings.ToLower(c)
		}
	}
	if x := t.Unit.Mark("Table"); x != nil {
		if imports(t, "org.springframework.data.cassandra") {
			e.kind = "cassandra"
		}
		if n := r.text1(t, x.Arg("name", "value")); n != "" {
			e.table = strings.ToLower(strings.Trim(n, "`\"[]"))
			if s := r.text1(t, x.Arg("schema")); s != "" && !slices.Contains([]string{"public", "dbo", "main"}, strings.ToLower(s)) {
				e.table = strings.ToLower(s) + "." + e.table
			}
		}
	}
	for i := range t.Unit.Marks {
		r.namedQueries(t, &t.Unit.Marks[i])
	}
	r.entities[t] = e
	r.byEntity[t.Module+"/"+strings.ToLower(name)] = t
}

// namedQueries keeps the queries that an entity's annotations name.
func (r *reader) namedQueries(t *link.Type, m *unit.Mark) {
	switch unit.Last(m.Name) {
	case "NamedQuery", "NamedNativeQuery":
		r.named[t.Module+"/"+r.text1(t, m.Arg("name"))] = r.text1(t, m.Arg("query"))
	case "NamedQueries", "NamedNativeQueries":
		if v := m.Arg("value"); v != nil {
			for _, q := range list(v) {
				if n := pair(q, "name"); n != nil {
					r.named[t.Module+"/"+r.text1(t, n)] = r.text1(t, pair(q, "query"))
				}
			}
		}
	}
}

// naming is what a name becomes in the database when nothing is said: Spring
// Boot writes order_line for OrderLine, the standard leaves it.
func (r *reader) naming(t *link.Type, name string) string {
	if m := r.modules[t.Module]; m != nil && slices.ContainsFunc(m.Libraries, func(l string) bool { return strings.HasPrefix(l, "spring-boot") }) {
		return snake(name)
	}
	return strings.ToLower(name)
}

func snake(s string) string {
	var b strings.Builder
	for i, c := range s {
		if c >= 'A' && c <= 'Z' {
			if i > 0 && s[i-1] != '_' && (s[i-1] < 'A' || s[i-1] > 'Z' || i+1 < len(s) && s[i+1] >= 'a' && s[i+1] <= 'z') {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// tables fills in columns and relations once all entities are known.
func (r *reader) tables() {
	for _, t := range r.Program.Ordered {
		e := r.entities[t]
		if e == nil {
			continue
		}
		r.inherit(t, e)
		if e.table == "" {
			continue
		}
		if t.File.Lang == "java" {
			r.columns(t, e, 0)
		}
		slices.Sort(e.columns)
		e.columns = slices.Compact(e.columns)
		ref := r.tableRef(t, e.table, e.kind)
		tab := code.Table{Ref: ref, Columns: e.columns, Entity: t.ID, Pos: e.pos}
		for col, to := range e.refs {
			if o := r.entities[to]; o != nil && o.table != "" {
				if tab.ForeignKeys == nil {
					tab.ForeignKeys = map[string]arch.Ref{}
				}
				tab.ForeignKeys[col] = r.tableRef(to, o.table, o.kind)
			}
		}
		if old, ok := r.g.Tables[ref]; ok { // subclasses share a table
			old.Columns = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(old.Columns), tab.Columns...))))
			for c, to := range tab.ForeignKeys {
				if old.ForeignKeys == nil {
					old.ForeignKeys = map[string]arch.Ref{}
				}
				old.ForeignKeys[c] = to
			}
			tab = old
		}
		r.g.Tables[ref] = tab
		for _, j := range e.joins {
			jr := r.tableRef(t, j.name, e.kind)
			if _, ok := r.g.Tables[jr]; ok {
				continue
			}
			jt := code.Table{Ref: jr, Columns: slices.Clone(j.fields), Pos: j.pos, ForeignKeys: map[string]arch.Ref{j.fields[0]: ref}}
			if o := r.entities[j.to]; o != nil && o.table != "" && len(j.fields) > 1 {
				jt.ForeignKeys[j.fields[1]] = r.tableRef(j.to, o.table, o.kind)
			}
			slices.Sort(jt.Columns)
			r.g.Tables[jr] = jt
		}
	}
}

// inherit puts a subclass into its parent's table, unless each has its own.
func (r *reader) inherit(t *link.Type, e *entity) {
	if e.kind != "sql" || t.Unit.Mark("Table") != nil || e.table == "" {
		return
	}
	up, strategy := t, ""
	for range 20 {
		if m := up.Unit.Mark("Inheritance"); m != nil {
			strategy = word(m.Arg("strategy"))
		}
		i := slices.IndexFunc(up.Supers, func(s link.Ref) bool {
			return s.Type != nil && r.entities[s.Type] != nil && r.entities[s.Type].table != ""
		})
		if i < 0 {
			break
		}
		up = up.Supers[i].Type
	}
	if m := up.Unit.Mark("Inheritance"); m != nil {
		strategy = word(m.Arg("strategy"))
	}
	if up != t && strategy != "JOINED" && strategy != "TABLE_PER_CLASS" {
		e.table = r.entities[up].table
	}
}

// columns of a type and of those whose fields are part of it.
func (r *reader) columns(t *link.Type, e *entity, depth int) {
	if depth > 8 {
		return
	}
	for i := range t.Unit.Fields {
		f := &t.Unit.Fields[i]
		if f.Fixed && f.Init != nil || f.Mark("Transient") != nil {
			continue
		}
		r.column(t, e, f.Name, f.Type, f.Marks, f.Line, depth)
	}
	for _, m := range t.Methods { // annotations may stand on getters
		if name, ok := strings.CutPrefix(m.Unit.Name, "get"); ok && m.Unit.Mark("Column", "JoinColumn", "ManyToOne", "OneToOne", "OneToMany", "ManyToMany") != nil && name != "" {
			r.column(t, e, strings.ToLower(name[:1])+name[1:], m.Unit.Result, m.Unit.Marks, m.Unit.Line, depth)
		}
	}
	for _, s := range t.Supers {
		if o := r.entities[s.Type]; o != nil && s.Type != t {
			r.columns(s.Type, e, depth+1)
		}
	}
}

func (r *reader) column(t *link.Type, e *entity, name, typ string, marks []unit.Mark, line, depth int) {
	f := unit.Field{Marks: marks}
	to := held(r.Program.Resolve(t, typ)).Type
	if x := f.Mark("ManyToOne", "OneToOne", "OneToMany", "ManyToMany").Arg("targetEntity"); x != nil {
		to = r.Program.Resolve(t, x.Text).Type
	}
	join := r.text1(t, f.Mark("JoinColumn").Arg("name"))
	own := func(col string) {
		if e.kind != "sql" { // case counts there
			e.columns, e.fields[name] = append(e.columns, col), col
			return
		}
		e.columns = append(e.columns, strings.ToLower(col))
		e.fields[name] = strings.ToLower(col)
		if to != nil {
			e.refs[strings.ToLower(col)] = to
		}
	}
	switch {
	case f.Mark("Transient") != nil:
	case f.Mark("OneToMany", "ManyToMany") != nil:
		if f.Mark("OneToMany", "ManyToMany").Arg("mappedBy") != nil || to == nil {
			return
		}
		if x := f.Mark("JoinTable"); x != nil || f.Mark("ManyToMany") != nil {
			r.join(t, e, x, name, to, line)
		} else if o := r.entities[to]; o != nil && join != "" { // the column stands in the other table
			o.columns = append(o.columns, strings.ToLower(join))
			o.refs[strings.ToLower(join)] = t
		}
	case f.Mark("ManyToOne", "OneToOne") != nil:
		if f.Mark("OneToOne").Arg("mappedBy") != nil {
			return
		}
		if join == "" {
			join = snake(name) + "_id"
		}
		own(join)
	case f.Mark("ElementCollection") != nil:
		if c := r.text1(t, f.Mark("CollectionTable").Arg("name")); c != "" {
			e.joins = append(e.joins, joinTable{strings.ToLower(c), nil, []string{e.table + "_id"}, lineOf(t, line)})
		}
	case to != nil && r.entities[to] != nil && r.entities[to].table == "" && to != t: // embedded
		r.columns(to, e, depth+1)
	case f.Mark("DBRef", "DocumentReference") != nil:
		own(name)
	default:
		to = nil
		if c := r.text1(t, f.Mark("Column", "TableField", "TableId", "Field").Arg("name", "value")); c != "" {
			own(c)
			return
		}
		if e.kind == "sql" {
			own(r.naming(t, name))
			return
		}
		own(name)
	}
}

func (r *reader) join(t *link.Type, e *entity, x *unit.Mark, name string, to *link.Type, line int) {
	j := joinTable{to: to, pos: lineOf(t, line), name: r.text1(t, x.Arg("name"))}
	other := unit.Last(to.Unit.Name)
	if o := r.entities[to]; o != nil {
		other = o.table
	}
	if j.name == "" {
		j.name = e.table + "_" + snake(name)
		if _, ok := e.fields[name]; !ok && r.modules[t.Module] != nil {
			j.name = e.table + "_" + other
		}
	}
	j.name = strings.ToLower(j.name)
	col := func(arg, def string) string {
		if v := x.Arg(arg); v != nil {
			for _, c := range list(v) {
				if n := r.text1(t, pair(c, "name")); n != "" {
					return strings.ToLower(n)
				}
			}
		}
		return def
	}
	j.fields = []string{col("joinColumns", e.table+"_id"), col("inverseJoinColumns", other+"_id")}
	e.joins = append(e.joins, j)
}

// tableRef names a table in the store that the type's module uses.
func (r *reader) tableRef(t *link.Type, table, kind string) arch.Ref {
	store := t.Module
	if m := r.modules[t.Module]; m != nil && m.Store != "" {
		store = m.Store
	}
	_ = kind
	return arch.NewRef(arch.KindTable, store, table)
}
