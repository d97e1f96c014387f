package eventstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/patterns/internal/sqldb"
)

// Snapshot is the state of a stream at a version.
type Snapshot struct {
	Stream  string
	Version int64
	Schema  int // of State
	State   []byte
}

// Snapshots keeps the newest snapshot of each stream. It is a cache: losing
// all of it costs time, nothing else.
type Snapshots interface {
	Load(ctx context.Context, stream string) (Snapshot, bool, error)
	// Save replaces the stream's snapshot unless a newer one of the same or a
	// newer schema is there.
	Save(ctx context.Context, s Snapshot) error
}

// Dialect is the SQL that the snapshots' database speaks.
type Dialect = sqldb.Dialect

// The dialects.
const (
	DialectPostgreSQL = sqldb.PostgreSQL
	DialectSQLite     = sqldb.SQLite
)

// Latest, as a version for Migrate, is the newest that the program knows.
const Latest = sqldb.Latest

// DefaultSnapshotTable is the name of the snapshots' table.
const DefaultSnapshotTable = "ashlar_snapshot"

// TableSnapshots keeps snapshots in a table, in any database; it need not be the journal's.
type TableSnapshots struct {
	db      *sql.DB
	dialect Dialect
	table   string
}

var _ Snapshots = (*TableSnapshots)(nil)

// NewTableSnapshots returns the snapshots of a table; "" is DefaultSnapshotTable.
func NewTableSnapshots(db *sql.DB, dialect Dialect, table string) (*TableSnapshots, error) {
	if table == "" {
		table = DefaultSnapshotTable
	}
	if err := errors.Join(dialect.Validate(), sqldb.CheckName(table)); err != nil {
		return nil, fmt.Errorf("eventstore: snapshots: %w", err)
	}
	return &TableSnapshots{db: db, dialect: dialect, table: table}, nil
}

// Migrate brings the table to a version: Latest, or 0 to remove it.
func (t *TableSnapshots) Migrate(ctx context.Context, version int) error {
	bytes := "bytea"
	if t.dialect == DialectSQLite {
		bytes = "blob"
	}
	up := strings.ReplaceAll(`CREATE TABLE {t} (stream text PRIMARY KEY, version bigint NOT NULL, schema integer NOT NULL, state {bytes} NOT NULL)`, "{bytes}", bytes)
	return sqldb.Migrate(ctx, t.db, t.dialect, t.table, []sqldb.Step{{Up: t.sql(up), Down: t.sql(`DROP TABLE {t}`)}}, version)
}

func (t *TableSnapshots) sql(query string) string {
	return t.dialect.Rebind(sqldb.Fill(query, t.table))
}

// Load returns the stream's snapshot, if there is one.
func (t *TableSnapshots) Load(ctx context.Context, stream string) (Snapshot, bool, error) {
	s := Snapshot{Stream: stream}
	err := t.db.QueryRowContext(ctx, t.sql(`SELECT version, schema, state FROM {t} WHERE stream = $1`), stream).Scan(&s.Version, &s.Schema, &s.State)
	if errors.Is(err, sql.ErrNoRows) {
		return s, false, nil
	}
	return s, err == nil, err
}

// Save replaces the stream's snapshot unless a newer one is there.
func (t *TableSnapshots) Save(ctx context.Context, s Snapshot) error {
	_, err := t.db.ExecContext(ctx, t.sql(`INSERT INTO {t} (stream, version, schema, state) VALUES ($1, $2, $3, $4)
		ON CONFLICT (stream) DO UPDATE SET version = excluded.version, schema = excluded.schema, state = excluded.state
		WHERE {t}.schema < excluded.schema OR {t}.schema = excluded.schema AND {t}.version < excluded.version`), s.Stream, s.Version, s.Schema, s.State)
	return err
}
