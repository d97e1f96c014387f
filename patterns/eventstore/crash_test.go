package eventstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/eventstore"
	"github.com/ashlar-dev/ashlar/patterns/internal/crashtest"
	"github.com/ashlar-dev/ashlar/patterns/internal/testdb"
	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
	"github.com/ashlar-dev/ashlar/patterns/journal/pgstore"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
)

func TestMain(m *testing.M) {
	crashtest.Main(map[string]func(context.Context) error{"writer": writerRole, "follower": followerRole})
	goleak.VerifyTestMain(m)
}

// Where the roles find the event store and the follower's tables.
const (
	crashDriver = "CRASH_DRIVER" // sqlite or pgx
	crashEvents = "CRASH_EVENTS"
	crashModel  = "CRASH_MODEL"
	crashName   = "CRASH_NAME" // of a writer's life
)

func crashStore(ctx context.Context) (*eventstore.Store, error) {
	var s driver.Store
	var err error
	if os.Getenv(crashDriver) == "sqlite" {
		s, err = sqlitestore.Open(ctx, os.Getenv(crashEvents), nil)
	} else {
		s, err = pgstore.Open(ctx, os.Getenv(crashEvents), nil)
	}
	if err != nil {
		return nil, err
	}
	j, err := journal.Open(ctx, s, &journal.Options{Poll: 10 * time.Millisecond})
	if err != nil {
		return nil, err
	}
	return eventstore.Open(j, nil)
}

