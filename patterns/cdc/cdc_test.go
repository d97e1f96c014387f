package cdc_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/cdc"
	"github.com/ashlar-dev/ashlar/patterns/internal/testdb"
)

func TestSnapshotThenChanges(t *testing.T) {
	t.Parallel()
	dsn := source(t, `
		CREATE SCHEMA shop;
		CREATE TABLE shop.item (id int PRIMARY KEY, name text, price numeric(10,2), tags text[], at timestamptz, raw bytea, big text, double int GENERATED ALWAYS AS (id * 2) STORED);
		ALTER TABLE shop.item ALTER big SET STORAGE EXTERNAL;
		CREATE TABLE whole (a int, b text);
		ALTER TABLE whole REPLICA IDENTITY FULL;
		INSERT INTO shop.item VALUES (1, NULL, 9.90, '{a,"b c"}', '2026-01-02 03:04:05+06', '\x00ff', repeat('x', 9000));
		INSERT INTO whole VALUES (1, 'one')`)
	sink := newMemorySink()
	s := newStream(t, dsn, sink, cdc.Options{Tables: []string{"shop.item", "whole"}})
	start(t, s)
	got := sink.awaitN(t, 2)
	if len(got) != 2 || got[0].Kind != cdc.Read || got[0].Table != "whole" && got[0].Table != "item" {
		t.Fatalf("snapshot: %+v", got)
	}
	item := got[0]
	if item.Table != "item" {
		item = got[1]
	}
	checkItem(t, item.New)

	testdb.Exec(t, dsn, `UPDATE shop.item SET name = 'n' WHERE id = 1`)
	testdb.Exec(t, dsn, `UPDATE shop.item SET id = 2 WHERE id = 1`)
	testdb.Exec(t, dsn, `DELETE FROM shop.item`)
	testdb.Exec(t, dsn, `UPDATE whole SET b = 'two'`)
	testdb.Exec(t, dsn, `ALTER TABLE whole ADD c int; INSERT INTO whole VALUES (3, 'three', 33)`)
	testdb.Exec(t, dsn, `TRUNCATE whole, shop.item`)
	got = sink.awaitN(t, 9)[2:]
	var kinds []string
	for _, c := range got {
		kinds = append(kinds, c.Kind.String())
	}
	if k := strings.Join(kinds, " "); k != "update update delete update insert truncate truncate" {
		t.Fatalf("kinds: %s", k)
	}
	if big, _ := got[0].New.Get("big"); !big.Unchanged || big.Scan(new(string)) == nil {
		t.Errorf("a large value that the update left alone: %+v", big)
	}
	if got[0].Old != nil || len(got[0].New.Key()) != 1 {
		t.Errorf("update without change of key: old %v, key %v", got[0].Old, got[0].New.Key())
	}
	if id, _ := got[1].Old.Get("id"); id.Text != "1" {
		t.Errorf("update of the key: old id %q", id.Text)
	}
	if id, _ := got[2].Old.Get("id"); id.Text != "2" || got[2].New != nil {
		t.Errorf("delete: %+v", got[2])
	}
	if b, _ := got[3].Old.Get("b"); b.Text != "one" {
		t.Errorf("old row with full identity: %+v", got[3].Old)
	}
	if c, ok := got[4].New.Get("c"); !ok || c.Text != "33" || got[4].XID == 0 || time.Since(got[4].Committed) > time.Minute {
		t.Errorf("insert after ALTER TABLE: %+v", got[4])
	}
}

func checkItem(t *testing.T, row cdc.Row) {
	t.Helper()
	scan := func(name string, dst any) {
		c, ok := row.Get(name)
		if !ok {
			t.Fatalf("no column %s in %+v", name, row)
		}
		if err := c.Scan(dst); err != nil {
			t.Error(err)
		}
	}
	var id int
	var name *string
	var tags []string
	var at time.Time
	var raw []byte
	scan("id", &id)
	scan("name", &name)
	scan("tags", &tags)
	scan("at", &at)
	scan("raw", &raw)
	if id != 1 || name != nil || len(tags) != 2 || tags[1] != "b c" || !at.Equal(time.Date(2026, 1, 1, 21, 4, 5, 0, time.UTC)) || string(raw) != "\x00\xff" {
		t.Errorf("item: %d %v %q %v %x", id, name, tags, at, raw)
	}
	if c, _ := row.Get("price"); c.Text != "9.90" {
		t.Errorf("price %q", c.Text)
	}
	if c, _ := row.Get("id"); !c.Key {
		t.Error("id is not marked as key")
	}
	if _, ok := row.Get("double"); ok {
		t.Error("a generated column is in the snapshot; the stream does not send it")
	}
}

