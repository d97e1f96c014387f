package natsbus

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/internal/intake"
	"github.com/ashlar-dev/ashlar/patterns/bus/internal/share"
)

type consumer struct {
	conn    *conn
	sub     driver.Subscription
	id      string
	kv      jetstream.KeyValue
	streams map[string]*stream
	begins  map[driver.Part]uint64 // where the group begins that has no position
	members *share.Members
	beats   *nats.Subscription
	rivals  map[driver.Part]rival // of the keeper alone

	mu     sync.Mutex
	owned  map[driver.Part]*owned
	epoch  uint32
	intake *intake.Intake

	wake   chan struct{}      // the keeper has something to look at
	stop   context.CancelFunc // ends keeper and readers
	ctx    context.Context
	keeper sync.WaitGroup
	once   sync.Once
}

// owned is one ownership of a partition.
type owned struct {
	epoch    uint32
	window   driver.Window
	next     uint64 // to commit
	saved    uint64 // committed
	revision uint64
	renewed  time.Time // when the last renewal that succeeded was sent
	stop     context.CancelFunc
	reader   sync.WaitGroup
}

var _ driver.Consumer = (*consumer)(nil)

func (c *conn) Subscribe(ctx context.Context, s driver.Subscription) (driver.Consumer, error) {
	if err := c.connect(); err != nil {
		return nil, err
	}
	m := &consumer{conn: c, sub: s, id: rand.Text(), streams: map[string]*stream{}, begins: map[driver.Part]uint64{}, rivals: map[driver.Part]rival{},
		owned: map[driver.Part]*owned{}, wake: make(chan struct{}, 1)}
	if s.Member != "" {
		m.id = s.Member // after a restart its leases are still its own
	}
	for _, t := range s.Topics {
		st, err := c.stream(ctx, t)
		if err != nil {
			return nil, err
		}
		m.streams[t] = st
		begins, err := c.begins(ctx, st, s)
		if err != nil {
			return nil, err
		}
		for p, at := range begins {
			m.begins[driver.Part{Topic: t, Partition: p}] = at
		}
	}
	m.ctx, m.stop = context.WithCancel(c.ctx)
	m.intake = intake.New(s.MaxInFlight, m.ctx.Done(), m.accept)
	if s.Group == "" {
		for p, at := range m.begins {
			m.own(p, position{Next: at}, 0)
		}
		return m, c.add(m)
	}
	var err error
	if m.kv, err = c.bucket(ctx); err != nil {
		return nil, err
	}
	beat := share.Beat{Member: m.id, Topics: s.Topics}
	m.members = share.New(beat, c.o.Lease)
	m.beats, err = c.nc.Subscribe(m.beatSubject(), func(msg *nats.Msg) {
		if m.members.Hear(msg.Data, time.Now()) {
			m.conn.publishBeat(m, beat) // newcomers learn of us at once
			m.poke()
		}
	})
	if err != nil {
		return nil, c.translate(err)
	}
	c.publishBeat(m, beat)
	m.fix(ctx)
	if err := c.add(m); err != nil {
		return nil, err
	}
	m.keeper.Go(m.keep)
	return m, nil
}

func (c *conn) add(m *consumer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		m.stop()
		return driver.ErrClosed
	}
	c.consumers[m] = struct{}{}
	return nil
}

// beatSubject is where the members of the group hear each other, outside of JetStream.
func (m *consumer) beatSubject() string { return "_ashlar.bus." + leaseKey(m.sub.Group, "members", 0) }

func (c *conn) publishBeat(m *consumer, b share.Beat) {
	_ = c.nc.Publish(m.beatSubject(), b.Encode()) // lost beats are followed by others
}

// fix writes the place to begin for a group that has none, so that all of its
// members begin there and nothing published from now on is missed.
func (m *consumer) fix(ctx context.Context) {
	for p, at := range m.begins {
		// When it exists already the group has begun; other errors the keeper meets again.
		_, _ = m.kv.Create(ctx, leaseKey(m.sub.Group, p.Topic, p.Partition), position{Next: at}.encode())
	}
}

