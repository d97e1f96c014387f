// Package sqlitestore keeps a journal in a SQLite file: pure Go, no set-up, WAL
// with synchronous=FULL. It is the embedded default; package pgstore is for
// production with several machines.
//
// Several processes of one machine may open the same file: SQLite's write lock
// orders their commits, and each notices what the others wrote. Do not put the
// file on a network file system: its locks and syncs do not hold there.
//
// The tables (records, leases, versions) are documented in schema.go and may be
// read with any SQLite tool while a program runs.
package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
	"github.com/ashlar-dev/ashlar/patterns/journal/schema"
)

// Options of [Open]; nil and the zero value are the defaults.
type Options struct {
	// BusyTimeout is how long a commit waits for another process's; default 5 s.
	BusyTimeout time.Duration
	// CachePages is the writer's page cache in KiB; default 64 MiB.
	CacheKiB int
	// CheckpointPages is how many pages of 4 KiB the WAL gathers before they are
	// copied into the file; default 4000 (16 MiB).
	CheckpointPages int
	// VFS names a virtual file system registered with SQLite; default the
	// operating system's.
	VFS string
	// KeepSchema: do not move the tables; fail if they are not the newest.
	KeepSchema bool
}

// Validate joins all faults of the options.
func (o *Options) Validate() error {
	if o == nil {
		return nil
	}
	var errs []error
	if o.BusyTimeout < 0 {
		errs = append(errs, fmt.Errorf("sqlitestore.Options.BusyTimeout is %s; want 0 (the default) or more", o.BusyTimeout))
	}
	if o.CacheKiB < 0 || o.CheckpointPages < 0 {
		errs = append(errs, fmt.Errorf("sqlitestore.Options: CacheKiB %d and CheckpointPages %d; want 0 (the default) or more", o.CacheKiB, o.CheckpointPages))
	}
	return errors.Join(errs...)
}

type store struct {
	path string
	db   *sql.DB   // of readers
	wdb  *sql.DB   // of the writer; one connection
	w    *sql.Conn // only Commit, Trim and the leases use it, under lock
	lock chan struct{}
	st   statements
	rows inserter // of the group under way

	head     int64 // as this store last saw it
	versions versions
	broken   error
	closing  sync.Once
}

var (
	_ driver.Store  = (*store)(nil)
	_ driver.Leaser = (*store)(nil)
	_ driver.Picker = (*store)(nil)
)

// Open opens the file, creates it when missing and moves its tables to the
// newest version. Give the result to journal.Open.
func Open(ctx context.Context, path string, opts *Options) (driver.Store, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	if path == "" {
		return nil, errors.New("sqlitestore: no path; name the file that shall hold the journal")
	}
	s := &store{path: path, lock: make(chan struct{}, 1)}
	var err error
	if s.wdb, s.w, err = openWriter(ctx, path, o); err != nil {
		return nil, fmt.Errorf("sqlitestore: %s: %w", path, err)
	}
	if err = s.prepare(ctx, o); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("sqlitestore: %s: %w", path, err)
	}
	return s, nil
}

func openWriter(ctx context.Context, path string, o Options) (*sql.DB, *sql.Conn, error) {
	cache, check := o.CacheKiB, o.CheckpointPages
	if cache == 0 {
		cache = 64 << 10
	}
	if check == 0 {
		check = 4000
	}
	db, err := sql.Open("sqlite", dsn(path, o, "cache_size("+strconv.Itoa(-cache)+")", "wal_autocheckpoint("+strconv.Itoa(check)+")"))
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(1)
	c, err := db.Conn(ctx)
	if err != nil {
		_ = db.Close()
		return nil, nil, err
	}
	return db, c, nil
}

func dsn(path string, o Options, pragmas ...string) string {
	busy := o.BusyTimeout
	if busy == 0 {
		busy = 5 * time.Second
	}
	q := url.Values{"_pragma": append([]string{
		"busy_timeout(" + strconv.FormatInt(busy.Milliseconds(), 10) + ")", "journal_mode(wal)", "synchronous(full)",
	}, pragmas...)}
	if o.VFS != "" {
		q.Set("vfs", o.VFS)
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), RawQuery: q.Encode()}).String()
}

func (s *store) prepare(ctx context.Context, o Options) error {
	var mode string
	var sync int
	if err := s.w.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if err := s.w.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&sync); err != nil {
		return err
	}
	if mode != "wal" || sync != 2 {
		return fmt.Errorf("%w: journal_mode is %s and synchronous %d, want wal and 2 (FULL); is the file on a network file system?", driver.ErrUnsafe, mode, sync)
	}
	if err := s.move(ctx, o); err != nil {
		return err
	}
	if err := errors.Join(s.st.prepare(ctx, s.w), s.rows.prepare(ctx, s.w)); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dsn(s.path, o, "query_only(1)"))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(max(4, runtime.GOMAXPROCS(0)))
	db.SetMaxIdleConns(4)
	s.db = db
	s.head, err = s.Head(ctx)
	return err
}

func (s *store) move(ctx context.Context, o Options) error {
	if !o.KeepSchema {
		return schema.Move(ctx, tables{s.w}, "SQLite", steps, schema.Latest)
	}
	at, err := tables{s.w}.Version(ctx)
	if err != nil || at == len(steps) {
		return err
	}
	if at > len(steps) {
		return &driver.SchemaError{Store: "SQLite", Found: at, Know: len(steps)}
	}
	return fmt.Errorf("tables are at schema version %d, want %d; run sqlitestore.Migrate first", at, len(steps))
}

// Migrate moves the tables of a file to a schema version, up or down;
// schema.Latest for the newest, 0 to remove them with all their records.
func Migrate(ctx context.Context, path string, version int) error {
	db, c, err := openWriter(ctx, path, Options{})
	if err != nil {
		return fmt.Errorf("sqlitestore: %s: %w", path, err)
	}
	err = schema.Move(ctx, tables{c}, "SQLite", steps, version)
	return errors.Join(err, c.Close(), db.Close())
}

func (s *store) Describe(ctx context.Context) (string, error) {
	var v string
	err := s.db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&v)
	return "SQLite " + v + " (modernc, WAL, synchronous=FULL)", err
}

// Close may be called again: it then does nothing.
func (s *store) Close() (err error) {
	s.closing.Do(func() {
		errs := []error{s.st.close(), s.rows.close(s.w)}
		if s.db != nil {
			errs = append(errs, s.db.Close())
		}
		err = errors.Join(append(errs, s.w.Close(), s.wdb.Close())...)
	})
	return err
}

// hold takes the writing connection.
func (s *store) hold(ctx context.Context) (release func(), err error) {
	select {
	case s.lock <- struct{}{}:
		return func() { <-s.lock }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