func TestResumesWithinALargeTransaction(t *testing.T) {
	t.Parallel()
	dsn := source(t, `CREATE TABLE n (n int PRIMARY KEY)`)
	sink := newMemorySink()
	failed := 0
	sink.fail = func(b cdc.Batch) error { // every third part, each time at another place
		if len(b.Changes) > 0 && b.Position.Part > 0 && failed < 20 {
			if failed++; failed%3 == 0 {
				return errors.New("the sink's disk is full")
			}
		}
		return nil
	}
	s := newStream(t, dsn, sink, cdc.Options{Tables: []string{"n"}, Batch: 10})
	start(t, s)
	sink.await(t, "the snapshot", func(s *memorySink) bool { return s.pos != (cdc.Position{}) })
	testdb.Exec(t, dsn, `INSERT INTO n SELECT generate_series(1, 500)`)
	testdb.Exec(t, dsn, `INSERT INTO n VALUES (501)`)
	got := sink.awaitN(t, 501)
	for i, c := range got {
		var n int
		id, _ := c.New.Get("n")
		must(t, id.Scan(&n))
		if n != i+1 {
			t.Fatalf("change %d is of row %d", i, n)
		}
	}
	if len(got) != 501 || failed < 3 {
		t.Errorf("%d changes, want 501; the sink failed %d times", len(got), failed/3)
	}
}

func TestIdleSlotMovesOn(t *testing.T) {
	t.Parallel()
	dsn := source(t, `CREATE TABLE idle (a int PRIMARY KEY); CREATE TABLE busy (a text)`)
	db := testdb.OpenPostgres(t, dsn)
	slot := slotName(t, dsn)
	lsn := func(query string) cdc.LSN {
		var text string
		must(t, db.QueryRow(query, slot).Scan(&text))
		l, err := cdc.ParseLSN(text)
		must(t, err)
		return l
	}
	sink := newMemorySink()
	s := newStream(t, dsn, sink, cdc.Options{Tables: []string{"idle"}, Heartbeat: 20 * time.Millisecond})
	start(t, s)
	sink.await(t, "the snapshot", func(s *memorySink) bool { return s.pos != (cdc.Position{}) })
	before := lsn(`SELECT restart_lsn::text FROM pg_replication_slots WHERE slot_name = $1`)
	testdb.Exec(t, dsn, `INSERT INTO busy SELECT repeat(md5(i::text), 10) FROM generate_series(1, 5000) i`)
	end := lsn(`SELECT pg_current_wal_lsn()::text FROM (SELECT $1::text) x`)
	sink.await(t, "a heartbeat behind the other table's changes", func(s *memorySink) bool { return s.pos.LSN >= end })
	// What the slot keeps moves only where the server noted its running
	// transactions, which a checkpoint does.
	for deadline := time.Now().Add(30 * time.Second); lsn(`SELECT restart_lsn::text FROM pg_replication_slots WHERE slot_name = $1`) < end; {
		if time.Now().After(deadline) {
			t.Fatalf("the slot keeps the log from %s on, was %s", lsn(`SELECT restart_lsn::text FROM pg_replication_slots WHERE slot_name = $1`), before)
		}
		testdb.Exec(t, dsn, `CHECKPOINT`)
		sink.mu.Lock()
		beats := sink.beats
		sink.mu.Unlock()
		sink.await(t, "another heartbeat", func(s *memorySink) bool { return s.beats > beats+1 })
	}
	if st := s.Stats(); st.Changes != 0 || st.Confirmed < end || st.Behind < 0 { // how far behind is up to all who write into this server
		t.Errorf("stats %+v", st)
	}
}

