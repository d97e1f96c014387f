package pgstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

type statements struct{ lock, insert, head, versions, repeated, tokens, at string }

func newStatements(s string) statements {
	return statements{
		lock: `SELECT pg_advisory_xact_lock($1)`,
		// $1 is the head that the numbering assumed. The lock is held, and this
		// statement's snapshot is younger than it: the test is exact.
		insert: `INSERT INTO ` + s + `.records (position, stream, version, type, id, final, time, data, meta)
			SELECT $1::bigint + n, stream, version, type, id, final, $2::timestamptz, data, meta
			FROM unnest($3::text[], $4::bigint[], $5::text[], $6::text[], $7::boolean[], $8::bytea[], $9::bytea[])
				WITH ORDINALITY AS u (stream, version, type, id, final, data, meta, n)
			WHERE NOT EXISTS (SELECT FROM ` + s + `.records WHERE position > $1)
			ORDER BY n`,
		head:     `SELECT coalesce(max(position), 0) FROM ` + s + `.records`,
		versions: `SELECT s, (SELECT r.version FROM ` + s + `.records r WHERE r.stream = s ORDER BY r.version DESC LIMIT 1) FROM unnest($1::text[]) AS s`,
		repeated: `SELECT r.stream, r.id, r.position FROM unnest($1::text[], $2::text[]) AS u (stream, id) JOIN ` + s + `.records r ON r.stream = u.stream AND r.id = u.id AND r.id <> ''`,
		tokens:   `SELECT name, token FROM ` + s + `.leases WHERE name = ANY ($1::text[])`,
		at:       `SELECT stream, version, type, id, time FROM ` + s + `.records WHERE position = $1`,
	}
}

var errMoved = errors.New("another process wrote")

// Commit tries the group in one round trip and, when another process wrote in
// between, again under the lock.
func (s *store) Commit(ctx context.Context, now time.Time, group []driver.Unit) ([]driver.Result, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Timeout)
	defer cancel()
	now = now.UTC().Truncate(time.Microsecond)
	if s.trimmed.Swap(false) {
		s.versions.forget()
	}
	if s.closed() {
		s.drop()
		if err := s.connect(ctx); err != nil {
			return nil, err
		}
	}
	results := make([]driver.Result, len(group))
	err := errMoved
	if s.head >= 0 {
		err = s.quick(ctx, now, group, results)
	}
	if errors.Is(err, errMoved) || violates(err) {
		s.forget()
		err = s.thorough(ctx, now, group, results)
	}
	if err != nil {
		return nil, err
	}
	s.notify.moved(s.head)
	return results, nil
}

// quick assumes that nobody else wrote since: what this store remembers holds.
func (s *store) quick(ctx context.Context, now time.Time, group []driver.Unit, results []driver.Result) error {
	k, n := gather(group, &s.versions, false)
	if len(n.leases) > 0 {
		return errMoved // a lease may pass on without a record; only the lock makes sure
	}
	if len(n.streams) > 0 {
		b := &pgx.Batch{}
		s.ask(b, n)
		br := s.w.SendBatch(ctx, b)
		err := n.answer(br, k)
		if cerr := br.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return s.failed(err)
		}
	}
	cols := &s.cols
	defer cols.reset() // the group is not kept
	head := plan(group, s.head, k, cols, results)
	for i := range results {
		if results[i].Err != nil || results[i].Repeated {
			return errMoved // refused only on the newest state
		}
	}
	b := &pgx.Batch{}
	b.Queue(s.sql.lock, s.key)
	s.insert(b, now, s.head, cols)
	br := s.w.SendBatch(ctx, b)
	if _, err := br.Exec(); err != nil {
		_ = br.Close()
		return s.unsure(err, s.head, now, head, cols)
	}
	tag, err := br.Exec()
	if cerr := br.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return s.unsure(err, s.head, now, head, cols)
	}
	if tag.RowsAffected() == 0 {
		return errMoved
	}
	s.learn(head, k)
	return nil
}

// thorough takes the lock first and reads everything anew.
func (s *store) thorough(ctx context.Context, now time.Time, group []driver.Unit, results []driver.Result) error {
	k, n := gather(group, nil, true)
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue(s.sql.lock, s.key)
	b.Queue(s.sql.head)
	s.ask(b, n)
	br := s.w.SendBatch(ctx, b)
	var head int64
	err := func() error {
		for range 2 {
			if _, err := br.Exec(); err != nil {
				return err
			}
		}
		if err := br.QueryRow().Scan(&head); err != nil {
			return err
		}
		return n.answer(br, k)
	}()
	if cerr := br.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return s.rollback(ctx, err)
	}
	cols := &s.cols
	defer cols.reset() // the group is not kept
	newHead := plan(group, head, k, cols, results)
	b = &pgx.Batch{}
	if newHead > head {
		s.insert(b, now, head, cols)
	}
	b.Queue("COMMIT")
	br = s.w.SendBatch(ctx, b)
	for range b.Len() {
		if _, err = br.Exec(); err != nil {
			break
		}
	}
	if cerr := br.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return s.unsure(s.rollback(ctx, err), head, now, newHead, cols)
	}
	s.learn(newHead, k)
	return nil
}

