package outbox

import (
	"context"
	"database/sql"

	"github.com/ashlar-dev/ashlar/patterns/internal/sqldb"
)

// Latest, as a version for Migrate, is the newest that the program knows.
const Latest = sqldb.Latest

// Migrate brings the outbox's tables to a version: Latest, or 0 to remove them
// with all they hold.
func (b *Outbox) Migrate(ctx context.Context, db *sql.DB, version int) error {
	steps := postgresSteps
	if b.dialect == DialectSQLite {
		steps = sqliteSteps
	}
	return migrate(ctx, db, b.dialect, b.table, steps, version)
}

func migrate(ctx context.Context, db *sql.DB, d Dialect, table string, steps []sqldb.Step, version int) error {
	filled := make([]sqldb.Step, len(steps))
	for i, s := range steps {
		filled[i] = sqldb.Step{Up: sqldb.Fill(s.Up, table), Down: sqldb.Fill(s.Down, table)}
	}
	return sqldb.Migrate(ctx, db, d, table, filled, version)
}

// Why the triggers are as they are:
//
// The lock of a key's lane is taken before the number is drawn and kept until
// commit, so numbers of one lane are in commit order and a reader that sees one
// has seen all lower ones. Lanes instead of keys bound the locks of a bulk
// transaction to 1024.
//
// NOTIFY makes every committing transaction queue behind one lock until its
// commit is synced, which ends group commit for the whole database. So a
// transaction notifies only when the relay sleeps. It sleeps exactly while it
// holds lock 2000 exclusively, which it gets only when no staging transaction is
// under way: each of those holds it shared to its end. Hence no wake-up is lost.
//
// Vacuum often: the relay walks from the oldest row, past what is deleted.
var postgresSteps = []sqldb.Step{{
	Up: `
CREATE SEQUENCE {t}_seq;
CREATE TABLE {t} (
	id bigint PRIMARY KEY,
	message_id text NOT NULL DEFAULT gen_random_uuid()::text,
	topic text NOT NULL,
	key bytea,
	lane smallint,
	headers text,
	body bytea NOT NULL,
	staged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	attempts integer NOT NULL DEFAULT 0,
	due_at timestamptz,
	error text
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0);
CREATE TABLE {t}_sent (id bigint, message_id text NOT NULL, topic text NOT NULL, key bytea, headers text, body bytea NOT NULL, staged_at timestamptz NOT NULL, sent_at timestamptz NOT NULL);
CREATE INDEX {f}_sent_at ON {t}_sent USING brin (sent_at);
CREATE TABLE {t}_parked (message_id text PRIMARY KEY, topic text NOT NULL, key bytea, headers text, body bytea NOT NULL, staged_at timestamptz NOT NULL, attempts integer NOT NULL, error text, parked_at timestamptz NOT NULL);
CREATE FUNCTION {t}_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.key IS NOT NULL THEN
		NEW.lane := (hashtextextended(NEW.topic || ' ' || encode(NEW.key, 'hex'), 0) & 1023)::smallint;
		PERFORM pg_advisory_xact_lock(TG_RELID::integer, NEW.lane::integer);
	END IF;
	NEW.id := nextval('{t}_seq');
	RETURN NEW;
END $$;
CREATE FUNCTION {t}_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NOT pg_try_advisory_xact_lock_shared(TG_RELID::integer, 2000) THEN
		PERFORM pg_notify('{f}', '');
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER number BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {t}_number();
CREATE TRIGGER wake AFTER INSERT ON {t} FOR EACH STATEMENT EXECUTE FUNCTION {t}_wake();
`,
	Down: `DROP TABLE {t}, {t}_sent, {t}_parked; DROP FUNCTION {t}_number(), {t}_wake(); DROP SEQUENCE {t}_seq`,
}}

// SQLite has one writer at a time, so AUTOINCREMENT numbers are in commit order.
// Times are unix milliseconds.
var sqliteSteps = []sqldb.Step{{
	Up: `
CREATE TABLE {t} (
	id integer PRIMARY KEY AUTOINCREMENT,
	message_id text NOT NULL,
	topic text NOT NULL,
	key blob,
	headers text,
	body blob NOT NULL,
	staged_at integer NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS integer)),
	attempts integer NOT NULL DEFAULT 0,
	due_at integer,
	error text
);
CREATE TABLE {t}_sent (id integer, message_id text NOT NULL, topic text NOT NULL, key blob, headers text, body blob NOT NULL, staged_at integer NOT NULL, sent_at integer NOT NULL);
CREATE INDEX {f}_sent_at ON {t}_sent (sent_at);
CREATE TABLE {t}_parked (message_id text PRIMARY KEY, topic text NOT NULL, key blob, headers text, body blob NOT NULL, staged_at integer NOT NULL, attempts integer NOT NULL, error text, parked_at integer NOT NULL);
CREATE TABLE {t}_lease (one integer PRIMARY KEY CHECK (one = 1), holder text NOT NULL, until integer NOT NULL);
`,
	Down: `DROP TABLE {t}; DROP TABLE {t}_sent; DROP TABLE {t}_parked; DROP TABLE {t}_lease`,
}}
