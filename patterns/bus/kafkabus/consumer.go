package kafkabus

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

type consumer struct {
	conn   *conn
	client *kgo.Client
	sub    driver.Subscription
	begins map[driver.Part]int64 // where a group without a position begins, as of Subscribe

	mu     sync.Mutex
	owned  map[driver.Part]*owned
	epoch  uint32
	turn   []*owned // those that hold records, in the order of their turns
	inHand int
	out    []driver.Delivery // what Fetch returned last, to use again
	keys   keys
	closed bool
	room   chan struct{} // signalled when inHand shrank

	stop      chan struct{} // ends the committer
	committer sync.WaitGroup
	once      sync.Once
}

// owned is one ownership of a partition.
type owned struct {
	epoch     uint32
	held      []*kgo.Record // fetched and not handed out
	leader    int32         // epoch of the leader that the last record came from
	window    driver.Window
	committed int64 // next offset, as the broker knows it; -1: not yet
	next      int64 // to commit
}

var _ driver.Consumer = (*consumer)(nil)

func (c *conn) Subscribe(ctx context.Context, s driver.Subscription) (driver.Consumer, error) {
	adm, err := c.admin()
	if err != nil {
		return nil, err
	}
	m := &consumer{conn: c, sub: s, owned: map[driver.Part]*owned{}, room: make(chan struct{}, 1), stop: make(chan struct{}), keys: keys{seed: maphash.MakeSeed()}}
	// The place to begin is fixed now: what is published after Subscribe has
	// returned is not missed, however long the group takes to form.
	if m.begins, err = c.list(ctx, adm, s); err != nil {
		return nil, err
	}
	if len(m.begins) == 0 {
		return nil, fmt.Errorf("%w: %q", driver.ErrNoTopic, s.Topics)
	}
	opts := c.options(kgo.FetchMaxWait(500*time.Millisecond), kgo.DisableFetchSessions(), kgo.WithPools(&records{}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted())) // what a transaction took back was never published
	if s.Group == "" {
		opts = append(opts, kgo.ConsumePartitions(m.takeAll()))
	} else {
		opts = append(opts, kgo.ConsumerGroup(s.Group), kgo.ConsumeTopics(s.Topics...), kgo.DisableAutoCommit(),
			kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.BlockRebalanceOnPoll(),
			kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
			kgo.AdjustFetchOffsetsFn(m.adjust), kgo.OnPartitionsAssigned(m.assigned),
			kgo.OnPartitionsRevoked(m.revoked), kgo.OnPartitionsLost(m.lost))
		if s.Member != "" {
			opts = append(opts, kgo.InstanceID(s.Member))
		}
		if d := c.o.SessionTimeout; d > 0 {
			opts = append(opts, kgo.SessionTimeout(d), kgo.HeartbeatInterval(min(3*time.Second, d/4)))
		}
	}
	if m.client, err = kgo.NewClient(opts...); err != nil {
		return nil, fmt.Errorf("kafkabus: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		m.client.Close()
		return nil, driver.ErrClosed
	}
	c.consumers[m] = struct{}{}
	if s.Group != "" {
		m.committer.Go(m.commitLoop)
	}
	return m, nil
}

// takeAll makes this consumer, which has no group, the owner of everything.
func (m *consumer) takeAll() map[string]map[int32]kgo.Offset {
	out := map[string]map[int32]kgo.Offset{}
	for p, at := range m.begins {
		if out[p.Topic] == nil {
			out[p.Topic] = map[int32]kgo.Offset{}
		}
		out[p.Topic][p.Partition] = kgo.NewOffset().At(at)
		m.owned[p] = &owned{epoch: 1, committed: at, next: at}
	}
	return out
}

// Close commits and leaves. A static member does not leave: its partitions wait
// for its return, for as long as the session lasts.
func (m *consumer) Close(ctx context.Context) error {
	m.once.Do(func() {
		m.mu.Lock()
		m.closed = true
		m.mu.Unlock()
		close(m.stop)
		m.committer.Wait()
		if m.sub.Group != "" && m.conn.ctx.Err() == nil {
			m.commit(ctx)
		}
		m.client.CloseAllowingRebalance()
		m.conn.mu.Lock()
		delete(m.conn.consumers, m)
		m.conn.mu.Unlock()
	})
	return nil
}

// died ends the client without a word to the group, when the connection is
// closed under an open consumer.
func (m *consumer) died() {
	m.client.CloseAllowingRebalance() // its context has ended, so it leaves nothing and says nothing
}
