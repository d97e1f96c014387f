package cqrs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/internal/sqldb"
)

// Source is a log of events with positions that are gap-free in commit order:
// whoever has seen position n will see nothing new below it. *journal.Journal
// and *eventstore.Store are sources; a table with a bigserial is not.
type Source[E any] interface {
	// Read returns events with a position above after, in order, at most limit.
	// None means that all up to the head have been read or removed.
	Read(ctx context.Context, after int64, limit int) ([]E, error)
	// Head returns the last position; 0 when empty.
	Head(ctx context.Context) (int64, error)
	// Wait blocks until the head is above after, and returns it.
	Wait(ctx context.Context, after int64) (int64, error)
}

// Projection says how events of type E become a read model.
//
// A read model exists in generations: their tables bear the generation's number
// ("orders_g2") and one is live. Name the live one to readers by a view that
// Switch replaces, or by [Projector.Live].
type Projection[Tx, E any] struct {
	Name string // stays the same
	// Version of the code: raise it when Prepare or Apply changes, and the
	// projector rebuilds beside the live generation and switches. Default 1.
	Version int
	// Position and Time of an event; Time may be nil, then Lag tells no age.
	Position func(event E) int64
	Time     func(event E) time.Time
	// Prepare makes the tables of a generation.
	Prepare func(ctx context.Context, tx Tx, generation int) error
	// Apply carries events into the tables of a generation, in tx, with which
	// the checkpoint is stored: each event takes effect once.
	Apply func(ctx context.Context, tx Tx, generation int, events []E) error
	// Switch makes a generation the one that readers see; may be nil.
	Switch func(ctx context.Context, tx Tx, generation int) error
	// Drop removes the tables of a generation that was replaced; may be nil.
	Drop func(ctx context.Context, tx Tx, generation int) error
}

func (p *Projection[Tx, E]) validate() error {
	var errs []error
	if p.Name == "" {
		errs = append(errs, errors.New("projection has no Name"))
	}
	if p.Version < 0 {
		errs = append(errs, fmt.Errorf("field Version %d: want 1 or more", p.Version))
	}
	if p.Position == nil || p.Prepare == nil || p.Apply == nil {
		errs = append(errs, errors.New("fields Position, Prepare and Apply are needed"))
	}
	return errors.Join(errs...)
}

// Projector defaults.
const (
	DefaultProjectorTable = "ashlar_projection"
	DefaultProjectorBatch = 500
	minBackoff            = 50 * time.Millisecond
	maxBackoff            = 10 * time.Second
)

// ProjectorOptions of [NewProjector]; nil or zero is the default.
type ProjectorOptions struct {
	Table string       // of checkpoints, default DefaultProjectorTable
	Batch int          // events a transaction, default DefaultProjectorBatch
	Log   *slog.Logger // gets failures of Apply; default slog.Default()
}

// Projector runs a projection. Several processes may run the same one: they
// take turns by the lock on its checkpoint.
type Projector[Tx, E any] struct {
	db     Database[Tx]
	source Source[E]
	p      Projection[Tx, E]
	o      ProjectorOptions

	mu      sync.Mutex
	at      int64         // of the live generation as last seen
	moved   chan struct{} // closed when at grows
	lastErr error         // of the last try to apply
}