func TestGapIsAnErrorOrANewSnapshot(t *testing.T) {
	t.Parallel()
	dsn := source(t, `CREATE TABLE n (n int PRIMARY KEY)`)
	sink := newMemorySink()
	s := newStream(t, dsn, sink, cdc.Options{Tables: []string{"n"}})
	stop := start(t, s)
	testdb.Exec(t, dsn, `INSERT INTO n VALUES (1)`)
	sink.awaitN(t, 1)
	old := sink.pos
	testdb.Exec(t, dsn, `INSERT INTO n VALUES (2)`)
	sink.awaitN(t, 2)
	stop()

	// The sink is restored from a backup: the slot is ahead of it.
	sink.pos, sink.changes = old, sink.changes[:1]
	var gap *cdc.GapError
	if err := s.Run(t.Context()); !errors.As(err, &gap) || gap.Slots <= old.LSN || !strings.Contains(err.Error(), "Resnapshot") {
		t.Fatalf("Run = %v", err)
	}
	// The slot is gone.
	testdb.Exec(t, dsn, `SELECT pg_drop_replication_slot($1)`, slotName(t, dsn))
	if err := s.Run(t.Context()); !errors.As(err, &gap) || gap.Slots != 0 {
		t.Fatalf("Run = %v", err)
	}
	again := newStream(t, dsn, sink, cdc.Options{Tables: []string{"n"}, Resnapshot: true})
	start(t, again)
	got := sink.await(t, "the new snapshot", func(s *memorySink) bool { return s.resets == 2 && s.pos != (cdc.Position{}) })
	if len(got) != 2 || got[1].Kind != cdc.Read {
		t.Errorf("after the new snapshot: %+v", got)
	}
}

func TestSetupFaults(t *testing.T) {
	t.Parallel()
	dsn := source(t, `CREATE TABLE a (a int PRIMARY KEY); CREATE TABLE b (b int PRIMARY KEY)`)
	sink := newMemorySink()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, tt := range []struct {
		name, want string
		prepare    string
		tables     []string
	}{
		{"no table", "name Options.Tables", "", nil},
		{"unknown table", "must exist", "", []string{"nowhere"}},
		{"table added later", "would have no snapshot", `CREATE PUBLICATION ` + slotName(t, dsn) + ` FOR TABLE a`, []string{"a", "b"}},
	} {
		if tt.prepare != "" {
			testdb.Exec(t, dsn, tt.prepare)
		}
		s := newStream(t, dsn, sink, cdc.Options{Tables: tt.tables})
		var setup *cdc.SetupError
		if err := s.Run(ctx); !errors.As(err, &setup) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Run = %v, want %q", tt.name, err, tt.want)
		}
	}
	_, err := cdc.New(dsn, sink, &cdc.Options{Slot: "Ä", Tables: []string{"a b"}, Batch: -1})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three faults, got %v", err)
	}
}

// Connections that are cut, the replicating one and the others, in the middle
// of what they do: the stream comes back and nothing is missing or doubled.
func TestCutConnections(t *testing.T) {
	t.Parallel()
	dsn := source(t, `CREATE TABLE n (n int PRIMARY KEY)`)
	sink := newMemorySink()
	s := newStream(t, dsn, sink, cdc.Options{Tables: []string{"n"}, Batch: 5, Heartbeat: 10 * time.Millisecond})
	start(t, s)
	const rounds, each = 6, 20
	for round := range rounds {
		testdb.Exec(t, dsn, `INSERT INTO n SELECT $1::int * 20 + i FROM generate_series(1, 20) i`, round)
		sink.awaitN(t, round*each+1) // it is under way
		testdb.Exec(t, dsn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ashlar-cdc' AND datname = current_database()`)
	}
	got := sink.awaitN(t, rounds*each)
	for i, c := range got {
		var n int
		id, _ := c.New.Get("n")
		must(t, id.Scan(&n))
		if n != i+1 {
			t.Fatalf("change %d is of row %d", i, n)
		}
	}
	if st := s.Stats(); len(got) != rounds*each || st.Sessions < 2 {
		t.Errorf("%d changes, want %d; %+v", len(got), rounds*each, st)
	}
}
