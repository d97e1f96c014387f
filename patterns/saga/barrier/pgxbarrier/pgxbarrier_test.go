package pgxbarrier_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/saga/barrier"
	"github.com/ashlar-dev/ashlar/patterns/saga/barrier/pgxbarrier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pool connects to a schema of the test's own.
func pool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	url := os.Getenv("ASHLAR_POSTGRES")
	if url == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("ASHLAR_POSTGRES is not set")
		}
		t.Skip("no PostgreSQL: run make servers and set ASHLAR_POSTGRES")
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	name := pgx.Identifier{"barrier test " + rand.Text()[:10]}.Sanitize()
	cfg.ConnConfig.RuntimeParams["search_path"] = name
	p, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := p.Exec(context.Background(), "DROP SCHEMA "+name+" CASCADE"); err != nil {
			t.Error(err)
		}
		p.Close()
	})
	if _, err := p.Exec(t.Context(), "CREATE SCHEMA "+name+"; CREATE TABLE effects (what text);"+barrier.Schema); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestManyCallsOneEffect lets actions and compensations of one step race, some
// rolled back: whatever order they come in, the effects add up to nothing or one.
func TestManyCallsOneEffect(t *testing.T) {
	t.Parallel()
	p := pool(t)
	rollback := errors.New("rolled back")
	for round := range 8 {
		k := barrier.Key{Saga: rand.Text(), Step: "reserve"}
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				err := pgx.BeginFunc(t.Context(), p, func(tx pgx.Tx) error {
					var err error
					effect := func(what string) error {
						_, err := tx.Exec(t.Context(), "INSERT INTO effects VALUES ($1)", k.Saga+what)
						return err
					}
					if i%2 == 0 || round%2 == 0 {
						_, err = barrier.Do(t.Context(), pgxbarrier.Tx(tx), k, func() (int, error) { return i, effect("+") })
					} else {
						err = barrier.Undo(t.Context(), pgxbarrier.Tx(tx), k, func() error { return effect("-") })
					}
					if err == nil && i%3 == 0 {
						return rollback
					}
					return err
				})
				if err != nil && !errors.Is(err, rollback) && !errors.Is(err, barrier.ErrCompensated) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var plus, minus int
		if err := p.QueryRow(t.Context(), "SELECT count(*) FILTER (WHERE what = $1), count(*) FILTER (WHERE what = $2) FROM effects", k.Saga+"+", k.Saga+"-").Scan(&plus, &minus); err != nil {
			t.Fatal(err)
		}
		if round%2 == 0 && (plus != 1 || minus != 0) || round%2 == 1 && plus != minus || plus > 1 {
			t.Errorf("round %d: %d actions and %d compensations took effect", round, plus, minus)
		}
	}
}
