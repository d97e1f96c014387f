package pgoutbox_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/internal/testdb"
	"github.com/ashlar-dev/ashlar/patterns/outbox"
	"github.com/ashlar-dev/ashlar/patterns/outbox/pgoutbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func setup(t *testing.T) (dsn string, box *outbox.Outbox, store *pgoutbox.Store) {
	t.Helper()
	dsn = testdb.Postgres(t)
	box, err := outbox.New(outbox.DialectPostgreSQL, nil)
	must(t, err)
	store, err = pgoutbox.Open(dsn, box)
	must(t, err)
	must(t, store.Migrate(t.Context(), outbox.Latest))
	return dsn, box, store
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Numbers are drawn in commit order per key: whoever stages second waits for
// the first one's commit, even if it locks nothing else; other keys do not wait.
func TestNumbersAreInCommitOrderPerKey(t *testing.T) {
	t.Parallel()
	dsn, box, _ := setup(t)
	ctx := t.Context()
	a, b := connect(t, dsn), connect(t, dsn)
	first, err := a.Begin(ctx)
	must(t, err)
	must(t, pgoutbox.Stage(ctx, first, box, outbox.Message{ID: "first", Topic: "t", Key: []byte("k")}))

	_, err = b.Exec(ctx, `SET lock_timeout = '200ms'`)
	must(t, err)
	if err := pgoutbox.Stage(ctx, b, box, outbox.Message{Topic: "t", Key: []byte("k")}); err == nil {
		t.Fatal("the second did not wait for the first")
	}
	must(t, pgoutbox.Stage(ctx, b, box, outbox.Message{Topic: "t", Key: []byte("other")}, outbox.Message{Topic: "t"}))
	must(t, first.Commit(ctx))
	must(t, pgoutbox.Stage(ctx, b, box, outbox.Message{Topic: "t", Key: []byte("k")}))
}

// Writers that come and go while the relay falls asleep and wakes: with a poll
// of a minute, a single lost wake-up fails the test.
func TestNoWakeUpIsLost(t *testing.T) {
	t.Parallel()
	dsn, box, store := setup(t)
	var published atomic.Int64
	grown := make(chan struct{}, 1)
	relay, err := outbox.NewRelay(store, outbox.PublisherFunc(func(_ context.Context, m []outbox.Message) []error {
		published.Add(int64(len(m)))
		select {
		case grown <- struct{}{}:
		default:
		}
		return nil
	}), &outbox.RelayOptions{Poll: time.Minute})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- relay.Run(ctx) }()
	defer func() {
		cancel()
		<-done
	}()
	const writers, each = 3, 60
	var wg sync.WaitGroup
	for range writers {
		conn := connect(t, dsn)
		wg.Go(func() {
			for i := range each {
				opts := pgx.TxOptions{}
				if i%3 == 0 {
					opts.IsoLevel = pgx.RepeatableRead // its snapshot must not hide the relay's sleep
				}
				err := pgx.BeginTxFunc(t.Context(), conn, opts, func(tx pgx.Tx) error {
					return pgoutbox.Stage(t.Context(), tx, box, outbox.Message{Topic: "t"})
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for timeout := time.After(20 * time.Second); published.Load() < writers*each; {
		select {
		case <-grown:
		case <-timeout:
			t.Fatalf("%d of %d published: the relay sleeps on", published.Load(), writers*each)
		}
	}
}

// A relay whose connection is cut comes back; another one that stands by takes
// the lead meanwhile, and only one leads.
func TestCutConnection(t *testing.T) {
	t.Parallel()
	dsn, box, store := setup(t)
	got := make(chan string, 100)
	pub := outbox.PublisherFunc(func(_ context.Context, messages []outbox.Message) []error {
		for _, m := range messages {
			got <- m.ID
		}
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	var relays []*outbox.Relay
	var wg sync.WaitGroup
	for range 2 {
		r, err := outbox.NewRelay(store, pub, &outbox.RelayOptions{MinBackoff: time.Millisecond})
		must(t, err)
		relays = append(relays, r)
		wg.Go(func() {
			if err := r.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v", err)
			}
		})
	}
	defer wg.Wait()
	defer cancel()
	conn := connect(t, dsn)
	for _, id := range []string{"a", "b", "c"} {
		must(t, pgoutbox.Stage(t.Context(), conn, box, outbox.Message{ID: id, Topic: "t"}))
		select {
		case g := <-got:
			if g != id {
				t.Fatalf("got %s, want %s", g, id)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s never came", id)
		}
		if relays[0].Stats().Leading && relays[1].Stats().Leading {
			t.Error("both lead")
		}
		// The row of what was acknowledged goes first, or it comes again.
		for n := 1; n > 0; {
			must(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM ashlar_outbox`).Scan(&n))
		}
		_, err := conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ashlar-outbox-relay' AND datname = current_database()`)
		must(t, err)
	}
}
