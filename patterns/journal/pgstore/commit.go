package pgstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

type statements struct{ lock, insert, row, head, versions, repeated, tokens, at string }

func newStatements(s string) statements {
	return statements{
		lock: `SELECT pg_advisory_xact_lock($1)`,
		// $1 is the head that the numbering assumed. The lock is held, and this
		// statement's snapshot is younger than it: the test is exact.
		insert: `INSERT INTO ` + s + `.records (position, stream, version, type, id, final, time, data, meta)
			SELECT position, stream, version, type, id, final, time, data, meta FROM unnest($2::` + s + `.incoming[])
			WHERE NOT EXISTS (SELECT FROM ` + s + `.records WHERE position > $1::bigint)`,
		row:      `SELECT ($1::text || '.incoming')::regtype::oid`,
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
	if s.row == 0 {
		if err := s.arm(ctx); err != nil {
			return nil, s.failed(err)
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
	k := &s.known
	n := k.gather(group, &s.versions, false)
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
	m := &s.image
	m.reset(s.row, now)
	head := plan(group, s.head, k, m, results)
	for i := range results {
		if results[i].Err != nil || results[i].Repeated {
			return errMoved // refused only on the newest state
		}
	}
	b := &pgconn.Batch{}
	b.ExecPrepared(lockStatement, [][]byte{number(s.key)}, binaryFormat, nil)
	s.insert(b, s.head)
	affected, err := run(ctx, s.w, b)
	if err != nil {
		return s.unsure(err, s.head, now, head)
	}
	if affected == 0 {
		return errMoved
	}
	s.learn(head, k)
	return nil
}

// thorough takes the lock first and reads everything anew.
func (s *store) thorough(ctx context.Context, now time.Time, group []driver.Unit, results []driver.Result) error {
	k := &s.known
	n := k.gather(group, nil, true)
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
	m := &s.image
	m.reset(s.row, now)
	newHead := plan(group, head, k, m, results)
	pb := &pgconn.Batch{}
	if newHead > head {
		s.insert(pb, head)
	}
	pb.ExecParams("COMMIT", nil, nil, nil, nil)
	if _, err := run(ctx, s.w, pb); err != nil {
		return s.unsure(s.rollback(ctx, err), head, now, newHead)
	}
	s.learn(newHead, k)
	return nil
}

// The statements that every commit runs are prepared by hand, and their
// parameters written by hand: see image.
const (
	lockStatement   = "ashlar_lock"
	insertStatement = "ashlar_insert"
)

var binaryFormat = []int16{pgx.BinaryFormatCode}

// arm prepares the writer's connection for commits.
func (s *store) arm(ctx context.Context) error {
	c := s.w.PgConn()
	for name, sql := range map[string]string{lockStatement: s.sql.lock, insertStatement: s.sql.insert} {
		// The tables may be others by now. One that is not there is no error.
		if err := c.Deallocate(ctx, name); err != nil {
			return err
		}
		if _, err := c.Prepare(ctx, name, sql, nil); err != nil {
			return err
		}
	}
	return s.w.QueryRow(ctx, s.sql.row, s.schema).Scan(&s.row)
}

// insert adds the image to a batch, numbered from the head on.
func (s *store) insert(b *pgconn.Batch, head int64) {
	b.ExecPrepared(insertStatement, [][]byte{number(head), s.image.array()}, binaryFormat, nil)
}

func number(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// run sends a batch in one round trip and returns how many rows were inserted.
func run(ctx context.Context, c *pgx.Conn, b *pgconn.Batch) (inserted int64, err error) {
	r := c.PgConn().ExecBatch(ctx, b)
	for r.NextResult() {
		tag, err := r.ResultReader().Close()
		if err != nil {
			break // Close below returns it
		}
		if tag.Insert() {
			inserted += tag.RowsAffected()
		}
	}
	return inserted, r.Close()
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
		s.row = 0
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
func (s *store) unsure(err error, old int64, now time.Time, head int64) error {
	var e *pgconn.PgError
	answered := errors.As(err, &e) && e.Severity == "ERROR"
	if answered && e.Code == "23505" {
		return err
	}
	failed := s.failed(err)
	if answered || s.image.n == 0 {
		return failed
	}
	found, lerr := s.lookup(old, now)
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
func (s *store) lookup(head int64, now time.Time) (bool, error) {
	deadline := time.Now().Add(s.o.Timeout)
	for {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		found, err := s.lookupOnce(ctx, head, now)
		cancel()
		var ne net.Error
		if err == nil || time.Now().After(deadline) || !(errors.Is(err, driver.ErrUnavailable) || errors.As(err, &ne)) {
			return found, err
		}
		s.drop()
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *store) lookupOnce(ctx context.Context, head int64, now time.Time) (found bool, err error) {
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
	var f first
	var at time.Time
	err = tx.QueryRow(ctx, s.sql.at, head+1).Scan(&f.stream, &f.version, &f.kind, &f.id, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
	}
	return f == s.image.first && at.Equal(now), nil
}
