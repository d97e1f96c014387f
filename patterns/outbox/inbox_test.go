package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/outbox"
)

func (b bundle) inbox(t *testing.T, consumer string, opts *outbox.InboxOptions) *outbox.Inbox {
	t.Helper()
	d := outbox.DialectPostgreSQL
	if b.dsn == "" {
		d = outbox.DialectSQLite
	}
	in, err := outbox.NewInbox(d, consumer, opts)
	must(t, err)
	must(t, in.Migrate(t.Context(), b.db, outbox.Latest))
	return in
}

func TestInboxTakesEffectOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b bundle) {
		stock, mail := b.inbox(t, "stock", nil), b.inbox(t, "mail", nil)
		_, err := b.db.Exec(`CREATE TABLE effect (consumer text)`)
		must(t, err)
		effect := func(name string) func(context.Context, *sql.Tx) error {
			return func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `INSERT INTO effect VALUES ('`+name+`')`)
				return err
			}
		}
		failed := errors.New("no stock")
		if ran, err := stock.Do(t.Context(), b.db, "m", func(ctx context.Context, tx *sql.Tx) error {
			must(t, effect("stock")(ctx, tx))
			return failed
		}); ran || !errors.Is(err, failed) {
			t.Errorf("a failing effect: %v, %v", ran, err)
		}
		var wg sync.WaitGroup
		for range 8 {
			for in, name := range map[*outbox.Inbox]string{stock: "stock", mail: "mail"} {
				wg.Go(func() {
					if _, err := in.Do(t.Context(), b.db, "m", effect(name)); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		var s, m int
		must(t, b.db.QueryRow(`SELECT count(*) FILTER (WHERE consumer = 'stock'), count(*) FILTER (WHERE consumer = 'mail') FROM effect`).Scan(&s, &m))
		if s != 1 || m != 1 {
			t.Errorf("effects: stock %d, mail %d, want one each", s, m)
		}
	})
}

func TestInboxForgetsOldMarks(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, b bundle) {
		in := b.inbox(t, "c", &outbox.InboxOptions{Keep: time.Hour})
		nothing := func(context.Context, *sql.Tx) error { return nil }
		_, err := in.Do(t.Context(), b.db, "m", nothing)
		must(t, err)
		if n, err := in.Trim(t.Context(), b.db); n != 0 || err != nil {
			t.Errorf("trimmed %d young marks, %v", n, err)
		}
		old := `UPDATE ashlar_inbox SET done_at = done_at - interval '2 hours'`
		if b.dsn == "" {
			old = `UPDATE ashlar_inbox SET done_at = done_at - 7200000`
		}
		_, err = b.db.Exec(old)
		must(t, err)
		if n, err := in.Trim(t.Context(), b.db); n != 1 || err != nil {
			t.Errorf("trimmed %d of 1 old marks, %v", n, err)
		}
		if ran, err := in.Do(t.Context(), b.db, "m", nothing); !ran || err != nil {
			t.Errorf("after the mark is gone: %v, %v", ran, err)
		}
	})
}

func TestInboxFaults(t *testing.T) {
	t.Parallel()
	if _, err := outbox.NewInbox(outbox.DialectSQLite, "", &outbox.InboxOptions{Table: "A B", Keep: -1}); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three faults, got %v", err)
	}
	in, err := outbox.NewInbox(outbox.DialectSQLite, "c", nil)
	must(t, err)
	if _, err := in.Mark(t.Context(), nil, ""); err == nil || !strings.Contains(err.Error(), "cannot be told apart") {
		t.Errorf("empty ID: %v", err)
	}
}
