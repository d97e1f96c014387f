package pgstore

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/journal/schema"
)

// steps are never edited once released; a change is a new step. $S stands for
// the quoted PostgreSQL schema.
var steps = []schema.Step{{
	Version: 1,
	Up: `
CREATE TABLE $S.records (
	position bigint      PRIMARY KEY,  -- gap-free, in commit order; numbered by the writer, never by a sequence
	stream   text        COLLATE "C" NOT NULL,
	version  bigint      NOT NULL,     -- gap-free within the stream
	type     text        NOT NULL,
	id       text        NOT NULL,     -- '' for none
	final    boolean     NOT NULL,
	time     timestamptz NOT NULL,
	data     bytea,
	meta     bytea
);
CREATE UNIQUE INDEX records_stream ON $S.records (stream, version);
CREATE UNIQUE INDEX records_id ON $S.records (stream, id) WHERE id <> '';
CREATE INDEX records_final ON $S.records (time) WHERE final;
CREATE TABLE $S.leases (
	name    text        COLLATE "C" PRIMARY KEY,
	holder  text        NOT NULL,
	token   bigint      NOT NULL,
	expires timestamptz NOT NULL
);`,
	Down: `DROP TABLE $S.leases; DROP TABLE $S.records;`,
}, {
	Version: 2,
	// What a commit inserts, as one parameter: see image. A type of its own, and
	// not that of the table's rows, lets a program go on while a later step adds
	// a column to the table.
	Up: `
CREATE TYPE $S.incoming AS (
	position bigint,
	stream   text,
	version  bigint,
	type     text,
	id       text,
	final    boolean,
	time     timestamptz,
	data     bytea,
	meta     bytea
);`,
	Down: `DROP TYPE $S.incoming;`,
}}

// tables moves the schema of a database.
type tables struct {
	c      *pgx.Conn
	schema string // quoted
	key    int64  // of the commit lock
}

func (t tables) Version(ctx context.Context) (v int, err error) {
	var there bool
	if err := t.c.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, t.schema+".versions").Scan(&there); err != nil || !there {
		return 0, err
	}
	return v, t.c.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM `+t.schema+`.versions`).Scan(&v)
}

func (t tables) Run(ctx context.Context, sql string, from, version int) (err error) {
	tx, err := t.c.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if rerr := tx.Rollback(context.WithoutCancel(ctx)); rerr != nil && !errors.Is(rerr, pgx.ErrTxClosed) {
			err = errors.Join(err, rerr)
		}
	}()
	// One process at a time, and no commit of a running one meanwhile.
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, t.key); err != nil {
		return err
	}
	at, err := t.Version(ctx)
	if err != nil || at != from {
		return err
	}
	// "Create if missing" still asks for the right to create, which a program
	// that runs with fewer rights than its migration does not have.
	if from == 0 {
		if _, err := tx.Exec(ctx, `DO $do$ BEGIN
			IF to_regnamespace(`+literal(t.schema)+`) IS NULL THEN CREATE SCHEMA `+t.schema+`; END IF;
		END $do$; CREATE TABLE IF NOT EXISTS `+t.schema+`.versions (version integer NOT NULL)`); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, strings.ReplaceAll(sql, "$S", t.schema)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM `+t.schema+`.versions`); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO `+t.schema+`.versions VALUES ($1)`, version); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
