package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

func decode(b []byte, p *position) error { return json.Unmarshal(b, p) }

// own makes this consumer the owner and starts to read.
func (m *consumer) own(p driver.Part, pos position, revision uint64) *owned {
	ctx, cancel := context.WithCancel(m.ctx)
	m.mu.Lock()
	m.epoch++
	o := &owned{epoch: m.epoch, next: pos.Next, saved: pos.Next, revision: revision, renewed: time.Now(), stop: cancel}
	m.owned[p] = o
	m.mu.Unlock()
	o.reader.Go(func() {
		if err := m.read(ctx, p, o.epoch, pos.Next); err != nil && ctx.Err() == nil {
			m.intake.Fail(err)
		}
	})
	return o
}

// read sends the partition's records to Fetch, in order from a sequence on. It
// follows the stream through reconnects and restarts of the server.
func (m *consumer) read(ctx context.Context, p driver.Part, epoch uint32, next uint64) error {
	s := m.streams[p.Topic]
	for ctx.Err() == nil {
		err := m.conn.follow(ctx, s, p.Partition, next, min(m.sub.MaxInFlight, 1000), func(d driver.Delivery) bool {
			d.Epoch = epoch
			if !m.intake.Send(ctx, d) {
				return false
			}
			next = uint64(d.Offset) + 1
			return true
		})
		if errors.Is(err, driver.ErrNoTopic) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			t := time.NewTimer(200 * time.Millisecond)
			select {
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
			}
		}
	}
	return nil
}

// follow hands the records of a partition to f, in order, until f says no, ctx
// ends, or the server's consumer fails.
func (c *conn) follow(ctx context.Context, s *stream, p int32, next uint64, ahead int, f func(driver.Delivery) bool) error {
	cons, err := c.js.OrderedConsumer(ctx, s.name, c.at(s, p, next))
	if err != nil {
		return c.translate(err)
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(ahead))
	if err != nil {
		return c.translate(err)
	}
	// Stop is for this goroutine alone: called while Next replaces a consumer that
	// the server lost, it would miss the new one, which nothing would ever end.
	defer it.Stop()
	for {
		msg, err := it.Next(jetstream.NextContext(ctx))
		if ctx.Err() != nil || errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			return ctx.Err()
		}
		if err != nil {
			return c.translate(err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("natsbus: %w", err)
		}
		if meta.Sequence.Stream < next {
			continue // the client started its consumer anew
		}
		d := driver.Delivery{Record: record(s.topic, msg.Headers(), msg.Data(), meta.Timestamp), Partition: p, Offset: int64(meta.Sequence.Stream)}
		if !f(d) {
			return nil
		}
	}
}

func (c *conn) at(s *stream, p int32, next uint64) jetstream.OrderedConsumerConfig {
	return jetstream.OrderedConsumerConfig{FilterSubjects: []string{s.subject(p)}, DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq: max(next, 1), InactiveThreshold: 30 * time.Second,
		MaxResetAttempts: 1} // then read begins anew, which heeds its context
}

// count is how many records the partition has from a sequence on: what a
// consumer that begins there has before it.
func (c *conn) count(ctx context.Context, s *stream, p int32, next uint64) (int64, error) {
	cons, err := c.js.CreateConsumer(ctx, s.name, jetstream.ConsumerConfig{FilterSubject: s.subject(p), AckPolicy: jetstream.AckNonePolicy,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(next, 1), InactiveThreshold: time.Second, MemoryStorage: true})
	if err != nil {
		return 0, err
	}
	info := cons.CachedInfo()
	_ = c.js.DeleteConsumer(ctx, s.name, info.Name) // else it ends by itself after a second
	return int64(info.NumPending), nil
}

// begins returns where a subscription would begin, by partition.
func (c *conn) begins(ctx context.Context, s *stream, sub driver.Subscription) (map[int32]uint64, error) {
	st, err := c.js.Stream(ctx, s.name)
	if err != nil {
		return nil, c.translate(err)
	}
	info, err := st.Info(ctx)
	if err != nil {
		return nil, c.translate(err)
	}
	at := info.State.LastSeq + 1
	switch sub.Start {
	case driver.Earliest:
		at = max(info.State.FirstSeq, 1)
	case driver.AtOffset:
		at = uint64(max(sub.StartOffset, 1))
	case driver.AtTime:
		if at, err = c.atTime(ctx, s, sub.StartTime, at); err != nil {
			return nil, c.translate(err)
		}
	}
	out := map[int32]uint64{}
	for p := range int32(s.partitions) + 1 {
		out[p] = at
	}
	return out, nil
}

// atTime finds the first sequence that is not older.
func (c *conn) atTime(ctx context.Context, s *stream, t time.Time, end uint64) (uint64, error) {
	cons, err := c.js.OrderedConsumer(ctx, s.name, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &t})
	if err != nil {
		return 0, err
	}
	batch, err := cons.Fetch(1, jetstream.FetchMaxWait(time.Second))
	if err != nil {
		return 0, err
	}
	for msg := range batch.Messages() {
		if meta, err := msg.Metadata(); err == nil {
			return meta.Sequence.Stream, nil
		}
	}
	return end, batch.Error()
}

func (c *conn) Scan(ctx context.Context, topic string, from map[int32]int64, f func(*driver.Delivery) bool) error {
	s, err := c.stream(ctx, topic)
	if err != nil {
		return err
	}
	for p := range int32(s.partitions) + 1 {
		n, err := c.count(ctx, s, p, uint64(from[p]))
		if err != nil {
			return c.translate(err)
		}
		more := true
		for got := int64(0); got < n && more; {
			err := c.follow(ctx, s, p, uint64(from[p]), 500, func(d driver.Delivery) bool {
				got++
				more = f(&d)
				return more && got < n
			})
			if err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
	return nil
}
