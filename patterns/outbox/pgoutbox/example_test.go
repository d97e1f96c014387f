package pgoutbox_test

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/outbox"
	"github.com/ashlar-dev/ashlar/patterns/outbox/pgoutbox"
)

func Example() {
	ctx := context.Background()
	dsn := os.Getenv("DATABASE_URL")
	db, err := pgx.Connect(ctx, dsn)
	if err != nil {
		fmt.Println(err)
		return
	}
	box, _ := outbox.New(outbox.DialectPostgreSQL, nil)
	store, _ := pgoutbox.Open(dsn, box)
	if err := store.Migrate(ctx, outbox.Latest); err != nil {
		fmt.Println(err)
		return
	}
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE orders SET state = 'paid' WHERE id = $1`, "o-1"); err != nil {
			return err
		}
		return pgoutbox.Stage(ctx, tx, box, outbox.Message{Topic: "order.paid", Key: []byte("o-1")})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	broker := outbox.PublisherFunc(func(_ context.Context, messages []outbox.Message) []error {
		return nil // hand them to Kafka, RabbitMQ, NATS
	})
	relay, _ := outbox.NewRelay(store, broker, nil)
	fmt.Println(relay.Run(ctx)) // until ctx ends
}
