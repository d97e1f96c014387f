package pgcqrs_test

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ashlar-dev/ashlar/patterns/cqrs"
	"github.com/ashlar-dev/ashlar/patterns/cqrs/pgcqrs"
)

type rename struct{ ID, Name string }

func Example() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	keys, err := cqrs.NewKeys(pgcqrs.Database(pool), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	command := cqrs.Command[pgx.Tx, rename, struct{}]{
		Name: "rename",
		Handle: func(ctx context.Context, tx pgx.Tx, c rename) (struct{}, error) {
			_, err := tx.Exec(ctx, `UPDATE customer SET name = $2 WHERE id = $1`, c.ID, c.Name)
			return struct{}{}, err
		},
	}
	_, err = command.Execute(ctx, keys, "ann", "5e9d3a6c", rename{ID: "c-1", Name: "Ann"})
	fmt.Println(err)
}
