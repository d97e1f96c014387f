package kafkabus

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

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
