package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/internal/testdb"
	"github.com/ashlar-dev/ashlar/patterns/outbox"
	"github.com/ashlar-dev/ashlar/patterns/outbox/pgoutbox"
)

// bundle is an outbox on one of the databases.
type bundle struct {
	db    *sql.DB
	box   *outbox.Outbox
	store interface {
		outbox.Store
		outbox.Parker
	}
	dsn string
}

func onBoth(t *testing.T, f func(t *testing.T, b bundle)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		box := newBox(t, outbox.DialectSQLite, nil)
		db := testdb.SQLite(t)
		must(t, box.Migrate(t.Context(), db, outbox.Latest))
		f(t, bundle{db: db, box: box, store: outbox.SQLite(db, box)})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		box := newBox(t, outbox.DialectPostgreSQL, nil)
		dsn := testdb.Postgres(t)
		db := testdb.OpenPostgres(t, dsn)
		store, err := pgoutbox.Open(dsn, box)
		must(t, err)
		must(t, store.Migrate(t.Context(), outbox.Latest))
		f(t, bundle{db: db, box: box, store: store, dsn: dsn})
	})
}

func newBox(t *testing.T, d outbox.Dialect, opts *outbox.Options) *outbox.Outbox {
	t.Helper()
	box, err := outbox.New(d, opts)
	must(t, err)
	return box
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b bundle) stage(t testing.TB, messages ...outbox.Message) {
	t.Helper()
	tx, err := b.db.BeginTx(context.Background(), nil)
	must(t, err)
	defer func() { _ = tx.Rollback() }()
	must(t, b.box.Stage(context.Background(), tx, messages...))
	must(t, tx.Commit())
	if s, ok := b.store.(*outbox.SQLiteStore); ok {
		s.Wake()
	}
}

func (b bundle) run(t *testing.T, pub outbox.Publisher, opts *outbox.RelayOptions) *outbox.Relay {
	t.Helper()
	relay, err := outbox.NewRelay(b.store, pub, opts)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- relay.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want the context's error", err)
		}
	})
	return relay
}

// broker collects what is published and tells when it has n messages.
type broker struct {
	mu     sync.Mutex
	got    []outbox.Message
	calls  int
	refuse func(m outbox.Message) error
	grown  chan struct{}
}

func newBroker() *broker { return &broker{grown: make(chan struct{}, 1)} }

func (b *broker) Publish(_ context.Context, messages []outbox.Message) []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	errs := make([]error, len(messages))
	failed := false
	for i, m := range messages {
		if b.refuse != nil {
			errs[i] = b.refuse(m)
		}
		if errs[i] != nil {
			failed = true
			continue
		}
		m.Body = slices.Clone(m.Body)
		b.got = append(b.got, m)
	}
	select {
	case b.grown <- struct{}{}:
	default:
	}
	if !failed {
		return nil
	}
	return errs
}

func (b *broker) await(t *testing.T, what string, enough func(got []outbox.Message) bool) []outbox.Message {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		b.mu.Lock()
		got := slices.Clone(b.got)
		b.mu.Unlock()
		if enough(got) {
			return got
		}
		select {
		case <-b.grown:
		case <-timeout:
			t.Fatalf("waited for %s, got %d messages", what, len(got))
		}
	}
}

func (b *broker) awaitN(t *testing.T, n int) []outbox.Message {
	t.Helper()
	return b.await(t, fmt.Sprint(n, " messages"), func(got []outbox.Message) bool { return len(got) >= n })
}

func TestPublishesWhatCommitted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b bundle) {
		pub := newBroker()
		b.run(t, pub, nil)
		rolledBack, err := b.db.BeginTx(t.Context(), nil)
		must(t, err)
		must(t, b.box.Stage(t.Context(), rolledBack, outbox.Message{Topic: "orders", Body: []byte("never")}))
		must(t, rolledBack.Rollback())
		before := time.Now()
		b.stage(t, outbox.Message{ID: "m1", Topic: "orders", Key: []byte("k\x00\xff"), Headers: []outbox.Header{{"a", "1"}, {"a", "2"}}, Body: []byte("one\x00")},
			outbox.Message{Topic: "orders"})
		got := pub.awaitN(t, 2)
		i := slices.IndexFunc(got, func(m outbox.Message) bool { return m.ID == "m1" })
		if i < 0 || string(got[i].Body) != "one\x00" || string(got[i].Key) != "k\x00\xff" || len(got[i].Headers) != 2 || got[i].Headers[1] != (outbox.Header{Name: "a", Value: "2"}) {
			t.Fatalf("got %+v", got)
		}
		if m := got[1-i]; len(m.ID) != 36 || m.Key != nil || m.Time.Before(before.Add(-time.Minute)) {
			t.Errorf("second message: %+v", m)
		}
		if len(got) != 2 {
			t.Errorf("%d messages, want 2: a rolled back one came through", len(got))
		}
	})
}

