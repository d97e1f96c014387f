// Command order runs one saga of three steps. Kill it while it charges
// (kill -9 PID) and start it again: it does not reserve a second time, and ships.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
	"github.com/ashlar-dev/ashlar/patterns/saga"
)

type order struct{ Item string }

type reservation struct{ Shelf int }

func main() {
	file := flag.String("journal", "orders.db", "file of the journal")
	pause := flag.Duration("pause", 10*time.Second, "how long charging takes: time to kill me")
	flag.Parse()
	ctx := context.Background()

	reserve := &saga.Step[order, reservation]{Name: "reserve",
		Do: func(context.Context, *saga.Call[order]) (reservation, error) {
			fmt.Println("reserving")
			return reservation{Shelf: 7}, nil
		},
		Undo: func(_ context.Context, _ *saga.Call[order], r reservation) error {
			fmt.Println("giving back shelf", r.Shelf)
			return nil
		}}
	charge := &saga.Step[order, saga.None]{Name: "charge", Pivot: true,
		Do: func(_ context.Context, c *saga.Call[order]) (saga.None, error) {
			fmt.Println("charging, key", c.ID, "- kill -9", os.Getpid())
			time.Sleep(*pause)
			return saga.None{}, nil
		}}
	ship := &saga.Step[order, saga.None]{Name: "ship",
		Do: func(_ context.Context, c *saga.Call[order]) (saga.None, error) {
			r, _ := reserve.Result(c) // recorded before the crash
			fmt.Println("shipping", c.Input.Item, "from shelf", r.Shelf)
			return saga.None{}, nil
		}}
	place := saga.Must(saga.New[order]("place-order", 1, nil, reserve, charge, ship))

	store, err := sqlitestore.Open(ctx, *file, nil)
	must(err)
	j, err := journal.Open(ctx, store, nil)
	must(err)
	orchestrator, err := saga.Open(ctx, j, nil, place) // takes up what the last life left
	must(err)
	must(place.Run(ctx, orchestrator, "order-1", order{Item: "chisel"}))
	fmt.Println("done")
	must(orchestrator.Close(ctx))
	must(j.Close(ctx))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
