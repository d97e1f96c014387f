package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// statements are the writer's, prepared once: parsing SQL costs as much as
// running it.
type statements struct {
	begin, commit, rollback, head, version, repeat, token *sql.Stmt
}

func (s *statements) prepare(ctx context.Context, c *sql.Conn) error {
	for q, p := range map[string]**sql.Stmt{
		"BEGIN IMMEDIATE": &s.begin,
		"COMMIT":          &s.commit,
		"ROLLBACK":        &s.rollback,
		"SELECT coalesce(max(position), 0) FROM records":                        &s.head,
		"SELECT coalesce(max(version), 0) FROM records WHERE stream = ?":        &s.version,
		"SELECT position FROM records WHERE stream = ? AND id = ? AND id <> ''": &s.repeat,
		"SELECT token FROM leases WHERE name = ?":                               &s.token,
	} {
		st, err := c.PrepareContext(ctx, q)
		if err != nil {
			return fmt.Errorf("preparing %q: %w", q, err)
		}
		*p = st
	}
	return nil
}

func (s *statements) close() error {
	var errs []error
	for _, st := range []*sql.Stmt{s.begin, s.commit, s.rollback, s.head, s.version, s.repeat, s.token} {
		if st != nil {
			errs = append(errs, st.Close())
		}
	}
	return errors.Join(errs...)
}

// versions remembers the versions of the streams that were written last, in two
// generations: when the young one is full it becomes the old one.
type versions struct{ young, old map[string]int64 }

const generation = 16 << 10

func (v *versions) get(stream string) (int64, bool) {
	if n, ok := v.young[stream]; ok {
		return n, true
	}
	n, ok := v.old[stream]
	return n, ok
}

func (v *versions) put(stream string, n int64) {
	if len(v.young) >= generation {
		v.old, v.young = v.young, nil
	}
	if v.young == nil {
		v.young = make(map[string]int64)
	}
	v.young[stream] = n
}

func (v *versions) forget() { v.young, v.old = nil, nil }
