package eventstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/ashlar-dev/ashlar/patterns/eventstore"
	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
)

type cart struct{ Items int }

// carts folds a cart's events and decides on what is in it.
var carts = eventstore.Aggregate[cart]{
	Prefix: "cart-",
	Fold: func(c cart, e eventstore.Event) (cart, error) {
		var data struct{ N int }
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return c, err
		}
		c.Items += data.N
		return c, nil
	},
}

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "eventstore")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file, err := sqlitestore.Open(ctx, filepath.Join(dir, "events.db"), nil) // or pgstore.Open
	if err != nil {
		log.Fatal(err)
	}
	j, err := journal.Open(ctx, file, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer j.Close(ctx)
	store, err := eventstore.Open(j, nil)
	if err != nil {
		log.Fatal(err)
	}

	add := func(n int) func(cart) ([]eventstore.Event, error) {
		return func(c cart) ([]eventstore.Event, error) {
			if c.Items+n > 3 {
				return nil, errors.New("a cart holds three")
			}
			return []eventstore.Event{{Type: "added", Data: fmt.Appendf(nil, `{"N":%d}`, n)}}, nil
		}
	}
	request := eventstore.WithCause(ctx, "request-7", "")
	state, done, err := carts.Update(request, store, "42", add(2))
	fmt.Println(state.Value.Items, "items at position", done.Last, err)
	_, _, err = carts.Update(request, store, "42", add(2))
	fmt.Println(err)

	// Whoever appends at a version that is not the stream's any more is told so.
	_, err = store.Append(ctx, "cart-42", eventstore.New, eventstore.Event{Type: "added"})
	fmt.Println(err)

	for e, err := range store.Subscribe(ctx, 0, nil) { // history, then live
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Position, e.Stream, e.Type, string(e.Data), e.Meta.Correlation)
		break
	}
	// Output:
	// 2 items at position 1 <nil>
	// a cart holds three
	// journal: stream "cart-42": expected not to exist, is at version 1; read it and decide anew
	// 1 cart-42 added {"N":2} request-7
}