func (s *store) insert(b *pgx.Batch, now time.Time, head int64, c *columns) {
	b.Queue(s.sql.insert, head, now, c.stream, c.version, c.kind, c.id, c.final, c.data, c.meta)
}

func (s *store) ask(b *pgx.Batch, n *needs) {
	if len(n.streams) > 0 {
		b.Queue(s.sql.versions, n.streams)
	}
	if len(n.ids) > 0 { // only asked under the lock; the quick way leaves it to the unique index
		b.Queue(s.sql.repeated, n.idStream, n.ids)
	}
	if len(n.leases) > 0 {
		b.Queue(s.sql.tokens, n.leases)
	}
}

func (n *needs) answer(br pgx.BatchResults, k *known) error {
	if len(n.streams) > 0 {
		var stream string
		var version *int64
		if err := each(br, func() {
			if version != nil {
				k.versions[stream] = *version
			}
		}, &stream, &version); err != nil {
			return err
		}
	}
	if len(n.ids) > 0 {
		var key [2]string
		var position int64
		if err := each(br, func() { k.repeated[key] = position }, &key[0], &key[1], &position); err != nil {
			return err
		}
	}
	if len(n.leases) > 0 {
		var name string
		var token int64
		return each(br, func() { k.tokens[name] = token }, &name, &token)
	}
	return nil
}

func each(br pgx.BatchResults, f func(), dst ...any) error {
	rows, err := br.Query()
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, dst, func() error { f(); return nil })
	return err
}

func (s *store) learn(head int64, k *known) {
	s.head = head
	for stream, v := range k.versions {
		s.versions.put(stream, v)
	}
}

func violates(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23505"
}

// rollback ends a failed transaction and returns err.
func (s *store) rollback(ctx context.Context, err error) error {
	if s.closed() {
		return err
	}
	if _, rerr := s.w.Exec(ctx, "ROLLBACK"); rerr != nil {
		s.drop()
	}
	return err
}

// failed says what an error means while nothing can have been committed.
func (s *store) failed(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		s.forget()
		switch e.Code[:2] {
		case "53", "57", "58", "08", "25", "40", "55": // resources, operator, system, connection, read-only, rollback, lock
			if e.Severity == "FATAL" || e.Severity == "PANIC" || s.closed() {
				s.drop()
			}
			return fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
		}
		return err
	}
	s.drop()
	return fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
}

// unsure says what an error means after a commit was sent. When the server
// answered with an error, nothing is committed. When the connection broke, the
// answer is looked up: on a new connection, the lock is had only after the old
// connection's transaction has ended, and then the records are there or not.
func (s *store) unsure(err error, old int64, now time.Time, head int64, c *columns) error {
	var e *pgconn.PgError
	answered := errors.As(err, &e) && e.Severity == "ERROR"
	if answered && e.Code == "23505" {
		return err
	}
	failed := s.failed(err)
	if answered || len(c.stream) == 0 {
		return failed
	}
	found, lerr := s.lookup(old, now, c)
	switch {
	case lerr != nil:
		return fmt.Errorf("%w: %w; looking it up: %w", driver.ErrUnknown, err, lerr)
	case found:
		s.head = head
		return nil
	}
	return failed
}

// lookup finds out whether the records numbered from head on are committed.
func (s *store) lookup(head int64, now time.Time, c *columns) (bool, error) {
	deadline := time.Now().Add(s.o.Timeout)
	for {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		found, err := s.lookupOnce(ctx, head, now, c)
		cancel()
		var ne net.Error
		if err == nil || time.Now().After(deadline) || !(errors.Is(err, driver.ErrUnavailable) || errors.As(err, &ne)) {
			return found, err
		}
		s.drop()
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *store) lookupOnce(ctx context.Context, head int64, now time.Time, c *columns) (found bool, err error) {
	if s.w == nil {
		if err := s.connect(ctx); err != nil {
			return false, err
		}
	}
	tx, err := s.w.Begin(ctx)
	if err != nil {
		return false, fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
	}
	defer func() {
		if rerr := tx.Rollback(ctx); rerr != nil {
			s.drop()
		}
	}()
	if _, err := tx.Exec(ctx, s.sql.lock, s.key); err != nil {
		return false, fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
	}
	var stream, kind, id string
	var version int64
	var at time.Time
	err = tx.QueryRow(ctx, s.sql.at, head+1).Scan(&stream, &version, &kind, &id, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
	}
	return stream == c.stream[0] && version == c.version[0] && kind == c.kind[0] && id == c.id[0] && at.Equal(now), nil
}
