// Package pgcqrs lets package cqrs run in pgx transactions.
package pgcqrs

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ashlar-dev/ashlar/patterns/cqrs"
)

// Database is a pool of pgx connections to PostgreSQL.
func Database(pool *pgxpool.Pool) cqrs.Database[pgx.Tx] { return database{pool} }

type database struct{ pool *pgxpool.Pool }

var _ cqrs.Database[pgx.Tx] = database{}

func (d database) Dialect() cqrs.Dialect { return cqrs.DialectPostgreSQL }

func (d database) Do(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error { return f(ctx, tx) })
}

func (d database) Exec(ctx context.Context, tx pgx.Tx, query string, args ...any) (int64, error) {
	tag, err := tx.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

func (d database) QueryRow(ctx context.Context, tx pgx.Tx, query string, args []any, dest ...any) (bool, error) {
	err := tx.QueryRow(ctx, query, args...).Scan(dest...)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (d database) SQL(_ context.Context, f func(db *sql.DB) error) error {
	db := stdlib.OpenDBFromPool(d.pool)
	return errors.Join(f(db), db.Close())
}
