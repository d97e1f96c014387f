package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

// The database's clock is the machine's: all processes at one file share it.

func (s *store) Acquire(ctx context.Context, lease, holder string, ttl time.Duration) (token int64, err error) {
	err = s.leaseTx(ctx, func(now time.Time) error {
		var l driver.Lease
		var expires int64
		err := s.w.QueryRowContext(ctx, `SELECT holder, token, expires FROM leases WHERE name = ?`, lease).Scan(&l.Holder, &l.Token, &expires)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if l.Expires = time.UnixMicro(expires); l.Holder != holder && l.Expires.After(now) {
			return &driver.HeldError{Lease: lease, Holder: l.Holder, Expires: l.Expires}
		}
		token = l.Token + 1
		_, err = s.w.ExecContext(ctx, `INSERT INTO leases (name, holder, token, expires) VALUES (?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = excluded.token, expires = excluded.expires`, lease, holder, token, now.Add(ttl).UnixMicro())
		return err
	})
	return token, err
}

func (s *store) Renew(ctx context.Context, lease string, token int64, ttl time.Duration) error {
	return s.leaseTx(ctx, func(now time.Time) error {
		var current int64
		err := s.w.QueryRowContext(ctx, `SELECT token FROM leases WHERE name = ?`, lease).Scan(&current)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if current != token {
			return &driver.FencedError{Lease: lease, Token: token, Current: current}
		}
		_, err = s.w.ExecContext(ctx, `UPDATE leases SET expires = ? WHERE name = ?`, now.Add(ttl).UnixMicro(), lease)
		return err
	})
}

// Release ends the lease and keeps its row, so that its token goes on growing.
func (s *store) Release(ctx context.Context, lease string, token int64) error {
	return s.leaseTx(ctx, func(time.Time) error {
		_, err := s.w.ExecContext(ctx, `UPDATE leases SET expires = 0, token = token + 1 WHERE name = ? AND token = ?`, lease, token)
		return err
	})
}

func (s *store) Leases(ctx context.Context, prefix string) ([]driver.Lease, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name, holder, token, expires FROM leases WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name`, prefix)
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: leases: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []driver.Lease
	now := time.Now()
	for rows.Next() {
		var l driver.Lease
		var expires int64
		if err := rows.Scan(&l.Name, &l.Holder, &l.Token, &expires); err != nil {
			return nil, fmt.Errorf("sqlitestore: leases: %w", err)
		}
		l.Expires = time.UnixMicro(expires).UTC()
		l.Expired = !l.Expires.After(now)
		out = append(out, l)
	}
	return out, rows.Err()
}

func (s *store) leaseTx(ctx context.Context, f func(now time.Time) error) error {
	release, err := s.hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	return s.transact(ctx, func() error { return f(time.Now()) })
}
