package saga_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
	"github.com/ashlar-dev/ashlar/patterns/journal/pgstore"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
	"github.com/ashlar-dev/ashlar/patterns/saga"
	"github.com/ashlar-dev/ashlar/patterns/saga/barrier"
)

// places is where a crash test keeps its journal and its participant's books:
// two SQLite files, or two schemas of a PostgreSQL.
type places struct{ Driver, URL, Journal, Books, VFS string }

func (p places) store(ctx context.Context) (driver.Store, error) {
	if p.Driver == "sqlite" {
		return sqlitestore.Open(ctx, p.Journal, &sqlitestore.Options{VFS: p.VFS})
	}
	return pgstore.Open(ctx, p.URL, &pgstore.Options{Schema: p.Journal, Timeout: 10 * time.Second})
}

func (p places) books() (*sql.DB, error) {
	dsn := "file:" + p.Books + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_txlock=immediate"
	if p.VFS != "" {
		dsn += "&vfs=" + p.VFS
	}
	if p.Driver == "pgx" {
		dsn = p.URL + "&search_path=" + p.Books
	}
	db, err := sql.Open(p.Driver, dsn)
	if err == nil {
		db.SetMaxOpenConns(8)
	}
	return db, err
}

const (
	accounts = 10
	opening  = 1_000_000
)

// bank is a participant with accounts. Its effects are counted in a table
// without any key, so that a double effect shows.
type bank struct {
	db   *sql.DB
	late sync.WaitGroup // effects that nobody waits for
}

func (b *bank) found(ctx context.Context) error {
	if _, err := b.db.ExecContext(ctx, barrier.Schema+`;
		CREATE TABLE effects (saga text, step text, side text);
		CREATE TABLE accounts (id integer, cents bigint)`); err != nil {
		return err
	}
	for i := range accounts {
		if _, err := b.db.ExecContext(ctx, `INSERT INTO accounts VALUES ($1, $2)`, i, opening); err != nil {
			return err
		}
	}
	return nil
}

// move is one effect: money on an account, and a line in the books.
func (b *bank) move(ctx context.Context, id, step string, dir saga.Direction, account, cents int) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	k := barrier.Key{Saga: id, Step: step}
	act := func() error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO effects VALUES ($1, $2, $3)`, id, step, string(dir)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE accounts SET cents = cents + $1 WHERE id = $2`, cents, account)
		return err
	}
	if dir == saga.Undo {
		err = barrier.Undo(ctx, barrier.SQL(tx), k, act)
	} else {
		_, err = barrier.Do(ctx, barrier.SQL(tx), k, func() (int, error) { return cents, act() })
	}
	if err != nil {
		if errors.Is(err, barrier.ErrCompensated) {
			err = saga.Refuse(err)
		}
		return err
	}
	return tx.Commit()
}

type transfer struct{ From, To, Cents int }

// luck is a number that is the same for a saga in every life of the program.
func luck(id string, n uint32) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return h.Sum32() % n
}

var errBlip = errors.New("blip")

