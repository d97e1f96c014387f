// Package cdc captures what changes in PostgreSQL's tables: first a snapshot of
// what is there, then every committed change in commit order, without a gap
// between the two and without a double, while writers go on writing. It speaks
// logical replication (the pgoutput plugin, PostgreSQL 14 or newer with
// wal_level=logical) and needs nothing installed in the server.
//
// A [Sink] stores the effect of a batch and its [Position] in one transaction,
// so each change takes effect exactly once whatever dies when.
//
//	no position ──▶ create slot, export its snapshot ──▶ read tables ──▶ stream
//	     ▲                                                   │             ▲
//	     └──────── killed: drop the slot, start over ────────┘             │
//	position stored ────────────────────────────────────────▶ resume ──────┘
//
// Two things about slots that are commonly got wrong:
//
//   - A slot whose tables are idle keeps the server's log for ever, because it
//     only moves on when something comes through it, and the disk fills up. The
//     stream emits a transactional message into the log every Heartbeat; it comes
//     back through the slot like any change, and the slot moves on behind it.
//   - A slot that has moved past what the sink stored (a sink restored from a
//     backup, a slot made anew) has lost changes for good. Run compares the two
//     before it streams and returns a [GapError] instead of going on with a hole.
//
// Several processes may run one slot: one streams, the others stand by.
package cdc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Defaults.
const (
	DefaultSlot       = "ashlar_cdc"
	DefaultBatch      = 1000
	DefaultHeartbeat  = 10 * time.Second
	DefaultMinBackoff = 100 * time.Millisecond
	DefaultMaxBackoff = 30 * time.Second
)

// Options of [New]; nil or zero is the default.
type Options struct {
	// Slot is the name of the replication slot, default DefaultSlot: one a sink.
	Slot string
	// Publication names what is captured; default: the slot's name. It is created
	// for Tables if it does not exist.
	Publication string
	// Tables to capture, "orders" or "shop.orders". Empty: the publication exists.
	Tables []string
	// Batch is how many changes Apply gets, at most; larger transactions come in parts.
	Batch int
	// Heartbeat is the time between two heartbeats.
	Heartbeat time.Duration
	// Resnapshot starts over with a snapshot, with Batch.Reset, when there is a
	// gap; otherwise Run returns the GapError.
	Resnapshot bool
	// MinBackoff and MaxBackoff bound the doubling wait before a lost connection
	// or a failed Apply is tried again.
	MinBackoff, MaxBackoff time.Duration
	// Log gets lost connections; default: slog.Default().
	Log *slog.Logger
}

var (
	identifier = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)
	tableName  = regexp.MustCompile(`^([A-Za-z_][\w$]*\.)?[A-Za-z_][\w$]*$`)
)

// Validate reports all faults.
func (o *Options) Validate() error {
	var errs []error
	for what, name := range map[string]string{"Slot": o.Slot, "Publication": o.Publication} {
		if name != "" && !identifier.MatchString(name) {
			errs = append(errs, fmt.Errorf("%s %q: want lower-case letters, digits and _, at most 63", what, name))
		}
	}
	for _, t := range o.Tables {
		if !tableName.MatchString(t) {
			errs = append(errs, fmt.Errorf("table %q: want a name, optionally after a schema and a dot", t))
		}
	}
	if o.Batch < 0 || o.Heartbeat < 0 || o.MinBackoff < 0 || o.MaxBackoff < 0 {
		errs = append(errs, fmt.Errorf("options Batch %d, Heartbeat %v, MinBackoff %v, MaxBackoff %v: want 0 or more", o.Batch, o.Heartbeat, o.MinBackoff, o.MaxBackoff))
	}
	return errors.Join(errs...)
}

// Stats are counts since the stream was made.
type Stats struct {
	Changes    int64         // applied, rows of snapshots included
	Snapshots  int64         // begun
	Sessions   int64         // connections that streamed
	Confirmed  LSN           // applied, and confirmed to the server
	Behind     int64         // bytes of log from Confirmed to the server's end as last heard
	LastCommit time.Time     // commit time of the last applied transaction
	Lag        time.Duration // from that commit to its application
}

// Stream captures changes for one sink.
type Stream struct {
	config *pgx.ConnConfig
	sink   Sink
	o      Options

	changes, snapshots, sessions, lastCommit, lag atomic.Int64
	confirmed, serverEnd                          atomic.Uint64
}

