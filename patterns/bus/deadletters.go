package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Errors of DeadLetters.
var (
	ErrNoLetter = errors.New("bus: no such dead letter")
	// ErrSettled: it was replayed or discarded before.
	ErrSettled = errors.New("bus: dead letter is settled")
	// ErrTruncated: its body is not whole; it can be replayed after an edit.
	ErrTruncated = errors.New("bus: dead letter's body was cut")
)

// DeadLetters is the view of one topic of dead letters. What is decided about a
// letter is a record behind it on the same topic, so every program that looks
// sees the same, and nothing is ever removed by looking.
type DeadLetters struct {
	bus   *Bus
	topic string

	mu      sync.Mutex
	next    map[int32]int64
	letters map[string]*DeadLetter
	order   []string // ids, oldest first
}

// DeadLetters returns the view of a topic of dead letters: a group's own is named
// GROUP.dead-letters.
func (b *Bus) DeadLetters(topic string) *DeadLetters {
	return &DeadLetters{bus: b, topic: topic, next: map[int32]int64{}, letters: map[string]*DeadLetter{}}
}

// Topic returns the topic that it views.
func (q *DeadLetters) Topic() string { return q.topic }

// refresh reads what came since the last look. The caller holds the lock.
func (q *DeadLetters) refresh(ctx context.Context) error {
	err := q.bus.driver.Scan(ctx, q.topic, maps.Clone(q.next), func(d *driver.Delivery) bool {
		q.next[d.Partition] = d.Offset + 1
		q.apply(d)
		return true
	})
	if err != nil {
		return fmt.Errorf("bus: dead letters of %q: %w", q.topic, err)
	}
	return nil
}

const edited = "edited"

func (q *DeadLetters) apply(d *driver.Delivery) {
	l, ok := readDeadLetter(d)
	if !ok {
		return
	}
	old := q.letters[l.ID]
	switch {
	case l.State == Dead && old == nil:
		q.letters[l.ID] = l
		q.order = append(q.order, l.ID)
	case l.State == Dead && old.State != Dead:
		// It died again after a replay whose record is at the same place.
		q.letters[l.ID] = l
	case old == nil:
	case l.State == edited:
		old.Body, old.Edited, old.Truncated = l.Body, true, false
	case l.State == Replayed || l.State == Discarded:
		old.State, old.Settled, old.Body = l.State, l.Settled, nil
	}
}

// List returns the letters that keep accepts (nil: all), newest first. Bodies
// are left out of settled ones.
func (q *DeadLetters) List(ctx context.Context, keep func(*DeadLetter) bool) ([]DeadLetter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.refresh(ctx); err != nil {
		return nil, err
	}
	var out []DeadLetter
	for _, id := range slices.Backward(q.order) {
		if l := q.letters[id]; keep == nil || keep(l) {
			out = append(out, *l)
		}
	}
	return out, nil
}

// Show returns one letter whole.
func (q *DeadLetters) Show(ctx context.Context, id string) (DeadLetter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l, err := q.find(ctx, id)
	if err != nil {
		return DeadLetter{}, err
	}
	return *l, nil
}

func (q *DeadLetters) find(ctx context.Context, id string) (*DeadLetter, error) {
	if err := q.refresh(ctx); err != nil {
		return nil, err
	}
	l := q.letters[id]
	if l == nil {
		return nil, fmt.Errorf("%w: %q on topic %q", ErrNoLetter, id, q.topic)
	}
	return l, nil
}

func (q *DeadLetters) open(ctx context.Context, id string) (*DeadLetter, error) {
	l, err := q.find(ctx, id)
	if err == nil && l.State != Dead {
		err = fmt.Errorf("%w: %q was %s %s ago", ErrSettled, id, l.State, age(l.Settled))
	}
	return l, err
}

// Edit replaces the body that a replay will publish.
func (q *DeadLetters) Edit(ctx context.Context, id string, body []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, err := q.open(ctx, id); err != nil {
		return err
	}
	return q.mark(ctx, id, edited, body)
}

// Replay publishes the event again to its topic, as it was or as edited. Only
// the group that gave up on it handles it: other groups of this package pass it
// over; programs that do not use this package see it again. When it fails
// between publishing and noting so, the letter stays and may be replayed twice.
func (q *DeadLetters) Replay(ctx context.Context, id string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	l, err := q.open(ctx, id)
	if err != nil {
		return err
	}
	if l.Truncated {
		return fmt.Errorf("%w: %q; its whole body lies in topic %q, partition %d, offset %d: edit the letter first", ErrTruncated, id, l.Topic, l.Partition, l.Offset)
	}
	r := driver.Record{Topic: l.Topic, Key: l.Key, Body: l.Body, Time: l.RecordTime, Headers: slices.Clone(l.Headers)}
	r.Headers = append(r.Headers, Header{Name: headerReplayFor, Value: []byte(l.Group)}, Header{Name: headerReplayOf, Value: []byte(l.ID)})
	if err := q.bus.publishRaw(ctx, r); err != nil {
		return fmt.Errorf("bus: replay %q to topic %q: %w", id, l.Topic, err)
	}
	return q.mark(ctx, id, Replayed, nil)
}

// Discard settles a letter without a replay.
func (q *DeadLetters) Discard(ctx context.Context, id string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, err := q.open(ctx, id); err != nil {
		return err
	}
	return q.mark(ctx, id, Discarded, nil)
}

func (q *DeadLetters) mark(ctx context.Context, id, state string, body []byte) error {
	r := driver.Record{Topic: q.topic, Key: id, Body: body, Time: now(), Headers: []Header{
		{Name: headerDead + "state", Value: []byte(state)}, {Name: headerDead + "settled", Value: []byte(stamp(now()))}}}
	if err := q.bus.publishRaw(ctx, r); err != nil {
		return fmt.Errorf("bus: note that dead letter %q is %s: %w", id, state, err)
	}
	return q.refresh(ctx)
}

func (b *Bus) publishRaw(ctx context.Context, r driver.Record) error {
	ch := make(chan []error, 1)
	b.driver.Publish(ctx, []driver.Record{r}, func(errs []error) { ch <- errs })
	if errs := <-ch; errs != nil {
		return errs[0]
	}
	return nil
}
