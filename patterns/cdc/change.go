package cdc

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Kind is what happened to a row.
type Kind uint8

// The kinds. Read is a row of the snapshot.
const (
	Read Kind = iota + 1
	Insert
	Update
	Delete
	Truncate
)

// String names the kind in lower case.
func (k Kind) String() string {
	if int(k) < len(kinds) && kinds[k] != "" {
		return kinds[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

var kinds = [...]string{Read: "read", Insert: "insert", Update: "update", Delete: "delete", Truncate: "truncate"}

// Column is one value of a row.
type Column struct {
	Name string
	OID  uint32 // of the type, in pg_type
	Key  bool   // part of the replica identity
	Null bool
	// Unchanged: an update left this large (TOASTed) value alone and PostgreSQL
	// did not send it. Keep what is there, or set the table's REPLICA IDENTITY to FULL.
	Unchanged bool
	Text      string // in PostgreSQL's text form, ISO dates, UTC
}

// Scan converts the value into what dst points to, as pgx does; a NULL needs a
// pointer to a pointer.
func (c Column) Scan(dst any) error {
	if c.Unchanged {
		return fmt.Errorf("cdc: column %s: the update did not touch it and PostgreSQL did not send it; keep the value that is there", c.Name)
	}
	var text []byte
	if !c.Null {
		text = []byte(c.Text)
	}
	// A map of types is not safe for concurrent use, and making one is cheap
	// beside what a change costs.
	if err := pgtype.NewMap().Scan(c.OID, pgx.TextFormatCode, text, dst); err != nil {
		return fmt.Errorf("cdc: column %s: %w", c.Name, err)
	}
	return nil
}

// Row is the columns of a row, in the order of the table.
type Row []Column

// Get returns a column by name.
func (r Row) Get(name string) (Column, bool) {
	for _, c := range r {
		if c.Name == name {
			return c, true
		}
	}
	return Column{}, false
}

// Key returns the columns of the replica identity.
func (r Row) Key() Row {
	var k Row
	for _, c := range r {
		if c.Key {
			k = append(k, c)
		}
	}
	return k
}

// Change is one change of one row, or of a whole table for Truncate.
type Change struct {
	Kind          Kind
	Schema, Table string
	// New is the row afterwards; nil for Delete and Truncate.
	New Row
	// Old is the row before, for Update and Delete: its key columns when an
	// update changed them and for every delete; all columns with REPLICA IDENTITY FULL.
	Old Row
	// Of the transaction; zero for Read.
	XID       uint32
	Committed time.Time
}

// Batch is what a sink applies at once: changes in commit order, whole
// transactions where they fit.
type Batch struct {
	// Reset: a snapshot begins; what the sink holds of these tables is void.
	Reset bool
	// Changes is empty for a heartbeat.
	Changes []Change
	// Position to store in the sink's own transaction with the effects. It is
	// zero within a snapshot: one that is cut short starts over.
	Position Position
}

// Sink is where changes go. Effect and position in one transaction make each
// change take effect once. One goroutine calls it.
type Sink interface {
	// Position returns what the last Apply stored; the zero Position before.
	Position(ctx context.Context) (Position, error)
	// Apply makes the effects and the position durable. After an error the
	// stream ends, and resumes from Position when it is run again.
	Apply(ctx context.Context, batch Batch) error
}
