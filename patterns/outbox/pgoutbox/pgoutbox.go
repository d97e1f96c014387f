// Package pgoutbox joins package outbox to PostgreSQL through pgx: it stages
// messages in a pgx transaction, is the relay's store with LISTEN/NOTIFY, and
// is an inbox in a pgx transaction.
//
//	box, _ := outbox.New(outbox.DialectPostgreSQL, nil)
//	store, _ := pgoutbox.Open(dsn, box)
//	err := store.Migrate(ctx, outbox.Latest)
//	…
//	err = pgoutbox.Stage(ctx, tx, box, outbox.Message{Topic: "orders", Key: id, Body: body})
//	…
//	relay, _ := outbox.NewRelay(store, publisher, nil)
//	err = relay.Run(ctx)
//
// The relay's session is one connection of its own that holds advisory locks, so
// it must not go through a pooler in transaction mode.
package pgoutbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ashlar-dev/ashlar/patterns/internal/sqldb"
	"github.com/ashlar-dev/ashlar/patterns/outbox"
)

// Tx is what staging needs of a pgx transaction; pgx.Tx, *pgx.Conn and
// *pgxpool.Tx have it.
type Tx interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Stage puts messages into the outbox within tx; see [outbox.Outbox.Stage].
func Stage(ctx context.Context, tx Tx, box *outbox.Outbox, messages ...outbox.Message) error {
	return box.Prepare(messages, func(query string, args []any) error {
		if _, err := tx.Exec(ctx, query, args...); err != nil {
			return fmt.Errorf("outbox: stage in %s: %w", box.Table(), err)
		}
		return nil
	})
}

// Store is an outbox table in PostgreSQL, for a relay.
type Store struct {
	config *pgx.ConnConfig
	box    *outbox.Outbox
}

var (
	_ outbox.Store  = (*Store)(nil)
	_ outbox.Parker = (*Store)(nil)
)

// Open parses the connection string; it connects only when used.
func Open(dsn string, box *outbox.Outbox) (*Store, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("pgoutbox: connection string: %w", err)
	}
	return &Store{config: config, box: box}, nil
}

// Migrate brings the tables to a version; see [outbox.Outbox.Migrate].
func (s *Store) Migrate(ctx context.Context, version int) error {
	return s.withDB(func(db *sql.DB) error { return s.box.Migrate(ctx, db, version) })
}

func (s *Store) withDB(f func(*sql.DB) error) error {
	db := stdlib.OpenDB(*s.config)
	return errors.Join(f(db), db.Close())
}

// Trim removes messages that were sent longer than keep ago, in small steps.
func (s *Store) Trim(ctx context.Context, keep time.Duration) (int64, error) {
	var total int64
	err := s.withDB(func(db *sql.DB) error {
		for {
			res, err := db.ExecContext(ctx, s.sql(`DELETE FROM {t}_sent WHERE ctid IN (SELECT ctid FROM {t}_sent WHERE sent_at < now() - $1::bigint * interval '1 microsecond' LIMIT 5000)`), keep.Microseconds())
			if err != nil {
				return fmt.Errorf("pgoutbox: trim %s_sent: %w", s.box.Table(), err)
			}
			n, err := res.RowsAffected()
			if err != nil || n == 0 {
				return err
			}
			total += n
		}
	})
	return total, err
}

// Parked lists the parked messages, oldest first.
func (s *Store) Parked(ctx context.Context, after string, limit int) ([]outbox.Parked, error) {
	var list []outbox.Parked
	err := s.withConn(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, s.sql(`SELECT message_id, topic, key, headers, body, staged_at, attempts, coalesce(error, ''), parked_at FROM {t}_parked
			WHERE $1 = '' OR (parked_at, message_id) > (SELECT parked_at, message_id FROM {t}_parked WHERE message_id = $1) ORDER BY parked_at, message_id LIMIT $2`), after, limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p outbox.Parked, err error) {
			var headers pgtype.Text
			err = row.Scan(&p.ID, &p.Topic, &p.Key, &headers, &p.Body, &p.Time, &p.Attempts, &p.Error, &p.Parked)
			if err == nil {
				p.Headers, err = outbox.DecodeHeaders(headers.String)
			}
			return p, err
		})
		return err
	})
	return list, err
}

// Unpark stages a parked message again.
func (s *Store) Unpark(ctx context.Context, id string) error {
	return s.withConn(ctx, func(conn *pgx.Conn) error {
		tag, err := conn.Exec(ctx, s.sql(`WITH p AS (DELETE FROM {t}_parked WHERE message_id = $1 RETURNING *)
			INSERT INTO {t} (message_id, topic, key, headers, body, staged_at) SELECT message_id, topic, key, headers, body, staged_at FROM p`), id)
		if err == nil && tag.RowsAffected() == 0 {
			err = fmt.Errorf("%s: %w", id, outbox.ErrNotParked)
		}
		return err
	})
}

func (s *Store) withConn(ctx context.Context, f func(*pgx.Conn) error) error {
	conn, err := pgx.ConnectConfig(ctx, s.config.Copy())
	if err != nil {
		return fmt.Errorf("pgoutbox: %w", err)
	}
	if err = f(conn); err != nil {
		err = fmt.Errorf("pgoutbox: %s: %w", s.box.Table(), err)
	}
	return errors.Join(err, closeConn(conn))
}

func closeConn(conn *pgx.Conn) error {
	// The caller's context may have ended, yet the server should hear of the end.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return conn.Close(ctx)
}

func (s *Store) sql(query string) string { return sqldb.Fill(query, s.box.Table()) }
