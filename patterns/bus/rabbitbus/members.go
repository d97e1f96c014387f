package rabbitbus

import (
	"context"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/internal/share"
)

func (m *consumer) membersExchange() string { return "ashlar.members." + m.sub.Group }

// join declares what the group needs and begins to hear the other members.
func (m *consumer) join(l *amqp.Connection) (members *share.Members, news <-chan amqp.Delivery, err error) {
	for _, t := range m.sub.Topics {
		n, err := 1, error(nil)
		if m.sub.Group == "" {
			err = m.ownQueue(l, t)
		} else {
			n, err = declareGroup(l, t, m.sub.Group, m.conn.o.Partitions)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("topic %q: %w", t, err)
		}
		m.mu.Lock()
		m.counts[t] = n
		m.mu.Unlock()
	}
	members = share.New(share.Beat{Member: m.id, Topics: m.sub.Topics}, m.conn.o.Silence)
	if m.sub.Group == "" {
		return members, make(chan amqp.Delivery), nil
	}
	ch, err := l.Channel() // lives as long as the connection
	if err != nil {
		return nil, nil, err
	}
	x := m.membersExchange()
	if err := ch.ExchangeDeclare(x, "fanout", false, true, false, false, nil); err != nil {
		return nil, nil, err
	}
	q, err := ch.QueueDeclare("", false, true, true, false, nil)
	if err == nil {
		err = ch.QueueBind(q.Name, "", x, false, nil)
	}
	if err == nil {
		news, err = ch.Consume(q.Name, "", true, true, false, false, nil)
	}
	if err == nil {
		m.beat(l, members.Self())
	}
	return members, news, err
}

// ownQueue makes the queue of a consumer without a group; it ends with the connection.
func (m *consumer) ownQueue(l *amqp.Connection, topic string) error {
	return on(l, func(ch *amqp.Channel) error {
		if _, err := ch.QueueDeclare(m.queue(driver.Part{Topic: topic}), false, true, true, false, nil); err != nil {
			return err
		}
		return ch.QueueBind(m.queue(driver.Part{Topic: topic}), "#", topic, false, nil)
	})
}

func (m *consumer) queue(p driver.Part) string {
	if m.sub.Group == "" {
		return p.Topic + ".own." + m.id
	}
	return queueName(p.Topic, m.sub.Group, int(p.Partition))
}

func (m *consumer) beat(l *amqp.Connection, b share.Beat) {
	if m.sub.Group == "" {
		return
	}
	_ = on(l, func(ch *amqp.Channel) error { // lost beats are followed by others
		return ch.PublishWithContext(m.ctx, m.membersExchange(), "", false, false, amqp.Publishing{Body: b.Encode()})
	})
}

// settle makes the queues that this member consumes equal to those that it should.
func (m *consumer) settle(l *amqp.Connection, members *share.Members) error {
	now := time.Now()
	var leaving []driver.Owned
	var coming []driver.Part
	m.mu.Lock()
	for t, n := range m.counts {
		for p := range n {
			id := driver.Part{Topic: t, Partition: int32(p)}
			o, mine := m.owned[id], members.Mine(t, p, now)
			switch {
			case o != nil && !mine:
				leaving = append(leaving, driver.Owned{Part: id, Epoch: o.epoch})
			case o == nil && mine:
				coming = append(coming, id)
			}
		}
	}
	m.mu.Unlock()
	if len(leaving) > 0 {
		m.quiet(leaving)
		// While handlers end, the others must not take this member for dead.
		done := make(chan struct{})
		go func() { m.sub.OnRevoke(leaving, false); close(done) }()
		t := time.NewTicker(m.conn.o.Silence / 4)
		for waiting := true; waiting; {
			select {
			case <-done:
				waiting = false
			case <-t.C:
				m.beat(l, members.Self())
			}
		}
		t.Stop()
		m.release(leaving)
	}
	for _, id := range coming {
		if err := m.consume(l, id); err != nil {
			return err
		}
	}
	return nil
}

// leave is called when the consumer is closed.
func (m *consumer) leave(l *amqp.Connection, members *share.Members) {
	if m.conn.ctx.Err() != nil {
		return // cut off: no word to the others
	}
	parts := m.all()
	m.quiet(parts)
	m.release(parts)
	b := members.Self()
	b.Leaves = true
	_ = on(l, func(ch *amqp.Channel) error {
		return ch.PublishWithContext(context.WithoutCancel(m.ctx), m.membersExchange(), "", false, false, amqp.Publishing{Body: b.Encode()})
	})
}
