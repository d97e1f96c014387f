package pgoutbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/outbox"
)

// Advisory locks of the table, beside its 1024 lanes.
const (
	sleepLock = 2000 // see the wake trigger in package outbox
	leadLock  = 2001
)

// session is a connection that holds leadLock: whoever loses the connection
// loses the lead, and PostgreSQL gives it to the next. A second one deletes what
// is published while the first reads on: deleting costs the server as much as
// reading, and is right whoever leads.
type session struct {
	store  *Store
	conn   *pgx.Conn
	sweep  *pgx.Conn
	oid    int64 // of the table, as the first half of lock keys
	asleep bool
	held   []int // of the last turn
}

// ready selects rows that may go out: keyed ones wait in their lane, which the
// relay holds in memory, others until they are due.
const ready = `(lane IS NULL OR lane <> ALL($1::integer[])) AND (lane IS NOT NULL OR due_at IS NULL OR due_at <= now())`

// standby is how often a relay that stands by asks for the lead.
const standby = 250 * time.Millisecond

// Lead waits for the lock in the database.
func (s *Store) Lead(ctx context.Context) (outbox.Session, error) {
	config := s.config.Copy()
	// A relay that stops without a word must not keep the lead: the server
	// probes the connection after 10 s and gives it up after three lost probes.
	for name, value := range map[string]string{
		"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
		"application_name": "ashlar-outbox-relay",
		// What a relay writes is that messages are gone. If a crash of the server
		// forgets it they are published again, which may happen anyway: no need to wait for the disk.
		"synchronous_commit": "off",
		// The table's size changes faster than its statistics: walk the primary key, always.
		"enable_seqscan": "off", "enable_bitmapscan": "off", "enable_sort": "off", "jit": "off",
	} {
		if _, set := config.RuntimeParams[name]; !set {
			config.RuntimeParams[name] = value
		}
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("pgoutbox: relay: %w", err)
	}
	se := &session{store: s, conn: conn, held: []int{}}
	err = se.begin(ctx)
	if err == nil {
		se.sweep, err = pgx.ConnectConfig(ctx, config) // now that it leads: those that stand by have one each
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pgoutbox: relay of %s: %w", s.box.Table(), err), se.Close())
	}
	return se, nil
}

