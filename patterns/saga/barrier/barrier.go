// Package barrier makes a saga's action or compensation have exactly one effect
// in the participant's own database, in whatever order and however often its
// calls arrive.
//
//	tx, _ := db.BeginTx(ctx, nil)
//	res, err := barrier.Do(ctx, barrier.SQL(tx), barrier.Key{Saga: c.ID, Step: c.Step}, func() (Reservation, error) {
//		… insert the reservation through tx …
//	})
//	…
//	tx.Commit()
//
// The barrier's row and the effect are one transaction. So:
//
//   - a repeated action is answered with the first one's result;
//   - a repeated compensation does nothing;
//   - a compensation whose action never happened does nothing (empty
//     compensation), and
//   - the action that arrives after it is refused with ErrCompensated (late
//     success), so that it can leave nothing behind.
//
// Two calls of one step at once: the second waits at the row until the first
// one's transaction ends.
//
// Lock and Unlock are semantic locks in the same database: a saga keeps others
// away from what it has half changed, from one step's transaction to a later one's.
package barrier

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// Schema creates the tables, in PostgreSQL and SQLite alike. Run it with the
// participant's own migrations. Rows may be deleted once no call of their saga
// can be on its way any more; created is there for that.
const Schema = `
CREATE TABLE IF NOT EXISTS saga_barrier (
	saga    text NOT NULL,
	step    text NOT NULL,
	side    text NOT NULL,             -- do, undo
	made_by text NOT NULL,             -- do, undo: undo closes the way for an action that is late
	result  text,
	created timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
	PRIMARY KEY (saga, step, side)
);
CREATE TABLE IF NOT EXISTS saga_lock (
	resource text NOT NULL PRIMARY KEY,
	saga     text NOT NULL,
	created  timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);`

// Key names a step of a saga: saga.Call's ID and Step.
type Key struct{ Saga, Step string }

// ErrCompensated answers an action that arrives after its compensation. Give it
// back to the saga as it is, or wrapped by saga.Refuse: nothing was done.
var ErrCompensated = errors.New("barrier: the step is compensated already; its action comes too late and does nothing")

// Tx is the participant's transaction: [SQL] makes one of database/sql,
// package pgxbarrier one of pgx. Placeholders are $1, $2 …
type Tx interface {
	// Exec returns how many rows it changed.
	Exec(ctx context.Context, query string, args ...any) (int64, error)
	// QueryRow scans one row; found is false when there is none.
	QueryRow(ctx context.Context, query string, args []any, dest ...any) (found bool, err error)
}

// Do calls act unless the action happened already, and returns its result, or
// the one that was recorded then. Out is kept as JSON. On an error roll the
// transaction back.
func Do[Out any](ctx context.Context, tx Tx, k Key, act func() (Out, error)) (out Out, err error) {
	if err := k.check(); err != nil {
		return out, err
	}
	first, err := enter(ctx, tx, k, "do", "do")
	if err != nil {
		return out, err
	}
	if !first {
		return recorded[Out](ctx, tx, k)
	}
	if out, err = act(); err != nil {
		return out, err
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return out, fmt.Errorf("barrier: the result of step %s of saga %s cannot be kept as JSON: %w", k.Step, k.Saga, err)
	}
	_, err = tx.Exec(ctx, `UPDATE saga_barrier SET result = $1 WHERE saga = $2 AND step = $3 AND side = 'do'`, string(raw), k.Saga, k.Step)
	return out, k.wrap(err)
}

func recorded[Out any](ctx context.Context, tx Tx, k Key) (out Out, err error) {
	var by string
	var raw sql.NullString
	found, err := tx.QueryRow(ctx, `SELECT made_by, result FROM saga_barrier WHERE saga = $1 AND step = $2 AND side = 'do'`, []any{k.Saga, k.Step}, &by, &raw)
	switch {
	case err != nil:
		return out, k.wrap(err)
	case !found: // the row that we met was rolled back since
		return out, k.wrap(errors.New("another call of this step failed at the same moment; call again"))
	case by == "undo":
		return out, fmt.Errorf("saga %s, step %s: %w", k.Saga, k.Step, ErrCompensated)
	case !raw.Valid:
		return out, nil
	}
	return out, k.wrap(json.Unmarshal([]byte(raw.String), &out))
}

// Undo calls act if the action happened and is not undone yet. On an error roll
// the transaction back.
func Undo(ctx context.Context, tx Tx, k Key, act func() error) error {
	if err := k.check(); err != nil {
		return err
	}
	empty, err := enter(ctx, tx, k, "do", "undo")
	if err != nil {
		return err
	}
	first, err := enter(ctx, tx, k, "undo", "undo")
	if err != nil || empty || !first {
		return err
	}
	// A row that an earlier empty compensation made is no action to undo; its
	// own row of the side undo was made with it, so first is false then.
	return act()
}

// enter adds a row and reports whether it is the first.
func enter(ctx context.Context, tx Tx, k Key, side, by string) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO saga_barrier (saga, step, side, made_by) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, k.Saga, k.Step, side, by)
	return n == 1, k.wrap(err)
}

func (k Key) check() error {
	if k.Saga == "" || k.Step == "" {
		return fmt.Errorf("barrier: key %+v lacks the saga or the step; fill it from the saga.Call", k)
	}
	return nil
}

func (k Key) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("barrier: saga %s, step %s: %w", k.Saga, k.Step, err)
}

// LockedError says which saga holds a resource.
type LockedError struct{ Resource, Holder, Saga string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("barrier: %s is locked by saga %s; saga %s tries again when it has ended", e.Resource, e.Holder, e.Saga)
}

// Lock takes a semantic lock for the saga in this transaction: from its commit on
// until Unlock, other sagas get a *LockedError. Taking it again is no error. Return the
// error to the saga unmarked, and the step is retried until the lock is free.
func Lock(ctx context.Context, tx Tx, saga, resource string) error {
	n, err := tx.Exec(ctx, `INSERT INTO saga_lock (resource, saga) VALUES ($1, $2) ON CONFLICT DO NOTHING`, resource, saga)
	if err != nil || n == 1 {
		return lockErr(resource, err)
	}
	var holder string
	found, err := tx.QueryRow(ctx, `SELECT saga FROM saga_lock WHERE resource = $1`, []any{resource}, &holder)
	switch {
	case err != nil:
		return lockErr(resource, err)
	case found && holder == saga:
		return nil
	}
	return &LockedError{Resource: resource, Holder: holder, Saga: saga}
}

// Unlock gives the lock free with this transaction's commit. A lock that the saga
// does not hold is no error: compensations may come without their action.
func Unlock(ctx context.Context, tx Tx, saga, resource string) error {
	_, err := tx.Exec(ctx, `DELETE FROM saga_lock WHERE resource = $1 AND saga = $2`, resource, saga)
	return lockErr(resource, err)
}

func lockErr(resource string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("barrier: lock on %s: %w", resource, err)
}
