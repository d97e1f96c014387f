package cqrs_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/cqrs"
)

type (
	sqlTx = *sql.Tx
	pgxTx = pgx.Tx
)

func newKeys[Tx any](t *testing.T, db cqrs.Database[Tx], opts *cqrs.KeysOptions) *cqrs.Keys[Tx] {
	t.Helper()
	keys, err := cqrs.NewKeys(db, opts)
	must(t, err)
	must(t, keys.Migrate(t.Context(), cqrs.Latest))
	return keys
}

type onceTest struct{}

func (onceTest) sqlite(t *testing.T, db cqrs.Database[sqlTx])   { testOnce(t, db) }
func (onceTest) postgres(t *testing.T, db cqrs.Database[pgxTx]) { testOnce(t, db) }

func TestOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, onceTest{})
}

func testOnce[Tx any](t *testing.T, db cqrs.Database[Tx]) {
	keys := newKeys(t, db, nil)
	exec(t, db, `CREATE TABLE effect (n int)`)
	effect := func(o cqrs.Outcome, err error) func(context.Context, Tx) (cqrs.Outcome, error) {
		return func(ctx context.Context, tx Tx) (cqrs.Outcome, error) {
			_, xerr := db.Exec(ctx, tx, `INSERT INTO effect VALUES (1)`)
			return o, errors.Join(err, xerr)
		}
	}
	effects := func() int64 { return number(t, db, `SELECT count(*) FROM effect`) }
	do := func(key, body string, run func(context.Context, Tx) (cqrs.Outcome, error)) (cqrs.Outcome, bool, error) {
		return keys.Once(t.Context(), cqrs.Request{Scope: "s", Key: key, Fingerprint: []byte(body)}, run)
	}
	ok := cqrs.Outcome{Status: 201, Header: map[string]string{"Location": "/o/1"}, Body: []byte("\x00done")}

	failed := errors.New("database on fire")
	if _, _, err := do("k", "a", effect(ok, failed)); !errors.Is(err, failed) || effects() != 0 {
		t.Fatalf("a failure: %v, %d effects", err, effects())
	}
	if o, replayed, err := do("k", "a", effect(ok, nil)); err != nil || replayed || o.Status != 201 {
		t.Fatalf("first: %+v %v %v", o, replayed, err)
	}
	if o, replayed, err := do("k", "a", effect(cqrs.Outcome{}, nil)); err != nil || !replayed || o.Status != 201 || string(o.Body) != "\x00done" || o.Header["Location"] != "/o/1" {
		t.Fatalf("repeat: %+v %v %v", o, replayed, err)
	}
	var mismatch *cqrs.MismatchError
	if _, _, err := do("k", "b", effect(ok, nil)); !errors.As(err, &mismatch) || mismatch.Key != "k" {
		t.Fatalf("other body: %v", err)
	}
	if _, replayed, err := keys.Once(t.Context(), cqrs.Request{Scope: "other", Key: "k", Fingerprint: []byte("b")}, effect(ok, nil)); err != nil || replayed {
		t.Fatalf("other scope: %v %v", replayed, err)
	}
	if n := effects(); n != 2 {
		t.Fatalf("%d effects, want 2", n)
	}
	no := cqrs.Outcome{Status: 409, Body: []byte("sold out"), Undo: true}
	if o, replayed, err := do("rejected", "a", effect(no, nil)); err != nil || replayed || o.Status != 409 {
		t.Fatalf("rejection: %+v %v %v", o, replayed, err)
	}
	if o, replayed, err := do("rejected", "a", effect(ok, nil)); err != nil || !replayed || o.Status != 409 || effects() != 2 {
		t.Fatalf("repeat of a rejection: %+v %v %v, %d effects", o, replayed, err, effects())
	}
	for _, key := range []string{"", "with space", string(make([]byte, 256))} {
		var bad *cqrs.KeyError
		if _, _, err := do(key, "a", effect(ok, nil)); !errors.As(err, &bad) {
			t.Errorf("key %q: %v", key, err)
		}
	}
	// An expired outcome is as if it had never been.
	exec(t, db, `UPDATE ashlar_idempotency SET recorded_at = 0 WHERE key = 'k'`)
	if _, replayed, err := do("k", "b", effect(ok, nil)); err != nil || replayed {
		t.Errorf("expired: %v %v", replayed, err)
	}
	exec(t, db, `UPDATE ashlar_idempotency SET recorded_at = 0 WHERE key = 'k'`)
	if n, err := keys.Trim(t.Context()); n != 2 || err != nil {
		t.Errorf("trimmed %d, %v; want 2", n, err)
	}
}

