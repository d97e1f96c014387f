package cqrs

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/internal/sqldb"
)

// Key defaults.
const (
	DefaultKeysTable = "ashlar_idempotency"
	DefaultKeysKeep  = 24 * time.Hour
	MaxKey           = 255 // bytes
)

// ErrInFlight says that the first request under a key is still under way: ask
// again later, HTTP 409.
var ErrInFlight = errors.New("cqrs: a request with this idempotency key is under way; repeat it later")

// MismatchError says that a key was used before with another request, HTTP 422.
type MismatchError struct{ Scope, Key string }

func (e *MismatchError) Error() string {
	return fmt.Sprintf("cqrs: idempotency key %q was used before with a different request; draw a new key for a new request", e.Key)
}

// KeyError is a key that cannot be used, HTTP 400.
type KeyError struct{ Key string }

func (e *KeyError) Error() string {
	if e.Key == "" {
		return "cqrs: an idempotency key is missing; draw a random one (a UUID) for each request and keep it when repeating the request"
	}
	return fmt.Sprintf("cqrs: idempotency key of %d bytes: want 1 to %d visible ASCII characters", len(e.Key), MaxKey)
}

// Request is what makes two requests the same.
type Request struct {
	// Scope separates keys of different callers and operations: whoever may use
	// a scope may see the outcomes recorded in it.
	Scope string
	Key   string
	// Fingerprint of the request's content, such as its SHA-256.
	Fingerprint []byte
}

// Outcome is what is recorded under a key and handed to repeats.
type Outcome struct {
	Status int
	Header map[string]string
	Body   []byte
	// Undo: the request was turned down; its outcome is recorded, its effects are not kept.
	Undo bool
}

// KeysOptions of [NewKeys]; nil or zero is the default.
type KeysOptions struct {
	Table string        // default DefaultKeysTable; a schema may stand before it
	Keep  time.Duration // how long outcomes are kept, default DefaultKeysKeep; a later repeat runs again
}

// Keys records outcomes under idempotency keys, in the database that the
// effects are in.
type Keys[Tx any] struct {
	db    Database[Tx]
	table string
	keep  time.Duration

	mu     sync.Mutex
	flying map[string]bool // on SQLite, whose only lock would make repeats wait
}

// NewKeys returns the keys of a database. The table must exist: [Keys.Migrate].
func NewKeys[Tx any](db Database[Tx], opts *KeysOptions) (*Keys[Tx], error) {
	var o KeysOptions
	if opts != nil {
		o = *opts
	}
	if o.Table == "" {
		o.Table = DefaultKeysTable
	}
	if o.Keep == 0 {
		o.Keep = DefaultKeysKeep
	}
	errs := []error{db.Dialect().Validate(), sqldb.CheckName(o.Table)}
	if o.Keep < 0 {
		errs = append(errs, fmt.Errorf("option Keep %v: want more than 0", o.Keep))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("cqrs: keys: %w", err)
	}
	return &Keys[Tx]{db: db, table: o.Table, keep: o.Keep, flying: map[string]bool{}}, nil
}

// Migrate brings the table to a version: Latest, or 0 to remove it.
func (k *Keys[Tx]) Migrate(ctx context.Context, version int) error {
	up := `CREATE TABLE {t} (scope text NOT NULL, key text NOT NULL, fingerprint {bytes} NOT NULL, status integer NOT NULL, header text NOT NULL, body {bytes} NOT NULL, recorded_at bigint NOT NULL, PRIMARY KEY (scope, key));
		CREATE INDEX {f}_recorded_at ON {t} (recorded_at)`
	return migrate(ctx, k.db, k.table, up, version)
}

// migrate creates or removes one component's tables. Times in them are unix milliseconds.
func migrate[Tx any](ctx context.Context, db Database[Tx], table, up string, version int) error {
	bytes := "bytea"
	if db.Dialect() == DialectSQLite {
		bytes = "blob"
	}
	step := sqldb.Step{Up: sqldb.Fill(strings.ReplaceAll(up, "{bytes}", bytes), table), Down: sqldb.Fill(`DROP TABLE {t}`, table)}
	return db.SQL(ctx, func(sqlDB *sql.DB) error {
		return sqldb.Migrate(ctx, sqlDB, db.Dialect(), table, []sqldb.Step{step}, version)
	})
}

func (k *Keys[Tx]) sql(query string) string {
	return k.db.Dialect().Rebind(sqldb.Fill(query, k.table))
}