// transfers moves money in four effects; some sagas are refused before the
// pivot, some answer late, some stumble after it.
func (b *bank) transfers() (*saga.Definition[transfer], error) {
	quick := saga.Retry{First: time.Millisecond, Max: 20 * time.Millisecond}
	effect := func(name string, account func(transfer) int, sign int) *saga.Step[transfer, saga.None] {
		return &saga.Step[transfer, saga.None]{
			Name: name, Retry: quick, UndoRetry: quick, Timeout: 5 * time.Second,
			Do: func(ctx context.Context, c *saga.Call[transfer]) (saga.None, error) {
				return saga.None{}, b.move(ctx, c.ID, c.Step, saga.Do, account(c.Input), sign*c.Input.Cents)
			},
			Undo: func(ctx context.Context, c *saga.Call[transfer], _ saga.None) error {
				return b.move(ctx, c.ID, c.Step, saga.Undo, account(c.Input), -sign*c.Input.Cents)
			},
		}
	}
	from, to := func(t transfer) int { return t.From }, func(t transfer) int { return t.To }
	late := effect("suspense", func(transfer) int { return 0 }, 1)
	do := late.Do
	late.Retry.Attempts = 2
	late.Do = func(ctx context.Context, c *saga.Call[transfer]) (saga.None, error) {
		if luck(c.ID, 11) == 0 { // the answer is lost, and the effect may come after the saga has given up
			b.late.Go(func() { _, _ = do(context.WithoutCancel(ctx), c) })
			return saga.None{}, errBlip
		}
		return do(ctx, c)
	}
	check := &saga.Step[transfer, saga.None]{Name: "check", Pivot: true, Retry: quick, Do: func(_ context.Context, c *saga.Call[transfer]) (saga.None, error) {
		if luck(c.ID, 5) == 0 {
			return saga.None{}, saga.Refuse(errNo)
		}
		return saga.None{}, nil
	}}
	clear, credit := effect("clear", func(transfer) int { return 0 }, -1), effect("credit", to, 1)
	clear.Undo, credit.Undo = nil, nil
	pay := credit.Do
	credit.Do = func(ctx context.Context, c *saga.Call[transfer]) (saga.None, error) {
		if luck(c.ID, 3) == 0 && c.Attempt == 1 {
			return saga.None{}, errBlip
		}
		return pay(ctx, c)
	}
	return saga.New[transfer]("transfer", 1, nil,
		saga.Parallel[transfer](effect("debit", from, -1), late), check, saga.Parallel[transfer](clear, credit))
}

// audit compares journal and books: every saga ended, every effect happened
// exactly once or was taken back exactly once, and no cent is lost.
func audit(t *testing.T, p places, acked map[string]string) (completed, compensated int) {
	t.Helper()
	ctx := t.Context()
	store, err := p.store(ctx)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(ctx, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close(context.Background()) }()
	ends := map[string]string{}
	for at := int64(0); ; {
		rs, err := j.Read(ctx, at, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(rs) == 0 {
			break
		}
		for _, r := range rs {
			if r.Position != at+1 {
				t.Fatalf("journal: %d after %d", r.Position, at)
			}
			at = r.Position
			id, ok := strings.CutPrefix(r.Stream, "saga/")
			switch {
			case !ok:
			case r.Type == "saga.started" && ends[id] == "":
				ends[id] = "running"
			case r.Final && ends[id] == "running":
				ends[id] = strings.TrimPrefix(r.Type, "saga.")
			case r.Type == "saga.started" || r.Final:
				t.Errorf("saga %s: %s after it was %s", id, r.Type, ends[id])
			}
		}
	}
	for id, end := range acked {
		if got := ends[id]; got == "" || got == "running" || end != "started" && got != end {
			t.Errorf("saga %s: the caller was told %s, the journal says %q", id, end, got)
		}
	}
	effects, cents := countEffects(t, p)
	for id, end := range ends {
		for _, step := range []string{"debit", "suspense", "clear", "credit"} {
			do, undo := effects[id+"/"+step+"/do"], effects[id+"/"+step+"/undo"]
			switch {
			case end == "completed" && (do != 1 || undo != 0):
				t.Errorf("saga %s completed: %s done %d and undone %d times", id, step, do, undo)
			case end == "compensated" && (do != undo || do > 1):
				t.Errorf("saga %s compensated: %s done %d and undone %d times", id, step, do, undo)
			}
		}
		switch end {
		case "completed":
			completed++
		case "compensated":
			compensated++
		default:
			t.Errorf("saga %s did not end: %s", id, end)
		}
	}
	if cents != accounts*opening {
		t.Errorf("the books hold %d cents, %d were put in", cents, accounts*opening)
	}
	return completed, compensated
}

func countEffects(t *testing.T, p places) (map[string]int, int) {
	t.Helper()
	db, err := p.books()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.Query(`SELECT saga, step, side, count(*) FROM effects GROUP BY 1, 2, 3`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]int{}
	for rows.Next() {
		var id, step, side string
		var n int
		if err := rows.Scan(&id, &step, &side, &n); err != nil {
			t.Fatal(err)
		}
		out[fmt.Sprintf("%s/%s/%s", id, step, side)] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	var cents int
	if err := db.QueryRow(`SELECT sum(cents) FROM accounts`).Scan(&cents); err != nil {
		t.Fatal(err)
	}
	return out, cents
}