func TestWokenByNotification(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b bundle) {
		pub := newBroker()
		b.run(t, pub, &outbox.RelayOptions{Poll: 10 * time.Second})
		for i := range 5 {
			start := time.Now()
			b.stage(t, outbox.Message{Topic: "t", Body: []byte{byte(i)}})
			pub.awaitN(t, i+1)
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("message %d took %v: the relay slept through", i, d)
			}
		}
	})
}

func TestRefusedMessageHoldsItsKeyOnly(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b bundle) {
		pub := newBroker()
		var mended bool // guarded by pub.mu
		pub.refuse = func(m outbox.Message) error {
			if string(m.Key) == "bad" && !mended {
				return errors.New("leader not available")
			}
			return nil
		}
		relay := b.run(t, pub, &outbox.RelayOptions{MinBackoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond, Batch: 3})
		for i := range 4 {
			b.stage(t, outbox.Message{Topic: "t", Key: []byte("bad"), Body: fmt.Append(nil, i)}, outbox.Message{Topic: "t", Key: []byte("good"), Body: fmt.Append(nil, i)})
		}
		if got := bodies(pub.awaitN(t, 4), "good"); got != "0 1 2 3" {
			t.Errorf("good: %s", got)
		}
		pub.mu.Lock()
		mended = true
		pub.mu.Unlock()
		if got := bodies(pub.awaitN(t, 8), "bad"); got != "0 1 2 3" {
			t.Errorf("bad: %s", got)
		}
		if s := relay.Stats(); s.Refused == 0 || s.Parked != 0 || !s.Leading {
			t.Errorf("stats %+v", s)
		}
	})
}

// Batches that are read ahead of one that is refused in part are sifted: no
// message passes an earlier one of its key, and none goes out twice.
func TestKeepsOrderWhileReadingAhead(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b bundle) {
		const keys, each = 10, 60
		var staged []outbox.Message
		for n := range each {
			for k := range keys {
				staged = append(staged, outbox.Message{Topic: "t", Key: fmt.Append(nil, "k", k), Body: fmt.Append(nil, n)})
			}
		}
		b.stage(t, staged...)
		rng := rand.New(rand.NewPCG(1, 2))
		next := map[string]int{}
		left, done := len(staged), make(chan struct{})
		b.run(t, outbox.PublisherFunc(func(_ context.Context, messages []outbox.Message) []error {
			errs := make([]error, len(messages))
			refused := map[string]bool{}
			for i, m := range messages {
				key := string(m.Key)
				if refused[key] = refused[key] || rng.IntN(20) == 0; refused[key] {
					errs[i] = errors.New("not now")
					continue
				}
				if got, want := string(m.Body), fmt.Sprint(next[key]); got != want {
					t.Errorf("key %s: message %s, want %s", key, got, want)
				}
				next[key]++
				if left--; left == 0 {
					close(done)
				}
			}
			return errs
		}), &outbox.RelayOptions{Batch: 7, MinBackoff: time.Millisecond, MaxBackoff: 2 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			t.Fatal("not all came within half a minute")
		}
	})
}