// New returns the stream of a database to a sink. It connects only in Run, with
// a user that has the REPLICATION attribute.
func New(dsn string, sink Sink, opts *Options) (*Stream, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("cdc: %w", err)
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("cdc: connection string: %w", err)
	}
	// Snapshot and stream must write values alike.
	for name, value := range map[string]string{
		"datestyle": "ISO, YMD", "intervalstyle": "postgres", "timezone": "UTC", "extra_float_digits": "3", "bytea_output": "hex",
		"application_name": "ashlar-cdc", "statement_timeout": "0", "idle_in_transaction_session_timeout": "0",
	} {
		config.RuntimeParams[name] = value
	}
	if o.Slot == "" {
		o.Slot = DefaultSlot
	}
	if o.Publication == "" {
		o.Publication = o.Slot
	}
	if o.Batch == 0 {
		o.Batch = DefaultBatch
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = DefaultHeartbeat
	}
	if o.MinBackoff == 0 {
		o.MinBackoff = DefaultMinBackoff
	}
	if o.MaxBackoff == 0 {
		o.MaxBackoff = max(DefaultMaxBackoff, o.MinBackoff)
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Stream{config: config, sink: sink, o: o}, nil
}

// Stats returns the counts.
func (s *Stream) Stats() Stats {
	st := Stats{
		Changes: s.changes.Load(), Snapshots: s.snapshots.Load(), Sessions: s.sessions.Load(),
		Confirmed: LSN(s.confirmed.Load()), Lag: time.Duration(s.lag.Load()),
	}
	st.Behind = max(0, int64(s.serverEnd.Load())-int64(st.Confirmed))
	if us := s.lastCommit.Load(); us != 0 {
		st.LastCommit = time.UnixMicro(us)
	}
	return st
}

// Run captures until ctx ends, and returns its error, or a fault that trying
// again cannot mend: a *GapError, a wrong set-up. Run may not be called twice at once.
func (s *Stream) Run(ctx context.Context) error {
	for failures := 0; ; failures++ {
		before := s.changes.Load()
		err := s.session(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if fatal(err) {
			return err
		}
		if s.changes.Load() != before {
			failures = 0
		}
		wait := s.o.MaxBackoff
		if failures < 30 {
			wait = min(wait, s.o.MinBackoff<<failures)
		}
		wait = wait/2 + rand.N(wait/2+1)
		s.o.Log.WarnContext(ctx, "cdc: stream lost", "slot", s.o.Slot, "error", err, "next", wait)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// fatal reports what another try cannot mend.
func fatal(err error) bool {
	var gap *GapError
	var setup *SetupError
	var format *FormatError
	return errors.As(err, &gap) || errors.As(err, &setup) || errors.As(err, &format)
}

// session is one time of being the slot's only user.
func (s *Stream) session(ctx context.Context) (err error) {
	control, err := pgx.ConnectConfig(ctx, s.config.Copy())
	if err != nil {
		return fmt.Errorf("cdc: %w", err)
	}
	defer func() { err = errors.Join(err, closeQuietly(control.PgConn())) }()
	if err := s.lead(ctx, control); err != nil {
		return err
	}
	if err := s.publication(ctx, control); err != nil {
		return err
	}
	repl, err := s.connectReplication(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeQuietly(repl)) }()
	pos, err := s.sink.Position(ctx)
	if err != nil {
		return fmt.Errorf("cdc: sink's position: %w", err)
	}
	if pos != (Position{}) {
		err := s.checkSlot(ctx, control, pos)
		if gap := (*GapError)(nil); errors.As(err, &gap) && s.o.Resnapshot {
			s.o.Log.WarnContext(ctx, "cdc: starting over with a snapshot", "slot", s.o.Slot, "error", err)
			pos = Position{}
		} else if err != nil {
			return err
		}
	}
	if pos == (Position{}) {
		if pos, err = s.snapshot(ctx, control, repl); err != nil {
			return err
		}
	}
	s.sessions.Add(1)
	return s.stream(ctx, control, repl, pos)
}

func (s *Stream) connectReplication(ctx context.Context) (*pgconn.PgConn, error) {
	config := s.config.Config.Copy()
	config.RuntimeParams["replication"] = "database"
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("cdc: replication connection: %w", err)
	}
	return conn, nil
}

// closeQuietly ends a connection within a bounded time; it may be broken.
func closeQuietly(conn *pgconn.PgConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = conn.Close(ctx) // a broken connection is closed all the same
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