type flightTest struct{}

func (flightTest) sqlite(t *testing.T, db cqrs.Database[sqlTx])   { testInFlight(t, db) }
func (flightTest) postgres(t *testing.T, db cqrs.Database[pgxTx]) { testInFlight(t, db) }

func TestInFlight(t *testing.T) {
	t.Parallel()
	onBoth(t, flightTest{})
}

func testInFlight[Tx any](t *testing.T, db cqrs.Database[Tx]) {
	keys := newKeys(t, db, nil)
	exec(t, db, `CREATE TABLE effect (n int)`)
	r := cqrs.Request{Scope: "s", Key: "k", Fingerprint: []byte("a")}
	inside, leave := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _, err := keys.Once(t.Context(), r, func(ctx context.Context, tx Tx) (cqrs.Outcome, error) {
			close(inside)
			<-leave
			return cqrs.Outcome{Status: 200}, nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-inside
	start := time.Now()
	if _, _, err := keys.Once(t.Context(), r, nil); !errors.Is(err, cqrs.ErrInFlight) {
		t.Errorf("while it is under way: %v", err)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("the answer took %v: it waited", d)
	}
	close(leave)
	wg.Wait()
	if _, replayed, err := keys.Once(t.Context(), r, nil); err != nil || !replayed {
		t.Errorf("afterwards: %v %v", replayed, err)
	}
	// A hammer: many at once, over many keys; each takes effect once, whoever wins.
	var won atomic.Int64
	for i := range 40 {
		wg.Go(func() {
			r := cqrs.Request{Scope: "s", Key: fmt.Sprint("h", i%5), Fingerprint: []byte("a")}
			for {
				_, replayed, err := keys.Once(t.Context(), r, func(ctx context.Context, tx Tx) (cqrs.Outcome, error) {
					_, err := db.Exec(ctx, tx, `INSERT INTO effect VALUES (1)`)
					return cqrs.Outcome{Status: 200}, err
				})
				if errors.Is(err, cqrs.ErrInFlight) {
					continue
				}
				if err != nil {
					t.Error(err)
				} else if !replayed {
					won.Add(1)
				}
				return
			}
		})
	}
	wg.Wait()
	if n := number(t, db, `SELECT count(*) FROM effect`); n != 5 || won.Load() != 5 {
		t.Errorf("%d effects, %d winners, want 5 of each", n, won.Load())
	}
}

type place struct {
	Item string `json:"item"`
	N    int    `json:"n"`
}

func (p place) Validate() error {
	if p.N < 1 {
		return errors.New("n must be at least 1")
	}
	return nil
}

type placed struct {
	Order string `json:"order"`
}

func placeCommand(db cqrs.Database[sqlTx]) cqrs.Command[sqlTx, place, placed] {
	return cqrs.Command[sqlTx, place, placed]{Name: "place-order", Handle: func(ctx context.Context, tx sqlTx, c place) (placed, error) {
		if _, err := db.Exec(ctx, tx, `INSERT INTO orders VALUES (?1, ?2)`, c.Item, c.N); err != nil {
			return placed{}, err
		}
		switch c.Item {
		case "unicorn":
			return placed{}, cqrs.Reject(http.StatusConflict, "sold_out", "no %s left", c.Item)
		case "fire":
			return placed{}, errors.New("disk on fire")
		}
		return placed{Order: "o-" + c.Item}, nil
	}}
}
