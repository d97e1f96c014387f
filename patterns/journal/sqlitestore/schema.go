package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/ashlar-dev/ashlar/patterns/journal/schema"
)

// steps are never edited once released; a change is a new step.
var steps = []schema.Step{{
	Version: 1,
	Up: `
CREATE TABLE records (
	position INTEGER PRIMARY KEY,  -- gap-free, in commit order
	stream   TEXT    NOT NULL,
	version  INTEGER NOT NULL,     -- gap-free within the stream
	type     TEXT    NOT NULL,
	id       TEXT    NOT NULL,     -- '' for none
	final    INTEGER NOT NULL,
	time     INTEGER NOT NULL,     -- µs since 1970, UTC
	data     BLOB,
	meta     BLOB
) STRICT;
CREATE UNIQUE INDEX records_stream ON records (stream, version);
CREATE UNIQUE INDEX records_id ON records (stream, id) WHERE id <> '';
CREATE INDEX records_final ON records (time) WHERE final;
CREATE TABLE leases (
	name    TEXT    PRIMARY KEY,
	holder  TEXT    NOT NULL,
	token   INTEGER NOT NULL,
	expires INTEGER NOT NULL       -- µs since 1970, UTC
) STRICT;`,
	Down: `DROP TABLE leases; DROP TABLE records;`,
}}

// tables moves the schema of a file.
type tables struct{ c *sql.Conn }

func (t tables) Version(ctx context.Context) (v int, err error) {
	if _, err = t.c.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS versions (version INTEGER NOT NULL) STRICT`); err != nil {
		return 0, err
	}
	return v, t.c.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM versions`).Scan(&v)
}

func (t tables) Run(ctx context.Context, sql string, from, version int) error {
	if _, err := t.c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := t.run(ctx, sql, from, version)
	if err == nil {
		_, err = t.c.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		_, _ = t.c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // err says more
	}
	return err
}

func (t tables) run(ctx context.Context, sql string, from, version int) error {
	at, err := t.Version(ctx)
	if err != nil || at != from {
		return err
	}
	for _, q := range []string{sql, `DELETE FROM versions`} {
		if _, err := t.c.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	_, err = t.c.ExecContext(ctx, `INSERT INTO versions VALUES (?)`, version)
	return err
}
