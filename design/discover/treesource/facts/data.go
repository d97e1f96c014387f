package facts

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

// Modes of access.
const (
	read  = "read"
	write = "write"
)

// access is one access that was noted, so that none counts twice; with a method
// alone it says that the method has any.
type access struct {
	method code.MethodID
	table  arch.Ref
	mode   string
	line   int
}

// repository is an interface that a library implements over an entity's table.
type repository struct {
	of   *link.Type
	held link.Ref
}

// gives is the type of what an inherited method gives back.
func (x *repository) gives(name string) link.Ref {
	switch {
	case strings.HasPrefix(name, "findById"), strings.HasPrefix(name, "findOne") && name == "findOne":
		return link.Ref{Name: "Optional", Args: []link.Ref{x.held}}
	case strings.HasPrefix(name, "findAll"), name == "saveAll", strings.HasPrefix(name, "selectList"):
		return link.Ref{Name: "List", Args: []link.Ref{x.held}}
	case name == "save", name == "saveAndFlush", strings.HasPrefix(name, "get"), name == "selectById", name == "insert":
		return x.held
	}
	return link.Ref{}
}

// bases of repositories, with the place of the entity among their arguments.
func isRepositoryBase(name string) bool {
	n := unit.Last(name)
	switch n {
	case "BaseMapper", "IService", "ServiceImpl", "PanacheRepository", "PanacheRepositoryBase", "EntityRepository", "AbstractRepository", "JpaSpecificationExecutor", "Mapper":
		return true
	}
	return strings.HasSuffix(n, "Repository") && n != "Repository" || n == "Repository"
}

// repository finds what repositories keep, and what their own methods do.
func (r *reader) repository(t *link.Type) {
	if aside(t) {
		return
	}
	for _, up := range r.Program.Above(t) {
		if !isRepositoryBase(up.Name) || len(up.Args) == 0 {
			continue
		}
		i := 0
		if unit.Last(up.Name) == "ServiceImpl" {
			i = len(up.Args) - 1
		}
		if e := up.Args[i].Type; e != nil {
			r.repos[t] = &repository{of: e, held: up.Args[i]}
			break
		}
	}
	if mark := t.Unit.Mark("RepositoryDefinition"); mark != nil && r.repos[t] == nil {
		if c := mark.Arg("domainClass"); c != nil {
			if e := r.Program.Resolve(t, c.Text); e.Type != nil {
				r.repos[t] = &repository{of: e.Type, held: e}
			}
		}
	}
}

// writing are starts of names of methods that change what is kept.
var writing = []string{"save", "insert", "delete", "remove", "update", "persist", "merge", "add", "create", "upsert", "put", "store", "flush"}

func modeOf(name string) string {
	l := strings.ToLower(name)
	for _, w := range writing {
		if strings.HasPrefix(l, w) {
			return write
		}
	}
	return read
}

// mapped notes what a repository's or mapper's own method does, where its text
// stands in an annotation or in a mapper file, or its name says it.
func (r *reader) mapped(t *link.Type, m *link.Method) {
	if m.Unit.Name == "<init>" {
		return
	}
	p := at(m)
	for _, st := range r.Mapped[string(t.ID)+"."+m.Unit.Name] {
		r.sql(t, m.ID, st.SQL, st.Pos, r.tx[m], st.Verb)
	}
	if mark := m.Unit.Mark("Query", "NativeQuery", "Select", "Insert", "Update", "Delete", "SqlQuery", "SqlUpdate", "SqlBatch", "Aggregation"); mark != nil {
		if text := strings.Join(r.texts(t, mark.Arg("value", "query")), " "); text != "" {
			n := len(r.g.Access)
			r.query(t, m.ID, text, code.Pos{File: p.File, Line: mark.Line, Col: 1}, r.tx[m])
			if len(r.g.Access) > n || r.repos[t] == nil {
				return
			}
		}
	}
	repo := r.repos[t]
	if repo == nil || !m.Unit.Bare {
		return
	}
	r.entityAccess(t, m.ID, repo.of, modeOf(m.Unit.Name), derived(m.Unit.Name), p, r.tx[m], true)
}

// derivedBy cuts the properties out of findByNameAndCreatedAfterOrderByName.
var derivedBy = regexp.MustCompile(`^(?:find|read|get|query|search|stream|count|exists|delete|remove)[A-Za-z0-9]*?By([A-Z].*)$`)

var derivedWord = regexp.MustCompile(`(And|Or)([A-Z])`)

var derivedEnd = regexp.MustCompile(`(IsNotNull|IsNull|NotNull|Null|Is|Equals|Between|LessThanEqual|LessThan|GreaterThanEqual|GreaterThan|After|Before|NotLike|Like|StartingWith|EndingWith|NotContaining|Containing|Contains|NotIn|In|Not|True|False|IgnoreCase|AllIgnoreCase|OrderBy.*|Desc|Asc|Exists|Near|Within|Regex)+$`)

