package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
)

// Relay defaults.
const (
	DefaultBatch      = 1000
	DefaultBatchBytes = 8 << 20
	DefaultPoll       = 5 * time.Second
	DefaultMinBackoff = 100 * time.Millisecond
	DefaultMaxBackoff = 30 * time.Second

	turnTimeout = 30 * time.Second // of one step in the database; a longer one counts as lost
)

// RelayOptions of [NewRelay]; nil or zero is the default.
type RelayOptions struct {
	// Batch is how many messages one Publish gets, at most; BatchBytes how many
	// bytes of bodies. Four batches are in memory at a time.
	Batch, BatchBytes int
	// Poll is the longest sleep. A notification ends it sooner; on SQLite it is
	// what latency there is for messages of other processes.
	Poll time.Duration
	// MinBackoff and MaxBackoff bound the wait, doubling with each attempt and
	// spread by half, before a refused message or a lost database is tried again.
	MinBackoff, MaxBackoff time.Duration
	// MaxAttempts parks a message after so many refusals; 0: never, unless the
	// error is permanent. Parking gives up the order of its key.
	MaxAttempts int
	// Keep is how long published messages stay in the table of sent ones; 0: not at all.
	Keep time.Duration
	// Log gets refusals, parkings and lost sessions; default: slog.Default().
	Log *slog.Logger
}

// Validate reports all faults.
func (o *RelayOptions) Validate() error {
	var errs []error
	if o.Batch < 0 || o.Batch > 10000 {
		errs = append(errs, fmt.Errorf("option Batch %d: want 1 to 10000, or 0 for %d", o.Batch, DefaultBatch))
	}
	if o.BatchBytes < 0 || o.MaxAttempts < 0 {
		errs = append(errs, fmt.Errorf("options BatchBytes %d, MaxAttempts %d: want 0 or more", o.BatchBytes, o.MaxAttempts))
	}
	if o.Poll < 0 || o.MinBackoff < 0 || o.MaxBackoff < 0 || o.Keep < 0 {
		errs = append(errs, fmt.Errorf("options Poll %v, MinBackoff %v, MaxBackoff %v, Keep %v: want 0 or more", o.Poll, o.MinBackoff, o.MaxBackoff, o.Keep))
	}
	if o.MaxBackoff > 0 && o.MinBackoff > o.MaxBackoff {
		errs = append(errs, fmt.Errorf("option MinBackoff %v exceeds MaxBackoff %v", o.MinBackoff, o.MaxBackoff))
	}
	return errors.Join(errs...)
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// RelayStats are counts since the relay was made.
type RelayStats struct {
	Published int64 // acknowledged by the broker
	Refused   int64 // attempts that failed
	Parked    int64
	Sessions  int64         // times that it became the leader
	Leading   bool          // is the leader now
	Lag       time.Duration // from staging to acknowledgement, of the last batch's oldest message
}

// Relay publishes what is staged. Run does the work; the rest may be called at any time.
type Relay struct {
	store Store
	pub   Publisher
	o     RelayOptions

	published, refused, parked, sessions, lag atomic.Int64
	leading                                   atomic.Bool

	done []int64           // published, not yet deleted; outlives a session
	held map[int]time.Time // lanes with a refused message, and until when
	dues []time.Time       // of refused messages without a key
	trim time.Time         // of the last retention
}

// NewRelay returns a relay from the store to the publisher.
func NewRelay(store Store, pub Publisher, opts *RelayOptions) (*Relay, error) {
	var o RelayOptions
	if opts != nil {
		o = *opts
	}
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("outbox: relay: %w", err)
	}
	orDefault(&o.Batch, DefaultBatch)
	orDefault(&o.BatchBytes, DefaultBatchBytes)
	orDefault(&o.Poll, DefaultPoll)
	orDefault(&o.MinBackoff, DefaultMinBackoff)
	orDefault(&o.MaxBackoff, max(DefaultMaxBackoff, o.MinBackoff))
	orDefault(&o.Log, slog.Default())
	return &Relay{store: store, pub: pub, o: o, held: map[int]time.Time{}}, nil
}

// Stats returns the counts.
func (r *Relay) Stats() RelayStats {
	return RelayStats{
		Published: r.published.Load(), Refused: r.refused.Load(), Parked: r.parked.Load(),
		Sessions: r.sessions.Load(), Leading: r.leading.Load(), Lag: time.Duration(r.lag.Load()),
	}
}

