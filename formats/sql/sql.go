// Package sql reads SQL as it stands in source code, in mapper files and in
// migrations: which tables a statement reads and writes, which of their columns it
// names, which tables it joins, what it does to the transaction, and what it
// declares.
//
// It is no validator and knows no catalogue. Statements in code are cut off, put
// together at run time and written in every dialect, so the reader takes what it
// understands and passes over the rest; no text makes it fail. It takes linear
// time. Placeholders of all kinds are understood: ?, $1, :name, @name, %s,
// #{name}, and parts that only the running program knows, which callers write as
// [Hole].
//
// Names come out in lower case and without quotes, because one table is written in
// several ways in one code base; a schema stands before its table ("billing.invoice")
// unless it is one that databases use by default (public, dbo, main).
//
// It only reads.
package sql

import (
	"slices"
	"strings"
)

// Hole stands in a text for a part that is not known before the program runs:
//
//	"select * from " + table + " where id = ?"   ->   "select * from " + Hole + " where id = ?"
//
// In a name it becomes "*": a table "orders_*". A name that is a hole alone makes
// the statement [Statement.Dynamic].
const Hole = "\x00"

// Mode is what a statement does to a table.
type Mode string

const (
	Read   Mode = "read"
	Write  Mode = "write"
	Define Mode = "define" // create, alter, drop
)

// Control is what a statement does to the transaction.
type Control string

const (
	Begin     Control = "begin"
	Commit    Control = "commit"
	Rollback  Control = "rollback"
	Savepoint Control = "savepoint" // and what releases one or rolls back to it
	Prepare   Control = "prepare"   // of a transaction over several databases: PREPARE TRANSACTION, XA PREPARE, COMMIT PREPARED
)

// Statement is one statement of a text.
type Statement struct {
	Verb    string // first word that tells what it does: select, insert, update, delete, merge, create, call, ...
	Offset  int    // in bytes, where it starts in the text
	Uses    []Use  // one a table and mode, in the order of appearance
	Control Control
	Locks   bool // takes row or table locks that it does not need for writing: FOR UPDATE, LOCK TABLE
	// Dynamic: the name of at least one table is put together at run time.
	Dynamic   bool
	Procedure string // that it calls
	Defines   []Definition
}

// Use is what a statement does to one table.
type Use struct {
	Table   string
	Mode    Mode
	Columns []string // that the statement names and that must be this table's, sorted
	Sets    []string // those that it writes, sorted; empty for a delete
}

// Definition is a table as a statement declares or changes it.
type Definition struct {
	Table       string
	View        bool
	Drop        bool
	Alter       bool // columns and keys are added to what there is
	Columns     []Column
	PrimaryKey  []string
	ForeignKeys []ForeignKey
}

// Column of a definition.
type Column struct {
	Name, Type string // type in lower case, without its length
	NotNull    bool
}

// ForeignKey leads from columns of a table to another one.
type ForeignKey struct {
	Columns []string
	Table   string
	Refs    []string // columns there; empty: its primary key
}

// Joins lists the other tables of the statement, sorted.
func (s Statement) Joins(table string) []string {
	var out []string
	for _, u := range s.Uses {
		if u.Table != table && !slices.Contains(out, u.Table) {
			out = append(out, u.Table)
		}
	}
	slices.Sort(out)
	return out
}

// Mutates reports whether the statement changes rows of any table.
func (s Statement) Mutates() bool {
	return slices.ContainsFunc(s.Uses, func(u Use) bool { return u.Mode == Write })
}

// Parse reads all statements of a text. What it does not understand leaves no
// trace, so an empty result means that nothing in the text is SQL that it knows.
func Parse(text string) []Statement {
	p := &parser{toks: lex(text)}
	var out []Statement
	for p.i < len(p.toks) {
		if p.op(";") {
			p.i++
			continue
		}
		at := p.i
		if st, ok := p.statement(); ok {
			st.Offset = p.toks[at].at
			out = append(out, st)
		}
		if p.stop { // the rest is the body of a routine
			break
		}
		for p.i < len(p.toks) && !p.op(";") {
			p.i++
		}
	}
	return out
}

// verbs are first words of statements.
var verbs = map[string]bool{"select": true, "insert": true, "update": true, "delete": true, "merge": true, "replace": true, "with": true,
	"create": true, "alter": true, "drop": true, "truncate": true, "begin": true, "start": true, "commit": true, "rollback": true, "savepoint": true,
	"call": true, "exec": true, "execute": true, "lock": true, "upsert": true, "copy": true, "explain": true, "values": true, "table": true,
	"abort": true, "end": true, "release": true, "prepare": true, "xa": true}

// Looks reports whether a text is SQL rather than prose that starts with the same
// word: "update failed", "select a plan from the list". It is strict; a text that
// is known to be SQL from where it stands should go to [Parse] at once.
func Looks(text string) bool {
	head := strings.TrimLeft(text, " \t\r\n(")
	for strings.HasPrefix(head, "--") || strings.HasPrefix(head, "/*") {
		end := "\n"
		if head[0] == '/' {
			end = "*/"
		}
		_, rest, ok := strings.Cut(head[2:], end)
		if !ok {
			return false
		}
		head = strings.TrimLeft(rest, " \t\r\n(")
	}
	n := 0
	for n < len(head) && isLetter(head[n]) {
		n++
	}
	if n == 0 || !verbs[strings.ToLower(head[:n])] {
		return false
	}
	sts := Parse(text)
	if len(sts) == 0 {
		return false
	}
	st := sts[0]
	if st.Control != "" {
		return len(strings.Fields(text)) <= 4
	}
	if len(st.Uses) == 0 && len(st.Defines) == 0 && !st.Dynamic {
		return false
	}
	return shout(head[:n]) || strings.ContainsAny(text, "=?*(") || strings.Contains(text, "$1")
}

// shout: keywords in capitals are nobody's prose.
func shout(w string) bool { return w == strings.ToUpper(w) }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
