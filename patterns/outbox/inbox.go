package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/internal/sqldb"
)

// Inbox defaults.
const (
	DefaultInboxTable = "ashlar_inbox"
	DefaultInboxKeep  = 7 * 24 * time.Hour
)

// InboxOptions of [NewInbox]; nil or zero is the default.
type InboxOptions struct {
	Table string // default DefaultInboxTable; a schema may stand before it
	// Keep is how long a mark lasts, default DefaultInboxKeep. A message that is
	// delivered again later than that takes effect again: keep marks longer than
	// the broker keeps messages, replays included.
	Keep time.Duration
}

// Inbox remembers which messages a consumer has done. Mark and effect are one
// transaction, so each message takes effect once however often it is delivered,
// also when two deliveries run at the same time or the process is killed.
type Inbox struct {
	dialect  Dialect
	consumer string
	table    string
	keep     time.Duration
}

// NewInbox returns the inbox of a consumer: different consumers of one topic, by
// name, each do a message once.
func NewInbox(dialect Dialect, consumer string, opts *InboxOptions) (*Inbox, error) {
	var o InboxOptions
	if opts != nil {
		o = *opts
	}
	orDefault(&o.Table, DefaultInboxTable)
	orDefault(&o.Keep, DefaultInboxKeep)
	errs := []error{dialect.Validate(), sqldb.CheckName(o.Table)}
	if consumer == "" || !text(consumer) {
		errs = append(errs, fmt.Errorf("consumer %q: want a name that stays the same over restarts", consumer))
	}
	if o.Keep < 0 {
		errs = append(errs, fmt.Errorf("option Keep %v: want more than 0", o.Keep))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("inbox: %w", err)
	}
	return &Inbox{dialect: dialect, consumer: consumer, table: o.Table, keep: o.Keep}, nil
}

// Migrate brings the inbox's table to a version: Latest, or 0 to remove it.
func (b *Inbox) Migrate(ctx context.Context, db *sql.DB, version int) error {
	return migrate(ctx, db, b.dialect, b.table, []sqldb.Step{b.schema()}, version)
}

func (b *Inbox) schema() sqldb.Step {
	s := sqldb.Step{Down: `DROP TABLE {t}`}
	if b.dialect == DialectSQLite {
		s.Up = `CREATE TABLE {t} (consumer text NOT NULL, message_id text NOT NULL, done_at integer NOT NULL, PRIMARY KEY (consumer, message_id)) WITHOUT ROWID;
			CREATE INDEX {f}_done_at ON {t} (done_at)`
	} else {
		s.Up = `CREATE TABLE {t} (consumer text NOT NULL, message_id text NOT NULL, done_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (consumer, message_id));
			CREATE INDEX {f}_done_at ON {t} USING brin (done_at)`
	}
	return s
}

// Do runs effect in a transaction of db unless the message is done already, and
// reports whether it ran. Acknowledge the message if the error is nil.
func (b *Inbox) Do(ctx context.Context, db *sql.DB, messageID string, effect func(ctx context.Context, tx *sql.Tx) error) (ran bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("inbox: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	first, err := b.Mark(ctx, tx, messageID)
	if err != nil || !first {
		return false, err
	}
	if err := effect(ctx, tx); err != nil {
		return false, err
	}
	if err := tx.Commit(); err != nil {
		return false, fmt.Errorf("inbox: message %s: %w", messageID, err)
	}
	return true, nil
}

// Mark notes within tx that the message is done and reports whether it was not
// before. If another transaction is doing it, Mark waits for that one's end.
func (b *Inbox) Mark(ctx context.Context, tx Execer, messageID string) (first bool, err error) {
	query, args, err := b.MarkQuery(messageID)
	if err != nil {
		return false, err
	}
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return false, fmt.Errorf("inbox: mark %s in %s: %w", messageID, b.table, err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// MarkQuery returns the statement of Mark, which affects one row if the message
// was not done. It is for adapters to other database libraries.
func (b *Inbox) MarkQuery(messageID string) (query string, args []any, err error) {
	if messageID == "" || !text(messageID) {
		return "", nil, fmt.Errorf("inbox: message ID %q: want text that is not empty; without an ID deliveries cannot be told apart", messageID)
	}
	if b.dialect == DialectSQLite {
		return "INSERT INTO " + b.table + " (consumer, message_id, done_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", []any{b.consumer, messageID, time.Now().UnixMilli()}, nil
	}
	return "INSERT INTO " + b.table + " (consumer, message_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", []any{b.consumer, messageID}, nil
}

const trimStep = 5000 // rows a transaction, so that no lock is held long

// Trim removes marks older than Keep, in small steps, and reports how many.
// Call it now and then, from one process or several.
func (b *Inbox) Trim(ctx context.Context, db *sql.DB) (int64, error) {
	query, cut := `DELETE FROM {t} WHERE ctid IN (SELECT ctid FROM {t} WHERE done_at < $1 LIMIT $2)`, any(time.Now().Add(-b.keep))
	if b.dialect == DialectSQLite {
		query, cut = `DELETE FROM {t} WHERE (consumer, message_id) IN (SELECT consumer, message_id FROM {t} WHERE done_at < ?1 LIMIT ?2)`, time.Now().Add(-b.keep).UnixMilli()
	}
	var total int64
	for {
		res, err := db.ExecContext(ctx, sqldb.Fill(query, b.table), cut, trimStep)
		if err != nil {
			return total, fmt.Errorf("inbox: trim %s: %w", b.table, err)
		}
		n, err := res.RowsAffected()
		total += n
		if err != nil || n < trimStep {
			return total, err
		}
	}
}