// derived lists the properties that a query method's name speaks of.
func derived(name string) []string {
	m := derivedBy.FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	rest, _, _ := strings.Cut(m[1], "OrderBy")
	var out []string
	for _, p := range strings.Split(derivedWord.ReplaceAllString(rest, " $2"), " ") {
		p = derivedEnd.ReplaceAllString(p, "")
		if p != "" {
			out = append(out, strings.ToLower(p[:1])+p[1:])
		}
	}
	return out
}

// entityAccess notes an access of an entity's table; of its fields the columns
// are taken.
func (r *reader) entityAccess(t *link.Type, m code.MethodID, of *link.Type, mode string, fields []string, p code.Pos, tx string, guessed bool) {
	e := r.entities[of]
	if e == nil {
		return
	}
	var cols []string
	for _, f := range fields {
		if c, ok := e.fields[f]; ok {
			cols = append(cols, c)
		}
	}
	slices.Sort(cols)
	r.note(code.Access{Method: m, Table: r.tableRef(of, e.table, e.kind), Mode: mode, Columns: cols, Tx: tx, Pos: p, Guessed: guessed && len(fields) == 0 && false})
	_ = t
}

func (r *reader) note(a code.Access) {
	key := access{a.Method, a.Table, a.Mode, a.Pos.Line}
	if r.seen[key] || a.Table.Member() == "" {
		return
	}
	r.seen[key] = true
	r.seen[access{method: a.Method}] = true
	r.g.Access = append(r.g.Access, a)
	if _, ok := r.g.Tables[a.Table]; !ok {
		r.g.Tables[a.Table] = code.Table{Ref: a.Table, Pos: a.Pos}
	}
}

// looksSQL: texts that are SQL or one of its kin, and not a sentence.
var looksSQL = regexp.MustCompile(`(?is)^[\s(]*(select\s.+\sfrom\s|from\s+\w+|insert\s+into\s|update\s+\S+(\s+\w+)?\s+set\s|delete\s+(from\s+)?\w+|merge\s+into\s|replace\s+into\s|with\s+\w+.*\sas\s*\(|truncate\s+table\s|call\s+\w+|\{\s*\??=?\s*call\s)`)

// placeholders that the texts carry from code: {name} is not known.
var codeHole = regexp.MustCompile(`(^|[^$#])\{[A-Za-z0-9_.]*\}`)

// query reads SQL, JPQL or HQL.
func (r *reader) query(t *link.Type, m code.MethodID, text string, p code.Pos, tx string) {
	r.sql(t, m, text, p, tx, "")
}

func (r *reader) sql(t *link.Type, m code.MethodID, text string, p code.Pos, tx, verb string) {
	text = codeHole.ReplaceAllString(text, "${1}"+sql.Hole)
	if low := strings.ToLower(strings.TrimSpace(text)); strings.HasPrefix(low, "from ") { // HQL
		text = "select * " + text
	}
	for _, st := range sql.Parse(text) {
		var joins []arch.Ref
		tables := make([]arch.Ref, len(st.Uses))
		for i, u := range st.Uses {
			tables[i] = r.named1(t, u.Table)
			if tables[i] != "" && !slices.Contains(joins, tables[i]) {
				joins = append(joins, tables[i])
			}
		}
		slices.Sort(joins)
		for i, u := range st.Uses {
			if tables[i] == "" || u.Mode == sql.Define {
				continue
			}
			others := slices.DeleteFunc(slices.Clone(joins), func(x arch.Ref) bool { return x == tables[i] })
			r.note(code.Access{Method: m, Table: tables[i], Mode: string(u.Mode), Columns: r.columnsOf(t, u), Joins: others, Tx: tx, Pos: p, SQL: sql.Shape(text[st.Offset:])})
		}
	}
	_ = verb
}

