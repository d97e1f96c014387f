package cqrs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/cqrs"
	"github.com/ashlar-dev/ashlar/patterns/internal/testdb"
)

// event adds n to an account.
type event struct {
	position int64
	account  string
	n        int
	at       time.Time
}

// memoryLog is a source; gone is the position up to which events were removed.
type memoryLog struct {
	mu     sync.Mutex
	events []event
	gone   int64
	moved  chan struct{}
}

func newMemoryLog() *memoryLog { return &memoryLog{moved: make(chan struct{})} }

func (l *memoryLog) append(account string, n int) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := int64(len(l.events)) + 1
	l.events = append(l.events, event{position: p, account: account, n: n, at: time.Now()})
	close(l.moved)
	l.moved = make(chan struct{})
	return p
}

func (l *memoryLog) Read(_ context.Context, after int64, limit int) ([]event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	after = max(after, l.gone)
	if after >= int64(len(l.events)) {
		return nil, nil
	}
	return l.events[after:min(int64(len(l.events)), after+int64(limit))], nil
}

func (l *memoryLog) Head(context.Context) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.events)), nil
}

func (l *memoryLog) Wait(ctx context.Context, after int64) (int64, error) {
	for {
		l.mu.Lock()
		head, moved := int64(len(l.events)), l.moved
		l.mu.Unlock()
		if head > after {
			return head, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// balances is a projection that also logs every application into a table
// without unique keys. fail may make Apply fail after its effect.
func balances[Tx any](db cqrs.Database[Tx], factor int, fail func(generation int, events []event) error) cqrs.Projection[Tx, event] {
	run := func(ctx context.Context, tx Tx, query string, args ...any) error {
		_, err := db.Exec(ctx, tx, db.Dialect().Rebind(query), args...)
		return err
	}
	return cqrs.Projection[Tx, event]{
		Name:     "balances",
		Position: func(e event) int64 { return e.position },
		Time:     func(e event) time.Time { return e.at },
		Prepare: func(ctx context.Context, tx Tx, g int) error {
			return errors.Join(run(ctx, tx, fmt.Sprintf(`CREATE TABLE balance_g%d (account text PRIMARY KEY, n bigint NOT NULL)`, g)),
				run(ctx, tx, fmt.Sprintf(`CREATE TABLE log_g%d (position bigint)`, g)))
		},
		Apply: func(ctx context.Context, tx Tx, g int, events []event) error {
			for _, e := range events {
				if err := run(ctx, tx, fmt.Sprintf(`INSERT INTO balance_g%d (account, n) VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET n = balance_g%d.n + excluded.n`, g, g), e.account, e.n*factor); err != nil {
					return err
				}
				if err := run(ctx, tx, fmt.Sprintf(`INSERT INTO log_g%d VALUES ($1)`, g), e.position); err != nil {
					return err
				}
			}
			if fail != nil {
				return fail(g, events)
			}
			return nil
		},
		Switch: func(ctx context.Context, tx Tx, g int) error {
			return errors.Join(run(ctx, tx, `DROP VIEW IF EXISTS balance`), run(ctx, tx, fmt.Sprintf(`CREATE VIEW balance AS SELECT account, n FROM balance_g%d`, g)))
		},
		Drop: func(ctx context.Context, tx Tx, g int) error {
			return run(ctx, tx, fmt.Sprintf(`DROP TABLE balance_g%d`, g))
		},
	}
}

func project[Tx any](t *testing.T, db cqrs.Database[Tx], log *memoryLog, p cqrs.Projection[Tx, event]) *cqrs.Projector[Tx, event] {
	t.Helper()
	r, err := cqrs.NewProjector(db, log, p, &cqrs.ProjectorOptions{Batch: 7, Log: quiet()})
	must(t, err)
	must(t, r.Migrate(t.Context(), cqrs.Latest))
	return r
}

// start runs a projector until the test ends; its error arrives in the channel.
func start[Tx any](t *testing.T, r *cqrs.Projector[Tx, event]) <-chan error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() { done <- r.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return done
}

func wait[Tx any](t *testing.T, r *cqrs.Projector[Tx, event], position int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	must(t, r.Wait(ctx, position))
}

type projectTest struct{}

func (projectTest) sqlite(t *testing.T, db cqrs.Database[sqlTx])   { testProject(t, db) }
func (projectTest) postgres(t *testing.T, db cqrs.Database[pgxTx]) { testProject(t, db) }

// Two projectors share the work, Apply fails now and then after its effect, and
// still every event takes effect once.
func TestProjectsOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, projectTest{})
}

func testProject[Tx any](t *testing.T, db cqrs.Database[Tx]) {
	log := newMemoryLog()
	var mu sync.Mutex
	calls := 0
	p := balances(db, 1, func(int, []event) error {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls%4 == 0 && calls < 20 {
			return errors.New("constraint")
		}
		return nil
	})
	a, b := project(t, db, log, p), project(t, db, log, p)
	start(t, a)
	start(t, b)
	var last int64
	for i := range 100 {
		last = log.append(fmt.Sprint("a", i%3), 1)
		if i%10 == 0 {
			wait(t, b, last) // reads its own write
			if n := number(t, db, `SELECT sum(n) FROM balance`); n != last {
				t.Fatalf("after a wait for %d the balance is %d", last, n)
			}
		}
	}
	wait(t, a, last)
	if n, d := number(t, db, `SELECT count(*) FROM log_g1`), number(t, db, `SELECT count(DISTINCT position) FROM log_g1`); n != 100 || d != 100 {
		t.Errorf("%d applications of %d events, want 100 of 100", n, d)
	}
	if l, err := a.Lag(t.Context()); err != nil || l.Events != 0 || l.Position != 100 || l.Age != 0 {
		t.Errorf("lag %+v, %v", l, err)
	}
	// What was removed leaves a hole that does not stop anybody.
	log.mu.Lock()
	log.gone = 103
	log.mu.Unlock()
	for range 3 {
		log.append("gone", 1)
	}
	wait(t, a, 103)
}

type rebuildTest struct{}

func (rebuildTest) sqlite(t *testing.T, db cqrs.Database[sqlTx])   { testRebuild(t, db) }
func (rebuildTest) postgres(t *testing.T, db cqrs.Database[pgxTx]) { testRebuild(t, db) }

// A new version of the code is deployed while events keep coming: the old one
// serves until the new generation has caught up; readers never see less.
func TestRebuildsBesideTheLiveOne(t *testing.T) {
	t.Parallel()
	onBoth(t, rebuildTest{})
}

func testRebuild[Tx any](t *testing.T, db cqrs.Database[Tx]) {
	const factor = 1_000_000 // tells the new version's balances from the old one's
	log := newMemoryLog()
	old := project(t, db, log, balances(db, 1, nil))
	oldDone := start(t, old)
	for range 50 {
		log.append("a", 1)
	}
	wait(t, old, 50)
	p := balances(db, factor, nil)
	p.Version = 2
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				log.append("a", 1)
			}
		}
	})
	next := project(t, db, log, p)
	start(t, next)
	for timeout := time.After(30 * time.Second); ; {
		n, switched := number(t, db, `SELECT n FROM balance`), false
		if n >= factor {
			n, switched = n/factor, true
		}
		if n < 50 {
			t.Fatalf("readers see %d of at least 50", n)
		}
		if switched {
			break
		}
		select {
		case <-timeout:
			t.Fatal("never switched")
		default:
		}
	}
	close(stop)
	writer.Wait()
	head, _ := log.Head(t.Context())
	wait(t, next, head)
	if n := number(t, db, `SELECT n FROM balance`); n != head*factor {
		t.Errorf("balance %d, want %d", n, head*factor)
	}
	if n, d := number(t, db, `SELECT count(*) FROM log_g2`), number(t, db, `SELECT count(DISTINCT position) FROM log_g2`); n != head || d != head {
		t.Errorf("generation 2 applied %d, %d different, of %d", n, d, head)
	}
	var gone *cqrs.SupersededError
	if err := <-oldDone; !errors.As(err, &gone) || gone.Live != 2 {
		t.Errorf("the old projector ended with %v", err)
	}
	// By hand, for the same version; the old generation is gone afterwards.
	must(t, next.Rebuild(t.Context()))
	if live, err := next.Live(t.Context()); live != 3 || err != nil {
		t.Errorf("live generation %d, %v", live, err)
	}
	if n := number(t, db, `SELECT count(*) FROM ashlar_projection`); n != 1 {
		t.Errorf("%d generations are left, want 1", n)
	}
	if n := number(t, db, `SELECT n FROM balance`); n != head*factor {
		t.Errorf("after the rebuild: balance %d, want %d", n, head*factor)
	}
}

func TestStalenessIsTold(t *testing.T) {
	t.Parallel()
	db := cqrs.SQL(testdb.SQLite(t), cqrs.DialectSQLite)
	log := newMemoryLog()
	broken := errors.New("no such column")
	r := project(t, db, log, balances(db, 1, func(int, []event) error { return broken }))
	start(t, r)
	log.append("a", 1)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var stale *cqrs.StaleError
	if err := r.Wait(ctx, 1); !errors.As(err, &stale) || stale.At != 0 || stale.Want != 1 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait = %v", err)
	}
	for {
		l, err := r.Lag(t.Context())
		must(t, err)
		if l.Events != 1 || l.Age <= 0 {
			t.Fatalf("lag %+v", l)
		}
		if l.Err != nil {
			if !errors.Is(l.Err, broken) {
				t.Errorf("lag's error: %v", l.Err)
			}
			break
		}
	}
	_, err := cqrs.NewProjector(db, log, cqrs.Projection[sqlTx, event]{Version: -1}, &cqrs.ProjectorOptions{Table: "A", Batch: -1})
	if err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("want five faults, got %v", err)
	}
}
