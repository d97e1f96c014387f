// Package sqldb holds what the patterns that live in a service's own database
// share: the two SQL dialects, table names that may be put into SQL, and schema
// migrations that count their versions and can go back.
package sqldb

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Dialect is the SQL that a database speaks.
type Dialect uint8

const (
	// PostgreSQL 14 or newer.
	PostgreSQL Dialect = iota + 1
	// SQLite 3.35 or newer (RETURNING).
	SQLite
)

// String names the dialect.
func (d Dialect) String() string {
	switch d {
	case PostgreSQL:
		return "PostgreSQL"
	case SQLite:
		return "SQLite"
	default:
		return "unknown dialect " + strconv.Itoa(int(d))
	}
}

// Validate reports a dialect that was never chosen.
func (d Dialect) Validate() error {
	if d != PostgreSQL && d != SQLite {
		return fmt.Errorf("%s: choose PostgreSQL or SQLite", d)
	}
	return nil
}

// Rebind turns the placeholders $1, $2, … of a statement into the dialect's.
func (d Dialect) Rebind(query string) string {
	if d == SQLite {
		return strings.ReplaceAll(query, "$", "?")
	}
	return query
}

// Rows returns the VALUES list for n rows of width placeholders: ($1,$2),($3,$4).
func Rows(n, width int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		for j := range width {
			b.WriteByte("(,"[min(j, 1)])
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(i*width + j + 1))
		}
		b.WriteByte(')')
	}
	return b.String()
}

// The length leaves room for suffixes within PostgreSQL's 63 bytes.
var name = regexp.MustCompile(`^([a-z_][a-z0-9_]{0,40}\.)?[a-z_][a-z0-9_]{0,40}$`)

// CheckName reports a table name that cannot go into SQL unquoted. A schema may
// stand before it: "billing.outbox".
func CheckName(table string) error {
	if !name.MatchString(table) {
		return fmt.Errorf("table name %q: want lower-case letters, digits and _, at most 41, optionally after a schema and a dot", table)
	}
	return nil
}

// Flat is the table's name usable where no dot may stand: channels, indexes.
func Flat(table string) string { return strings.ReplaceAll(table, ".", "_") }

// Fill puts the table's name into statements written with {t} for the table
// and {f} for its flat form.
func Fill(query, table string) string {
	return strings.NewReplacer("{t}", table, "{f}", Flat(table)).Replace(query)
}
