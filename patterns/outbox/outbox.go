// Package outbox publishes messages that a transaction of the application's own
// database decided on: either both the rows and the messages exist, or neither
// does. Its other half, [Inbox], makes a consumer's effect and the mark "this
// message is done" one transaction, so that what is delivered twice takes effect
// once.
//
//	application                     relay                        consumer
//	BEGIN                           next batch ─▶ Publisher      BEGIN
//	  UPDATE orders …               delete what was acknowledged   mark (consumer, id)
//	  Stage(tx, message)  ─commit─▶ (wakes the relay)              UPDATE stock …
//	COMMIT                                                       COMMIT, then acknowledge
//
// What holds:
//
//   - A message is published at least once after its transaction committed, and
//     never if it rolled back.
//   - Messages of one topic with equal keys are published in the order in which
//     their transactions committed. In PostgreSQL a trigger sees to that: it takes
//     a lock per key before it draws the row's number, so a number is never drawn
//     before the earlier holder of the key has committed. Rows that other
//     programs insert with plain SQL are in order too.
//   - One relay at a time drains a table; others stand by. When the leader dies
//     its successor repeats at most the four batches under way. Seen through an
//     inbox the order per key still holds.
//   - A message that the broker refuses holds back its own key (and the about
//     one in a thousand keys that share its lane) until it goes through or is
//     parked; all others pass.
//
// Two transactions that stage for keys a and b in opposite order, in several
// calls, can deadlock like two that update rows in opposite order; PostgreSQL
// then fails one with SQLSTATE 40P01. Stage everything in one call, at the end.
//
// With database/sql on PostgreSQL or SQLite this package suffices on the
// application's side; package pgoutbox stages in pgx transactions and has the
// relay's store on PostgreSQL. [SQLite] is the relay's store on SQLite.
package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ashlar-dev/ashlar/patterns/internal/sqldb"
)

// Dialect is the SQL that the application's database speaks.
type Dialect = sqldb.Dialect

// The dialects.
const (
	DialectPostgreSQL = sqldb.PostgreSQL // 14 or newer
	DialectSQLite     = sqldb.SQLite
)

// Defaults.
const (
	DefaultTable   = "ashlar_outbox"
	DefaultMaxBody = 1 << 20 // bytes
)

// Header is one header field of a message; names may repeat. Both are text.
type Header struct{ Name, Value string }

// Message is what is to be published.
type Message struct {
	// ID tells deliveries of one message from different messages; consumers hand
	// it to their [Inbox]. Empty: Stage draws a UUID (version 7).
	ID    string
	Topic string
	// Key: messages of one topic with equal keys keep their order; nil asks for none.
	Key     []byte
	Headers []Header
	Body    []byte
	// Time is when it was staged, set by the database.
	Time time.Time
}

// Options of [New]; nil or zero is the default.
type Options struct {
	Table   string // default DefaultTable; a schema may stand before it: "billing.outbox"
	MaxBody int    // largest body in bytes; default DefaultMaxBody; choose what the broker takes
}

// Validate reports all faults.
func (o *Options) Validate() error {
	var errs []error
	if o.Table != "" {
		errs = append(errs, sqldb.CheckName(o.Table))
	}
	if o.MaxBody < 0 {
		errs = append(errs, fmt.Errorf("option MaxBody %d: want bytes, or 0 for %d", o.MaxBody, DefaultMaxBody))
	}
	return errors.Join(errs...)
}

// Outbox stages messages. It is safe for concurrent use and holds nothing open.
type Outbox struct {
	dialect Dialect
	table   string
	maxBody int
}

// New returns the outbox of a database. The tables must exist: [Outbox.Migrate].
func New(dialect Dialect, opts *Options) (*Outbox, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if err := errors.Join(dialect.Validate(), o.Validate()); err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	b := &Outbox{dialect: dialect, table: o.Table, maxBody: o.MaxBody}
	if b.table == "" {
		b.table = DefaultTable
	}
	if b.maxBody == 0 {
		b.maxBody = DefaultMaxBody
	}
	return b, nil
}

