package saga_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
	"github.com/ashlar-dev/ashlar/patterns/saga"
)

// A saga of two steps whose second is refused: the first is taken back, with its
// own result at hand, and the caller is told which step failed and why.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "saga")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, "journal.db"), nil)
	if err != nil {
		log.Fatal(err)
	}
	j, err := journal.Open(ctx, store, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer j.Close(ctx)

	type Order struct{ Item string }
	type Reservation struct{ Shelf int }
	reserve := &saga.Step[Order, Reservation]{
		Name: "reserve",
		Do: func(_ context.Context, c *saga.Call[Order]) (Reservation, error) {
			fmt.Println("reserve a", c.Input.Item)
			return Reservation{Shelf: 7}, nil
		},
		Undo: func(_ context.Context, _ *saga.Call[Order], r Reservation) error {
			fmt.Println("give back shelf", r.Shelf)
			return nil
		},
	}
	charge := &saga.Step[Order, saga.None]{
		Name: "charge", Pivot: true,
		Do: func(context.Context, *saga.Call[Order]) (saga.None, error) {
			return saga.None{}, saga.Refuse(errors.New("card expired"))
		},
	}
	place, err := saga.New[Order]("place-order", 1, nil, reserve, charge)
	if err != nil {
		log.Fatal(err)
	}
	o, err := saga.Open(ctx, j, &saga.Options{Logger: slog.New(slog.DiscardHandler)}, place)
	if err != nil {
		log.Fatal(err)
	}
	defer o.Close(ctx)

	err = place.Run(ctx, o, "order-42", Order{Item: "chisel"})
	var failed *saga.Error
	if errors.As(err, &failed) {
		fmt.Println(failed.ID, "failed at", failed.Step+":", failed.Cause)
	}
	// Output:
	// reserve a chisel
	// give back shelf 7
	// order-42 failed at charge: card expired
}
