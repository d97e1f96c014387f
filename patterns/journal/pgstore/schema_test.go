package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/pgstore"
	"github.com/ashlar-dev/ashlar/patterns/journal/schema"
)

func TestSchemaUpAndDown(t *testing.T) {
	t.Parallel()
	url := server(t)
	name := fresh(t, url)
	keep := &pgstore.Options{Schema: name, KeepSchema: true}
	if _, err := pgstore.Open(t.Context(), url, keep); err == nil {
		t.Error("a database without tables was opened with KeepSchema")
	}
	for _, version := range []int{1, schema.Latest, 1, schema.Latest, 0, schema.Latest} {
		if err := pgstore.Migrate(t.Context(), url, name, version); err != nil {
			t.Fatalf("to version %d: %v", version, err)
		}
	}
	s, err := pgstore.Open(t.Context(), url, keep)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	if _, err := c.Exec(t.Context(), "UPDATE "+pgx.Identifier{name}.Sanitize()+".versions SET version = 99"); err != nil {
		t.Fatal(err)
	}
	var newer *journal.SchemaError
	if _, err := pgstore.Open(t.Context(), url, &pgstore.Options{Schema: name}); !errors.As(err, &newer) || newer.Found != 99 {
		t.Errorf("tables of a newer program: %v", err)
	}
}

// TestSequencesAreNotCommitOrder shows what the journal avoids: with a bigserial
// a reader sees a later number first, and a roll-back leaves a hole.
func TestSequencesAreNotCommitOrder(t *testing.T) {
	t.Parallel()
	url := server(t)
	name := pgx.Identifier{fresh(t, url)}.Sanitize()
	conn := func() *pgx.Conn {
		c, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close(context.Background()) })
		return c
	}
	one, two := conn(), conn()
	if _, err := one.Exec(t.Context(), "CREATE SCHEMA "+name+"; CREATE TABLE "+name+".r (n bigserial)"); err != nil {
		t.Fatal(err)
	}
	early, err := one.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := early.Exec(t.Context(), "INSERT INTO "+name+".r DEFAULT VALUES"); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Exec(t.Context(), "INSERT INTO "+name+".r DEFAULT VALUES"); err != nil {
		t.Fatal(err)
	}
	var seen, lowest int64
	if err := two.QueryRow(t.Context(), "SELECT max(n) FROM "+name+".r").Scan(&seen); err != nil {
		t.Fatal(err)
	}
	if err := early.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := two.QueryRow(t.Context(), "SELECT min(n) FROM "+name+".r").Scan(&lowest); err != nil {
		t.Fatal(err)
	}
	if lowest >= seen {
		t.Errorf("lowest %d, seen before %d: sequences follow commits after all, and the journal's lock is needless", lowest, seen)
	}
}

func ExampleOpen() {
	ctx := context.Background()
	store, err := pgstore.Open(ctx, os.Getenv("ASHLAR_POSTGRES"), &pgstore.Options{Schema: "orders"})
	if err != nil {
		log.Fatal(err)
	}
	j, err := journal.Open(ctx, store, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer j.Close(ctx)
	res, err := j.Append(ctx, journal.Unit{Stream: "order-42", Expected: journal.Any, Records: []journal.Record{{Type: "placed"}}})
	fmt.Println(res.First, err)
}