func (m *consumer) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// keep takes, renews and gives up partitions until the consumer is closed.
func (m *consumer) keep() {
	lease := m.conn.o.Lease
	renew := time.NewTicker(min(lease/4, time.Second))
	commit := time.NewTicker(driver.CommitEvery / 2)
	defer renew.Stop()
	defer commit.Stop()
	m.settle()
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-m.wake:
			m.settle()
		case <-renew.C:
			m.conn.publishBeat(m, m.members.Self())
			m.settle()
		case <-commit.C:
			m.save(m.ctx, false)
		}
	}
}

// settle makes what this member owns equal to what it should own.
func (m *consumer) settle() {
	now := time.Now()
	var leaving []driver.Owned
	m.mu.Lock()
	for p, o := range m.owned {
		if !m.members.Mine(p.Topic, int(p.Partition), now) {
			leaving = append(leaving, driver.Owned{Part: p, Epoch: o.epoch})
		}
	}
	m.mu.Unlock()
	m.giveUp(leaving)
	m.save(m.ctx, true)
	for p, begin := range m.begins {
		m.mu.Lock()
		have := m.owned[p] != nil
		m.mu.Unlock()
		if have || !m.members.Mine(p.Topic, int(p.Partition), now) {
			continue
		}
		ctx, cancel := context.WithTimeout(m.ctx, m.conn.o.Lease/2)
		sent := time.Now()
		pos, revision, ok, err := m.acquire(ctx, p, begin)
		cancel()
		if err != nil || !ok {
			continue // the next round tries again
		}
		o := m.own(p, pos, revision)
		m.mu.Lock()
		o.renewed = sent
		m.mu.Unlock()
	}
}

// giveUp hands partitions over in good order: handlers end, positions are saved, leases freed.
func (m *consumer) giveUp(leaving []driver.Owned) {
	if len(leaving) == 0 {
		return
	}
	for _, p := range leaving {
		m.stopReading(p.Part)
	}
	// Handlers may take long; the leases must not run out under them.
	done := make(chan struct{})
	go func() { m.sub.OnRevoke(leaving, false); close(done) }()
	t := time.NewTicker(min(m.conn.o.Lease/4, time.Second))
	defer t.Stop()
	for waiting := true; waiting; {
		select {
		case <-done:
			waiting = false
		case <-t.C:
			m.conn.publishBeat(m, m.members.Self())
			m.save(m.ctx, true)
		}
	}
	m.release(m.ctx, leaving)
}

func (m *consumer) stopReading(p driver.Part) {
	m.mu.Lock()
	o := m.owned[p]
	m.mu.Unlock()
	if o != nil {
		o.stop()
		o.reader.Wait()
	}
}

// Fetch implements [driver.Consumer].
func (m *consumer) Fetch(ctx context.Context, limit int) ([]driver.Delivery, error) {
	return m.intake.Fetch(ctx, limit)
}

func (m *consumer) Close(ctx context.Context) error {
	m.once.Do(func() {
		m.stop()
		m.keeper.Wait()
		m.mu.Lock()
		var all []driver.Owned
		for p, o := range m.owned {
			all = append(all, driver.Owned{Part: p, Epoch: o.epoch})
		}
		m.mu.Unlock()
		for _, p := range all {
			m.stopReading(p.Part)
		}
		if m.sub.Group != "" && m.conn.ctx.Err() == nil {
			m.release(ctx, all)
			b := m.members.Self()
			b.Leaves = true
			m.conn.publishBeat(m, b)
			_ = m.beats.Unsubscribe() // the connection is gone, and the subscription with it
		}
		m.conn.mu.Lock()
		delete(m.conn.consumers, m)
		m.conn.mu.Unlock()
	})
	return nil
}

// died ends the consumer without a word to the group, when the connection is
// closed under it.
func (m *consumer) died() {
	m.stop()
	m.keeper.Wait()
	m.mu.Lock()
	os := make([]*owned, 0, len(m.owned))
	for _, o := range m.owned {
		os = append(os, o)
	}
	m.mu.Unlock()
	for _, o := range os {
		o.reader.Wait()
	}
}
