package outbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/ashlar-dev/ashlar/patterns/outbox"
)

// An order and the news of it are one transaction; the consumer's effect and its
// mark are another. Between them the message may come twice, as it does here.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "outbox")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "shop.db")+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	box, _ := outbox.New(outbox.DialectSQLite, nil)
	inbox, _ := outbox.NewInbox(outbox.DialectSQLite, "stock", nil)
	_ = box.Migrate(ctx, db, outbox.Latest)
	_ = inbox.Migrate(ctx, db, outbox.Latest)
	_, _ = db.Exec(`CREATE TABLE orders (id text); CREATE TABLE reserved (order_id text)`)

	// The application: the row and the message, or neither.
	store := outbox.SQLite(db, box)
	tx, _ := db.BeginTx(ctx, nil)
	_, _ = tx.Exec(`INSERT INTO orders VALUES ('o-1')`)
	err = box.Stage(ctx, tx, outbox.Message{Topic: "order.placed", Key: []byte("o-1"), Body: []byte(`{"order":"o-1"}`)})
	if err != nil {
		panic(err)
	}
	_ = tx.Commit()
	store.Wake()

	// The relay publishes; this broker delivers everything twice.
	delivered := make(chan outbox.Message, 2)
	broker := outbox.PublisherFunc(func(_ context.Context, messages []outbox.Message) []error {
		for _, m := range messages {
			delivered <- m
			delivered <- m
		}
		return nil
	})
	relay, _ := outbox.NewRelay(store, broker, nil)
	relayCtx, stop := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- relay.Run(relayCtx) }()

	// The consumer: effect and mark, or neither.
	for range 2 {
		m := <-delivered
		ran, err := inbox.Do(ctx, db, m.ID, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO reserved VALUES (?)`, string(m.Key))
			return err
		})
		fmt.Println(m.Topic, string(m.Body), "took effect:", ran, err)
	}
	stop()
	<-done
	// Output:
	// order.placed {"order":"o-1"} took effect: true <nil>
	// order.placed {"order":"o-1"} took effect: false <nil>
}
