// Package pgstore keeps a journal in PostgreSQL. Any number of processes append
// to one log: an advisory lock, held from before a group is numbered until its
// commit is visible, makes positions gap-free and equal to the order of commits.
//
// A group costs one round trip: the lock, and one INSERT that takes effect only
// if the head still is where this process left it. When another process wrote
// in between, a second transaction numbers the group anew under the same lock.
//
// The tables lie in a schema of their own (default "ashlar"); they are
// documented in schema.go.
package pgstore

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
	"github.com/ashlar-dev/ashlar/patterns/journal/schema"
)

// Options of [Open] and [New]; nil and the zero value are the defaults.
type Options struct {
	// Schema of the tables; default "ashlar". Journals in different schemas are
	// independent of each other.
	Schema string
	// KeepSchema: do not move the tables; fail if they are not the newest.
	KeepSchema bool
	// Timeout of one commit, after which its connection is cut and its outcome
	// looked up; default 30 s.
	Timeout time.Duration
	// Unsafe allows a server with fsync=off, for tests only.
	Unsafe bool
	Logger *slog.Logger // default slog.Default()
}

// Validate joins all faults of the options.
func (o *Options) Validate() error {
	if o == nil {
		return nil
	}
	var errs []error
	if len(o.Schema) > 63 || strings.ContainsAny(o.Schema, "\x00$") {
		errs = append(errs, fmt.Errorf("pgstore.Options.Schema %q: want a PostgreSQL name of at most 63 bytes without $ and NUL", o.Schema))
	}
	if o.Timeout < 0 {
		errs = append(errs, fmt.Errorf("pgstore.Options.Timeout is %s; want 0 (the default) or more", o.Timeout))
	}
	return errors.Join(errs...)
}

type store struct {
	pool    *pgxpool.Pool
	own     bool // Close closes the pool
	o       Options
	schema  string // quoted
	key     int64  // of the commit lock
	channel string // of notifications
	sql     statements

	w        *pgx.Conn // the writer's, outside the pool; nil after it broke
	head     int64     // as this store last saw it; -1: unknown
	versions versions
	known    known       // about the group under way
	image    image       // of the group under way
	row      uint32      // type of an image's rows; 0: the statements are not prepared on w
	trimmed  atomic.Bool // a stream was removed: what is remembered may be wrong
	notify   notifier
	closing  sync.Once
}

var (
	_ driver.Store   = (*store)(nil)
	_ driver.Leaser  = (*store)(nil)
	_ driver.Watcher = (*store)(nil)
	_ driver.Picker  = (*store)(nil)
)

// Open connects to a database by its URL or DSN. Give the result to journal.Open.
func Open(ctx context.Context, url string, opts *Options) (driver.Store, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("pgstore: %w", err)
	}
	s, err := open(ctx, pool, true, opts)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// New uses the application's pool for reading and opens a connection of its own
// with the pool's settings for writing. Close leaves the pool open.
func New(ctx context.Context, pool *pgxpool.Pool, opts *Options) (driver.Store, error) {
	s, err := open(ctx, pool, false, opts)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func open(ctx context.Context, pool *pgxpool.Pool, own bool, opts *Options) (*store, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	s := &store{pool: pool, own: own, head: -1}
	if opts != nil {
		s.o = *opts
	}
	if s.o.Schema == "" {
		s.o.Schema = "ashlar"
	}
	if s.o.Timeout == 0 {
		s.o.Timeout = 30 * time.Second
	}
	if s.o.Logger == nil {
		s.o.Logger = slog.Default()
	}
	s.schema = pgx.Identifier{s.o.Schema}.Sanitize()
	s.key = lockKey(s.o.Schema)
	s.channel = fmt.Sprintf("ashlar_journal_%x", uint64(s.key))
	s.sql = newStatements(s.schema)
	if err := s.connect(ctx); err != nil {
		return nil, fmt.Errorf("pgstore: schema %s: %w", s.o.Schema, err)
	}
	if err := s.prepare(ctx); err != nil {
		s.drop()
		return nil, fmt.Errorf("pgstore: schema %s: %w", s.o.Schema, err)
	}
	s.notify.start(s)
	return s, nil
}

// lockKey derives the advisory lock of a schema's journal. It is per database,
// and two names could share one: their commits would then wait for each other.
func lockKey(name string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("ashlar/journal/" + name))
	return int64(h.Sum64())
}

func (s *store) prepare(ctx context.Context) error {
	var fsync string
	if err := s.w.QueryRow(ctx, "SHOW fsync").Scan(&fsync); err != nil {
		return err
	}
	if fsync != "on" && !s.o.Unsafe {
		return fmt.Errorf("%w: the server runs with fsync=%s; set it to on, or Options.Unsafe in tests", driver.ErrUnsafe, fsync)
	}
	t := tables{s.w, s.schema, s.key}
	if !s.o.KeepSchema {
		return schema.Move(ctx, t, "PostgreSQL", steps, schema.Latest)
	}
	at, err := t.Version(ctx)
	if err != nil || at == len(steps) {
		return err
	}
	if at > len(steps) {
		return &driver.SchemaError{Store: "PostgreSQL", Found: at, Know: len(steps)}
	}
	return fmt.Errorf("tables are at schema version %d, want %d; run pgstore.Migrate first", at, len(steps))
}

// Migrate moves the tables of a schema to a version, up or down; schema.Latest
// for the newest, 0 to remove them with all their records.
func Migrate(ctx context.Context, url, name string, version int) error {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("pgstore: %w", err)
	}
	err = schema.Move(ctx, tables{c, pgx.Identifier{name}.Sanitize(), lockKey(name)}, "PostgreSQL", steps, version)
	return errors.Join(err, c.Close(ctx))
}

// settings of the writer's connection. The first two are set and not assumed: a
// role or database may default to something else, and then an acknowledged
// commit could be lost, or a snapshot older than the lock be blind. The rest
// keeps plans that were made while the tables were small from reading them
// whole when they are large: every access of the writer has its index.
const settings = `
	SET synchronous_commit = on;
	SET default_transaction_isolation = 'read committed';
	SET plan_cache_mode = force_generic_plan;
	SET enable_seqscan = off;
	SET enable_bitmapscan = off;
	SET enable_hashjoin = off;
	SET enable_mergejoin = off;
	SET jit = off`

// connect opens the writer's connection.
func (s *store) connect(ctx context.Context) error {
	cfg := s.pool.Config().ConnConfig
	c, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
	}
	if _, err := c.Exec(ctx, settings); err != nil {
		_ = c.Close(ctx)
		return fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
	}
	s.w = c
	return nil
}

func (s *store) closed() bool { return s.w == nil || s.w.IsClosed() }

// drop gives the writer's connection up.
func (s *store) drop() {
	if s.w != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_ = s.w.Close(ctx) // it is broken, or we end
		cancel()
		s.w = nil
	}
	s.row = 0
	s.forget()
}

func (s *store) forget() {
	s.head = -1
	s.versions.forget()
}

func (s *store) Describe(ctx context.Context) (string, error) {
	var v, sync string
	err := s.pool.QueryRow(ctx, "SELECT version(), current_setting('fsync')").Scan(&v, &sync)
	if err != nil {
		return "", fmt.Errorf("pgstore: %w", err)
	}
	v, _, _ = strings.Cut(v, " on ")
	return v + " (fsync=" + sync + ", synchronous_commit=on)", nil
}

// Close may be called again: it then does nothing.
func (s *store) Close() error {
	s.closing.Do(func() {
		s.notify.stop()
		s.drop()
		if s.own {
			s.pool.Close()
		}
	})
	return nil
}
