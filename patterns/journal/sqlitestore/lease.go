package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

// The database's clock is the machine's: all processes at one file share it.

func (s *store) Acquire(ctx context.Context, lease, holder string, ttl time.Duration) (token int64, err error) {
	err = s.leaseTx(ctx, func(now time.Time) error {
		if err := s.prune(ctx, lease, now.Add(-driver.LeaseKeep)); err != nil {
			return err
		}
		var l driver.Lease
		var expires int64
		err := s.w.QueryRowContext(ctx, `SELECT holder, token, expires FROM leases WHERE name = ?`, lease).Scan(&l.Holder, &l.Token, &expires)
		if errors.Is(err, sql.ErrNoRows) {
			err = s.w.QueryRowContext(ctx, `SELECT coalesce(max(token), 0) FROM leases WHERE name = ''`).Scan(&l.Token)
		}
		if err != nil {
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

// prune removes what has long expired, but for the lease that is wanted. The row
// without a name keeps the greatest token of those removed, so that tokens go on
// growing should a name come back.
func (s *store) prune(ctx context.Context, wanted string, before time.Time) error {
	_, err := s.w.ExecContext(ctx, `INSERT INTO leases (name, holder, token, expires)
		SELECT '', '', max(token), ?3 FROM leases WHERE expires < ?1 AND name NOT IN ('', ?2) HAVING count(*) > 0
		ON CONFLICT (name) DO UPDATE SET token = max(token, excluded.token)`, before.UnixMicro(), wanted, int64(math.MaxInt64))
	if err == nil {
		_, err = s.w.ExecContext(ctx, `DELETE FROM leases WHERE expires < ?1 AND name NOT IN ('', ?2)`, before.UnixMicro(), wanted)
	}
	return err
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
	rows, err := s.db.QueryContext(ctx, `SELECT name, holder, token, expires FROM leases WHERE substr(name, 1, length(?1)) = ?1 AND name <> '' ORDER BY name`, prefix)
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
