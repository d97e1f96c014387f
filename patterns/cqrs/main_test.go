package cqrs_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/cqrs"
	"github.com/ashlar-dev/ashlar/patterns/cqrs/pgcqrs"
	"github.com/ashlar-dev/ashlar/patterns/internal/testdb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rig is a database with its type of transaction hidden, so that one test runs
// on both.
type rig struct {
	name string
	run  func(t *testing.T, test tester)
}

type tester interface {
	sqlite(t *testing.T, db cqrs.Database[sqlTx])
	postgres(t *testing.T, db cqrs.Database[pgxTx])
}

func onBoth(t *testing.T, test tester) {
	t.Helper()
	for _, r := range []rig{
		{"sqlite", func(t *testing.T, test tester) {
			test.sqlite(t, cqrs.SQL(testdb.SQLite(t), cqrs.DialectSQLite))
		}},
		{"postgres", func(t *testing.T, test tester) {
			pool, err := pgxpool.New(context.Background(), testdb.Postgres(t))
			must(t, err)
			t.Cleanup(pool.Close)
			test.postgres(t, pgcqrs.Database(pool))
		}},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.run(t, test)
		})
	}
}

// exec runs a statement in a transaction of its own.
func exec[Tx any](t testing.TB, db cqrs.Database[Tx], query string, args ...any) {
	t.Helper()
	must(t, db.Do(context.Background(), func(ctx context.Context, tx Tx) error {
		_, err := db.Exec(ctx, tx, db.Dialect().Rebind(query), args...)
		return err
	}))
}

// number reads one number.
func number[Tx any](t testing.TB, db cqrs.Database[Tx], query string) (n int64) {
	t.Helper()
	must(t, db.Do(context.Background(), func(ctx context.Context, tx Tx) error {
		_, err := db.QueryRow(ctx, tx, query, nil, &n)
		return err
	}))
	return n
}
