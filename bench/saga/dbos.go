package main

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite"
	"github.com/jackc/pgx/v5"
)

func dbosWorkflow(ctx dbos.Context, _ order) (receipt, error) {
	var r receipt
	for range 3 {
		var err error
		if r, err = dbos.RunAsStep(ctx, func(context.Context) (receipt, error) { return receipt{"number 17"}, nil }); err != nil {
			return r, err
		}
	}
	return r, nil
}

// dbosSQLite gives DBOS a database handle of ours: on its own it sets
// synchronous=NORMAL, which loses acknowledged commits with the power.
func dbosSQLite() contender {
	return dbosOn("sqlite", func(e *env) (dbos.Config, func(), string, error) {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(e.dir, "dbos.db")+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_txlock=immediate")
		if err != nil {
			return dbos.Config{}, nil, "", err
		}
		return dbos.Config{SQLiteSystemDB: db}, func() { _ = db.Close() }, "DBOS Transact 1.8.0, modernc.org/sqlite, WAL, synchronous=FULL", nil
	})
}

func dbosPostgres() contender {
	return dbosOn("postgres", func(e *env) (dbos.Config, func(), string, error) {
		name := schema("dbos")
		return dbos.Config{DatabaseURL: e.postgres, DatabaseSchema: name}, func() {
			ctx := context.Background()
			if c, err := pgx.Connect(ctx, e.postgres); err == nil {
				_, _ = c.Exec(ctx, "DROP SCHEMA "+name+" CASCADE")
				_ = c.Close(ctx)
			}
		}, "DBOS Transact 1.8.0, its own pool", nil
	})
}

func dbosOn(store string, config func(e *env) (dbos.Config, func(), string, error)) contender {
	return contender{name: "dbos", store: store, open: func(ctx context.Context, e *env) (func(context.Context, string) error, func(), string, error) {
		cfg, drop, about, err := config(e)
		if err != nil {
			return nil, nil, "", err
		}
		cfg.AppName = "bench"
		cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
		d, err := dbos.NewContext(ctx, cfg)
		if err != nil {
			return nil, nil, "", err
		}
		dbos.RegisterWorkflow(d, dbosWorkflow)
		if err := dbos.Launch(d); err != nil {
			return nil, nil, "", err
		}
		return func(_ context.Context, id string) error {
			h, err := dbos.RunWorkflow(d, dbosWorkflow, order{Item: "pen", Cents: 100}, dbos.WithWorkflowID(id))
			if err != nil {
				return err
			}
			_, err = h.GetResult()
			return err
		}, func() { dbos.Shutdown(d, 2*time.Second); drop() }, about, nil
	}}
}
