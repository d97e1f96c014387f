package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/internal/sqldb"
)

// SQLiteStore is an outbox table in SQLite, for a relay.
//
// SQLite cannot notify: Wake, called after a commit, ends the relay's sleep in
// this process; messages of other processes wait for RelayOptions.Poll. Several
// relays on one file take turns by a lease of LeaseTTL in the table.
type SQLiteStore struct {
	db   *sql.DB
	box  *Outbox
	wake chan struct{}
}

// LeaseTTL is how long a relay on SQLite that died keeps others waiting. The
// leader renews its lease with every turn, hence RelayOptions.Poll must be
// shorter: keep it at its default or below.
const LeaseTTL = 15 * time.Second

var _ Store = (*SQLiteStore)(nil)

// SQLite returns the relay's store for the outbox of db.
func SQLite(db *sql.DB, box *Outbox) *SQLiteStore {
	return &SQLiteStore{db: db, box: box, wake: make(chan struct{}, 1)}
}

// Wake tells the relay that messages may have been committed.
func (s *SQLiteStore) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // it knows already
	}
}

func (s *SQLiteStore) sql(query string) string {
	return DialectSQLite.Rebind(sqldb.Fill(query, s.box.table))
}

// Trim removes messages that were sent longer than keep ago.
func (s *SQLiteStore) Trim(ctx context.Context, keep time.Duration) (int64, error) {
	res, err := s.db.ExecContext(ctx, s.sql(`DELETE FROM {t}_sent WHERE sent_at < $1`), time.Now().Add(-keep).UnixMilli())
	if err != nil {
		return 0, fmt.Errorf("outbox: trim %s_sent: %w", s.box.table, err)
	}
	return res.RowsAffected()
}

// Lead waits until no other relay's lease is in force.
func (s *SQLiteStore) Lead(ctx context.Context) (Session, error) {
	se := &sqliteSession{store: s, holder: newID()}
	for {
		err := se.in(ctx, func(*sql.Tx) error { return nil })
		if !errors.Is(err, errNotLeader) {
			return se, err
		}
		if err := sleep(ctx, LeaseTTL/10); err != nil {
			return nil, err
		}
	}
}

var errNotLeader = errors.New("another relay leads")

type sqliteSession struct {
	store  *SQLiteStore
	holder string
}

// in runs f in a transaction that holds, or renews, the lease.
func (s *sqliteSession) in(ctx context.Context, f func(tx *sql.Tx) error) (err error) {
	tx, err := s.store.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("outbox: relay of %s: %w", s.store.box.table, err)
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback() // the first error is the one to tell
			err = fmt.Errorf("outbox: relay of %s: %w", s.store.box.table, err)
		}
	}()
	now := time.Now()
	res, err := tx.ExecContext(ctx, s.store.sql(`INSERT INTO {t}_lease (one, holder, until) VALUES (1, $1, $2)
		ON CONFLICT (one) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE holder = excluded.holder OR until < $3`),
		s.holder, now.Add(LeaseTTL).UnixMilli(), now.UnixMilli())
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errNotLeader)
	}
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *sqliteSession) Turn(ctx context.Context, t Turn) (rows []Row, err error) {
	err = s.in(ctx, func(tx *sql.Tx) error {
		if err := s.finish(ctx, tx, t); err != nil {
			return err
		}
		rows, err = s.read(ctx, tx, t)
		return err
	})
	return rows, err
}

func (s *sqliteSession) finish(ctx context.Context, tx *sql.Tx, t Turn) error {
	if len(t.Done) == 0 {
		return nil
	}
	done, err := json.Marshal(t.Done)
	if err != nil {
		return err
	}
	if t.Keep {
		if _, err := tx.ExecContext(ctx, s.store.sql(`INSERT INTO {t}_sent (id, message_id, topic, key, headers, body, staged_at, sent_at)
			SELECT id, message_id, topic, key, headers, body, staged_at, $2 FROM {t} WHERE id IN (SELECT value FROM json_each($1))`), string(done), time.Now().UnixMilli()); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, s.store.sql(`DELETE FROM {t} WHERE id IN (SELECT value FROM json_each($1))`), string(done))
	return err
}