func TestParksAndUnparks(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b bundle) {
		pub := newBroker()
		var mended bool
		pub.refuse = func(m outbox.Message) error {
			switch {
			case mended || m.ID == "fine":
				return nil
			case m.ID == "large":
				return fmt.Errorf("2 MB: %w", outbox.ErrTooLarge)
			default:
				return errors.New("no such topic")
			}
		}
		b.run(t, pub, &outbox.RelayOptions{MinBackoff: time.Millisecond, MaxBackoff: time.Millisecond, MaxAttempts: 3})
		key := []byte("k")
		b.stage(t, outbox.Message{ID: "large", Topic: "t", Key: key}, outbox.Message{ID: "lost", Topic: "t"}, outbox.Message{ID: "fine", Topic: "t", Key: key})
		pub.awaitN(t, 1)
		var parked []outbox.Parked
		pub.await(t, "parked messages", func([]outbox.Message) bool {
			var err error
			parked, err = b.store.Parked(t.Context(), "", 10)
			must(t, err)
			b.stage(t, outbox.Message{ID: "fine", Topic: "t"}) // makes await look again
			return len(parked) == 2
		})
		byID := map[string]outbox.Parked{parked[0].ID: parked[0], parked[1].ID: parked[1]}
		if p := byID["large"]; p.Attempts != 1 || !strings.Contains(p.Error, "2 MB") {
			t.Errorf("large: %+v", p)
		}
		if p := byID["lost"]; p.Attempts != 3 {
			t.Errorf("lost: %+v", p)
		}
		if rest, err := b.store.Parked(t.Context(), parked[0].ID, 10); err != nil || len(rest) != 1 || rest[0].ID != parked[1].ID {
			t.Errorf("second page: %v, %v", rest, err)
		}
		pub.mu.Lock()
		mended = true
		pub.mu.Unlock()
		must(t, b.store.Unpark(t.Context(), "large"))
		pub.await(t, "the unparked message", func(got []outbox.Message) bool {
			return slices.ContainsFunc(got, func(m outbox.Message) bool { return m.ID == "large" })
		})
		if err := b.store.Unpark(t.Context(), "large"); !errors.Is(err, outbox.ErrNotParked) {
			t.Errorf("unpark twice: %v", err)
		}
	})
}

func TestKeepAndTrim(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b bundle) {
		pub := newBroker()
		b.run(t, pub, &outbox.RelayOptions{Keep: time.Hour})
		b.stage(t, outbox.Message{Topic: "t"}, outbox.Message{Topic: "t"})
		pub.awaitN(t, 2)
		count := func(table string) (n int) {
			must(t, b.db.QueryRow("SELECT count(*) FROM "+table).Scan(&n))
			return n
		}
		for count("ashlar_outbox") > 0 { // the turn after the acknowledgement moves them
			if t.Context().Err() != nil {
				t.Fatal("messages stay in the outbox")
			}
		}
		if n := count("ashlar_outbox_sent"); n != 2 {
			t.Errorf("%d sent messages kept, want 2", n)
		}
		if n, err := b.store.Trim(t.Context(), time.Hour); n != 0 || err != nil {
			t.Errorf("Trim removed %d young messages, %v", n, err)
		}
		if n, err := b.store.Trim(t.Context(), -time.Minute); n != 2 || err != nil {
			t.Errorf("Trim removed %d of 2, %v", n, err)
		}
	})
}

func bodies(got []outbox.Message, key string) string {
	var list []string
	for _, m := range got {
		if string(m.Key) == key {
			list = append(list, string(m.Body))
		}
	}
	return strings.Join(list, " ")
}

func TestStageRefuses(t *testing.T) {
	t.Parallel()
	box := newBox(t, outbox.DialectSQLite, &outbox.Options{MaxBody: 3})
	err := box.Stage(t.Context(), nil, outbox.Message{Topic: "t", Body: []byte("four")}, outbox.Message{}, outbox.Message{Topic: "t", Headers: []outbox.Header{{"x", "\xff"}}})
	var me *outbox.MessageError
	if !errors.As(err, &me) || !errors.Is(err, outbox.ErrTooLarge) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"4 bytes, allowed are 3", "message 1", `header "x"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q: %v", want, err)
		}
	}
	if _, err := outbox.New(0, &outbox.Options{Table: "x; DROP", MaxBody: -1}); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three faults, got: %v", err)
	}
	if _, err := outbox.NewRelay(nil, nil, &outbox.RelayOptions{Batch: -1, Poll: -1, MinBackoff: 2, MaxBackoff: 1}); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three faults, got: %v", err)
	}
}

func TestMigrateGoesBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b bundle) {
		must(t, b.box.Migrate(t.Context(), b.db, outbox.Latest))
		must(t, b.box.Migrate(t.Context(), b.db, 0))
		if _, err := b.db.Exec("SELECT * FROM ashlar_outbox"); err == nil {
			t.Error("the table is still there")
		}
		must(t, b.box.Migrate(t.Context(), b.db, outbox.Latest))
		_, err := b.db.Exec("UPDATE ashlar_schema SET version = 99")
		must(t, err)
		if err := b.box.Migrate(t.Context(), b.db, outbox.Latest); err == nil || !strings.Contains(err.Error(), "deploy a newer program") {
			t.Errorf("newer schema: %v", err)
		}
	})
}
