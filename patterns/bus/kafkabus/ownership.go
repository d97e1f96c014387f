package kafkabus

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

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
			m.turn = slices.DeleteFunc(m.turn, func(t *owned) bool { return t == o })
			delete(m.owned, p.Part)
		}
	}
	m.mu.Unlock()
	m.signal()
}
