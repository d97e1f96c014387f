package membus

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

type consumer struct {
	b    *Broker
	conn *conn
	g    *group
	name string // of the group
	own  bool   // the group ends with this consumer
	id   string
	sub  driver.Subscription

	// guarded by b.mu
	want   map[driver.Part]bool
	owned  map[driver.Part]*owned
	order  []driver.Part // owned, in the order in which Fetch visits them
	inHand int
	closed bool

	keeper sync.WaitGroup
}

type owned struct {
	epoch  uint32
	next   int64 // to hand out
	leaves bool  // being revoked: nothing more is handed out
	window driver.Window
}

var _ driver.Consumer = (*consumer)(nil)

func (c *conn) Subscribe(_ context.Context, s driver.Subscription) (driver.Consumer, error) {
	b := c.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.closed {
		return nil, driver.ErrClosed
	}
	m := &consumer{b: b, conn: c, name: s.Group, sub: s, id: rand.Text(), owned: map[driver.Part]*owned{}}
	if m.name == "" {
		m.name, m.own = "own."+m.id, true
	}
	for _, t := range s.Topics {
		if _, err := b.topic(t); err != nil {
			return nil, err
		}
	}
	m.g = b.group(m.name)
	for _, t := range s.Topics {
		m.g.begin(b, t, s)
	}
	m.g.members = append(m.g.members, m)
	m.g.balance(b)
	c.consumers[m] = struct{}{}
	m.keeper.Go(m.keep)
	return m, nil
}

// keep gives up and takes over partitions until the consumer is closed.
func (m *consumer) keep() {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	for !m.closed {
		if leaving := m.leaving(); len(leaving) > 0 {
			m.b.mu.Unlock()
			m.sub.OnRevoke(leaving, false)
			m.b.mu.Lock()
			for _, p := range leaving {
				m.release(p.Part)
			}
			m.b.changed.Broadcast()
			continue
		}
		if m.take() {
			m.b.changed.Broadcast()
			continue
		}
		m.b.changed.Wait()
	}
}

func (m *consumer) leaving() (ps []driver.Owned) {
	for p, o := range m.owned {
		if !m.want[p] {
			o.leaves = true
			ps = append(ps, driver.Owned{Part: p, Epoch: o.epoch})
		}
	}
	return ps
}

func (m *consumer) take() (took bool) {
	for p := range m.want {
		if m.owned[p] == nil && m.g.owner[p] == nil {
			m.g.epoch++
			m.g.owner[p] = m
			m.owned[p] = &owned{epoch: m.g.epoch, next: m.g.committed[p]}
			m.order = append(m.order, p)
			took = true
		}
	}
	return took
}

func (m *consumer) release(p driver.Part) {
	o := m.owned[p]
	if o == nil {
		return
	}
	m.inHand -= o.window.Open()
	delete(m.owned, p)
	m.order = slices.DeleteFunc(m.order, func(q driver.Part) bool { return q == p })
	delete(m.g.owner, p)
}

func (m *consumer) Fetch(ctx context.Context, limit int) ([]driver.Delivery, error) {
	b := m.b
	stop := context.AfterFunc(ctx, func() { b.mu.Lock(); b.changed.Broadcast(); b.mu.Unlock() })
	defer stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if m.closed {
			return nil, driver.ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if ds := m.collect(min(limit, m.sub.MaxInFlight-m.inHand)); len(ds) > 0 {
			return ds, nil
		}
		b.changed.Wait()
	}
}

func (m *consumer) collect(limit int) (ds []driver.Delivery) {
	for i, p := range m.order {
		o, l := m.owned[p], &m.b.topics[p.Topic].parts[p.Partition]
		for !o.leaves && o.next < l.end() && len(ds) < limit {
			at := max(o.next, l.first)
			d := driver.Delivery{Record: l.records[at-l.first], Partition: p.Partition, Epoch: o.epoch, Offset: at}
			d.Tag = o.window.Add(at)
			o.next = at + 1
			ds = append(ds, d)
		}
		if len(ds) >= limit && limit > 0 {
			// The next Fetch begins behind, so that one busy partition does not starve the others.
			m.order = append(m.order[i+1:len(m.order):len(m.order)], m.order[:i+1]...)
			break
		}
	}
	m.inHand += len(ds)
	return ds
}

func (m *consumer) Ack(ds []*driver.Delivery) {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	for _, d := range ds {
		o := m.owned[d.Part()]
		if o == nil || o.epoch != d.Epoch {
			continue
		}
		if o.window.Done(d.Tag) {
			m.inHand--
		}
		if next, moved := o.window.Commit(); moved {
			m.g.committed[d.Part()] = next
		}
	}
	m.b.changed.Broadcast()
}

func (m *consumer) Lag(context.Context) ([]driver.Lag, error) {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	if m.closed {
		return nil, driver.ErrClosed
	}
	lags := make([]driver.Lag, 0, len(m.owned))
	for p := range m.owned {
		l := &m.b.topics[p.Topic].parts[p.Partition]
		lags = append(lags, driver.Lag{Part: p, Records: l.end() - max(m.g.committed[p], l.first)})
	}
	return lags, nil
}

func (m *consumer) Close(context.Context) error {
	m.leave()
	return nil
}

func (m *consumer) leave() {
	m.b.mu.Lock()
	if m.closed {
		m.b.mu.Unlock()
		return
	}
	m.closed = true
	for p := range m.owned {
		m.release(p)
	}
	m.g.members = slices.DeleteFunc(m.g.members, func(o *consumer) bool { return o == m })
	if m.own {
		delete(m.b.groups, m.name)
	}
	m.g.balance(m.b)
	delete(m.conn.consumers, m)
	m.b.mu.Unlock()
	m.keeper.Wait()
}