// Run leads when it can and publishes until ctx ends; it returns ctx's error.
// It stands by while another relay leads, and comes back after the database or
// the broker was away. Run may not be called twice at once.
func (r *Relay) Run(ctx context.Context) error {
	for failures := 0; ; failures++ {
		before := r.published.Load()
		err := r.session(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if r.published.Load() != before {
			failures = 0
		}
		wait := r.backoff(failures + 1)
		r.o.Log.WarnContext(ctx, "outbox: relay lost its session", "error", err, "next", wait)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (r *Relay) session(ctx context.Context) (err error) {
	s, err := r.store.Lead(ctx)
	if err != nil {
		return err
	}
	r.sessions.Add(1)
	r.leading.Store(true)
	defer func() {
		r.leading.Store(false)
		err = errors.Join(err, s.Close())
	}()
	return newFlight(r, s).run(ctx)
}

// step takes a turn that is not cut short when the relay is told to end: a
// session that breaks in the middle could not finish what was published.
func step(ctx context.Context, s Session, t Turn) ([]Row, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnTimeout)
	defer cancel()
	return s.Turn(ctx, t)
}

// next waits for a batch when there is nothing under way.
func (r *Relay) next(ctx context.Context, s Session) ([]Row, error) {
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(err, r.flush(s))
	}
	rows, err := step(ctx, s, r.turn(nil))
	if err != nil {
		return nil, err
	}
	r.done = r.done[:0]
	if len(rows) > 0 {
		return rows, nil
	}
	if err := r.retain(ctx); err != nil {
		return nil, err
	}
	wait := r.o.Poll
	now := time.Now()
	r.dues = slices.DeleteFunc(r.dues, now.After)
	for _, until := range slices.AppendSeq(r.dues, maps.Values(r.held)) {
		wait = min(wait, max(until.Sub(now), time.Millisecond))
	}
	if err := s.Wait(ctx, wait); err != nil && ctx.Err() == nil {
		return nil, err
	}
	return nil, nil
}

// flush finishes what is published before the relay ends, so that its successor
// need not repeat it.
func (r *Relay) flush(s Session) error {
	if len(r.done) == 0 {
		return nil
	}
	_, err := step(context.Background(), s, Turn{Done: r.done, Keep: r.o.Keep > 0})
	if err == nil {
		r.done = r.done[:0]
	}
	return err
}

func (r *Relay) turn(publishing []Row, ready ...[]Row) Turn {
	now := time.Now()
	maps.DeleteFunc(r.held, func(_ int, until time.Time) bool { return !now.Before(until) })
	t := Turn{Done: r.done, Keep: r.o.Keep > 0, Held: slices.Sorted(maps.Keys(r.held)), Limit: r.o.Batch, Bytes: r.o.BatchBytes}
	for _, batch := range append([][]Row{publishing}, ready...) {
		for _, row := range batch {
			t.InFlight = append(t.InFlight, row.Number)
		}
	}
	return t
}

// finished forgets the first n published messages: they are deleted.
func (r *Relay) finished(n int) { r.done = slices.Delete(r.done, 0, n) }

// full reports whether a batch was as large as it may be.
func (r *Relay) full(rows []Row) bool {
	size := 0
	for i := range rows {
		size += len(rows[i].Body)
	}
	return len(rows) >= r.o.Batch || size > r.o.BatchBytes/2
}

// allowed drops rows of lanes that came to be held after the rows were asked for.
func (r *Relay) allowed(rows []Row) []Row {
	return slices.DeleteFunc(rows, func(row Row) bool { _, held := r.held[row.Lane]; return held })
}

func (r *Relay) publish(ctx context.Context, batch []Row) []error {
	messages := make([]Message, len(batch))
	for i, row := range batch {
		messages[i] = row.Message
	}
	errs := r.pub.Publish(ctx, messages)
	if errs != nil && len(errs) != len(batch) {
		err := fmt.Errorf("publisher returned %d errors for %d messages", len(errs), len(batch))
		errs = slices.Repeat([]error{err}, len(batch))
	}
	return errs
}

// settle sorts a batch into done, refused and parked.
func (r *Relay) settle(ctx context.Context, s Session, batch []Row, errs []error, turnErr error) error {
	broken := map[int]bool{}
	for i, row := range batch {
		switch {
		case broken[row.Lane]:
			// Behind a refused message of its lane: goes again after it.
		case errs == nil || errs[i] == nil:
			r.done = append(r.done, row.Number)
			r.published.Add(1)
		case ctx.Err() != nil || turnErr != nil:
			broken[row.Lane] = row.Lane != NoLane // no verdict on the message: the relay itself was stopped
		default:
			parked, err := r.refuse(ctx, s, row, errs[i])
			if err != nil {
				return err
			}
			broken[row.Lane] = row.Lane != NoLane && !parked
		}
	}
	if n := len(batch); n > 0 && !batch[0].Time.IsZero() {
		r.lag.Store(int64(time.Since(batch[0].Time)))
	}
	return turnErr
}

func (r *Relay) refuse(ctx context.Context, s Session, row Row, cause error) (parked bool, err error) {
	r.refused.Add(1)
	attempts := row.Attempts + 1
	session, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnTimeout) // as in step
	defer cancel()
	if errors.Is(cause, ErrPermanent) || errors.Is(cause, ErrTooLarge) || r.o.MaxAttempts > 0 && attempts >= r.o.MaxAttempts {
		r.parked.Add(1)
		r.o.Log.ErrorContext(ctx, "outbox: message parked", "id", row.ID, "topic", row.Topic, "attempts", attempts, "error", cause)
		return true, s.Park(session, row.Number, cause.Error())
	}
	wait := r.backoff(attempts)
	r.o.Log.WarnContext(ctx, "outbox: message refused", "id", row.ID, "topic", row.Topic, "attempts", attempts, "error", cause, "next", wait)
	if again := time.Now().Add(wait); row.Lane == NoLane {
		r.dues = append(r.dues, again)
	} else {
		r.held[row.Lane] = again
	}
	return false, s.Fail(session, row.Number, cause.Error(), wait)
}

// retain removes old sent messages, about once a minute.
func (r *Relay) retain(ctx context.Context) error {
	if r.o.Keep == 0 || time.Since(r.trim) < time.Minute {
		return nil
	}
	r.trim = time.Now()
	_, err := r.store.Trim(ctx, r.o.Keep)
	return err
}

func (r *Relay) backoff(attempt int) time.Duration {
	d := r.o.MaxBackoff
	if attempt < 30 {
		d = min(d, r.o.MinBackoff<<(attempt-1))
	}
	return d/2 + rand.N(d/2+1)
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
