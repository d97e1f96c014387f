package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

const (
	readSize    = 8 << 20 // bytes of payload in one answer
	readColumns = `SELECT position, stream, version, type, id, final, time, data, meta FROM `
)

func (s *store) Read(ctx context.Context, after int64, limit int) ([]driver.Record, error) {
	return s.query(ctx, readColumns+s.schema+`.records WHERE position > $1 ORDER BY position LIMIT $2`, after, limit)
}

func (s *store) ReadStream(ctx context.Context, stream string, after int64, limit int) ([]driver.Record, error) {
	return s.query(ctx, readColumns+s.schema+`.records WHERE stream = $1 AND version > $2 ORDER BY version LIMIT $3`, stream, after, limit)
}

func (s *store) ReadTypes(ctx context.Context, after, upto int64, types []string, limit int) ([]driver.Record, error) {
	return s.query(ctx, readColumns+s.schema+`.records WHERE position > $1 AND position <= $2 AND type = ANY ($3::text[]) ORDER BY position LIMIT $4`, after, upto, types, limit)
}

func (s *store) query(ctx context.Context, q string, args ...any) ([]driver.Record, error) {
	rows, err := s.pool.Query(ctx, q, args...)
	if err != nil {
		return nil, fmt.Errorf("pgstore: read: %w", err)
	}
	defer rows.Close()
	var out []driver.Record
	for size := 0; rows.Next(); {
		var r driver.Record
		if err := rows.Scan(&r.Position, &r.Stream, &r.Version, &r.Type, &r.ID, &r.Final, &r.Time, &r.Data, &r.Meta); err != nil {
			return nil, fmt.Errorf("pgstore: read: %w", err)
		}
		r.Time = r.Time.UTC()
		out = append(out, r)
		if size += len(r.Data) + len(r.Meta); size >= readSize {
			return out, nil
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("pgstore: read: %w", err)
	}
	return out, nil
}

func (s *store) Head(ctx context.Context) (head int64, err error) {
	if err = s.pool.QueryRow(ctx, s.sql.head).Scan(&head); err != nil {
		return 0, fmt.Errorf("pgstore: head: %w", err)
	}
	return head, nil
}

// Trim spares the stream of the last record, so that the greatest position in
// the table always is the head.
func (s *store) Trim(ctx context.Context, before time.Time, limit int) (removed int, err error) {
	err = s.pool.QueryRow(ctx, `
		WITH gone AS (
			SELECT stream FROM `+s.schema+`.records
			WHERE final AND time < $1 AND position < (SELECT max(position) FROM `+s.schema+`.records)
			ORDER BY time LIMIT $2
		), deleted AS (
			DELETE FROM `+s.schema+`.records r USING gone WHERE r.stream = gone.stream RETURNING 1
		)
		SELECT (SELECT count(*) FROM gone) + 0 * (SELECT count(*) FROM deleted)`, before, limit).Scan(&removed)
	if err != nil {
		return 0, fmt.Errorf("pgstore: trim: %w", err)
	}
	s.trimmed.Store(true)
	return removed, nil
}