func (s *session) begin(ctx context.Context) error {
	if err := s.conn.QueryRow(ctx, `SELECT $1::text::regclass::oid::bigint`, s.store.box.Table()).Scan(&s.oid); err != nil {
		return fmt.Errorf("%w; create the table with Migrate", err)
	}
	// A statement that waits inside the server would hold back vacuum for all
	// tables: ask again and again instead.
	for leads := false; ; {
		if err := s.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1::bigint::oid::integer, $2)`, s.oid, leadLock).Scan(&leads); err != nil {
			return err
		}
		if leads {
			break
		}
		select {
		case <-time.After(standby):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	_, err := s.conn.Exec(ctx, s.store.sql(`LISTEN {f}`))
	return err
}

// Turn deletes and reads at once, each in one round trip.
func (s *session) Turn(ctx context.Context, t outbox.Turn) (rows []outbox.Row, err error) {
	deleted := make(chan error, 1)
	go func() { deleted <- s.finish(ctx, t) }()
	rows, err = s.read(ctx, t)
	if err = errors.Join(err, <-deleted); err != nil {
		return nil, fmt.Errorf("pgoutbox: relay of %s: %w", s.store.box.Table(), err)
	}
	return rows, nil
}

// finish deletes what is published.
func (s *session) finish(ctx context.Context, t outbox.Turn) error {
	if len(t.Done) == 0 {
		return nil
	}
	done, least, greatest := spans(t.Done)
	which, args := `id BETWEEN $1 AND $2`, []any{least, greatest}
	if gaps(done) {
		which, args = which+` AND id <@ $3::int8multirange`, append(args, done)
	}
	query := `DELETE FROM {t} WHERE ` + which
	if t.Keep {
		query = `WITH d AS (DELETE FROM {t} WHERE ` + which + ` RETURNING *)
			INSERT INTO {t}_sent (id, message_id, topic, key, headers, body, staged_at, sent_at) SELECT id, message_id, topic, key, headers, body, staged_at, now() FROM d`
	}
	_, err := s.sweep.Exec(ctx, s.store.sql(query), args...)
	return err
}

// read leaves out what is published and still there, or on its way.
//
// It begins at the first row each time. To go on behind the last batch would
// break the order of keys: a transaction may commit meanwhile whose numbers lie
// below it, and then another of the same keys whose numbers lie above.
func (s *session) read(ctx context.Context, t outbox.Turn) (rows []outbox.Row, err error) {
	s.held = orEmpty(t.Held)
	var batch pgx.Batch
	if s.asleep {
		batch.Queue(`SELECT pg_advisory_unlock($1::bigint::oid::integer, $2)`, s.oid, sleepLock)
		s.asleep = false
	}
	if t.Limit > 0 {
		taken, least, greatest := spans(slices.Concat(t.Done, t.InFlight))
		not, args := `NOT id <@ $2::int8multirange`, []any{s.held, taken, t.Limit}
		if !gaps(taken) { // two comparisons a row, where the multirange costs as much as the rest
			not, args = `NOT id BETWEEN $2 AND $4`, []any{s.held, least, t.Limit, greatest}
		}
		batch.Queue(s.store.sql(`SELECT `+columns+` FROM {t}
			WHERE `+ready+` AND `+not+` ORDER BY id LIMIT $3`), args...).Query(func(r pgx.Rows) (err error) {
			rows, err = collect(r, t.Limit, t.Bytes)
			return err
		})
	}
	if batch.Len() == 0 {
		return nil, nil
	}
	err = s.conn.SendBatch(ctx, &batch).Close()
	return rows, err
}

func collect(r pgx.Rows, most, maxBytes int) ([]outbox.Row, error) {
	var d decoder
	if err := d.check(r); err != nil {
		return nil, err
	}
	rows := make([]outbox.Row, 0, min(most, 64)) // an idle relay gets few
	size := 0
	for r.Next() {
		row, err := d.row(r.RawValues())
		if err != nil {
			return nil, err
		}
		if size += len(row.Body); size > maxBytes && len(rows) > 0 {
			r.Close() // the rest is read past and asked for again
			break
		}
		rows = append(rows, row)
	}
	return rows, r.Err()
}

// Fail leaves a keyed row to its lane, which the relay holds in memory.
func (s *session) Fail(ctx context.Context, number int64, cause string, due time.Duration) error {
	_, err := s.conn.Exec(ctx, s.store.sql(`UPDATE {t} SET attempts = attempts + 1, error = $2, due_at = now() + $3::bigint * interval '1 microsecond' WHERE id = $1`), number, cause, due.Microseconds())
	return err
}

func (s *session) Park(ctx context.Context, number int64, cause string) error {
	_, err := s.conn.Exec(ctx, s.store.sql(`WITH d AS (DELETE FROM {t} WHERE id = $1 RETURNING *)
		INSERT INTO {t}_parked (message_id, topic, key, headers, body, staged_at, attempts, error, parked_at)
		SELECT message_id, topic, key, headers, body, staged_at, attempts + 1, $2, clock_timestamp() FROM d
		ON CONFLICT (message_id) DO UPDATE SET attempts = excluded.attempts, error = excluded.error, parked_at = excluded.parked_at`), number, cause)
	return err
}

// While transactions that have staged something are open, the relay looks again
// in short steps instead of sleeping; see the wake trigger in package outbox.
const (
	minLook = time.Millisecond
	maxLook = 50 * time.Millisecond

	lookTimeout = 30 * time.Second
)

func (s *session) Wait(ctx context.Context, d time.Duration) error {
	end := time.Now().Add(d)
	for look := minLook; ; look = min(2*look, maxLook) {
		found, err := s.look(context.WithoutCancel(ctx))
		left := time.Until(end)
		if err != nil || found || left <= 0 {
			return err
		}
		if s.asleep {
			return s.listen(ctx, left)
		}
		if err := s.listen(ctx, min(look, left)); err != nil {
			return err
		}
	}
}

// look tries to fall asleep and then looks for rows: whoever stages after the
// lock is held notifies, and whoever staged before it has committed.
func (s *session) look(ctx context.Context) (found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if !s.asleep {
		if err := s.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1::bigint::oid::integer, $2)`, s.oid, sleepLock).Scan(&s.asleep); err != nil {
			return false, err
		}
	}
	err = s.conn.QueryRow(ctx, s.store.sql(`SELECT EXISTS (SELECT FROM {t} WHERE `+ready+`)`), s.held).Scan(&found)
	return found, err
}

// listen waits for a notification, at most d.
func (s *session) listen(ctx context.Context, d time.Duration) error {
	waitCtx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	_, err := s.conn.WaitForNotification(waitCtx)
	if err != nil && waitCtx.Err() != nil && !s.conn.IsClosed() {
		return ctx.Err()
	}
	return err
}

func (s *session) Close() error {
	err := closeConn(s.conn)
	if s.sweep != nil {
		err = errors.Join(err, closeConn(s.sweep))
	}
	return err
}

// orEmpty keeps an empty list from becoming NULL, which equals nothing.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