// columnsOf a table in a statement: JPQL names fields of the entity.
func (r *reader) columnsOf(t *link.Type, u sql.Use) []string {
	x := r.byEntity[t.Module+"/"+u.Table]
	if x == nil {
		return u.Columns
	}
	e := r.entities[x]
	var out []string
	for f, c := range e.fields {
		if slices.ContainsFunc(u.Columns, func(n string) bool { return strings.EqualFold(n, f) || n == c }) {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// named1 is the table that a name in a statement means: JPQL names entities, and
// o.items the relation of one.
func (r *reader) named1(t *link.Type, name string) arch.Ref {
	if name == "" || name == "*" || name == "dual" {
		return ""
	}
	if x := r.byEntity[t.Module+"/"+name]; x != nil {
		return r.tableRef(x, r.entities[x].table, r.entities[x].kind)
	}
	if alias, field, ok := strings.Cut(name, "."); ok && len(alias) <= 3 && r.repos[t] != nil {
		if e := r.entities[r.repos[t].of]; e != nil {
			for c, to := range e.refs {
				if strings.HasPrefix(c, field) && r.entities[to] != nil {
					return r.tableRef(to, r.entities[to].table, "sql")
				}
			}
		}
		return ""
	}
	return r.tableRef(t, name, "sql")
}

// data looks whether a call touches tables.
func (r *reader) data(s *link.Site, tx string) {
	if s.Recv.Type != nil {
		if repo := r.repos[s.Recv.Type]; repo != nil && s.Target != nil && s.Target.Made {
			name := s.Call.Text
			r.entityAccess(s.Recv.Type, s.Target.ID, repo.of, modeOf(name), nil, at(s.Target), "", false)
			return
		}
	}
	root := s.Recv.Root()
	switch root {
	case "EntityManager", "Session", "StatelessSession", "HibernateTemplate", "JpaTemplate", "SessionFactory", "MongoTemplate", "MongoOperations", "ReactiveMongoTemplate", "ElasticsearchOperations", "ElasticsearchRestTemplate", "R2dbcEntityTemplate", "CassandraTemplate":
		r.entityManager(s, tx)
	case "SqlSession", "SqlSessionTemplate", "SqlMapClient", "SqlMapClientTemplate":
		r.statementByID(s, tx)
	}
	r.statements(s, tx)
}

func (r *reader) entityManager(s *link.Site, tx string) {
	name := s.Call.Text
	switch name {
	case "createNamedQuery", "getNamedQuery":
		if q := r.named[s.In.Type.Module+"/"+r.arg(s, 0).S]; q != "" {
			r.query(s.In.Type, s.In.ID, q, pos(s), tx)
		}
		return
	case "createQuery", "createNativeQuery", "createSQLQuery", "getTransaction", "beginTransaction", "createCriteria", "getReference":
		if name != "createCriteria" && name != "getReference" {
			return
		}
	}
	mode := modeOf(name)
	for _, a := range s.Args {
		of := a
		if a.Name == "Class" && len(a.Args) == 1 {
			of = a.Args[0]
		}
		if of = held(of); of.Type != nil && r.entities[of.Type] != nil {
			r.entityAccess(s.In.Type, s.In.ID, of.Type, mode, nil, pos(s), tx, false)
			return
		}
	}
}

// statementByID: MyBatis and iBATIS by the statement's name.
func (r *reader) statementByID(s *link.Site, tx string) {
	id := r.arg(s, 0)
	if !id.Known() {
		return
	}
	for _, st := range r.Mapped[id.S] {
		r.sql(s.In.Type, s.In.ID, st.SQL, st.Pos, tx, st.Verb)
	}
}

// logs are receivers whose texts are for people.
var logs = []string{"Logger", "Log", "PrintStream", "System", "log", "logger", "console", "Console", "ILogger", "logging"}

// statements reads SQL that is handed to anything but a log.
func (r *reader) statements(s *link.Site, tx string) {
	if s.Call.Kind == unit.FuncOf || s.Recv.Is(logs...) || strings.HasSuffix(s.Call.Text, "Exception") || s.Call.Text == "append" || s.Call.Text == "equals" || s.Call.Text == "debug" || s.Call.Text == "info" {
		return
	}
	for i := range s.Call.Args {
		if i > 1 {
			break
		}
		a := &s.Call.Args[i]
		if !r.mayBeText(s, a) {
			continue
		}
		t := r.Program.Text(s.Scope, a)
		if len(t.S) < 10 || !looksSQL.MatchString(t.S) {
			continue
		}
		r.query(s.In.Type, s.In.ID, t.S, pos(s), tx)
		return
	}
}

// mayBeText spares the work of evaluating what cannot be one.
func (r *reader) mayBeText(s *link.Site, a *unit.Expr) bool {
	switch a.Kind {
	case unit.Str:
		return len(a.Text) > 9
	case unit.Concat, unit.Cond:
		return true
	case unit.Name:
		if v := s.Scope.Var(a.Text); v != nil {
			return v.Init != nil && text(v.Type) || len(v.More) > 0 && text(v.Type)
		}
		_, f := r.Program.Field(s.In.Type, a.Text)
		return f == nil || (f.Type == "String" || f.Type == "string" || f.Type == "") && f.Init != nil
	case unit.Member:
		return a.Text == strings.ToUpper(a.Text) || strings.Contains(strings.ToLower(a.Text), "sql") || strings.Contains(strings.ToLower(a.Text), "query")
	case unit.Call:
		return a.Text == "toString" || a.Text == "format" || a.Text == "concat" || a.Text == "text" || a.Text == "formatted"
	}
	return false
}

func text(r link.Ref) bool {
	return r.Type == nil && (r.Name == "" || unit.Last(r.Name) == "String" || r.Is("StringBuilder", "StringBuffer"))
}

// setting notes configuration that the code reads.
func (r *reader) setting(s *link.Site) {
	if s.Call.Text != "getProperty" && s.Call.Text != "getRequiredProperty" && s.Call.Text != "getenv" || len(s.Call.Args) == 0 || s.Call.Args[0].Kind != unit.Str {
		return
	}
	key := s.Call.Args[0].Text
	if _, ok := r.g.Settings[key]; !ok {
		r.g.Settings[key] = code.Setting{Key: key, Pos: pos(s)}
	}
}