func (s *sqliteSession) read(ctx context.Context, tx *sql.Tx, t Turn) (rows []Row, err error) {
	if t.Limit == 0 {
		return nil, nil
	}
	flying, held := set(t.InFlight), set(t.Held)
	r, err := tx.QueryContext(ctx, s.store.sql(`SELECT id, message_id, topic, key, headers, body, staged_at, attempts FROM {t} WHERE key IS NOT NULL OR due_at IS NULL OR due_at <= $1 ORDER BY id`), time.Now().UnixMilli())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for size := 0; len(rows) < t.Limit && r.Next(); {
		row := Row{Lane: NoLane}
		var headers sql.NullString
		var staged int64
		if err := r.Scan(&row.Number, &row.ID, &row.Topic, &row.Key, &headers, &row.Body, &staged, &row.Attempts); err != nil {
			return nil, err
		}
		if row.Key != nil {
			row.Lane = lane(row.Topic, row.Key)
		}
		if flying[row.Number] || held[row.Lane] {
			continue
		}
		if size += len(row.Body); size > t.Bytes && len(rows) > 0 {
			break
		}
		if row.Headers, err = DecodeHeaders(headers.String); err != nil {
			return nil, fmt.Errorf("message %s: %w", row.ID, err)
		}
		row.Time = time.UnixMilli(staged)
		rows = append(rows, row)
	}
	return rows, r.Err()
}

func (s *sqliteSession) Fail(ctx context.Context, number int64, cause string, due time.Duration) error {
	return s.in(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, s.store.sql(`UPDATE {t} SET attempts = attempts + 1, error = $2, due_at = $3 WHERE id = $1`), number, cause, time.Now().Add(due).UnixMilli())
		return err
	})
}

func (s *sqliteSession) Park(ctx context.Context, number int64, cause string) error {
	return s.in(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, s.store.sql(`INSERT OR REPLACE INTO {t}_parked (message_id, topic, key, headers, body, staged_at, attempts, error, parked_at)
			SELECT message_id, topic, key, headers, body, staged_at, attempts + 1, $2, $3 FROM {t} WHERE id = $1`), number, cause, time.Now().UnixMilli()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, s.store.sql(`DELETE FROM {t} WHERE id = $1`), number)
		return err
	})
}

func (s *sqliteSession) Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.store.wake:
	case <-t.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// Close gives the lease back.
func (s *sqliteSession) Close() error {
	_, err := s.store.db.ExecContext(context.Background(), s.store.sql(`DELETE FROM {t}_lease WHERE holder = $1`), s.holder)
	return err
}

// Parked lists the parked messages, oldest first.
func (s *SQLiteStore) Parked(ctx context.Context, after string, limit int) (list []Parked, err error) {
	r, err := s.db.QueryContext(ctx, s.sql(`SELECT message_id, topic, key, headers, body, staged_at, attempts, coalesce(error, ''), parked_at FROM {t}_parked
		WHERE $1 = '' OR (parked_at, message_id) > (SELECT parked_at, message_id FROM {t}_parked WHERE message_id = $1) ORDER BY parked_at, message_id LIMIT $2`), after, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for r.Next() {
		var p Parked
		var headers sql.NullString
		var staged, parked int64
		if err := r.Scan(&p.ID, &p.Topic, &p.Key, &headers, &p.Body, &staged, &p.Attempts, &p.Error, &parked); err != nil {
			return nil, err
		}
		if p.Headers, err = DecodeHeaders(headers.String); err != nil {
			return nil, err
		}
		p.Time, p.Parked = time.UnixMilli(staged), time.UnixMilli(parked)
		list = append(list, p)
	}
	return list, r.Err()
}

// Unpark stages a parked message again.
func (s *SQLiteStore) Unpark(ctx context.Context, id string) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	res, err := tx.ExecContext(ctx, s.sql(`INSERT INTO {t} (message_id, topic, key, headers, body, staged_at) SELECT message_id, topic, key, headers, body, staged_at FROM {t}_parked WHERE message_id = $1`), id)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, fmt.Errorf("%s: %w", id, ErrNotParked))
	}
	if _, err := tx.ExecContext(ctx, s.sql(`DELETE FROM {t}_parked WHERE message_id = $1`), id); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	s.Wake()
	return nil
}

func lane(topic string, key []byte) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(topic)) // never fails
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(key)
	return int(h.Sum32() & 1023)
}

func set[T comparable](list []T) map[T]bool {
	m := make(map[T]bool, len(list))
	for _, v := range list {
		m[v] = true
	}
	return m
}
