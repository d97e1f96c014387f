package kafkabus

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

func (m *consumer) signal() {
	select {
	case m.room <- struct{}{}:
	default:
	}
}

// Fetch takes whatever the client has got from the brokers and hands it out
// piece by piece: the client asks for more only when its buffer is empty, so
// that the brokers would stand still while a part of it is being handled.
func (m *consumer) Fetch(ctx context.Context, limit int) ([]driver.Delivery, error) {
	for {
		if m.conn.ctx.Err() != nil {
			return nil, driver.ErrClosed
		}
		m.mu.Lock()
		n, closed := min(limit, m.sub.MaxInFlight-m.inHand), m.closed
		ds := m.take(n)
		m.mu.Unlock()
		switch {
		case closed:
			return nil, driver.ErrClosed
		case len(ds) > 0:
			return ds, nil
		case n <= 0:
			select {
			case <-m.room:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-m.conn.ctx.Done():
				return nil, driver.ErrClosed
			}
		}
		clear(m.out[:cap(m.out)]) // nothing is held on to while this waits
		fetches := m.client.PollFetches(ctx)
		m.hold(fetches)
		m.client.AllowRebalance()
		if fetches.NumRecords() > 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if fetches.IsClientClosed() {
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

// hold keeps records until they are handed out, or their partition leaves.
func (m *consumer) hold(fetches kgo.Fetches) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		o := m.owned[driver.Part{Topic: p.Topic, Partition: p.Partition}]
		if o == nil || len(p.Records) == 0 {
			return // revoked; the callback cannot have run during the poll, so this is not reached
		}
		if len(o.held) == 0 {
			m.turn = append(m.turn, o)
			o.held = p.Records
		} else {
			o.held = append(o.held, p.Records...)
		}
	})
}

// quantum is how many records of one partition come in a row, so that all of
// them, and with them many keys, are in hand at a time.
const quantum = 32

// take hands out at most n of what is held, in turns. The caller has the lock.
func (m *consumer) take(n int) []driver.Delivery {
	have := 0
	for _, o := range m.turn {
		have += len(o.held)
	}
	n = min(n, have)
	if n <= 0 {
		return nil
	}
	ds := m.out[:0]
	for n > 0 {
		o := m.turn[0]
		m.turn = m.turn[1:]
		k := min(n, len(o.held), max(quantum, n/(len(m.turn)+1)))
		for left := k; left > 0; left -= quantum {
			ds = o.handOut(ds, &m.keys, min(left, quantum))
		}
		n -= k
		m.inHand += k
		if len(o.held) > 0 {
			m.turn = append(m.turn, o)
		}
	}
	m.out = ds
	return ds
}

// handOut appends the next k held records, and gives the client's structs back.
// Few at a time, or what one of its loops touched is out of the caches in the next.
func (o *owned) handOut(ds []driver.Delivery, keys *keys, k int) []driver.Delivery {
	records := o.held[:k]
	keys.touch(records)
	o.leader = records[k-1].LeaderEpoch
	for _, r := range records {
		ds = append(ds, driver.Delivery{
			Record:    driver.Record{Topic: r.Topic, Key: keys.of(r.Key), Body: r.Value, Time: r.Timestamp, Headers: headers(r.Headers)},
			Partition: r.Partition, Epoch: o.epoch, Offset: r.Offset, Tag: o.window.Add(r.Offset),
		})
	}
	for _, r := range records { // apart: its atomic counter would make each record wait for the one before
		r.Recycle()
	}
	clear(records)
	if o.held = o.held[k:]; len(o.held) == 0 {
		o.held = nil
	}
	return ds
}
