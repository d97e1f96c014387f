// Command eventstore measures appends to the event store on PostgreSQL beside
// one INSERT per event and transaction, and beside a bare writer that commits
// all waiting events together and does nothing else. It ends with status 1 when
// a limit is missed.
//
//	go run ./eventstore -o results/eventstore.md
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/ashlar-dev/ashlar/bench/rounds"
)

func main() {
	out := flag.String("o", "", "file to write the table to")
	n := flag.Int("rounds", 10, "rounds")
	d := flag.Duration("run", 2*time.Second, "length of one run")
	flag.Parse()
	ok, err := measure(context.Background(), *out, *n, *d)
	if err != nil {
		fmt.Fprintln(os.Stderr, "eventstore:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// Limits, after the names of the rows.
var limits = []rounds.Limit{
	{Row: store64, Beside: insert4, Ratio: 10},
	{Row: store64, Beside: bare64, Ratio: 0.5},
}

func measure(ctx context.Context, out string, n int, d time.Duration) (ok bool, err error) {
	dsn, drop, err := rounds.Database(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	dir, err := os.MkdirTemp("", "eventstore-bench")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	rig, err := newRig(ctx, dsn)
	if err != nil {
		return false, err
	}
	defer rig.close()
	t, err := rounds.Run(ctx, "Event store: appends on PostgreSQL, 64 writers", append([]rounds.Row{rounds.Fsync(dir)}, rig.rows()...), n, d)
	if err != nil {
		return false, err
	}
	t.Notes = []string{
		rig.settings + "; pgx " + rounds.Module("github.com/jackc/pgx/v5") + ".",
		"One event of 200 bytes an append, each writer on streams of its own, 50 events each, expecting the version it saw.",
		"Event store and bare writer use the pool of 4, pgx's own choice on a machine of up to 4 CPUs; the single INSERTs are shown with it and with a connection a writer, where PostgreSQL commits them together by itself."}
	lines, ok := t.Check(limits)
	var b bytes.Buffer
	t.Write(&b, lines)
	fmt.Print(b.String())
	if out != "" {
		err = os.WriteFile(out, b.Bytes(), 0o644)
	}
	return ok, err
}