// Once runs the request in a transaction and records its outcome with it, or
// returns the recorded one. An error of run rolls everything back and records
// nothing: the request may be repeated.
func (k *Keys[Tx]) Once(ctx context.Context, r Request, run func(ctx context.Context, tx Tx) (Outcome, error)) (o Outcome, replayed bool, err error) {
	if !validKey(r.Key) {
		return o, false, &KeyError{r.Key}
	}
	release, err := k.claim(r)
	if err != nil {
		return o, false, err
	}
	defer release()
	err = k.db.Do(ctx, func(ctx context.Context, tx Tx) error {
		if err := k.lock(ctx, tx, r); err != nil {
			return err
		}
		if o, replayed, err = k.lookup(ctx, tx, r); err != nil || replayed {
			return err
		}
		if o, err = k.run(ctx, tx, run); err != nil {
			return err
		}
		return k.record(ctx, tx, r, o)
	})
	if err != nil {
		return Outcome{}, false, err
	}
	return o, replayed, nil
}

func validKey(key string) bool {
	if key == "" || len(key) > MaxKey {
		return false
	}
	for i := range len(key) {
		if key[i] < '!' || key[i] > '~' {
			return false
		}
	}
	return true
}

// claim keeps repeats in this process from waiting for SQLite's write lock.
func (k *Keys[Tx]) claim(r Request) (release func(), err error) {
	if k.db.Dialect() != DialectSQLite {
		return func() {}, nil
	}
	id := r.Scope + "\x00" + r.Key
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.flying[id] {
		return nil, ErrInFlight
	}
	k.flying[id] = true
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.flying, id)
	}, nil
}

// lock takes the key until the end of the transaction, or finds it taken. The
// row is looked up afterwards, so it shows what the former holder committed.
func (k *Keys[Tx]) lock(ctx context.Context, tx Tx, r Request) error {
	if k.db.Dialect() == DialectSQLite {
		return nil
	}
	var free bool
	_, err := k.db.QueryRow(ctx, tx, `SELECT pg_try_advisory_xact_lock(hashtextextended($1 || chr(1) || $2 || chr(1) || $3, 0))`, []any{k.table, r.Scope, r.Key}, &free)
	if err == nil && !free {
		err = ErrInFlight
	}
	return err
}

func (k *Keys[Tx]) lookup(ctx context.Context, tx Tx, r Request) (o Outcome, found bool, err error) {
	var fingerprint []byte
	var header string
	found, err = k.db.QueryRow(ctx, tx, k.sql(`SELECT fingerprint, status, header, body FROM {t} WHERE scope = $1 AND key = $2 AND recorded_at > $3`),
		[]any{r.Scope, r.Key, time.Now().Add(-k.keep).UnixMilli()}, &fingerprint, &o.Status, &header, &o.Body)
	if err != nil || !found {
		return o, false, err
	}
	if !bytes.Equal(fingerprint, r.Fingerprint) {
		return o, false, &MismatchError{Scope: r.Scope, Key: r.Key}
	}
	return o, true, json.Unmarshal([]byte(header), &o.Header)
}

// run undoes the effects of a request that was turned down.
func (k *Keys[Tx]) run(ctx context.Context, tx Tx, run func(ctx context.Context, tx Tx) (Outcome, error)) (o Outcome, err error) {
	if _, err := k.db.Exec(ctx, tx, `SAVEPOINT ashlar_command`); err != nil {
		return o, err
	}
	if o, err = run(ctx, tx); err != nil {
		return o, err
	}
	if o.Undo {
		if _, err := k.db.Exec(ctx, tx, `ROLLBACK TO SAVEPOINT ashlar_command`); err != nil {
			return o, err
		}
	}
	_, err = k.db.Exec(ctx, tx, `RELEASE SAVEPOINT ashlar_command`)
	return o, err
}

func (k *Keys[Tx]) record(ctx context.Context, tx Tx, r Request, o Outcome) error {
	header, err := json.Marshal(o.Header)
	if err != nil {
		return err
	}
	body, fingerprint := o.Body, r.Fingerprint
	if body == nil {
		body = []byte{}
	}
	if fingerprint == nil {
		fingerprint = []byte{}
	}
	// An expired row may still be there.
	_, err = k.db.Exec(ctx, tx, k.sql(`INSERT INTO {t} (scope, key, fingerprint, status, header, body, recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status, header = excluded.header, body = excluded.body, recorded_at = excluded.recorded_at`),
		r.Scope, r.Key, fingerprint, o.Status, string(header), body, time.Now().UnixMilli())
	return err
}

const trimStep = 5000 // rows a transaction, so that no lock is held long

// Trim removes outcomes older than Keep, in small steps, and reports how many.
func (k *Keys[Tx]) Trim(ctx context.Context) (total int64, err error) {
	cut := time.Now().Add(-k.keep).UnixMilli()
	for {
		var n int64
		err := k.db.Do(ctx, func(ctx context.Context, tx Tx) error {
			n, err = k.db.Exec(ctx, tx, k.sql(`DELETE FROM {t} WHERE (scope, key) IN (SELECT scope, key FROM {t} WHERE recorded_at <= $1 LIMIT $2)`), cut, trimStep)
			return err
		})
		total += n
		if err != nil || n < trimStep {
			return total, err
		}
	}
}
