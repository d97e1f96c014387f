package sql

// insert reads what stands after INSERT, REPLACE or UPSERT.
func (p *parser) insert(s *scope) {
	for p.take("low_priority", "high_priority", "delayed", "ignore", "or", "overwrite", "all", "replace", "rollback", "abort", "fail") {
	}
	p.take("into")
	p.take("table")
	if !p.table(s, Write) {
		return
	}
	if p.op("(") && !(p.peek(1).kind == word && (p.peek(1).s == "select" || p.peek(1).s == "with")) {
		p.names(s, true)
	}
	for !p.end() && !p.op(")") {
		at := p.i
		switch {
		case p.is("select", "with"), p.is("values", "table") && p.peek(1).s != "(":
			p.body(nil)
		case p.op("("):
			p.group(s, false)
		case p.take("values", "value"):
			for p.op("(") || p.op(",") {
				if p.op(",") {
					p.i++
					continue
				}
				p.group(s, true)
			}
		case p.take("on"):
			p.conflict(s)
		case p.take("set"):
			p.assignments(s)
		case p.take("returning", "output"):
			p.selectList(s)
		default:
			p.expr(s)
		}
		if p.i == at {
			p.i++
		}
	}
}

// conflict reads ON CONFLICT … DO … and ON DUPLICATE KEY UPDATE …
func (p *parser) conflict(s *scope) {
	for !p.end() && !p.is("do", "update", "returning", "where") {
		if p.op("(") {
			p.names(s, false)
			continue
		}
		p.i++
	}
	p.take("do")
	if p.take("nothing") {
		return
	}
	if p.take("update") {
		p.take("set")
		p.assignments(s)
	}
	if p.take("where") {
		p.expr(s)
	}
}

// names reads (a, b, c).
func (p *parser) names(s *scope, set bool) {
	for p.i++; !p.end(); p.i++ {
		if p.op(")") {
			p.i++
			return
		}
		if t := p.peek(0); (t.kind == word || t.kind == quoted) && t.s != "*" {
			s.cols = append(s.cols, column{name: t.s, set: set})
			if p.peek(1).s == "." { // t.a
				s.cols = s.cols[:len(s.cols)-1]
			}
			if p.peek(1).s == "(" { // lower(a)
				s.cols = s.cols[:len(s.cols)-1]
				p.i++
				p.group(s, true)
				p.i--
			}
		}
	}
}

// assignments reads a = expr, b = expr, (c, d) = (…).
func (p *parser) assignments(s *scope) {
	for !p.end() && !p.op(")") {
		at := p.i
		if p.op("(") {
			p.names(s, true)
		} else if t := p.peek(0); (t.kind == word || t.kind == quoted) && p.op2("=", ".", ":", "+", "-") {
			of, name := "", t.s
			for p.i++; p.op(".") && p.peek(1).kind != punct; p.i += 2 {
				of, name = name, p.peek(1).s
			}
			s.cols = append(s.cols, column{of: of, name: name, set: true})
		} else if t.kind == param {
			p.i++
		}
		for p.op("=") || p.op(":") || p.op("+") || p.op("-") || p.op("|") {
			p.i++
		}
		p.expr(s)
		if !p.op(",") {
			if p.i == at {
				return
			}
			if !p.op(",") {
				return
			}
		}
		p.i++
	}
}

func (p *parser) op2(ops ...string) bool {
	n := p.peek(1)
	for _, o := range ops {
		if n.kind == punct && n.s == o {
			return true
		}
	}
	return false
}

// update reads what stands after UPDATE. SQL Server writes an alias there whose
// table comes with FROM.
func (p *parser) update(s *scope) {
	for p.take("only", "low_priority", "ignore", "or", "rollback", "abort", "replace", "fail") {
	}
	if p.take("statistics") {
		return
	}
	uses := len(p.st.Uses)
	if p.peek(0).kind == word && p.peek(0).s == "set" || !p.table(s, Write) {
		return
	}
	target := s.tables[len(s.tables)-1]
	if p.op(",") || p.is("join", "inner", "left", "right", "cross", "straight_join") {
		p.sources(s)
	}
	if !p.take("set") {
		if len(p.st.Uses) > uses { // prose: "update failed"
			p.st.Uses = p.st.Uses[:uses]
			s.tables = nil
		}
		return
	}
	p.assignments(s)
	if p.take("output") {
		p.selectList(s)
	}
	if p.take("from") {
		p.sources(s)
		p.retarget(s, target)
	}
	p.tail(s)
}

// tail reads WHERE, RETURNING and the like.
func (p *parser) tail(s *scope) {
	for !p.end() && !p.op(")") {
		at := p.i
		switch {
		case p.take("where", "returning", "order", "limit", "by", "output"):
			p.selectList(s)
		default:
			p.expr(s)
		}
		if p.i == at {
			p.i++
		}
	}
}

// retarget: UPDATE o SET … FROM orders o writes orders.
func (p *parser) retarget(s *scope, target source) {
	if target.use < 0 || target.use >= len(p.st.Uses) || p.st.Uses[target.use].Mode != Write {
		return
	}
	alias := p.st.Uses[target.use].Table
	for _, t := range s.tables {
		if t.alias != alias || t.use < 0 || t.use == target.use || t.table == alias {
			continue
		}
		p.st.Uses[target.use].Table = t.table
		p.st.Uses[t.use].Table = "" // is dropped in the end
		for i := range s.tables {
			if s.tables[i].use == t.use {
				s.tables[i].use = target.use
			}
		}
		return
	}
}

// delete reads DELETE FROM t, DELETE FROM t USING u, DELETE a FROM t a JOIN u.
func (p *parser) delete(s *scope) {
	for p.take("low_priority", "quick", "ignore", "top") {
	}
	if p.op("(") {
		p.skipGroup()
	}
	if p.take("from") {
		if !p.table(s, Write) {
			return
		}
		if p.op(",") || p.is("join", "inner", "left", "right", "cross") {
			p.sources(s)
		}
		if p.take("using") {
			p.sources(s)
		}
		p.tail(s)
		return
	}
	if !p.table(s, Write) {
		return
	}
	target := s.tables[len(s.tables)-1]
	if p.take("from") {
		p.sources(s)
		p.retarget(s, target)
	}
	p.tail(s)
}

// merge reads MERGE INTO t USING u ON … WHEN [NOT] MATCHED THEN …
func (p *parser) merge(s *scope) {
	p.take("into")
	if !p.table(s, Write) {
		return
	}
	if p.take("using") {
		p.sources(s)
	}
	for !p.end() && !p.op(")") {
		at := p.i
		switch {
		case p.take("set"):
			p.assignments(s)
		case p.take("insert"):
			if p.op("(") {
				p.names(s, true)
			}
		case p.take("values"):
			if p.op("(") {
				p.group(s, true)
			}
		case p.take("on", "when", "matched", "not", "then", "update", "delete"):
		default:
			p.expr(s)
		}
		if p.i == at {
			p.i++
		}
	}
}

// copyTo reads PostgreSQL's COPY t FROM, COPY t TO, COPY (query) TO.
func (p *parser) copyTo(s *scope) {
	if p.op("(") {
		p.group(s, false)
		return
	}
	m := Read
	depth := 0
	for j := 0; p.i+j < len(p.toks) && p.peek(j).s != ";"; j++ {
		switch t := p.peek(j); {
		case t.s == "(":
			depth++
		case t.s == ")":
			depth--
		case t.kind == word && t.s == "from" && depth == 0:
			m = Write
		}
	}
	if p.table(s, m) && p.op("(") {
		p.names(s, m == Write)
	}
}