// NewProjector returns a projector; the checkpoints' table must exist: [Projector.Migrate].
func NewProjector[Tx, E any](db Database[Tx], source Source[E], p Projection[Tx, E], opts *ProjectorOptions) (*Projector[Tx, E], error) {
	var o ProjectorOptions
	if opts != nil {
		o = *opts
	}
	if o.Table == "" {
		o.Table = DefaultProjectorTable
	}
	if o.Batch == 0 {
		o.Batch = DefaultProjectorBatch
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if p.Version == 0 {
		p.Version = 1
	}
	errs := []error{db.Dialect().Validate(), p.validate(), sqldb.CheckName(o.Table)}
	if o.Batch < 0 {
		errs = append(errs, fmt.Errorf("option Batch %d: want 1 or more", o.Batch))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("cqrs: projector: %w", err)
	}
	return &Projector[Tx, E]{db: db, source: source, p: p, o: o, moved: make(chan struct{})}, nil
}

// Migrate brings the checkpoints' table to a version: Latest, or 0 to remove it.
func (r *Projector[Tx, E]) Migrate(ctx context.Context, version int) error {
	return migrate(ctx, r.db, r.o.Table, `CREATE TABLE {t} (name text NOT NULL, generation integer NOT NULL, version integer NOT NULL, position bigint NOT NULL, live integer NOT NULL, PRIMARY KEY (name, generation));
		CREATE UNIQUE INDEX {f}_live ON {t} (name) WHERE live = 1`, version)
}

// SupersededError says that a newer program's projection is live.
type SupersededError struct {
	Name         string
	Live, Become int // versions: the live one and this program's
}

func (e *SupersededError) Error() string {
	return fmt.Sprintf("cqrs: projection %s: version %d is live and this program has %d: it has been replaced and may end", e.Name, e.Live, e.Become)
}

// checkpoint is a row of the table.
type checkpoint struct {
	generation, version int
	position            int64
}

const (
	liveRow  = `live = 1`
	buildRow = `live = 0 AND generation = $2`
)

func (r *Projector[Tx, E]) sql(query string) string {
	return r.db.Dialect().Rebind(sqldb.Fill(query, r.o.Table))
}

// hold locks a checkpoint until the end of the transaction and reads it. The
// update that changes nothing locks in both dialects.
func (r *Projector[Tx, E]) hold(ctx context.Context, tx Tx, which string, args ...any) (c checkpoint, found bool, err error) {
	found, err = r.db.QueryRow(ctx, tx, r.sql(`UPDATE {t} SET position = position WHERE name = $1 AND `+which+` RETURNING generation, version, position`),
		append([]any{r.p.Name}, args...), &c.generation, &c.version, &c.position)
	return c, found, err
}

// Run projects until ctx ends and returns its error, or a *SupersededError. A
// failing Apply is tried again with a growing wait and shows in Lag.
func (r *Projector[Tx, E]) Run(ctx context.Context) error {
	failures := 0
	for {
		err := r.step(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if superseded := (*SupersededError)(nil); errors.As(err, &superseded) {
			return err
		}
		r.mu.Lock()
		r.lastErr = err
		r.mu.Unlock()
		if err == nil {
			failures = 0
			continue
		}
		wait := min(maxBackoff, minBackoff<<min(failures, 20))
		failures++
		r.o.Log.ErrorContext(ctx, "cqrs: projection failed", "projection", r.p.Name, "error", err, "next", wait)
		if err := sleep(ctx, wait/2+rand.N(wait/2)); err != nil {
			return err
		}
	}
}

// step applies one batch to the live generation, or rebuilds, or waits.
func (r *Projector[Tx, E]) step(ctx context.Context) error {
	live, err := r.ensure(ctx)
	if err != nil {
		return err
	}
	if live.version > r.p.Version {
		return &SupersededError{Name: r.p.Name, Live: live.version, Become: r.p.Version}
	}
	if live.version < r.p.Version {
		return r.Rebuild(ctx)
	}
	b, err := r.read(ctx, live.position)
	if err != nil {
		return err
	}
	if b.upTo == b.after {
		_, err = r.source.Wait(ctx, b.after)
		return err
	}
	err = r.db.Do(ctx, func(ctx context.Context, tx Tx) error {
		c, found, err := r.hold(ctx, tx, liveRow)
		if err != nil || !found {
			return errors.Join(err, errMoved)
		}
		return r.apply(ctx, tx, c, b)
	})
	if errors.Is(err, errMoved) {
		return nil // look again
	}
	if err != nil {
		return r.wrap(fmt.Sprintf("events %d to %d", b.after+1, b.upTo), err)
	}
	r.advance(b.upTo)
	return nil
}

// ensure reads the live checkpoint, and makes the first generation if there is none.
func (r *Projector[Tx, E]) ensure(ctx context.Context) (live checkpoint, err error) {
	var found bool
	read := func(ctx context.Context, tx Tx) error {
		found, err = r.db.QueryRow(ctx, tx, r.sql(`SELECT generation, version, position FROM {t} WHERE name = $1 AND `+liveRow), []any{r.p.Name}, &live.generation, &live.version, &live.position)
		return err
	}
	if err := r.db.Do(ctx, read); err != nil {
		return live, r.wrap("read checkpoint", err)
	}
	if found {
		r.advance(live.position)
		return live, nil
	}
	err = r.db.Do(ctx, func(ctx context.Context, tx Tx) error {
		n, err := r.db.Exec(ctx, tx, r.sql(`INSERT INTO {t} (name, generation, version, position, live) VALUES ($1, 1, $2, 0, 1) ON CONFLICT DO NOTHING`), r.p.Name, r.p.Version)
		if err != nil || n == 0 { // another process was first
			return errors.Join(err, read(ctx, tx))
		}
		live = checkpoint{generation: 1, version: r.p.Version}
		if err := r.p.Prepare(ctx, tx, 1); err != nil {
			return err
		}
		return r.expose(ctx, tx, 1)
	})
	return live, r.wrap("first generation", err)
}

func (r *Projector[Tx, E]) wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cqrs: projection %s: %s: %w", r.p.Name, what, err)
}

// batch is what was read from the source behind a position.
type batch[E any] struct {
	after, upTo int64
	events      []E
}

// read fetches a batch, outside any transaction: the source may be in the same
// database, and on its only connection.
func (r *Projector[Tx, E]) read(ctx context.Context, after int64) (b batch[E], err error) {
	b = batch[E]{after: after, upTo: after}
	// The head first: if nothing is found behind it, all up to it was removed.
	head, err := r.source.Head(ctx)
	if err != nil || head <= after {
		return b, r.wrap("read head", err)
	}
	if b.events, err = r.source.Read(ctx, after, r.o.Batch); err != nil {
		return b, r.wrap("read events", err)
	}
	b.upTo = head
	if n := len(b.events); n > 0 {
		b.upTo = r.p.Position(b.events[n-1])
	}
	return b, nil
}

// errMoved says that another process has taken the work over.
var errMoved = errors.New("the checkpoint has moved")

// apply carries a batch into the generation of a checkpoint that is held.
func (r *Projector[Tx, E]) apply(ctx context.Context, tx Tx, c checkpoint, b batch[E]) error {
	if c.version > r.p.Version {
		return &SupersededError{Name: r.p.Name, Live: c.version, Become: r.p.Version}
	}
	if c.position != b.after {
		return errMoved
	}
	if len(b.events) > 0 {
		if err := r.p.Apply(ctx, tx, c.generation, b.events); err != nil {
			return err
		}
	}
	_, err := r.db.Exec(ctx, tx, r.sql(`UPDATE {t} SET position = $1 WHERE name = $2 AND generation = $3`), b.upTo, r.p.Name, c.generation)
	return err
}

func (r *Projector[Tx, E]) expose(ctx context.Context, tx Tx, generation int) error {
	if r.p.Switch == nil {
		return nil
	}
	return r.p.Switch(ctx, tx, generation)
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