// Table is the name of the table.
func (b *Outbox) Table() string { return b.table }

// Execer is what Stage needs of a transaction: *sql.Tx has it.
type Execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Stage puts messages into the outbox within tx: they are published if and when
// tx commits. It fills in missing IDs. On PostgreSQL it waits while another
// transaction under way has staged a message of one of the same keys.
func (b *Outbox) Stage(ctx context.Context, tx Execer, messages ...Message) error {
	return b.Prepare(messages, func(query string, args []any) error {
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return fmt.Errorf("outbox: stage in %s: %w", b.table, err)
		}
		return nil
	})
}

const (
	stageColumns = 5
	stageChunk   = 1000 // rows a statement; both databases take 32,766 placeholders
)

// Prepare hands the statements that stage messages to exec. It is for adapters
// to other database libraries, such as pgoutbox.
func (b *Outbox) Prepare(messages []Message, exec func(query string, args []any) error) error {
	if err := b.check(messages); err != nil {
		return err
	}
	// Locks are taken row by row: everyone takes them in the order of their keys.
	// A stable sort keeps the order within a key.
	sorted := slices.Clone(messages)
	slices.SortStableFunc(sorted, func(x, y Message) int {
		if c := strings.Compare(x.Topic, y.Topic); c != 0 {
			return c
		}
		return slices.Compare(x.Key, y.Key)
	})
	for chunk := range slices.Chunk(sorted, stageChunk) {
		args := make([]any, 0, len(chunk)*stageColumns)
		for _, m := range chunk {
			var headers any
			if len(m.Headers) > 0 {
				text, err := json.Marshal(m.Headers)
				if err != nil {
					return fmt.Errorf("outbox: message %s: headers: %w", m.ID, err)
				}
				headers = string(text)
			}
			args = append(args, m.ID, m.Topic, m.Key, headers, notNil(m.Body))
		}
		query := "INSERT INTO " + b.table + " (message_id, topic, key, headers, body) VALUES " + sqldb.Rows(len(chunk), stageColumns)
		if err := exec(b.dialect.Rebind(query), args); err != nil {
			return err
		}
	}
	return nil
}

// check reports what cannot be published and fills in IDs.
func (b *Outbox) check(messages []Message) error {
	var errs []error
	for i := range messages {
		m := &messages[i]
		if m.ID == "" {
			m.ID = newID()
		}
		switch {
		case m.Topic == "" || !text(m.Topic):
			errs = append(errs, &MessageError{ID: m.ID, Index: i, Reason: fmt.Sprintf("topic %q: want text that is not empty", m.Topic)})
		case !text(m.ID):
			errs = append(errs, &MessageError{ID: m.ID, Index: i, Reason: "the ID is not text"})
		case len(m.Body) > b.maxBody:
			errs = append(errs, &MessageError{ID: m.ID, Index: i, Reason: fmt.Sprintf("body of %d bytes, allowed are %d: put the data elsewhere and send its address, or raise Options.MaxBody if the broker takes it", len(m.Body), b.maxBody), TooLarge: true})
		}
		for _, h := range m.Headers {
			if h.Name == "" || !text(h.Name) || !text(h.Value) {
				errs = append(errs, &MessageError{ID: m.ID, Index: i, Reason: fmt.Sprintf("header %q: want a name, and name and value as UTF-8 text", h.Name)})
			}
		}
	}
	return errors.Join(errs...)
}

// text reports whether both databases store s: PostgreSQL refuses NUL.
func text(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// ErrTooLarge is wrapped by the error for a body beyond the limit.
var ErrTooLarge = errors.New("message too large")

// MessageError is a message that cannot be staged.
type MessageError struct {
	ID       string
	Index    int // in the call
	Reason   string
	TooLarge bool
}

func (e *MessageError) Error() string {
	return fmt.Sprintf("outbox: message %d (%s): %s", e.Index, e.ID, e.Reason)
}

// Is reports ErrTooLarge for a body beyond the limit.
func (e *MessageError) Is(target error) bool { return e.TooLarge && target == ErrTooLarge }
