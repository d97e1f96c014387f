package cdc_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/cdc"
	"github.com/ashlar-dev/ashlar/patterns/internal/crashtest"
	"github.com/ashlar-dev/ashlar/patterns/internal/testdb"
)

// mirror is a sink in PostgreSQL that logs every change into a table without
// unique keys and stores its position beside it.
type mirror struct{ conn *pgx.Conn }

func (m mirror) Position(ctx context.Context) (pos cdc.Position, err error) {
	var text string
	if err := m.conn.QueryRow(ctx, `SELECT at FROM position`).Scan(&text); err != nil {
		return pos, err
	}
	return cdc.ParsePosition(text)
}

func (m mirror) Apply(ctx context.Context, b cdc.Batch) error {
	return pgx.BeginFunc(ctx, m.conn, func(tx pgx.Tx) error {
		var queue pgx.Batch
		if b.Reset {
			queue.Queue(`DELETE FROM log`)
		}
		for _, c := range b.Changes {
			row := c.New
			if row == nil {
				row = c.Old
			}
			id, _ := row.Get("id")
			v, _ := row.Get("v")
			queue.Queue(`INSERT INTO log (kind, id, v) VALUES ($1, $2::text::int, $3::text::int)`, c.Kind.String(), id.Text, v.Text)
		}
		text := ""
		if b.Position != (cdc.Position{}) {
			text = b.Position.String()
		}
		queue.Queue(`UPDATE position SET at = $1`, text)
		return tx.SendBatch(ctx, &queue).Close()
	})
}

func mirrorRole(ctx context.Context) error {
	dsn := os.Getenv("CRASH_DSN")
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	s, err := cdc.New(dsn, mirror{conn}, &cdc.Options{Slot: os.Getenv("CRASH_SLOT"), Tables: []string{"src"}, Batch: 50, Heartbeat: 50 * time.Millisecond, MinBackoff: time.Millisecond})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// TestSurvivesKill9 kills the mirroring process at random points, in snapshots,
// in large transactions and in between, while writers count rows up and roll
// some back. Every row must show a first value and then each following one
// exactly once: neither a gap between snapshot and stream nor a double.
func TestSurvivesKill9(t *testing.T) {
	t.Parallel()
	kills := 12
	if os.Getenv("ASHLAR_SOAK") != "" {
		kills = 200
	}
	dsn := source(t, `
		CREATE TABLE src (id int PRIMARY KEY, v int NOT NULL);
		ALTER TABLE src REPLICA IDENTITY FULL;
		INSERT INTO src SELECT i, 0 FROM generate_series(1, 2000) i;
		CREATE TABLE log (at bigserial, kind text, id int, v int);
		CREATE TABLE position (at text);
		INSERT INTO position VALUES ('')`)
	db := testdb.OpenPostgres(t, dsn)
	slot := slotName(t, dsn)
	newStream(t, dsn, newMemorySink(), cdc.Options{}) // for its clean-up
	stop := make(chan struct{})
	var writers sync.WaitGroup
	t.Cleanup(writers.Wait)
	for w := range 3 {
		writers.Go(func() { count(t, dsn, w, stop) })
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	env := []string{"CRASH_DSN=" + dsn, "CRASH_SLOT=" + slot}
	procs := []*crashtest.Process{crashtest.Start(t, "mirror", env...), crashtest.Start(t, "mirror", env...)}
	number := func(query string) (n int64) {
		must(t, db.QueryRow(query).Scan(&n))
		return n
	}
	for k := range kills {
		i := rng.IntN(len(procs))
		pause(t, time.Duration(rng.IntN(200))*time.Millisecond)
		procs[i].Kill()
		if k == kills/2 { // from here on a snapshot must get through
			for end := time.Now().Add(20 * time.Second); number(`SELECT count(*) FROM position WHERE at <> ''`) == 0 && time.Now().Before(end); {
				pause(t, 10*time.Millisecond)
			}
		}
		procs[i] = crashtest.Start(t, "mirror", env...)
	}
	close(stop)
	writers.Wait()
	want := number(`SELECT sum(v) FROM src`) // every step of every row
	const steps = `SELECT coalesce(sum(v), 0) FROM (SELECT DISTINCT ON (id) id, v FROM log ORDER BY id, at DESC) l`
	for end := time.Now().Add(60 * time.Second); number(steps) != want; pause(t, 20*time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after a minute the mirror stands at %d of %d", number(steps), want)
		}
	}
	for _, p := range procs {
		if err := p.Fault(); err != nil {
			t.Error(err)
		}
		p.Kill()
	}
	t.Logf("%d steps, %d streamed, %d kills", want, number(`SELECT count(*) FROM log WHERE kind <> 'read'`), kills)
	if n := number(`SELECT count(*) FROM (SELECT v - lag(v) OVER (PARTITION BY id ORDER BY at) step FROM log) s WHERE step <> 1`); n != 0 {
		t.Errorf("%d changes are missing, doubled or out of order", n)
	}
	if n := number(`SELECT count(*) FROM (SELECT id FROM log GROUP BY id HAVING (array_agg(kind ORDER BY at))[1] <> 'read' OR count(*) FILTER (WHERE kind = 'read') <> 1) s`); n != 0 {
		t.Errorf("%d rows were not read exactly once, first", n)
	}
	if n := number(`SELECT count(*) FROM log WHERE kind = 'update'`); n < 100 {
		t.Errorf("only %d changes were streamed: the test did not test", n)
	}
}

// count moves rows on by one, now and then many in one transaction, and rolls a
// third back.
func count(t *testing.T, dsn string, writer int, stop <-chan struct{}) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = conn.Close(ctx) }()
	errBack := errors.New("roll back")
	rng := rand.New(rand.NewPCG(uint64(writer), 2))
	for {
		select {
		case <-stop:
			return
		default:
		}
		first := rng.IntN(2000) + 1
		last := first
		if rng.IntN(20) == 0 {
			last += 200
		}
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE src SET v = v + 1 WHERE id IN (SELECT id FROM src WHERE id BETWEEN $1 AND $2 ORDER BY id FOR UPDATE)`, first, last); err != nil {
				return err
			}
			if rng.IntN(3) == 0 {
				return errBack
			}
			return nil
		})
		if err != nil && !errors.Is(err, errBack) {
			t.Error(err)
			return
		}
		pause(t, time.Millisecond)
	}
}

// pause lets other processes run; their progress is what the test is about.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}
