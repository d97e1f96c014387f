package barrier_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/ashlar-dev/ashlar/patterns/saga/barrier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type bundle struct {
	*testing.T
	db *sql.DB
}

func setup(t *testing.T) *bundle {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "shop.db")+"?_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec(barrier.Schema + "; CREATE TABLE effects (what text)"); err != nil {
		t.Fatal(err)
	}
	return &bundle{t, db}
}

// in runs f in a transaction that commits unless f fails.
func (b *bundle) in(f func(tx *sql.Tx) error) error {
	b.Helper()
	tx, err := b.db.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

func (b *bundle) do(k barrier.Key, result string, fail error) (out string, err error) {
	err = b.in(func(tx *sql.Tx) error {
		out, err = barrier.Do(b.Context(), barrier.SQL(tx), k, func() (string, error) {
			_, err := tx.Exec("INSERT INTO effects VALUES ('+')")
			return result, errors.Join(err, fail)
		})
		return err
	})
	return out, err
}

func (b *bundle) undo(k barrier.Key, fail error) error {
	return b.in(func(tx *sql.Tx) error {
		return barrier.Undo(b.Context(), barrier.SQL(tx), k, func() error {
			_, err := tx.Exec("INSERT INTO effects VALUES ('-')")
			return errors.Join(err, fail)
		})
	})
}

func (b *bundle) effects() string {
	b.Helper()
	rows, err := b.db.Query("SELECT what FROM effects ORDER BY rowid")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out strings.Builder
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			b.Fatal(err)
		}
		out.WriteString(s)
	}
	return out.String()
}

func TestOrders(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	for _, tc := range []struct{ calls, effects string }{
		{"do do do", "+"}, {"do undo undo", "+-"}, {"undo", ""}, {"undo do", ""}, {"undo undo do undo", ""},
		{"do undo do", "+-"}, {"fail do", "+"}, {"fail undo do", ""}, {"do unfail undo", "+-"}, {"do do undo do undo", "+-"},
	} {
		t.Run(tc.calls, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			k := barrier.Key{Saga: "7", Step: "reserve"}
			undone := false
			for i, call := range strings.Fields(tc.calls) {
				switch call {
				case "do":
					out, err := b.do(k, "R-1", nil)
					if happened := strings.Contains(tc.effects, "+"); undone && !happened {
						if !errors.Is(err, barrier.ErrCompensated) {
							t.Errorf("call %d: late action: %v", i, err)
						}
					} else if err != nil || out != "R-1" {
						t.Errorf("call %d: %q, %v", i, out, err)
					}
				case "undo":
					undone = true
					if err := b.undo(k, nil); err != nil {
						t.Errorf("call %d: %v", i, err)
					}
				case "fail":
					if _, err := b.do(k, "", down); !errors.Is(err, down) {
						t.Errorf("call %d: %v", i, err)
					}
				case "unfail":
					if err := b.undo(k, down); !errors.Is(err, down) {
						t.Errorf("call %d: %v", i, err)
					}
				}
			}
			if got := b.effects(); got != tc.effects {
				t.Errorf("effects %q, want %q", got, tc.effects)
			}
		})
	}
	if _, err := setup(t).do(barrier.Key{Saga: "7"}, "", nil); err == nil || !strings.Contains(err.Error(), "lacks the saga or the step") {
		t.Errorf("key without a step: %v", err)
	}
}

func TestSemanticLock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lock := func(saga string) error {
		return b.in(func(tx *sql.Tx) error { return barrier.Lock(b.Context(), barrier.SQL(tx), saga, "account/1") })
	}
	unlock := func(saga string) error {
		return b.in(func(tx *sql.Tx) error { return barrier.Unlock(b.Context(), barrier.SQL(tx), saga, "account/1") })
	}
	if err := errors.Join(lock("7"), lock("7"), unlock("8")); err != nil {
		t.Fatal(err)
	}
	var locked *barrier.LockedError
	if err := lock("8"); !errors.As(err, &locked) || locked.Holder != "7" {
		t.Errorf("second saga: %v", err)
	}
	if err := errors.Join(unlock("7"), lock("8")); err != nil {
		t.Error(err)
	}
}

// The participant keeps its effect and the barrier in one transaction of its own
// database; a repeated call is answered like the first.
func Example() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(barrier.Schema + "; CREATE TABLE stock (item text, n int); INSERT INTO stock VALUES ('pen', 10)"); err != nil {
		log.Fatal(err)
	}
	reserve := func(saga string) (left int, err error) {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		defer tx.Rollback() // after Commit it does nothing
		left, err = barrier.Do(ctx, barrier.SQL(tx), barrier.Key{Saga: saga, Step: "reserve"}, func() (n int, err error) {
			return n, tx.QueryRow("UPDATE stock SET n = n - 1 WHERE item = 'pen' RETURNING n").Scan(&n)
		})
		if err != nil {
			return 0, err
		}
		return left, tx.Commit()
	}
	fmt.Println(reserve("order-1"))
	fmt.Println(reserve("order-1")) // the call that the network repeated
	fmt.Println(reserve("order-2"))
	// Output:
	// 9 <nil>
	// 9 <nil>
	// 8 <nil>
}
