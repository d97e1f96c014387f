// Package intake is the way of records from the goroutines that read partitions
// to a consumer's Fetch, with the count of what is in hand: for drivers that
// read each partition by itself.
package intake

import (
	"context"
	"sync/atomic"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Intake hands out no more than its limit. Fetch is called by one goroutine at a
// time, the other methods by any.
type Intake struct {
	limit  int
	accept func(*driver.Delivery) bool
	ended  <-chan struct{}
	in     chan driver.Delivery
	room   chan struct{} // signalled when inHand shrank
	failed chan error
	inHand atomic.Int64
}

// New returns an intake of at most limit records that were handed out and not
// freed. accept is asked right before a record is handed out: it notes it and
// sets its Tag, or says no when the partition has left meanwhile. ended closes
// when the consumer does.
func New(limit int, ended <-chan struct{}, accept func(*driver.Delivery) bool) *Intake {
	return &Intake{limit: limit, accept: accept, ended: ended,
		in: make(chan driver.Delivery), room: make(chan struct{}, 1), failed: make(chan error, 1)}
}

// Send waits until Fetch takes the record. It reports false when ctx ended before.
func (t *Intake) Send(ctx context.Context, d driver.Delivery) bool {
	select {
	case t.in <- d:
		return true
	case <-ctx.Done():
		return false
	}
}

// Fail lets Fetch return a final error. The first one counts.
func (t *Intake) Fail(err error) {
	select {
	case t.failed <- err:
	default:
	}
}

// Free says that n records are in hand no more: acknowledged or revoked.
func (t *Intake) Free(n int) {
	t.inHand.Add(-int64(n))
	select {
	case t.room <- struct{}{}:
	default:
	}
}

// Fetch is that of driver.Consumer.
func (t *Intake) Fetch(ctx context.Context, limit int) ([]driver.Delivery, error) {
	for {
		select {
		case <-t.ended:
			return nil, driver.ErrClosed
		default:
		}
		n, in := min(limit, t.limit-int(t.inHand.Load())), t.in
		if n <= 0 {
			in = nil // nobody may send
		}
		select {
		case d := <-in:
			if ds := t.gather(d, n); len(ds) > 0 {
				return ds, nil
			}
		case <-t.room:
		case err := <-t.failed:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-t.ended:
			return nil, driver.ErrClosed
		}
	}
}

// gather takes what else is there without waiting.
func (t *Intake) gather(d driver.Delivery, n int) []driver.Delivery {
	ds := append(make([]driver.Delivery, 0, 16), d)
more:
	for len(ds) < n {
		select {
		case d := <-t.in:
			ds = append(ds, d)
		default:
			break more
		}
	}
	kept := ds[:0]
	for i := range ds {
		if t.accept(&ds[i]) {
			kept = append(kept, ds[i])
		}
	}
	t.inHand.Add(int64(len(kept)))
	return kept
}
