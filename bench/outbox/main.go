// Command outbox measures the relay from PostgreSQL to Kafka beside a producer
// that has the same messages in memory and hands them to the same client in
// batches of the same size: what is between the two is the outbox's cost. It
// ends with status 1 when a limit is missed.
//
//	go run ./outbox -o results/outbox.md
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
	messages := flag.Int("messages", 60000, "messages a run")
	flag.Parse()
	ok, err := measure(context.Background(), *out, *n, *messages)
	if err != nil {
		fmt.Fprintln(os.Stderr, "outbox:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

var limits = []rounds.Limit{{Row: relayed, Beside: raw, Ratio: 0.7}}

func measure(ctx context.Context, out string, n, messages int) (ok bool, err error) {
	dsn, drop, err := rounds.Database(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	rig, err := newRig(ctx, dsn, messages)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, rig.close(ctx)) }()
	t, err := rounds.Run(ctx, "Outbox: relay from PostgreSQL to Kafka", rig.rows(), n, time.Second)
	if err != nil {
		return false, err
	}
	t.Notes = []string{
		rig.settings + "; pgx " + rounds.Module("github.com/jackc/pgx/v5") + ".",
		fmt.Sprintf("Kafka %s, one node, acks=all, topics of 3 partitions: one with flush.messages=1, so that a batch is acknowledged after its fsync like a commit of the database, one without; franz-go %s.", rig.kafka, rounds.Module("github.com/twmb/franz-go")),
		fmt.Sprintf("%d messages of %d bytes with 100 keys a run, batches of %d; staged before the clock runs, deleted while it does; the CPU of the relay's rows includes the staging.", messages, len(body), batch),
	}
	lines, ok := t.Check(limits)
	var b bytes.Buffer
	t.Write(&b, lines)
	fmt.Print(b.String())
	if out != "" {
		err = os.WriteFile(out, b.Bytes(), 0o644)
	}
	return ok, err
}
