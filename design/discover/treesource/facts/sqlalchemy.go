package facts

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// python: SQLAlchemy's sessions, queries and relationships, Django's managers, and
// the helpers of a program's own base class.
func (m mapper) python() {
	name, x := m.s.Call.Text, m.s.Call.X
	switch of := m.s.Recv.Elem().Type; {
	case m.s.Recv.Name == "Query" && m.r.entities[of] != nil:
		m.query(of, name, x)
		return
	case m.r.entities[m.s.Recv.Type] != nil && name != "<init>":
		if slices.Contains([]string{"save", "delete", "update"}, name) {
			m.note(m.s.Recv.Type, write, 0)
		} else if mode := m.helper(); mode != "" {
			m.note(m.s.Recv.Type, mode, 0)
		}
		return
	}
	switch name {
	case "query", "select", "get", "add", "delete", "merge", "insert", "update", "exists":
		session := x == nil || strings.Contains(strings.ToLower(lastName(x)), "session") || strings.ToLower(lastName(x)) == "db"
		for i := range m.s.Call.Args {
			if a := m.s.Args[i]; session && m.r.entities[a.Type] != nil {
				m.note(a.Type, ormMode(name), 0)
			}
		}
	}
}

// helper is what a method of a base class without a table of its own does to the
// table of the class that it is called on.
func (m mapper) helper() (mode string) {
	t := m.s.Target
	if t == nil || t.Type == m.s.Recv.Type || m.r.entities[t.Type] != nil {
		return ""
	}
	unit.Each(t.Unit.Body, func(e *unit.Expr) {
		switch own := e.X != nil && (e.X.Text == "cls" || e.X.Text == "self"); {
		case e.Kind == unit.Member && own && (e.Text == "query" || e.Text == "objects") && mode == "":
			mode = read
		case e.Kind == unit.Call && e.X != nil && strings.Contains(strings.ToLower(e.X.Text), "session") && ormMode(e.Text) == write && len(e.Args) > 0 && e.Args[0].Text == "self":
			mode = write
		}
	})
	return mode
}

// into changes a relationship; joining looks at other tables too.
var (
	into    = []string{"append", "remove", "extend", "clear", "set", "add", "insert"}
	joining = []string{"join", "outerjoin", "filter", "where", "having", "select_from", "with_entities", "order_by"}
)

// query notes a call of a query: the first on the class itself, or one on a
// variable that holds what is being put together. It stands where it begins.
func (m mapper) query(of *link.Type, name string, x *unit.Expr) {
	root, direct := x, true
	for root != nil && root.Kind == unit.Call {
		root, direct = root.X, false
	}
	if root == nil {
		return
	}
	line := m.s.Call.Line
	if root.Kind == unit.Name { // q = Order.query … q.all()
		v := m.s.Scope.Var(root.Text)
		if v == nil || v.Init == nil {
			return
		}
		line = v.Init.Line
		if len(v.More) > 0 && v.Init.Kind == unit.Name {
			return
		}
	} else if root.Kind == unit.Member && root.Text != "query" && root.Text != "objects" {
		m.relationship(root, of, name, direct)
		return
	} else if !direct {
		line = root.Line
	}
	if direct || root.Kind == unit.Name {
		m.note(of, ormMode(name), line)
	}
	if slices.Contains(joining, name) {
		for i := range m.s.Call.Args {
			m.mentioned(&m.s.Call.Args[i], line)
		}
	}
}

// relationship: order.lines.append(x) writes the table that joins the two, or else
// that of the lines; anything else reads them.
func (m mapper) relationship(member *unit.Expr, of *link.Type, name string, direct bool) {
	_, f := m.field(member)
	table := m.secondary(f)
	switch {
	case slices.Contains(into, name) && direct:
		if table != "" {
			m.noteTable(table, write, 0)
			return
		}
		m.note(of, write, 0)
	case direct:
		m.note(of, ormMode(name), 0)
	}
	if slices.Contains(joining, name) {
		for i := range m.s.Call.Args {
			m.mentioned(&m.s.Call.Args[i], m.s.Call.Line)
		}
	}
}

// field is the field of an entity that an expression such as Order.lines names.
func (m mapper) field(e *unit.Expr) (*link.Type, *unit.Field) {
	if e == nil || e.Kind != unit.Member || e.X == nil {
		return nil, nil
	}
	var t *link.Type
	switch {
	case e.X.Text == "self" || e.X.Text == "cls":
		t = m.s.In.Type
	case e.X.Kind == unit.Name:
		if v := m.s.Scope.Var(e.X.Text); v != nil {
			t = v.Type.Type
		} else {
			t = m.r.Program.Resolve(m.s.In.Type, e.X.Text).Type
		}
	}
	if m.r.entities[t] == nil {
		return nil, nil
	}
	return m.r.Program.Field(t, e.Text)
}

// secondary is the table that joins the two sides of a relationship, "" for none.
func (m mapper) secondary(f *unit.Field) string {
	if f == nil || f.Init == nil {
		return ""
	}
	for i := range f.Init.Args {
		if a := &f.Init.Args[i]; a.Kind == unit.Pair && a.Text == "secondary" && a.X != nil {
			if a.X.Kind == unit.Str {
				return a.X.Text
			}
			return m.table(a.X.Text)
		}
	}
	return ""
}

// table is the name that a variable of this file, or of one that it imports from,
// gives to a table: lines = Table("order_lines", …).
func (m mapper) table(name string) string {
	f := m.r.Program.FileField(m.s.In.Type, name)
	if f == nil {
		if o := m.r.Program.Imported(m.s.In.Type, name); o != nil {
			_, f = m.r.Program.Field(o, name)
		}
	}
	if f == nil || f.Init == nil || f.Init.Kind != unit.Call || f.Init.Text != "Table" || len(f.Init.Args) == 0 || f.Init.Args[0].Kind != unit.Str {
		return ""
	}
	return strings.ToLower(f.Init.Args[0].Text)
}

// mentioned notes the tables that a condition or a join names.
func (m mapper) mentioned(e *unit.Expr, line int32) {
	if e == nil {
		return
	}
	if e.Kind == unit.Member || e.Kind == unit.Name {
		if _, f := m.field(e); f != nil {
			if f.Init != nil && f.Init.Text == "relationship" {
				if to := m.r.Program.FieldType(m.s.In.Type, f).Elem().Type; to != nil {
					m.note(to, read, line)
				}
				if t := m.secondary(f); t != "" {
					m.noteTable(t, read, line)
				}
			}
		}
		if e.Kind == unit.Name {
			if t := m.r.Program.Resolve(m.s.In.Type, e.Text).Type; m.r.entities[t] != nil && m.s.Scope.Var(e.Text) == nil {
				m.note(t, read, line)
			}
			if t := m.table(e.Text); t != "" && m.s.Scope.Var(e.Text) == nil {
				m.noteTable(t, read, line)
			}
		}
	}
	m.mentioned(e.X, line)
	for i := range e.Args {
		m.mentioned(&e.Args[i], line)
	}
}
