package sql

import "slices"

// clause words end an expression at the level at which they stand.
var clauses = []string{"from", "where", "group", "having", "order", "limit", "offset", "fetch", "for", "union", "intersect", "except", "minus", "window",
	"into", "returning", "output", "set", "values", "on", "using", "join", "inner", "left", "right", "full", "cross", "natural", "straight_join", "when", "qualify", "do"}

// keywords are no names, neither of columns nor of aliases.
var keywords = keywordSet()

func keywordSet() map[string]bool {
	m := map[string]bool{}
	for _, w := range append([]string{"select", "insert", "update", "delete", "merge", "distinct", "all", "as", "and", "or", "not", "in", "is", "null", "like", "ilike", "rlike", "regexp", "similar",
		"between", "exists", "case", "then", "else", "end", "by", "asc", "desc", "nulls", "true", "false", "unknown", "interval", "over", "partition", "with", "within", "any", "some",
		"default", "outer", "lateral", "collate", "escape", "current_timestamp", "current_date", "current_time", "current_user", "localtimestamp", "sysdate", "rowid", "rownum",
		"array", "separator", "unbounded", "preceding", "following", "nowait", "skip", "locked", "xor", "div", "mod", "binary", "recursive", "isnull", "notnull", "conflict", "duplicate", "nothing", "connect", "prior", "both", "leading", "trailing", "only", "top"}, clauses...) {
		m[w] = true
	}
	return m
}

// query reads what stands after SELECT.
func (p *parser) query(s *scope) {
	for p.take("distinct", "all", "sql_calc_found_rows", "straight_join") {
	}
	if p.take("top") {
		if p.op("(") {
			p.skipGroup()
		} else {
			p.i++
		}
	}
	p.selectList(s)
	if p.take("into") { // select … into table; into variables of a routine
		if p.take("temp", "temporary", "table", "unlogged", "outfile") || p.peek(0).kind == word && p.peek(1).s == "from" {
			p.table(s, Write)
			s.tables = s.tables[:max(0, len(s.tables)-1)] // it names no columns of this query
		}
		for !p.end() && !p.is("from") && !p.op(")") {
			p.i++
		}
	}
	if p.take("from") {
		p.sources(s)
	}
	p.rest(s)
}

// selectList reads expressions, whose output names are no columns.
func (p *parser) selectList(s *scope) {
	for !p.end() && !p.op(")") && !p.is(clauses...) {
		at := p.i
		p.expr(s)
		if p.op(",") {
			p.i++
		}
		if p.i == at {
			p.i++
		}
	}
}

// sources reads tables up to the next clause that names none.
func (p *parser) sources(s *scope) {
	for !p.end() && !p.op(")") {
		at := p.i
		switch {
		case p.op(","):
			p.i++
		case p.op("("):
			p.derived(s)
		case p.take("join", "inner", "left", "right", "full", "outer", "cross", "natural", "straight_join", "lateral", "apply"):
		case p.take("on"):
			p.expr(s)
		case p.take("using"):
			if p.op("(") {
				p.skipGroup()
			}
		case p.is("set"), p.is(clauses...):
			return
		default:
			if !p.table(s, Read) {
				return
			}
		}
		if p.i == at {
			return
		}
	}
}

// derived reads a parenthesis in FROM: a query with an alias, or joined tables.
func (p *parser) derived(s *scope) {
	if t := p.peek(1); t.kind == word && (t.s == "select" || t.s == "with" || t.s == "values") || t.kind == punct && t.s == "(" {
		p.group(s, false)
		s.tables = append(s.tables, source{use: -1, alias: p.alias()})
		return
	}
	if p.depth++; p.depth > maxDepth {
		p.skipGroup()
	} else {
		p.i++
		p.sources(s)
		if p.op(")") {
			p.i++
		}
	}
	p.depth--
}

// rest reads the clauses after the tables.
func (p *parser) rest(s *scope) {
	for !p.end() && !p.op(")") {
		at := p.i
		switch {
		case p.take("union", "intersect", "except", "minus"):
			for p.take("all", "distinct") {
			}
			if p.op("(") {
				p.group(s.parent, false)
			} else if p.is("select", "values", "with") {
				p.body(s.parent)
			}
		case p.is("for") && (p.peek(1).s == "update" || p.peek(1).s == "share" || p.peek(1).s == "no" || p.peek(1).s == "key"):
			p.st.Locks = true
			for p.i++; p.is("update", "share", "no", "key", "nowait", "skip", "locked"); p.i++ {
			}
			if p.take("of") {
				p.dotted()
			}
		case p.take("limit", "offset", "fetch"):
			for !p.end() && !p.op(")") && !p.is("for", "union", "offset") {
				p.i++
			}
		case p.is("when", "set", "values", "do", "on"):
			return
		default:
			p.i++
			p.expr(s)
		}
		if p.i == at {
			p.i++
		}
	}
}

