package driver_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
)

// slow is a store that stands before another and tells of commits that took
// long. What it does not define is the other's.
type slow struct {
	driver.Store
	limit time.Duration
}

func (s slow) Commit(ctx context.Context, now time.Time, group []driver.Unit) ([]driver.Result, error) {
	start := time.Now()
	results, err := s.Store.Commit(ctx, now, group)
	if took := time.Since(start); took >= s.limit {
		fmt.Printf("a group of %d took longer than %s\n", len(group), s.limit)
	}
	return results, err
}

// A store is the database under a journal. Programs open one of package
// sqlitestore or pgstore and hand it to journal.Open; whoever writes another
// proves it with package journaltest.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "driver")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, "journal.db"), nil)
	if err != nil {
		panic(err)
	}
	j, err := journal.Open(ctx, slow{store, time.Nanosecond}, nil)
	if err != nil {
		panic(err)
	}
	defer func() { _ = j.Close(ctx) }()
	res, err := j.Append(ctx, journal.Unit{Stream: "order-1", Expected: 0, Records: []journal.Record{{Type: "placed"}, {Type: "paid"}}})
	fmt.Println(res.First, res.Last, err)
	// Output:
	// a group of 1 took longer than 1ns
	// 1 2 <nil>
}
