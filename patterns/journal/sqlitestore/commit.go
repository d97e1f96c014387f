package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

// Commit writes the group in one immediate transaction. SQLite makes a commit
// visible to readers only after the WAL is synced.
func (s *store) Commit(ctx context.Context, now time.Time, group []driver.Unit) ([]driver.Result, error) {
	release, err := s.hold(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if s.broken != nil {
		return nil, fmt.Errorf("%w: %w", driver.ErrBroken, s.broken)
	}
	results := make([]driver.Result, len(group))
	err = s.transact(ctx, func() error {
		if err := s.look(ctx); err != nil {
			return err
		}
		for i := range group {
			if err := s.unit(ctx, now, &group[i], &results[i]); err != nil {
				return err
			}
		}
		return s.rows.flush(ctx, s.w)
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// transact runs f in a write transaction; on an error nothing of it remains,
// and what the store remembers is read anew next time.
func (s *store) transact(ctx context.Context, f func() error) error {
	ctx = context.WithoutCancel(ctx) // an interrupted COMMIT would leave its outcome open
	_, err := s.st.begin.ExecContext(ctx)
	if err == nil {
		if err = f(); err == nil {
			if _, err = s.st.commit.ExecContext(ctx); err == nil {
				return nil
			}
		}
		_, _ = s.st.rollback.ExecContext(ctx) // SQLite may have rolled back already
	}
	s.rows.forget()
	s.versions.forget()
	s.head = -1
	return s.classify(err)
}

// look notices what other processes wrote since our last commit.
func (s *store) look(ctx context.Context) error {
	var head int64
	if err := s.st.head.QueryRowContext(ctx).Scan(&head); err != nil {
		return err
	}
	if head != s.head {
		s.versions.forget()
		s.head = head
	}
	return nil
}

func (s *store) unit(ctx context.Context, now time.Time, u *driver.Unit, res *driver.Result) error {
	version, ok := s.versions.get(u.Stream)
	if !ok {
		if err := s.st.version.QueryRowContext(ctx, u.Stream).Scan(&version); err != nil {
			return err
		}
		s.versions.put(u.Stream, version)
	}
	res.Version = version
	if u.Fence != nil {
		var token int64
		if err := s.st.token.QueryRowContext(ctx, u.Fence.Lease).Scan(&token); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if token != u.Fence.Token {
			res.Err = &driver.FencedError{Lease: u.Fence.Lease, Token: u.Fence.Token, Current: token}
			return nil
		}
	}
	if version > 0 {
		if done, err := s.repeated(ctx, u, res); done || err != nil {
			return err
		}
	}
	if u.Expected != driver.Any && u.Expected != version {
		res.Err = &driver.ConflictError{Stream: u.Stream, Expected: u.Expected, Actual: version}
		return nil
	}
	res.First = s.head + 1
	for i := range u.Records {
		r := &u.Records[i]
		s.head++
		version++
		s.rows.add(s.head, u.Stream, version, r, now)
	}
	res.Last, res.Version = s.head, version
	s.versions.put(u.Stream, version)
	return nil
}

// repeated answers a unit whose record IDs are in the stream already.
func (s *store) repeated(ctx context.Context, u *driver.Unit, res *driver.Result) (bool, error) {
	var first, last int64
	var id string
	named, found := 0, 0
	for i := range u.Records {
		if u.Records[i].ID == "" {
			continue
		}
		if named++; named == 1 { // they may be among this group's own
			if err := s.rows.flush(ctx, s.w); err != nil {
				return false, err
			}
		}
		var p int64
		err := s.st.repeat.QueryRowContext(ctx, u.Stream, u.Records[i].ID).Scan(&p)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return false, err
		}
		if found == 0 || p < first {
			first, id = p, u.Records[i].ID
		}
		last = max(last, p)
		found++
	}
	switch {
	case found == 0:
		return false, nil
	case found < named:
		res.Err = &driver.DuplicateError{Stream: u.Stream, ID: id, Position: first}
	default:
		res.First, res.Last, res.Repeated = first, last, true
	}
	return true, nil
}

// classify says what an error of SQLite means for the group.
func (s *store) classify(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch code := e.Code(); {
	case code == sqlite3.SQLITE_IOERR_FSYNC || code == sqlite3.SQLITE_IOERR_DIR_FSYNC || code&0xff == sqlite3.SQLITE_CORRUPT || code&0xff == sqlite3.SQLITE_NOTADB:
		// After a failed sync the kernel may have dropped the pages and call them
		// clean: a later sync would succeed over lost data.
		s.broken = err
		return fmt.Errorf("%w: %w", driver.ErrBroken, err)
	case code&0xff == sqlite3.SQLITE_FULL || code&0xff == sqlite3.SQLITE_IOERR || code&0xff == sqlite3.SQLITE_BUSY || code&0xff == sqlite3.SQLITE_LOCKED ||
		code&0xff == sqlite3.SQLITE_READONLY || code&0xff == sqlite3.SQLITE_CANTOPEN || code&0xff == sqlite3.SQLITE_NOMEM:
		return fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
	}
	return err
}
