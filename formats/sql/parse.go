package sql

import (
	"maps"
	"slices"
	"strings"
)

// maxDepth bounds nesting; what lies deeper is passed over.
const maxDepth = 200

type parser struct {
	toks  []token
	i     int
	depth int
	stop  bool
	st    *Statement
	ctes  []string // names of common table expressions in sight
	all   []*scope // of the statement, to be resolved at its end
}

// scope is one query: its tables by alias, and the columns that it names.
type scope struct {
	parent *scope
	tables []source
	named  map[string]bool // output names: no columns
	cols   []column
}

type source struct {
	table, alias string // table "": derived
	use          int    // index into the statement's uses; -1: derived
}

type column struct {
	of, name string
	set      bool
}

func (p *parser) peek(n int) token {
	if p.i+n < len(p.toks) {
		return p.toks[p.i+n]
	}
	return token{kind: punct}
}

func (p *parser) op(s string) bool {
	t := p.peek(0)
	return t.kind == punct && t.s == s && p.i < len(p.toks)
}

// is reports whether the next word is one of ws.
func (p *parser) is(ws ...string) bool {
	t := p.peek(0)
	return t.kind == word && slices.Contains(ws, t.s)
}

// take passes over the next word if it is one of ws.
func (p *parser) take(ws ...string) bool {
	if p.is(ws...) {
		p.i++
		return true
	}
	return false
}

func (p *parser) end() bool { return p.i >= len(p.toks) || p.op(";") }

// statement reads one statement up to its end, or as far as it is understood.
func (p *parser) statement() (Statement, bool) {
	st := Statement{}
	p.st, p.ctes, p.all, p.depth = &st, nil, nil, 0
	for p.op("(") || p.is("explain", "analyze", "verbose") {
		p.i++
	}
	if p.peek(0).kind != word || !verbs[p.peek(0).s] {
		return st, false
	}
	st.Verb = p.peek(0).s
	p.body(nil)
	for p.op(")") { // (select …) union (select …)
		p.i++
		p.rest(&scope{named: map[string]bool{}})
	}
	p.resolve()
	return st, true
}

// body reads a statement, which may stand inside another one.
func (p *parser) body(parent *scope) {
	if p.depth++; p.depth > maxDepth {
		p.depth--
		p.skipGroup()
		return
	}
	defer func() { p.depth-- }()
	s := &scope{parent: parent, named: map[string]bool{}}
	p.all = append(p.all, s)
	verb := p.peek(0).s
	switch p.i++; verb {
	case "with":
		p.with(parent)
		if p.peek(0).kind == word && verbs[p.peek(0).s] {
			if p.st.Verb == "with" {
				p.st.Verb = p.peek(0).s
			}
			p.body(parent)
		}
	case "select", "values":
		p.query(s)
	case "table":
		p.table(s, Read)
	case "insert", "replace", "upsert":
		p.insert(s)
	case "update":
		p.update(s)
	case "delete":
		p.delete(s)
	case "merge":
		p.merge(s)
	case "copy":
		p.copyTo(s)
	case "truncate":
		p.take("table")
		for p.table(s, Write) && p.op(",") {
			p.i++
		}
	case "lock":
		p.st.Locks = true
		p.take("table", "tables")
		for p.table(s, Read) && p.op(",") {
			p.i++
		}
	case "call", "exec", "execute":
		if n, ok := p.dotted(); ok {
			p.st.Procedure = n
		}
		p.expr(s)
	case "create", "alter", "drop":
		p.ddl(s, verb)
	default:
		p.control(verb)
	}
}

func (p *parser) control(verb string) {
	next := p.peek(0).s
	switch verb {
	case "begin":
		if p.end() || p.is("transaction", "work", "tran", "immediate", "deferred", "exclusive", "isolation", "read", "concurrent") {
			p.st.Control = Begin
		}
	case "start":
		if next == "transaction" {
			p.st.Control = Begin
		}
	case "commit", "end":
		switch {
		case next == "prepared":
			p.st.Control = Prepare
		case verb == "commit" || p.end() || p.is("transaction", "work"):
			p.st.Control = Commit
		}
	case "rollback", "abort":
		p.st.Control = Rollback
		if next == "prepared" {
			p.st.Control = Prepare
		}
		for p.take("work", "transaction", "tran") {
		}
		if p.is("to") {
			p.st.Control = Savepoint
		}
	case "savepoint", "release":
		p.st.Control = Savepoint
	case "prepare":
		if next == "transaction" {
			p.st.Control = Prepare
		}
	case "xa":
		switch next {
		case "start", "begin":
			p.st.Control = Begin
		case "prepare":
			p.st.Control = Prepare
		case "commit":
			p.st.Control = Commit
		case "rollback":
			p.st.Control = Rollback
		}
	}
}

// with reads common table expressions: their names are no tables.
func (p *parser) with(parent *scope) {
	p.take("recursive")
	for p.peek(0).kind == word || p.peek(0).kind == quoted {
		p.ctes = append(p.ctes, p.peek(0).s)
		p.i++
		if p.op("(") {
			p.skipGroup()
		}
		p.take("as")
		for p.take("not", "materialized") {
		}
		if p.op("(") {
			p.group(parent, false)
		}
		if !p.op(",") {
			return
		}
		p.i++
	}
}

