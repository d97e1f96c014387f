package barrier

import (
	"context"
	"database/sql"
	"errors"
)

// Querier is a *sql.Tx, or a *sql.Conn on which a transaction was begun by hand.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// SQL makes a Tx of a transaction of database/sql.
func SQL(tx Querier) Tx { return sqlTx{tx} }

type sqlTx struct{ q Querier }

func (t sqlTx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := t.q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (t sqlTx) QueryRow(ctx context.Context, query string, args []any, dest ...any) (bool, error) {
	err := t.q.QueryRowContext(ctx, query, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
