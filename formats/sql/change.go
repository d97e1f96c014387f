package sql

// ChangeKind is what a migration does that a program of before may not survive.
type ChangeKind string

const (
	DropTable    ChangeKind = "drop table"
	DropColumn   ChangeKind = "drop column"
	RenameTable  ChangeKind = "rename table"
	RenameColumn ChangeKind = "rename column"
	ChangeType   ChangeKind = "change type"
	NotNull      ChangeKind = "not null"        // of a column that there was
	AddRequired  ChangeKind = "required column" // new, not null and without a default: inserts of before fail
	Truncate     ChangeKind = "truncate"
)

// Change is such a change of one table.
type Change struct {
	Kind   ChangeKind
	Table  string
	Column string
	To     string // the new name or type
	Offset int    // in bytes, of its statement
}

// Changes lists what the statements of a migration take from programs that know
// the tables as they were. Tables that the text itself creates are nobody's yet
// and left out, and so are tables that are dropped to be created anew.
func Changes(text string) []Change {
	made := map[string]bool{}
	for _, st := range Parse(text) {
		for _, d := range st.Defines {
			if !d.Drop && !d.Alter && !d.View {
				made[d.Table] = true
			}
		}
	}
	p := &parser{toks: lex(text)}
	var out []Change
	for p.i < len(p.toks) {
		at := p.toks[p.i].at
		for _, c := range p.changes() {
			if !made[c.Table] && !made[c.To] {
				c.Offset = at
				out = append(out, c)
			}
		}
		for p.i < len(p.toks) && !p.op(";") {
			p.i++
		}
		p.i++
	}
	return out
}

// changes reads one statement.
func (p *parser) changes() []Change {
	switch {
	case p.take("drop"):
		if !p.take("table") {
			return nil
		}
		var out []Change
		for {
			p.ifExists()
			name, ok := p.dotted()
			if !ok {
				return out
			}
			out = append(out, Change{Kind: DropTable, Table: name})
			if !p.op(",") {
				return out
			}
			p.i++
		}
	case p.take("truncate"):
		p.take("table")
		p.ifExists()
		if name, ok := p.dotted(); ok {
			return []Change{{Kind: Truncate, Table: name}}
		}
	case p.take("rename"): // MySQL
		if p.take("table") {
			if name, ok := p.dotted(); ok && p.take("to") {
				to, _ := p.dotted()
				return []Change{{Kind: RenameTable, Table: name, To: to}}
			}
		}
	case p.take("alter"):
		if !p.take("table") {
			return nil
		}
		p.ifExists()
		name, ok := p.dotted()
		if !ok {
			return nil
		}
		return p.alterations(name)
	}
	return nil
}

// alterations reads what stands behind ALTER TABLE t.
func (p *parser) alterations(table string) []Change {
	var out []Change
	for !p.end() {
		if c, ok := p.alteration(); ok {
			c.Table = table
			out = append(out, c)
		}
		p.toComma()
		if p.end() || !p.op(",") {
			break
		}
		p.i++
	}
	return out
}

func (p *parser) alteration() (Change, bool) {
	switch {
	case p.take("drop"):
		if p.is("constraint", "index", "key", "primary", "foreign", "check", "partition", "default", "unique", "period") {
			return Change{}, false
		}
		p.take("column")
		p.ifExists()
		if c, ok := p.colName(); ok {
			return Change{Kind: DropColumn, Column: c}, true
		}
	case p.take("rename"):
		if p.is("constraint", "index", "key") {
			return Change{}, false
		}
		if p.take("to", "as") {
			to, ok := p.dotted()
			return Change{Kind: RenameTable, To: to}, ok
		}
		p.take("column")
		if c, ok := p.colName(); ok && p.take("to") {
			to, _ := p.colName()
			return Change{Kind: RenameColumn, Column: c, To: to}, true
		}
	case p.take("change"): // MySQL: CHANGE a b type
		p.take("column")
		if c, ok := p.colName(); ok {
			to, _ := p.colName()
			if to != c {
				return Change{Kind: RenameColumn, Column: c, To: to}, true
			}
			return Change{Kind: ChangeType, Column: c, To: p.peek(0).s}, true
		}
	case p.take("modify"):
		p.take("column")
		if c, ok := p.colName(); ok {
			return Change{Kind: ChangeType, Column: c, To: p.peek(0).s}, true
		}
	case p.take("alter"):
		p.take("column")
		c, ok := p.colName()
		switch {
		case !ok:
		case p.take("type"):
			return Change{Kind: ChangeType, Column: c, To: p.peek(0).s}, true
		case p.take("set"):
			if p.take("not") {
				return Change{Kind: NotNull, Column: c}, true
			}
			if p.take("data") && p.take("type") {
				return Change{Kind: ChangeType, Column: c, To: p.peek(0).s}, true
			}
		}
	case p.take("add"):
		return p.required()
	}
	return Change{}, false
}

// required reads ADD COLUMN as far as it asks rows of before for a value.
func (p *parser) required() (Change, bool) {
	p.take("column")
	p.ifExists()
	if p.is("constraint", "primary", "foreign", "unique", "check", "index", "key", "fulltext", "spatial", "partition", "exclude") {
		return Change{}, false
	}
	c, ok := p.colName()
	if !ok || p.is("serial", "bigserial", "smallserial") {
		return Change{}, false
	}
	must := false
	for !p.end() && !p.op(",") {
		switch {
		case p.op("("):
			p.skipGroup()
			continue
		case p.is("default", "generated", "auto_increment", "identity", "as", "null") && p.toks[p.i-1].s != "not":
			return Change{}, false
		case p.is("not") && p.peek(1).s == "null":
			must = true
			p.i++
		}
		p.i++
	}
	return Change{Kind: AddRequired, Column: c}, must
}

// colName takes a name.
func (p *parser) colName() (string, bool) {
	t := p.peek(0)
	if t.kind != word && t.kind != quoted || t.s == "" {
		return "", false
	}
	p.i++
	return t.s, true
}
