package main

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
	"github.com/ashlar-dev/ashlar/patterns/journal/pgstore"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
	"github.com/ashlar-dev/ashlar/patterns/saga"
)

type order struct {
	Item  string
	Cents int
}

type receipt struct{ Number string }

func ashlarSQLite() contender {
	return ashlar("sqlite", func(ctx context.Context, e *env) (driver.Store, func(), error) {
		s, err := sqlitestore.Open(ctx, filepath.Join(e.dir, "ashlar.db"), nil)
		return s, func() {}, err
	})
}

func ashlarPostgres() contender {
	return ashlar("postgres", func(ctx context.Context, e *env) (driver.Store, func(), error) {
		name := schema("ashlar")
		s, err := pgstore.Open(ctx, e.postgres, &pgstore.Options{Schema: name})
		return s, func() {
			if c, err := pgx.Connect(ctx, e.postgres); err == nil {
				_, _ = c.Exec(ctx, "DROP SCHEMA "+name+" CASCADE")
				_ = c.Close(ctx)
			}
		}, err
	})
}

func ashlar(store string, open func(context.Context, *env) (driver.Store, func(), error)) contender {
	commits := new(atomic.Int64)
	return contender{name: "ashlar", store: store, commits: commits, open: func(ctx context.Context, e *env) (func(context.Context, string) error, func(), string, error) {
		s, drop, err := open(ctx, e)
		if err != nil {
			return nil, nil, "", err
		}
		j, err := journal.Open(ctx, s, &journal.Options{Observe: func(journal.Commit) { commits.Add(1) }})
		if err != nil {
			return nil, nil, "", err
		}
		step := func(name string) *saga.Step[order, receipt] {
			return &saga.Step[order, receipt]{
				Name: name,
				Do:   func(context.Context, *saga.Call[order]) (receipt, error) { return receipt{"number 17"}, nil },
				Undo: func(context.Context, *saga.Call[order], receipt) error { return nil },
			}
		}
		d, err := saga.New[order]("bench", 1, nil, step("a"), step("b"), step("c"))
		if err != nil {
			return nil, nil, "", err
		}
		// While others have their turn this process stands still for longer than a
		// lease lasts by default; to get it back is no part of a saga.
		o, err := saga.Open(ctx, j, &saga.Options{LeaseTTL: 10 * time.Minute}, d)
		if err != nil {
			return nil, nil, "", err
		}
		about, err := j.Describe(ctx)
		return func(ctx context.Context, id string) error {
				return d.Run(ctx, o, id, order{Item: "pen", Cents: 100})
			}, func() {
				_ = o.Close(ctx)
				_ = j.Close(ctx)
				drop()
			}, about, err
	}}
}
