package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/internal/crashtest"
	"github.com/ashlar-dev/ashlar/patterns/internal/testdb"
	"github.com/ashlar-dev/ashlar/patterns/outbox"
	"github.com/ashlar-dev/ashlar/patterns/outbox/pgoutbox"
)

// The broker and the effects are tables without unique keys, so that whatever
// happens twice is counted twice.
const crashTables = `
	CREATE TABLE broker (at bigserial, id text, key text, n bigint);
	CREATE TABLE account (key text, n bigint);
	CREATE TABLE effect (at bigserial, id text, key text, n bigint)`

// relayRole publishes into the broker's table until it is killed.
func relayRole(ctx context.Context) error {
	dsn := os.Getenv("CRASH_DSN")
	box, err := outbox.New(outbox.DialectPostgreSQL, nil)
	if err != nil {
		return err
	}
	store, err := pgoutbox.Open(dsn, box)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	relay, err := outbox.NewRelay(store, outbox.PublisherFunc(func(ctx context.Context, messages []outbox.Message) []error {
		errs := make([]error, len(messages))
		refused := map[string]bool{}
		for i, m := range messages {
			// Now and then the broker refuses, and then the rest of the key too.
			if rand.IntN(50) == 0 || refused[string(m.Key)] {
				refused[string(m.Key)] = true
				errs[i] = errors.New("not now")
				continue
			}
			_, errs[i] = conn.Exec(ctx, `INSERT INTO broker (id, key, n) VALUES ($1, $2, $3::text::bigint)`, m.ID, string(m.Key), string(m.Body))
		}
		return errs
	}), &outbox.RelayOptions{Batch: 7, MinBackoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond})
	if err != nil {
		return err
	}
	return relay.Run(ctx)
}

// consumerRole reads the broker's table from its start, again and again, as if
// it had never acknowledged anything.
func consumerRole(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, os.Getenv("CRASH_DSN"))
	if err != nil {
		return err
	}
	inbox, err := outbox.NewInbox(outbox.DialectPostgreSQL, "stock", nil)
	if err != nil {
		return err
	}
	type message struct {
		ID, Key string
		N       int64
	}
	for {
		rows, err := conn.Query(ctx, `SELECT id, key, n FROM broker ORDER BY at`)
		if err != nil {
			return err
		}
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[message])
		if err != nil {
			return err
		}
		for _, m := range all {
			if _, err := pgoutbox.Do(ctx, conn, inbox, m.ID, func(ctx context.Context, tx pgx.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO effect (id, key, n) VALUES ($1, $2, $3)`, m.ID, m.Key, m.N)
				return err
			}); err != nil {
				return err
			}
		}
	}
}

// TestSurvivesKill9 kills relays and consumers at random points while writers
// commit and roll back, then counts: everything that committed took effect
// exactly once, in the order of commits per key, and nothing else did.
func TestSurvivesKill9(t *testing.T) {
	t.Parallel()
	kills := 12
	if os.Getenv("ASHLAR_SOAK") != "" {
		kills = 200
	}
	dsn := testdb.Postgres(t)
	db := testdb.OpenPostgres(t, dsn)
	box := newBox(t, outbox.DialectPostgreSQL, nil)
	must(t, box.Migrate(t.Context(), db, outbox.Latest))
	inbox, err := outbox.NewInbox(outbox.DialectPostgreSQL, "stock", nil)
	must(t, err)
	must(t, inbox.Migrate(t.Context(), db, outbox.Latest))
	testdb.Exec(t, dsn, crashTables)
	testdb.Exec(t, dsn, `INSERT INTO account SELECT 'k' || i, 0 FROM generate_series(0, 4) i`)

	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() { write(t, dsn, box, w, stop) })
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	env := "CRASH_DSN=" + dsn
	roles := []string{"relay", "relay", "consumer", "consumer"}
	procs := make([]*crashtest.Process, len(roles))
	for i, role := range roles {
		procs[i] = crashtest.Start(t, role, env)
	}
	for range kills {
		i := rng.IntN(len(procs))
		pause(t, time.Duration(rng.IntN(120))*time.Millisecond)
		procs[i].Kill()
		procs[i] = crashtest.Start(t, roles[i], env)
	}
	close(stop)
	writers.Wait()
	// The last processes live until everything has arrived.
	number := func(query string) (n int64) {
		must(t, db.QueryRow(query).Scan(&n))
		return n
	}
	want := number(`SELECT sum(n) FROM account`)
	for end := time.Now().Add(60 * time.Second); number(`SELECT count(*) FROM ashlar_outbox`) > 0 || number(`SELECT count(*) FROM effect`) < want; pause(t, 20*time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("after a minute %d rows wait in the outbox, %d of %d effects", number(`SELECT count(*) FROM ashlar_outbox`), number(`SELECT count(*) FROM effect`), want)
			break
		}
	}
	for _, p := range procs {
		if err := p.Fault(); err != nil {
			t.Error(err)
		}
		p.Kill()
	}
	published := number(`SELECT count(*) FROM broker`)
	t.Logf("%d committed, %d published (%d repeats), %d effects, %d kills", want, published, published-want, number(`SELECT count(*) FROM effect`), kills)
	if want < 50 {
		t.Errorf("only %d messages: the test did not test", want)
	}
	if n := number(`SELECT count(*) FROM effect`); n != want {
		t.Errorf("%d effects, want %d", n, want)
	}
	if n := number(`SELECT count(*) FROM (SELECT key, n FROM effect GROUP BY key, n HAVING count(*) > 1) d`); n != 0 {
		t.Errorf("%d messages took effect more than once", n)
	}
	if n := number(`SELECT count(*) FROM (SELECT n, row_number() OVER (PARTITION BY key ORDER BY at) r FROM (SELECT key, n, min(at) at FROM broker GROUP BY key, n) f) o WHERE n <> r`); n != 0 {
		t.Errorf("%d messages were published out of the order of their key", n)
	}
}

// write moves accounts on: each transaction counts one up and says so in a
// message whose number is the count, so gaps and disorder show. A third of the
// transactions roll back.
func write(t *testing.T, dsn string, box *outbox.Outbox, writer int, stop <-chan struct{}) {
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
		key := fmt.Sprint("k", rng.IntN(5))
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			var n int64
			if err := tx.QueryRow(ctx, `UPDATE account SET n = n + 1 WHERE key = $1 RETURNING n`, key).Scan(&n); err != nil {
				return err
			}
			if err := pgoutbox.Stage(ctx, tx, box, outbox.Message{Topic: "account", Key: []byte(key), Body: fmt.Append(nil, n)}); err != nil {
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
