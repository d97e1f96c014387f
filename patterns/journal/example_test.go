package journal_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
)

// A stream is written with the version that its writer last saw; whoever comes
// second is told so.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "journal")
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

	placed := journal.Unit{Stream: "order-42", Expected: 0, Records: []journal.Record{
		{Type: "placed", Data: []byte(`{"item":"chisel"}`)},
		{Type: "paid", Data: []byte(`{"cents":4200}`)},
	}}
	res, err := j.Append(ctx, placed) // returns when it is on the disk
	fmt.Println("positions", res.First, "to", res.Last, err)

	_, err = j.Append(ctx, placed)
	var conflict *journal.ConflictError
	fmt.Println(errors.As(err, &conflict), "the stream is at version", conflict.Actual)

	for r, err := range j.Follow(ctx, 0) { // history first, then live
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.Position, r.Stream, r.Version, r.Type, string(r.Data))
		if r.Position == 2 {
			break
		}
	}
	// Output:
	// positions 1 to 2 <nil>
	// true the stream is at version 2
	// 1 order-42 1 placed {"item":"chisel"}
	// 2 order-42 2 paid {"cents":4200}
}
