package pgxbarrier_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/saga/barrier"
	"github.com/ashlar-dev/ashlar/patterns/saga/barrier/pgxbarrier"
)

func ExampleTx() {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, os.Getenv("ASHLAR_POSTGRES"))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close(ctx)
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		left, err := barrier.Do(ctx, pgxbarrier.Tx(tx), barrier.Key{Saga: "order-42", Step: "reserve"}, func() (n int, err error) {
			return n, tx.QueryRow(ctx, "UPDATE stock SET n = n - 1 WHERE item = 'pen' RETURNING n").Scan(&n)
		})
		fmt.Println(left, "left")
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
}
