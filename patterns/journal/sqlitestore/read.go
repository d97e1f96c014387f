package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

const (
	columns  = `SELECT position, stream, version, type, id, final, time, data, meta FROM records `
	readSize = 8 << 20 // bytes of payload in one answer
)

func (s *store) Read(ctx context.Context, after int64, limit int) ([]driver.Record, error) {
	return s.query(ctx, columns+`WHERE position > ? ORDER BY position LIMIT ?`, after, limit)
}

func (s *store) ReadStream(ctx context.Context, stream string, after int64, limit int) ([]driver.Record, error) {
	return s.query(ctx, columns+`WHERE stream = ? AND version > ? ORDER BY version LIMIT ?`, stream, after, limit)
}

func (s *store) ReadTypes(ctx context.Context, after, upto int64, types []string, limit int) ([]driver.Record, error) {
	args := []any{after, upto}
	for _, t := range types {
		args = append(args, t)
	}
	in := strings.TrimSuffix(strings.Repeat("?,", len(types)), ",")
	return s.query(ctx, columns+`WHERE position > ? AND position <= ? AND type IN (`+in+`) ORDER BY position LIMIT ?`, append(args, limit)...)
}

func (s *store) query(ctx context.Context, q string, args ...any) ([]driver.Record, error) {
	rows, err := s.db.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: read: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []driver.Record
	for size := 0; size < readSize && rows.Next(); {
		var r driver.Record
		var micros int64
		if err := rows.Scan(&r.Position, &r.Stream, &r.Version, &r.Type, &r.ID, &r.Final, &micros, &r.Data, &r.Meta); err != nil {
			return nil, fmt.Errorf("sqlitestore: read: %w", err)
		}
		r.Time = time.UnixMicro(micros).UTC()
		size += len(r.Data) + len(r.Meta)
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("sqlitestore: read: %w", err)
	}
	return out, nil
}

func (s *store) Head(ctx context.Context) (head int64, err error) {
	if err = s.db.QueryRowContext(ctx, `SELECT coalesce(max(position), 0) FROM records`).Scan(&head); err != nil {
		return 0, fmt.Errorf("sqlitestore: head: %w", err)
	}
	return head, nil
}

// Trim spares the stream of the last record, so that the greatest position in
// the table always is the head.
func (s *store) Trim(ctx context.Context, before time.Time, limit int) (removed int, err error) {
	release, err := s.hold(ctx)
	if err != nil {
		return 0, err
	}
	defer release()
	err = s.transact(ctx, func() error {
		streams, err := s.finished(ctx, before, limit)
		if err != nil {
			return err
		}
		for _, stream := range streams {
			if _, err := s.w.ExecContext(ctx, `DELETE FROM records WHERE stream = ?`, stream); err != nil {
				return err
			}
		}
		removed = len(streams)
		s.versions.forget()
		return nil
	})
	return removed, err
}

func (s *store) finished(ctx context.Context, before time.Time, limit int) (streams []string, err error) {
	rows, err := s.w.QueryContext(ctx, `SELECT stream FROM records WHERE final AND time < ? AND position < (SELECT max(position) FROM records) ORDER BY time LIMIT ?`, before.UnixMicro(), limit)
	if err != nil {
		return nil, err
	}
	defer func(rows *sql.Rows) { _ = rows.Close() }(rows)
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		streams = append(streams, name)
	}
	return streams, rows.Err()
}
