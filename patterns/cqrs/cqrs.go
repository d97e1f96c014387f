// Package cqrs separates what changes a service from what reads it, with the
// parts that usually are left to hope.
//
//   - A [Command] is typed and runs once: its effect and the outcome recorded
//     under the caller's idempotency key are one transaction. A repeat gets the
//     recorded outcome; one that comes while the first is under way gets
//     [ErrInFlight] (409); the same key with another body gets a [MismatchError]
//     (422). Nothing is "in flight" for ever: the mark is a lock that dies with
//     the transaction, also by kill -9.
//   - A [Query] is typed and bounded: filters that are checked, a limit with a
//     cap, a cursor that survives inserts and deletes.
//   - A [Projector] carries events into a read model and its checkpoint in the
//     read model's own transaction; rebuilds beside the live one and switches;
//     tells its lag; and lets a caller wait until its own write is to be seen.
//   - A [Reconciler] measures how far a read model is from the truth, and repairs it.
//
// What runs in a transaction gets it as Tx: *sql.Tx through [SQL], pgx.Tx
// through package pgcqrs. gRPC has its interceptor in package grpccqrs.
//
//	POST /orders ─▶ Command ──tx: effect + outcome under key──▶ truth
//	                   │ position                                 │ events
//	                   ▼                                          ▼
//	GET /orders ─▶ Query, after Projector.Wait(position) ◀── read model + checkpoint
package cqrs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/ashlar-dev/ashlar/patterns/internal/sqldb"
)

// Dialect is the SQL that a database speaks.
type Dialect = sqldb.Dialect

// The dialects.
const (
	DialectPostgreSQL = sqldb.PostgreSQL // 14 or newer
	DialectSQLite     = sqldb.SQLite     // opened with _txlock=immediate and a busy_timeout
)

// Latest, as a version for Migrate, is the newest that the program knows.
const Latest = sqldb.Latest

// Database runs transactions of type Tx. [SQL] and pgcqrs.Database implement it.
type Database[Tx any] interface {
	Dialect() Dialect
	// Do runs f in a read-write transaction and commits it if f returns nil.
	Do(ctx context.Context, f func(ctx context.Context, tx Tx) error) error
	// Exec runs a statement with placeholders of the dialect, and reports the rows it changed.
	Exec(ctx context.Context, tx Tx, query string, args ...any) (int64, error)
	// QueryRow scans the first row into dest, and reports whether there was one.
	QueryRow(ctx context.Context, tx Tx, query string, args []any, dest ...any) (bool, error)
	// SQL lends the database as database/sql, for migrations.
	SQL(ctx context.Context, f func(db *sql.DB) error) error
}

// SQL is a database behind database/sql.
func SQL(db *sql.DB, dialect Dialect) Database[*sql.Tx] { return sqlDatabase{db, dialect} }

type sqlDatabase struct {
	db      *sql.DB
	dialect Dialect
}

func (d sqlDatabase) Dialect() Dialect { return d.dialect }

func (d sqlDatabase) Do(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := f(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (d sqlDatabase) Exec(ctx context.Context, tx *sql.Tx, query string, args ...any) (int64, error) {
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (d sqlDatabase) QueryRow(ctx context.Context, tx *sql.Tx, query string, args []any, dest ...any) (bool, error) {
	err := tx.QueryRowContext(ctx, query, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (d sqlDatabase) SQL(_ context.Context, f func(db *sql.DB) error) error { return f(d.db) }
