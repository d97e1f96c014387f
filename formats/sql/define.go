package sql

import "slices"

// ddl reads what stands after CREATE, ALTER and DROP.
func (p *parser) ddl(s *scope, verb string) {
	for p.take("or", "replace", "global", "local", "temp", "temporary", "unlogged", "unique", "clustered", "external", "foreign", "materialized", "recursive", "algorithm", "undefined") {
	}
	switch {
	case p.take("table"):
		p.defineTable(s, verb)
	case p.take("view"):
		p.defineView(s, verb)
	case p.take("index"):
		if verb == "create" {
			p.index(s)
		}
	case p.is("function", "procedure", "trigger", "package", "event"):
		p.stop = true
	}
}

func (p *parser) ifExists() {
	for p.take("if", "not", "exists", "only") {
	}
}

// define notes the table and returns its name.
func (p *parser) define(s *scope) (string, bool) {
	p.ifExists()
	if !p.table(s, Define) {
		return "", false
	}
	t := s.tables[len(s.tables)-1]
	return t.table, t.table != ""
}

func (p *parser) defineTable(s *scope, verb string) {
	name, ok := p.define(s)
	if !ok {
		return
	}
	d := Definition{Table: name, Drop: verb == "drop", Alter: verb == "alter"}
	switch {
	case d.Drop:
		p.st.Defines = append(p.st.Defines, d)
		for p.op(",") {
			p.i++
			if n, ok := p.define(s); ok {
				p.st.Defines = append(p.st.Defines, Definition{Table: n, Drop: true})
			}
		}
		return
	case d.Alter:
		p.alter(&d)
	case p.op("("):
		p.i++
		for !p.end() && !p.op(")") {
			p.element(&d)
			p.toComma()
			if p.op(",") {
				p.i++
			}
		}
		if p.op(")") {
			p.i++
		}
	}
	p.st.Defines = append(p.st.Defines, d)
	for !p.end() && !p.is("select", "with") {
		p.i++
	}
	if p.is("select", "with") && p.peek(1).s != "(" {
		p.body(nil)
	}
}

// element reads a column or a constraint of a table.
func (p *parser) element(d *Definition) {
	if p.take("constraint") {
		p.i++ // its name
	}
	switch {
	case p.is("primary") && p.peek(1).s == "key":
		p.i += 2
		p.take("clustered", "nonclustered")
		d.PrimaryKey = p.list()
		return
	case p.is("foreign") && p.peek(1).s == "key":
		p.i += 2
		p.ifExists()
		if !p.op("(") {
			p.i++ // MySQL's name of the index
		}
		p.references(d, p.list())
		return
	case p.is("unique", "check", "exclude", "fulltext", "spatial", "like", "period"), p.is("key", "index") && !types[p.peek(1).s]:
		return
	}
	t := p.peek(0)
	if t.kind != word && t.kind != quoted {
		return
	}
	p.i++
	c := Column{Name: t.s}
	if n := p.peek(0); n.kind == word {
		c.Type = n.s
		p.i++
	}
	p.columnRest(d, &c)
	d.Columns = append(d.Columns, c)
}

// types tell a column called key from an index.
var types = map[string]bool{"varchar": true, "text": true, "char": true, "int": true, "integer": true, "bigint": true, "smallint": true, "uuid": true, "numeric": true,
	"decimal": true, "timestamp": true, "date": true, "bytea": true, "blob": true, "json": true, "jsonb": true, "boolean": true, "bool": true, "character": true, "nvarchar": true, "varbinary": true, "real": true, "double": true, "float": true}

// columnRest reads the constraints of a column.
func (p *parser) columnRest(d *Definition, c *Column) {
	for !p.end() && !p.op(",") && !p.op(")") {
		switch {
		case p.op("("):
			p.skipGroup()
		case p.is("references"):
			p.references(d, []string{c.Name})
		case p.is("not") && p.peek(1).s == "null":
			c.NotNull = true
			p.i += 2
		case p.is("primary") && p.peek(1).s == "key":
			d.PrimaryKey = []string{c.Name}
			p.i += 2
		default:
			p.i++
		}
	}
}

// references reads REFERENCES t (a, b) ON DELETE …
func (p *parser) references(d *Definition, cols []string) {
	if !p.take("references") {
		return
	}
	name, ok := p.dotted()
	if !ok {
		return
	}
	fk := ForeignKey{Columns: cols, Table: name}
	if p.op("(") {
		fk.Refs = p.list()
	}
	d.ForeignKeys = append(d.ForeignKeys, fk)
}

// list reads (a, b).
func (p *parser) list() []string {
	if !p.op("(") {
		return nil
	}
	var out []string
	for p.i++; !p.end() && !p.op(")"); p.i++ {
		if t := p.peek(0); t.kind == quoted || t.kind == word && t.s != "asc" && t.s != "desc" {
			out = append(out, t.s)
		}
		if p.op("(") { // a prefix length
			p.skipGroup()
			p.i--
		}
	}
	p.i++
	return out
}

func (p *parser) toComma() {
	for !p.end() && !p.op(",") && !p.op(")") {
		if p.op("(") {
			p.skipGroup()
			continue
		}
		p.i++
	}
}

// alter reads ADD COLUMN, ADD CONSTRAINT … of ALTER TABLE; other changes say
// nothing about ownership.
func (p *parser) alter(d *Definition) {
	for !p.end() {
		if p.take("add") {
			p.take("column")
			p.ifExists()
			grouped := p.op("(")
			if grouped {
				p.i++
			}
			for {
				p.element(d)
				p.toComma()
				if !grouped || !p.op(",") {
					break
				}
				p.i++
			}
			if grouped && p.op(")") {
				p.i++
			}
		} else {
			p.toComma()
		}
		if !p.op(",") && !p.op(")") {
			return
		}
		p.i++
	}
}

func (p *parser) defineView(s *scope, verb string) {
	name, ok := p.define(s)
	if !ok {
		return
	}
	p.st.Defines = append(p.st.Defines, Definition{Table: name, View: true, Drop: verb == "drop", Alter: verb == "alter"})
	for !p.end() && !p.is("as") {
		p.i++
	}
	if p.take("as"); p.is("select", "with") {
		p.body(nil)
	}
}

// index reads CREATE INDEX n ON t (a, b): it names columns.
func (p *parser) index(s *scope) {
	for !p.end() && !p.is("on") {
		p.i++
	}
	p.take("on")
	p.ifExists()
	if p.table(s, Define) {
		for !p.end() && !p.op("(") {
			p.i++
		}
		if p.op("(") {
			p.names(s, false)
		}
	}
	s.cols = slices.DeleteFunc(s.cols, func(c column) bool { return c.name == "asc" || c.name == "desc" })
}
