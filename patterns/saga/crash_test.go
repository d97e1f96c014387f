package saga_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/internal/crashtest"
	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/saga"
)

const lifeEnv = "ASHLAR_SAGA_LIFE"

func TestMain(m *testing.M) {
	crashtest.Main(map[string]func(context.Context) error{"transfers": transfersRole})
	goleak.VerifyTestMain(m)
}

// life is what a child process is told.
type life struct {
	Places places
	Number int
	Drain  bool // start nothing, end what runs
}

// transfersRole runs transfers until it is killed. It tells of each saga on
// standard output, after the call that acknowledged it.
func transfersRole(ctx context.Context) error {
	var l life
	if err := json.Unmarshal([]byte(os.Getenv(lifeEnv)), &l); err != nil {
		return err
	}
	db, err := l.Places.books()
	if err != nil {
		return err
	}
	b := &bank{db: db}
	d, err := b.transfers()
	if err != nil {
		return err
	}
	store, err := l.Places.store(ctx)
	if err != nil {
		return err
	}
	j, err := journal.Open(ctx, store, nil)
	if err != nil {
		return err
	}
	o, err := saga.Open(ctx, j, &saga.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}, d)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	say("open")
	if l.Drain {
		return errors.Join(drain(ctx, j, o), o.Close(ctx), j.Close(ctx), db.Close())
	}
	var wg sync.WaitGroup
	for w := range 12 {
		wg.Go(func() { work(ctx, d, o, fmt.Sprintf("%d-%d", l.Number, w), say) })
	}
	wg.Wait()
	return nil
}

// drain waits until every saga of the journal has ended, whoever it belongs to.
func drain(ctx context.Context, j *journal.Journal, o *saga.Orchestrator) error {
	head, err := j.Head(ctx)
	if err != nil || head == 0 {
		return err
	}
	open := map[string]bool{}
	for e, err := range o.Events(ctx, 0) {
		if err != nil {
			return err
		}
		switch e.Kind {
		case saga.SagaStarted:
			open[e.ID] = true
		case saga.SagaCompleted, saga.SagaCompensated:
			delete(open, e.ID)
		}
		if e.Position >= head && len(open) == 0 {
			return nil
		}
	}
	return nil
}

func work(ctx context.Context, d *saga.Definition[transfer], o *saga.Orchestrator, name string, say func(string, ...any)) {
	for n := 0; ; n++ {
		id := fmt.Sprintf("%s-%d", name, n)
		h, err := d.Start(ctx, o, id, transfer{From: n % accounts, To: (n + 3) % accounts, Cents: 1 + n%50})
		if err != nil {
			say("error %s %v", id, err)
			return
		}
		say("started %s", id)
		var failed *saga.Error
		switch err := h.Wait(ctx); {
		case err == nil:
			say("completed %s", id)
		case errors.As(err, &failed):
			say("compensated %s", id)
		default:
			say("error %s %v", id, err)
		}
	}
}

// killing starts child after child on the places, kills each with kill -9 at a
// random point, lets a last one end what is left, and audits.
func killing(t *testing.T, p places, kills int, seed uint64) {
	t.Helper()
	db, err := p.books()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join((&bank{db: db}).found(t.Context()), db.Close()); err != nil {
		t.Fatal(err)
	}
	r := mathrand.New(mathrand.NewPCG(seed, 0))
	acked := map[string]string{}
	for n := range kills {
		live(t, life{Places: p, Number: n}, time.Duration(r.IntN(150_000))*time.Microsecond, acked)
		if t.Failed() {
			return
		}
	}
	live(t, life{Places: p, Number: kills, Drain: true}, time.Minute, acked)
	completed, compensated := audit(t, p, acked)
	if len(acked) == 0 || completed == 0 || compensated == 0 {
		t.Errorf("%d sagas acknowledged, %d completed, %d compensated: the test tests nothing", len(acked), completed, compensated)
	}
	t.Logf("seed %d: %d kills, %d sagas acknowledged, %d completed, %d compensated", seed, kills, len(acked), completed, compensated)
}

// live runs one child until it ends or its time is over, and notes what it said.
func live(t *testing.T, l life, span time.Duration, acked map[string]string) {
	t.Helper()
	raw, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	open := make(chan struct{})
	p := crashtest.StartTelling(t, "transfers", func(line string) {
		switch what, rest, _ := strings.Cut(line, " "); what {
		case "open":
			close(open)
		case "error":
			t.Errorf("child %d: %s", l.Number, rest)
		default:
			acked[rest] = what
		}
	}, lifeEnv+"="+string(raw))
	select {
	case <-open:
	case <-p.Done():
		t.Fatalf("child %d did not begin: %v", l.Number, p.Fault())
	}
	var late atomic.Bool
	timer := time.AfterFunc(span, func() { late.Store(true); p.Kill() })
	<-p.Done()
	timer.Stop()
	if l.Drain && late.Load() {
		t.Fatalf("the last child did not end what was left within %s", span)
	}
	if err := p.Fault(); err != nil || p.Output() != "" {
		t.Errorf("child %d: %v\n%s", l.Number, err, p.Output())
	}
}

// kills is how often the crash tests kill: 20 seeded kills over both stores in
// make test, 200 in make soak.
func kills() int {
	if os.Getenv("ASHLAR_SOAK") != "" {
		return 100
	}
	return 10
}

func TestKill9OnSQLite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	killing(t, places{Driver: "sqlite", Journal: filepath.Join(dir, "journal.db"), Books: filepath.Join(dir, "books.db")}, kills(), 17)
}

func TestKill9OnPostgreSQL(t *testing.T) {
	t.Parallel()
	killing(t, postgres(t, ""), kills(), 18)
}

// postgres makes two schemas, on the test server unless another is given.
func postgres(t *testing.T, url string) places {
	t.Helper()
	if url == "" {
		if url = os.Getenv("ASHLAR_POSTGRES"); url == "" {
			if os.Getenv("CI") == "true" {
				t.Fatal("ASHLAR_POSTGRES is not set")
			}
			t.Skip("no PostgreSQL: run make servers and set ASHLAR_POSTGRES")
		}
	}
	name := strings.ToLower(rand.Text()[:10])
	p := places{Driver: "pgx", URL: url, Journal: "saga_journal_" + name, Books: "saga_books_" + name}
	ctx := context.Background()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, "CREATE SCHEMA "+p.Books); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c, err := pgx.Connect(ctx, url)
		if err != nil {
			return // a server of the test's own is gone by now
		}
		defer func() { _ = c.Close(ctx) }()
		if _, err := c.Exec(ctx, "DROP SCHEMA "+p.Books+" CASCADE; DROP SCHEMA IF EXISTS "+p.Journal+" CASCADE"); err != nil {
			t.Error(err)
		}
	})
	return p
}
