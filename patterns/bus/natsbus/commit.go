package natsbus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// accept notes a record that is about to be handed out.
func (m *consumer) accept(d *driver.Delivery) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.owned[d.Part()]
	if o == nil || o.epoch != d.Epoch {
		return false // the partition left while the record was on its way
	}
	d.Tag = o.window.Add(d.Offset)
	return true
}

func (m *consumer) Ack(ds []*driver.Delivery) {
	freed := 0
	m.mu.Lock()
	for _, d := range ds {
		o := m.owned[d.Part()]
		if o == nil || o.epoch != d.Epoch {
			continue
		}
		if o.window.Done(d.Tag) {
			freed++
		}
		if next, moved := o.window.Commit(); moved {
			o.next = uint64(next)
		}
	}
	m.mu.Unlock()
	m.intake.Free(freed)
}

// release writes the positions with no owner and forgets the partitions.
func (m *consumer) release(ctx context.Context, parts []driver.Owned) {
	freed := 0
	for _, p := range parts {
		m.mu.Lock()
		o := m.owned[p.Part]
		if o == nil || o.epoch != p.Epoch {
			m.mu.Unlock()
			continue
		}
		freed += o.window.Open()
		delete(m.owned, p.Part)
		pos, revision := position{Next: o.next}, o.revision
		m.mu.Unlock()
		// If this fails, the lease runs out by itself.
		_, _ = m.kv.Update(ctx, leaseKey(m.sub.Group, p.Topic, p.Partition), pos.encode(), revision)
	}
	m.intake.Free(freed)
}

// save commits what moved, and with renew also what did not, so that the leases
// last. A partition whose lease was taken, or could not be renewed in time, is lost.
func (m *consumer) save(ctx context.Context, renew bool) {
	type job struct {
		id       driver.Part
		o        *owned
		next     uint64
		revision uint64
	}
	var jobs []job
	m.mu.Lock()
	for p, o := range m.owned {
		if o.next != o.saved || renew && time.Since(o.renewed) > m.conn.o.Lease/4 {
			jobs = append(jobs, job{p, o, o.next, o.revision})
		}
	}
	m.mu.Unlock()
	var lost []driver.Owned
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, j := range jobs {
		wg.Go(func() { // together, so that the server may sync them together
			ctx, cancel := context.WithTimeout(ctx, m.conn.o.Lease/4)
			defer cancel()
			sent := time.Now()
			revision, err := m.kv.Update(ctx, leaseKey(m.sub.Group, j.id.Topic, j.id.Partition), position{Next: j.next, Owner: m.id}.encode(), j.revision)
			if err != nil && isConflict(err) {
				revision, err = m.reclaim(ctx, j.id, j.next)
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			if err == nil {
				j.o.revision, j.o.saved, j.o.renewed = revision, j.next, sent
				return
			}
			if isConflict(err) || time.Since(j.o.renewed) > m.conn.o.Lease*3/4 {
				mu.Lock()
				lost = append(lost, driver.Owned{Part: j.id, Epoch: j.o.epoch})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(lost) == 0 || ctx.Err() != nil {
		return
	}
	for _, p := range lost {
		m.stopReading(p.Part)
	}
	m.sub.OnRevoke(lost, true)
	freed := 0
	m.mu.Lock()
	for _, p := range lost {
		if o := m.owned[p.Part]; o != nil {
			freed += o.window.Open()
			delete(m.owned, p.Part)
		}
	}
	m.mu.Unlock()
	m.intake.Free(freed)
}

// reclaim answers a conflict: the update before may have been written although
// its answer was lost. Then the owner is still this member, and goes on.
func (m *consumer) reclaim(ctx context.Context, p driver.Part, next uint64) (uint64, error) {
	key := leaseKey(m.sub.Group, p.Topic, p.Partition)
	e, err := m.kv.Get(ctx, key)
	if err != nil {
		return 0, err
	}
	var pos position
	if err := decode(e.Value(), &pos); err != nil || pos.Owner != m.id {
		return 0, errTaken
	}
	return m.kv.Update(ctx, key, position{Next: next, Owner: m.id}.encode(), e.Revision())
}

var errTaken = fmt.Errorf("the lease is another's: %w", jetstream.ErrKeyExists)

func (m *consumer) Lag(ctx context.Context) ([]driver.Lag, error) {
	m.mu.Lock()
	next := map[driver.Part]uint64{}
	for p, o := range m.owned {
		next[p] = o.next
	}
	m.mu.Unlock()
	lags := make([]driver.Lag, 0, len(next))
	for p, from := range next {
		n, err := m.conn.count(ctx, m.streams[p.Topic], p.Partition, from)
		if err != nil {
			return nil, m.conn.translate(err)
		}
		lags = append(lags, driver.Lag{Part: p, Records: n})
	}
	return lags, nil
}