// expr reads an expression up to a clause, a comma of its own level or a closing
// parenthesis.
func (p *parser) expr(s *scope) {
	operand := false // a word after an operand is a name for it
	cases := 0
	for !p.end() && !p.op(")") {
		t := p.peek(0)
		switch t.kind {
		case text, number, param:
			operand = true
			p.i++
			if t.kind == param && p.op(".") { // a qualifier that is put in at run time
				p.i += 2
			}
		case punct:
			switch t.s {
			case ",":
				return
			case "(":
				p.group(s, false)
				operand = true
			case "::":
				p.i++
				p.dotted()
				if p.op("(") {
					p.skipGroup()
				}
			case "*":
				operand = p.star()
				p.i++
			default:
				operand = t.s == "]"
				p.i++
			}
		case quoted:
			p.column(s, &operand)
		case word:
			switch {
			case t.s == "case":
				cases++
				operand = false
				p.i++
			case t.s == "end" && cases > 0:
				cases--
				operand = true
				p.i++
			case t.s == "when" && cases > 0, t.s == "with" && operand, t.s == "set" && operand && p.peek(1).s == "(":
				operand = false
				p.i++
			case t.s == "from" && p.i > 1 && p.toks[p.i-1].s == "distinct" && (p.toks[p.i-2].s == "is" || p.toks[p.i-2].s == "not"):
				p.i++ // is distinct from
			case (t.s == "left" || t.s == "right" || t.s == "values") && p.peek(1).s == "(" && !operand: // functions of these names
				p.i++
				p.group(s, true)
				operand = true
			case slices.Contains(clauses, t.s) && !p.nameAnyway():
				return
			case t.s == "as":
				p.i++
				if n := p.peek(0); n.kind == word || n.kind == quoted {
					s.named[n.s] = true
					p.i++
				}
				operand = true
			case keywords[t.s] && !p.nameAnyway():
				operand = t.s == "null" || t.s == "true" || t.s == "false" || len(t.s) > 8 && t.s[:8] == "current_"
				p.i++
				if t.s == "over" && p.op("(") {
					p.group(s, true)
					operand = true
				}
			default:
				p.column(s, &operand)
			}
		}
	}
}

// star reports whether * is "all columns" rather than a product.
func (p *parser) star() bool {
	n := p.peek(1)
	return n.kind == punct && (n.s == "," || n.s == ")" || n.s == "") || n.kind == word && n.s == "from"
}

// column reads a name in an expression: a column, a function, a type before a
// literal, or the output name of what stands before it.
func (p *parser) column(s *scope, operand *bool) {
	t := p.peek(0)
	if *operand {
		s.named[t.s] = true
		p.i++
		return
	}
	*operand = true
	if n := p.peek(1); t.kind == word && n.kind == text { // date '2020-01-01'
		p.i++
		return
	}
	of, name := "", t.s
	p.i++
	for p.op(".") {
		p.i++
		n := p.peek(0)
		if n.kind == punct && n.s == "*" {
			p.i++
			return
		}
		if n.kind != word && n.kind != quoted {
			return
		}
		of, name = name, n.s
		p.i++
	}
	if p.op("(") {
		p.call(s, name)
		return
	}
	if *operand = true; name != "excluded" {
		s.cols = append(s.cols, column{of: of, name: name})
	}
}

// units are functions whose first argument is a unit of time, and no column.
var units = map[string]bool{"extract": true, "timestampdiff": true, "timestampadd": true, "dateadd": true, "datediff": true, "datename": true, "datepart": true}

// call reads the arguments of a function.
func (p *parser) call(s *scope, name string) {
	if n := p.peek(2).s; units[name] && p.peek(1).kind == word && (n == "from" || n == ",") {
		p.toks[p.i+1].kind = text
	}
	p.group(s, true)
}

// group reads a parenthesis: a query, or expressions; in the arguments of a
// function the words of clauses mean nothing.
func (p *parser) group(s *scope, function bool) {
	if p.depth++; p.depth > maxDepth {
		p.depth--
		p.skipGroup()
		return
	}
	defer func() { p.depth-- }()
	p.i++ // "("
	if p.is("select", "with", "values", "insert", "update", "delete") && !(function && p.is("values")) {
		p.body(s)
	}
	inner := s
	if inner == nil {
		inner = &scope{named: map[string]bool{}}
	}
	for !p.end() && !p.op(")") {
		at := p.i
		p.expr(inner)
		if p.op(",") {
			p.i++
		}
		if p.is("union", "intersect", "except", "minus") && !function {
			p.rest(inner)
		}
		if p.i == at {
			p.i++
		}
	}
	if p.op(")") {
		p.i++
	}
}

// skipGroup passes over a parenthesis.
func (p *parser) skipGroup() {
	if !p.op("(") {
		return
	}
	depth := 0
	for ; !p.end(); p.i++ {
		if p.op("(") {
			depth++
		} else if p.op(")") {
			if depth--; depth == 0 {
				p.i++
				return
			}
		}
	}
}
