package kafkabus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

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
	inHand int
	closed bool
	room   chan struct{} // signalled when inHand shrank

	stop      chan struct{} // ends the committer
	committer sync.WaitGroup
	once      sync.Once
}

// owned is one ownership of a partition.
type owned struct {
	epoch     uint32
	leader    int32 // epoch of the leader that the last record came from
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
	m := &consumer{conn: c, sub: s, owned: map[driver.Part]*owned{}, room: make(chan struct{}, 1), stop: make(chan struct{})}
	// The place to begin is fixed now: what is published after Subscribe has
	// returned is not missed, however long the group takes to form.
	if m.begins, err = c.list(ctx, adm, s); err != nil {
		return nil, err
	}
	if len(m.begins) == 0 {
		return nil, fmt.Errorf("%w: %q", driver.ErrNoTopic, s.Topics)
	}
	opts := c.options(kgo.FetchMaxWait(500*time.Millisecond), kgo.DisableFetchSessions(),
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

// adjust puts the place to begin in for partitions that the group has none for.
func (m *consumer) adjust(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	const atStart = -2 // what ConsumeStartOffset said above: nothing was committed
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, ps := range offsets {
		for p, o := range ps {
			id := driver.Part{Topic: topic, Partition: p}
			at, known := m.begins[id]
			if o.EpochOffset().Offset != atStart || !known {
				continue
			}
			ps[p] = kgo.NewOffset().At(at)
			if own := m.owned[id]; own != nil {
				own.next = at // committed soon, so that the next owner begins there too
			}
		}
	}
	return offsets, nil
}

func (m *consumer) assigned(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch++
	for topic, ps := range parts {
		for _, p := range ps {
			m.owned[driver.Part{Topic: topic, Partition: p}] = &owned{epoch: m.epoch, leader: -1, committed: -1, next: -1}
		}
	}
}

func (m *consumer) list(parts map[string][]int32) (out []driver.Owned) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, ps := range parts {
		for _, p := range ps {
			id := driver.Part{Topic: topic, Partition: p}
			if o := m.owned[id]; o != nil {
				out = append(out, driver.Owned{Part: id, Epoch: o.epoch})
			}
		}
	}
	return out
}

func (m *consumer) revoked(ctx context.Context, _ *kgo.Client, parts map[string][]int32) {
	if leaving := m.list(parts); len(leaving) > 0 {
		m.handOver(leaving, false)
		m.commit(ctx)
		m.forget(leaving)
	}
}

func (m *consumer) lost(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
	if gone := m.list(parts); len(gone) > 0 {
		m.handOver(gone, true)
		m.forget(gone)
	}
}

// handOver tells the receiver, unless it is the one that closes the consumer.
func (m *consumer) handOver(parts []driver.Owned, lost bool) {
	m.mu.Lock()
	closed := m.closed
	m.mu.Unlock()
	if !closed {
		m.sub.OnRevoke(parts, lost)
	}
}

func (m *consumer) forget(parts []driver.Owned) {
	m.mu.Lock()
	for _, p := range parts {
		if o := m.owned[p.Part]; o != nil && o.epoch == p.Epoch {
			m.inHand -= o.window.Open()
			delete(m.owned, p.Part)
		}
	}
	m.mu.Unlock()
	m.signal()
}

func (m *consumer) signal() {
	select {
	case m.room <- struct{}{}:
	default:
	}
}

func (m *consumer) Fetch(ctx context.Context, limit int) ([]driver.Delivery, error) {
	for {
		m.mu.Lock()
		n, closed := min(limit, m.sub.MaxInFlight-m.inHand), m.closed
		m.mu.Unlock()
		if closed {
			return nil, driver.ErrClosed
		}
		if n <= 0 {
			select {
			case <-m.room:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-m.conn.ctx.Done():
				return nil, driver.ErrClosed
			}
		}
		fetches := m.client.PollRecords(ctx, n)
		ds := m.receive(fetches)
		m.client.AllowRebalance()
		if len(ds) > 0 {
			return ds, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if fetches.IsClientClosed() || m.conn.ctx.Err() != nil {
			return nil, driver.ErrClosed
		}
		// Other errors are the client's to mend: it goes on by itself. A topic that
		// was deleted is not mended by waiting.
		for _, e := range fetches.Errors() {
			if t := translate(e.Err); errors.Is(t, driver.ErrNoTopic) {
				return nil, fmt.Errorf("topic %q, partition %d: %w", e.Topic, e.Partition, t)
			}
		}
	}
}

func (m *consumer) receive(fetches kgo.Fetches) []driver.Delivery {
	n := fetches.NumRecords()
	if n == 0 {
		return nil
	}
	ds := make([]driver.Delivery, 0, n)
	m.mu.Lock()
	defer m.mu.Unlock()
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		o := m.owned[driver.Part{Topic: p.Topic, Partition: p.Partition}]
		if o == nil {
			return // revoked; the callback cannot have run during the poll, so this is not reached
		}
		for _, r := range p.Records {
			ds = append(ds, driver.Delivery{
				Record:    driver.Record{Topic: r.Topic, Key: string(r.Key), Body: r.Value, Time: r.Timestamp, Headers: headers(r.Headers)},
				Partition: p.Partition, Epoch: o.epoch, Offset: r.Offset, Tag: o.window.Add(r.Offset),
			})
			o.leader = r.LeaderEpoch
		}
	})
	m.inHand += len(ds)
	return ds
}

