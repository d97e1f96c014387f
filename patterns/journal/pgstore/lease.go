package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

// Acquire takes the commit lock as well: a fenced commit that was under way has
// ended before the token changes, so the new holder reads all of it.
func (s *store) Acquire(ctx context.Context, lease, holder string, ttl time.Duration) (token int64, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, s.sql.lock, s.key); err != nil {
			return err
		}
		if err := s.prune(ctx, tx, lease); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `INSERT INTO `+s.schema+`.leases AS l (name, holder, token, expires)
			VALUES ($1, $2, 1 + coalesce((SELECT token FROM `+s.schema+`.leases WHERE name = ''), 0), clock_timestamp() + $3::bigint * interval '1 microsecond')
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = l.token + 1, expires = excluded.expires
			WHERE l.holder = excluded.holder OR l.expires <= clock_timestamp() RETURNING token`, lease, holder, ttl.Microseconds()).Scan(&token)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		held := &driver.HeldError{Lease: lease}
		if err := tx.QueryRow(ctx, `SELECT holder, expires FROM `+s.schema+`.leases WHERE name = $1`, lease).Scan(&held.Holder, &held.Expires); err != nil {
			return err
		}
		return held
	})
	return token, wrap("acquire", err)
}

// prune removes what has long expired, but for the lease that is wanted. The row
// without a name keeps the greatest token of those removed, so that tokens go on
// growing should a name come back. The commit lock is held.
func (s *store) prune(ctx context.Context, tx pgx.Tx, wanted string) error {
	const old = `expires < clock_timestamp() - $2::bigint * interval '1 microsecond' AND name NOT IN ('', $1)`
	_, err := tx.Exec(ctx, `INSERT INTO `+s.schema+`.leases AS l (name, holder, token, expires)
		SELECT '', '', max(token), 'infinity' FROM `+s.schema+`.leases WHERE `+old+` HAVING count(*) > 0
		ON CONFLICT (name) DO UPDATE SET token = greatest(l.token, excluded.token)`, wanted, driver.LeaseKeep.Microseconds())
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM `+s.schema+`.leases WHERE `+old, wanted, driver.LeaseKeep.Microseconds())
	}
	return err
}

func (s *store) Renew(ctx context.Context, lease string, token int64, ttl time.Duration) error {
	tag, err := s.pool.Exec(ctx, `UPDATE `+s.schema+`.leases SET expires = clock_timestamp() + $3::bigint * interval '1 microsecond' WHERE name = $1 AND token = $2`, lease, token, ttl.Microseconds())
	if err != nil || tag.RowsAffected() == 1 {
		return wrap("renew", err)
	}
	fenced := &driver.FencedError{Lease: lease, Token: token}
	err = s.pool.QueryRow(ctx, `SELECT token FROM `+s.schema+`.leases WHERE name = $1`, lease).Scan(&fenced.Current)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return wrap("renew", err)
	}
	return fenced
}

// Release ends the lease and keeps its row, so that its token goes on growing.
func (s *store) Release(ctx context.Context, lease string, token int64) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, s.sql.lock, s.key); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE `+s.schema+`.leases SET expires = '-infinity', token = token + 1 WHERE name = $1 AND token = $2`, lease, token)
		return err
	})
	return wrap("release", err)
}

func (s *store) Leases(ctx context.Context, prefix string) ([]driver.Lease, error) {
	rows, err := s.pool.Query(ctx, `SELECT name, holder, token, expires <= clock_timestamp(), greatest(expires, 'epoch') FROM `+s.schema+`.leases WHERE starts_with(name, $1) AND name <> '' ORDER BY name`, prefix)
	if err != nil {
		return nil, wrap("leases", err)
	}
	out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (l driver.Lease, err error) {
		err = r.Scan(&l.Name, &l.Holder, &l.Token, &l.Expired, &l.Expires)
		l.Expires = l.Expires.UTC()
		return l, err
	})
	return out, wrap("leases", err)
}

func wrap(what string, err error) error {
	var held *driver.HeldError
	if err == nil || errors.As(err, &held) {
		return err
	}
	return fmt.Errorf("pgstore: %s: %w", what, err)
}