// dotted takes a name with its schema.
func (p *parser) dotted() (string, bool) {
	var parts []string
	for {
		t := p.peek(0)
		if t.kind != word && t.kind != quoted && (t.kind != param || t.s != "*") {
			break
		}
		p.i++
		parts = append(parts, strings.Split(t.s, ".")...)
		if !p.op(".") {
			break
		}
		for p.op(".") { // db..table
			p.i++
		}
	}
	for len(parts) > 1 && slices.Contains([]string{"public", "dbo", "main", "*"}, parts[0]) {
		parts = parts[1:]
	}
	return strings.Join(parts, "."), len(parts) > 0
}

// table takes a table with its alias and notes its use.
func (p *parser) table(s *scope, m Mode) bool {
	for p.take("only", "lateral") {
	}
	t := p.peek(0)
	if t.kind == word && (keywords[t.s] && !p.nameAnyway()) || t.kind == punct || t.kind == number || t.kind == text {
		return false
	}
	if t.kind == param && t.s == "?" { // a table-valued parameter
		p.i++
		s.tables = append(s.tables, source{use: -1, alias: p.alias()})
		return true
	}
	name, ok := p.dotted()
	if !ok {
		return false
	}
	if p.op("(") && m == Read { // a function: generate_series(1, 2)
		p.group(s, true)
		s.tables = append(s.tables, source{use: -1, alias: p.alias()})
		return true
	}
	src := source{table: name, use: -1}
	switch {
	case name == "*":
		p.st.Dynamic = true
		src.table = ""
	case m == Read && slices.Contains(p.ctes, name), name == "dual":
		src.table = ""
	default:
		src.use = p.use(name, m)
	}
	if m != Define && !p.op("(") {
		src.alias = p.alias()
		p.hints()
	}
	if src.alias == "" {
		src.alias = name[strings.LastIndexByte(name, '.')+1:]
	}
	s.tables = append(s.tables, src)
	return true
}

// nameAnyway: a keyword with a dot after it is a schema.
func (p *parser) nameAnyway() bool { t := p.peek(1); return t.kind == punct && t.s == "." }

// hints passes over what dialects write after a table: WITH (NOLOCK), USE INDEX (x).
func (p *parser) hints() {
	for {
		switch {
		case p.is("with", "tablesample") && p.peek(1).s == "(":
			p.i++
			p.skipGroup()
		case p.is("use", "force", "ignore") && (p.peek(1).s == "index" || p.peek(1).s == "key"):
			for p.i += 2; p.is("for", "order", "by", "group", "join"); p.i++ {
			}
			p.skipGroup()
		default:
			return
		}
	}
}

func (p *parser) alias() string {
	as := p.take("as")
	t := p.peek(0)
	if n := p.peek(1).s; t.kind == word && (t.s == "use" || t.s == "force" || t.s == "ignore") && (n == "index" || n == "key") {
		return ""
	}
	if t.kind == quoted || t.kind == word && (as || !keywords[t.s]) {
		p.i++
		if p.op("(") && p.peek(1).kind == word && as { // as t(a, b)
			p.skipGroup()
		}
		return t.s
	}
	return ""
}

// use notes a table once a mode and returns its index.
func (p *parser) use(name string, m Mode) int {
	for i, u := range p.st.Uses {
		if u.Table == name && u.Mode == m {
			return i
		}
	}
	p.st.Uses = append(p.st.Uses, Use{Table: name, Mode: m})
	return len(p.st.Uses) - 1
}

// resolve gives columns to the tables that they must belong to.
func (p *parser) resolve() {
	cols, sets := map[int]map[string]bool{}, map[int]map[string]bool{}
	put := func(m map[int]map[string]bool, use int, name string) {
		if m[use] == nil {
			m[use] = map[string]bool{}
		}
		m[use][name] = true
	}
	for _, s := range p.all {
		for _, c := range s.cols {
			use := s.owner(c)
			if use < 0 || c.of == "" && s.named[c.name] && !c.set {
				continue
			}
			put(cols, use, c.name)
			if c.set {
				put(sets, use, c.name)
			}
		}
	}
	for i := range p.st.Uses {
		p.st.Uses[i].Columns = slices.Sorted(maps.Keys(cols[i]))
		p.st.Uses[i].Sets = slices.Sorted(maps.Keys(sets[i]))
	}
	p.st.Uses = slices.DeleteFunc(p.st.Uses, func(u Use) bool { return u.Table == "" })
}

// owner is the use that a column belongs to; -1 when that is not certain.
func (s *scope) owner(c column) int {
	if c.of == "" {
		if len(s.tables) == 0 && s.parent != nil {
			return s.parent.owner(c)
		}
		if len(s.tables) > 0 && c.set {
			return s.tables[0].use
		}
		if len(s.tables) != 1 {
			return -1
		}
		return s.tables[0].use
	}
	for x := s; x != nil; x = x.parent {
		for _, t := range x.tables {
			if t.alias == c.of || t.table != "" && (t.table == c.of || strings.HasSuffix(t.table, "."+c.of)) {
				return t.use
			}
		}
	}
	return -1
}