// writerRole appends to streams of its own, two events at a time, and to one
// that all share, and tells what was acknowledged.
func writerRole(ctx context.Context) error {
	store, err := crashStore(ctx)
	if err != nil {
		return err
	}
	fmt.Println("open")
	var mu sync.Mutex
	var wg sync.WaitGroup
	failed := make(chan error, 6)
	for w := range 6 {
		wg.Go(func() {
			stream := fmt.Sprint(os.Getenv(crashName), "-", w)
			for version := int64(0); ; version += 2 {
				got, err := store.Append(ctx, stream, version, eventstore.Event{Type: "a"}, eventstore.Event{Type: "b"})
				if err == nil && version%6 == 0 {
					_, err = store.Append(ctx, "shared", eventstore.Any, eventstore.Event{Type: "c"})
				}
				if err != nil {
					failed <- err
					return
				}
				mu.Lock()
				fmt.Println("acked", stream, got.Version)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return <-failed
}

// followerRole notes each event, and how far it came, in one transaction.
func followerRole(ctx context.Context) error {
	store, err := crashStore(ctx)
	if err != nil {
		return err
	}
	db, err := openModel(os.Getenv(crashDriver), os.Getenv(crashModel))
	if err != nil {
		return err
	}
	var at int64
	if err := db.QueryRowContext(ctx, `SELECT at FROM place`).Scan(&at); err != nil {
		return err
	}
	live := func() { fmt.Println("live") }
	fmt.Println("open")
	for e, err := range store.Subscribe(ctx, at, &eventstore.Filter{Live: live}) {
		if err != nil {
			return err
		}
		if err := note(ctx, db, e); err != nil {
			return err
		}
	}
	return errors.New("the subscription ended")
}

func note(ctx context.Context, db *sql.DB, e eventstore.Event) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if _, err := tx.ExecContext(ctx, `INSERT INTO seen (position, stream, version) VALUES ($1, $2, $3)`, e.Position, e.Stream, e.Version); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE place SET at = $1`, e.Position); err != nil {
		return err
	}
	return tx.Commit()
}

func openModel(driver, dsn string) (*sql.DB, error) {
	if driver == "sqlite" {
		dsn = "file:" + dsn + "?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(10000)&_txlock=immediate"
	}
	return sql.Open(driver, dsn)
}

// TestFollowerSurvivesKill9 kills writers and the follower of their events at
// random points, while it catches up and while it is live. What was seen is
// counted in a table without keys: every position from the first to the last
// exactly once and in order, and among them every event that was acknowledged.
func TestFollowerSurvivesKill9(t *testing.T) {
	t.Parallel()
	for name, places := range map[string]func(t *testing.T) (driver, events, model string){
		"sqlite": func(t *testing.T) (string, string, string) {
			dir := t.TempDir()
			return "sqlite", filepath.Join(dir, "events.db"), filepath.Join(dir, "model.db")
		},
		"postgres": func(t *testing.T) (string, string, string) {
			dsn := testdb.Postgres(t)
			return "pgx", dsn, dsn
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			driver, events, model := places(t)
			followThroughKills(t, driver, events, model)
		})
	}
}

func followThroughKills(t *testing.T, driver, events, model string) {
	t.Helper()
	kills := 10
	if os.Getenv("ASHLAR_SOAK") != "" {
		kills = 100
	}
	db, err := openModel(driver, model)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	seq := "serial"
	if driver == "sqlite" {
		seq = "integer PRIMARY KEY AUTOINCREMENT"
	}
	for _, q := range []string{"CREATE TABLE seen (n " + seq + ", position bigint, stream text, version bigint)", "CREATE TABLE place (at bigint)", "INSERT INTO place VALUES (0)"} {
		_, err := db.ExecContext(t.Context(), q)
		must(t, err)
	}
	var mu sync.Mutex
	acked, live := map[string]int64{}, 0
	env := []string{crashDriver + "=" + driver, crashEvents + "=" + events, crashModel + "=" + model}
	start := func(role, life string) *crashtest.Process {
		open := make(chan struct{})
		p := crashtest.StartTelling(t, role, func(line string) {
			mu.Lock()
			defer mu.Unlock()
			switch f := strings.Fields(line); {
			case line == "open":
				close(open)
			case line == "live":
				live++
			case len(f) == 3 && f[0] == "acked":
				acked[f[1]], _ = strconv.ParseInt(f[2], 10, 64)
			default:
				t.Errorf("%s says %q", role, line)
			}
		}, append(env, crashName+"="+life)...)
		select {
		case <-open:
		case <-time.After(time.Minute):
			t.Fatalf("the %s does not begin: %v", role, p.Fault())
		}
		return p
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 7))
	procs := []*crashtest.Process{start("writer", "w0"), start("follower", "f")}
	for k := range kills {
		tick := time.NewTimer(time.Duration(r.IntN(120)) * time.Millisecond)
		<-tick.C
		i := (k + r.IntN(3)/2) % 2
		must(t, procs[i].Fault())
		procs[i].Kill()
		if i == 0 {
			procs[0] = start("writer", fmt.Sprint("w", k+1))
		} else {
			procs[1] = start("follower", "f")
		}
	}
	procs[0].Kill()
	checkSeen(t, db, driver, events, acked)
	must(t, procs[1].Fault())
	procs[1].Kill()
	mu.Lock()
	defer mu.Unlock()
	t.Logf("%d kills, %d streams acknowledged, %d times live", kills, len(acked), live)
	if len(acked) == 0 || live == 0 {
		t.Error("the test tests nothing")
	}
}

// checkSeen waits until the follower has caught up, and audits.
func checkSeen(t *testing.T, db *sql.DB, name, events string, acked map[string]int64) {
	t.Helper()
	var s driver.Store
	var err error
	if name == "sqlite" {
		s, err = sqlitestore.Open(t.Context(), events, nil)
	} else {
		s, err = pgstore.Open(t.Context(), events, nil)
	}
	must(t, err)
	defer func() { must(t, s.Close()) }()
	head, err := s.Head(t.Context())
	must(t, err)
	at := func() (n int64) { must(t, db.QueryRowContext(t.Context(), `SELECT at FROM place`).Scan(&n)); return n }
	for end := time.Now().Add(time.Minute); at() < head; time.Sleep(10 * time.Millisecond) { // another process: its table is all that tells
		if time.Now().After(end) {
			t.Fatalf("after a minute the follower stands at %d of %d", at(), head)
		}
	}
	rows, err := db.QueryContext(t.Context(), `SELECT position, stream, version FROM seen ORDER BY n`)
	must(t, err)
	defer func() { _ = rows.Close() }()
	versions, last := map[string]int64{}, int64(0)
	for rows.Next() {
		var position, version int64
		var stream string
		must(t, rows.Scan(&position, &stream, &version))
		if position != last+1 || version != versions[stream]+1 {
			t.Fatalf("position %d, version %d of %s was seen after position %d, version %d", position, version, stream, last, versions[stream])
		}
		last, versions[stream] = position, version
	}
	must(t, rows.Err())
	if last != head {
		t.Errorf("%d events seen, %d there are", last, head)
	}
	for stream, version := range acked {
		if versions[stream] < version {
			t.Errorf("stream %s was acknowledged up to version %d and seen up to %d", stream, version, versions[stream])
		}
	}
}
