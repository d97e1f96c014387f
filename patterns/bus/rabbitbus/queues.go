package rabbitbus

import (
	"context"
	"fmt"
	"slices"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

func (m *consumer) consume(l *amqp.Connection, id driver.Part) error {
	ch, err := l.Channel()
	if err != nil {
		return err
	}
	if err := ch.Qos(min(m.sub.MaxInFlight, 65535), 0, false); err != nil {
		return err
	}
	in, err := ch.Consume(m.queue(id), "", false, m.sub.Group == "", false, false, nil)
	if err != nil {
		return fmt.Errorf("queue %q: %w", m.queue(id), translate(err))
	}
	ctx, cancel := context.WithCancel(m.ctx)
	m.mu.Lock()
	m.epoch++
	o := &owned{epoch: m.epoch, ch: ch, stop: cancel, tags: map[uint64]struct{}{}}
	m.owned[id] = o
	m.mu.Unlock()
	o.reader.Go(func() {
		for {
			select {
			case d, ok := <-in:
				if !ok {
					return
				}
				m.intake.Send(ctx, delivery(id, o.epoch, &d)) // when ctx has ended, the next round sees it
			case <-ctx.Done():
				go func() { // the client blocks on its channel until it is closed
					for range in {
					}
				}()
				return
			}
		}
	})
	return nil
}

func delivery(id driver.Part, epoch uint32, d *amqp.Delivery) driver.Delivery {
	out := driver.Delivery{Record: record(id.Topic, d), Partition: id.Partition, Epoch: epoch, Offset: -1, Attempt: 1, Tag: d.DeliveryTag}
	if n, ok := number(d.Headers["x-delivery-count"]); ok {
		out.Attempt = int(n) + 1
	} else if d.Redelivered {
		out.Attempt = 2
	}
	return out
}

// quiet stops the readers: what they have not handed out goes back to the queue.
func (m *consumer) quiet(parts []driver.Owned) {
	for _, p := range parts {
		m.mu.Lock()
		o := m.owned[p.Part]
		m.mu.Unlock()
		if o != nil {
			o.stop()
			o.reader.Wait()
		}
	}
}

// release closes the channels; the broker gives the queues to whoever waits for them.
func (m *consumer) release(parts []driver.Owned) {
	freed := 0
	for _, p := range parts {
		m.mu.Lock()
		o := m.owned[p.Part]
		if o != nil && o.epoch == p.Epoch {
			freed += len(o.tags)
			delete(m.owned, p.Part)
		}
		m.mu.Unlock()
		if o != nil {
			_ = o.ch.Close() // closed already when the connection broke
		}
	}
	m.intake.Free(freed)
}

func (m *consumer) all() (parts []driver.Owned) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, o := range m.owned {
		parts = append(parts, driver.Owned{Part: p, Epoch: o.epoch})
	}
	slices.SortFunc(parts, func(a, b driver.Owned) int { return int(a.Epoch) - int(b.Epoch) })
	return parts
}

// lose is called when the connection ended: everything is another's by now.
func (m *consumer) lose() {
	parts := m.all()
	if len(parts) == 0 {
		return
	}
	m.quiet(parts)
	m.mu.Lock()
	closed := m.closed
	m.mu.Unlock()
	if !closed {
		m.sub.OnRevoke(parts, true)
	}
	m.release(parts)
}

// accept notes a record that is about to be handed out.
func (m *consumer) accept(d *driver.Delivery) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.owned[d.Part()]
	if o == nil || o.epoch != d.Epoch {
		return false // the queue left while the record was on its way
	}
	o.tags[d.Tag] = struct{}{}
	return true
}

// Ack acknowledges each delivery by itself: what failed stays alone on the queue.
func (m *consumer) Ack(ds []*driver.Delivery) {
	freed := 0
	for _, d := range ds {
		m.mu.Lock()
		o := m.owned[d.Part()]
		if o == nil || o.epoch != d.Epoch {
			m.mu.Unlock()
			continue
		}
		_, open := o.tags[d.Tag]
		if open {
			delete(o.tags, d.Tag)
			freed++
		}
		m.mu.Unlock()
		if open {
			_ = o.ch.Ack(d.Tag, false) // a broken channel: the record is delivered again
		}
	}
	m.intake.Free(freed)
}

func (m *consumer) Lag(context.Context) ([]driver.Lag, error) {
	var lags []driver.Lag
	for _, p := range m.all() {
		m.mu.Lock()
		o := m.owned[p.Part]
		m.mu.Unlock()
		if o == nil {
			continue
		}
		err := m.conn.with(func(ch *amqp.Channel) error {
			q, err := ch.QueueDeclarePassive(m.queue(p.Part), true, false, false, false, nil)
			m.mu.Lock()
			lags = append(lags, driver.Lag{Part: p.Part, Records: int64(q.Messages + len(o.tags))})
			m.mu.Unlock()
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return lags, nil
}
