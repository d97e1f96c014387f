// Command order runs one saga of three steps. Kill it while it charges
// (kill -9 PID) and start it again: it does not reserve a second time, and ships.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
	"github.com/ashlar-dev/ashlar/patterns/saga"
)

type reservation struct{ Shelf int }

func main() {
	file := flag.String("journal", "orders.db", "file of the journal")
	pause := flag.Duration("pause", 10*time.Second, "how long charging takes: time to kill me")
	flag.Parse()
	reserve := &saga.Step[string, reservation]{Name: "reserve",
		Do: func(context.Context, *saga.Call[string]) (reservation, error) {
			fmt.Println("reserving")
			return reservation{Shelf: 7}, nil
		},
		Undo: func(_ context.Context, _ *saga.Call[string], r reservation) error {
			fmt.Println("giving back shelf", r.Shelf)
			return nil
		}}
	charge := &saga.Step[string, saga.None]{Name: "charge", Pivot: true,
		Do: func(_ context.Context, c *saga.Call[string]) (saga.None, error) {
			fmt.Println("charging, key", c.ID, "- kill -9", os.Getpid())
			time.Sleep(*pause)
			return saga.None{}, nil
		}}
	ship := &saga.Step[string, saga.None]{Name: "ship",
		Do: func(_ context.Context, c *saga.Call[string]) (saga.None, error) {
			r, _ := reserve.Result(c) // recorded before the crash
			fmt.Println("shipping", c.Input, "from shelf", r.Shelf)
			return saga.None{}, nil
		}}
	ctx, place := context.Background(), saga.Must(saga.New[string]("place-order", 1, nil, reserve, charge, ship))
	j := must(journal.Open(ctx, must(sqlitestore.Open(ctx, *file, nil)), nil))
	o := must(saga.Open(ctx, j, nil, place)) // takes up what the last life left
	fmt.Println(must("done", errors.Join(place.Run(ctx, o, "order-1", "chisel"), o.Close(ctx), j.Close(ctx))))
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