func headers(in []kgo.RecordHeader) []driver.Header {
	if len(in) == 0 {
		return nil
	}
	out := make([]driver.Header, len(in))
	for i, h := range in {
		out[i] = driver.Header{Name: h.Key, Value: h.Value}
	}
	return out
}

func (m *consumer) Ack(ds []*driver.Delivery) {
	m.mu.Lock()
	var o *owned
	var last driver.Part
	for _, d := range ds {
		if o == nil || last != d.Part() {
			last = d.Part()
			o = m.owned[last]
		}
		if o == nil || o.epoch != d.Epoch {
			continue
		}
		if o.window.Done(d.Tag) {
			m.inHand--
		}
		if next, moved := o.window.Commit(); moved {
			o.next = next
		}
	}
	m.mu.Unlock()
	m.signal()
}

func (m *consumer) commitLoop() {
	t := time.NewTicker(driver.CommitEvery / 2)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			ctx, cancel := context.WithTimeout(m.conn.ctx, 5*time.Second)
			m.commit(ctx)
			cancel()
		case <-m.stop:
			return
		}
	}
}

// commit commits what moved. What fails is tried again by the next call; the
// group's generation fences a member that was put out meanwhile.
func (m *consumer) commit(ctx context.Context) {
	offsets := map[string]map[int32]kgo.EpochOffset{}
	m.mu.Lock()
	for p, o := range m.owned {
		if o.next >= 0 && o.next != o.committed {
			if offsets[p.Topic] == nil {
				offsets[p.Topic] = map[int32]kgo.EpochOffset{}
			}
			offsets[p.Topic][p.Partition] = kgo.EpochOffset{Epoch: o.leader, Offset: o.next}
		}
	}
	m.mu.Unlock()
	if len(offsets) == 0 {
		return
	}
	m.client.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, r *kmsg.OffsetCommitResponse, err error) {
		if err != nil {
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				if o := m.owned[driver.Part{Topic: t.Topic, Partition: p.Partition}]; o != nil && p.ErrorCode == 0 {
					o.committed = offsets[t.Topic][p.Partition].Offset
				}
			}
		}
	})
}

func (m *consumer) Lag(ctx context.Context) ([]driver.Lag, error) {
	adm, err := m.conn.admin()
	if err != nil {
		return nil, err
	}
	ends, err := adm.ListEndOffsets(ctx, m.sub.Topics...)
	if err != nil {
		return nil, translate(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	lags := make([]driver.Lag, 0, len(m.owned))
	for p, o := range m.owned {
		end, ok := ends.Lookup(p.Topic, p.Partition)
		if !ok || end.Err != nil {
			continue
		}
		from := max(o.committed, o.next)
		if first, ok := o.window.First(); from < 0 && ok {
			from = first // nothing of it is committed yet
		}
		if from < 0 {
			from = end.Offset
		}
		lags = append(lags, driver.Lag{Part: p, Records: end.Offset - from})
	}
	return lags, nil
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
