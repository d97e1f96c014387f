// Package pgxbarrier lets package saga/barrier work in a transaction of pgx.
package pgxbarrier

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/saga/barrier"
)

// Tx makes a barrier.Tx of a transaction of pgx.
func Tx(tx pgx.Tx) barrier.Tx { return pgxTx{tx} }

type pgxTx struct{ tx pgx.Tx }

func (t pgxTx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := t.tx.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

func (t pgxTx) QueryRow(ctx context.Context, query string, args []any, dest ...any) (bool, error) {
	err := t.tx.QueryRow(ctx, query, args...).Scan(dest...)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
