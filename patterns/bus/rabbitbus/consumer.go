package rabbitbus

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/internal/intake"
)

type consumer struct {
	conn *conn
	sub  driver.Subscription
	id   string

	mu     sync.Mutex
	counts map[string]int // queues by topic
	owned  map[driver.Part]*owned
	epoch  uint32
	closed bool
	intake *intake.Intake

	ctx    context.Context
	stop   context.CancelFunc
	keeper sync.WaitGroup
	once   sync.Once
	joined chan error // the outcome of the first round
}

// owned is one subscription to a queue, from Consume to the channel's end.
type owned struct {
	epoch  uint32
	ch     *amqp.Channel
	stop   context.CancelFunc
	reader sync.WaitGroup
	tags   map[uint64]struct{} // handed out and not acknowledged
}

var _ driver.Consumer = (*consumer)(nil)

func (c *conn) Subscribe(ctx context.Context, s driver.Subscription) (driver.Consumer, error) {
	if _, err := c.connection(); err != nil {
		return nil, err
	}
	if s.Start != driver.Latest {
		return nil, &driver.StartError{Topic: strings.Join(s.Topics, ", "), Start: s.Start,
			Why: "a RabbitMQ queue holds what was published since it was made, and each record until it was consumed",
			Do: "name the group in driver.Topic.Groups before its first record is published, and it misses none of them; " +
				"or make the topic with driver.Topic.Log and read its past with Scan"}
	}
	m := &consumer{conn: c, sub: s, id: rand.Text(), counts: map[string]int{}, owned: map[driver.Part]*owned{},
		joined: make(chan error, 1)}
	m.ctx, m.stop = context.WithCancel(c.ctx)
	m.intake = intake.New(s.MaxInFlight, m.ctx.Done(), m.accept)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		m.stop()
		return nil, driver.ErrClosed
	}
	c.consumers[m] = struct{}{}
	c.mu.Unlock()
	m.keeper.Go(m.keep)
	select {
	case err := <-m.joined:
		if err == nil {
			return m, nil
		}
		_ = m.Close(ctx) // it has not begun
		return nil, err
	case <-ctx.Done():
		_ = m.Close(ctx) // the same
		return nil, ctx.Err()
	}
}

// keep connects, works, and connects again until the consumer is closed.
func (m *consumer) keep() {
	first := true
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		l, err := m.conn.dial()
		if err == nil {
			err = m.work(l, func() {
				if first {
					m.joined <- nil
				}
				first, pause = false, 50*time.Millisecond
			})
			_ = l.Close() // frees the queues, if it was not closed by the broker
		}
		if first && err != nil {
			m.joined <- err
			return
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-m.ctx.Done():
			t.Stop()
			return
		}
	}
}

// work is one connection's life.
func (m *consumer) work(l *amqp.Connection, ready func()) error {
	ended := l.NotifyClose(make(chan *amqp.Error, 1))
	members, news, err := m.join(l)
	if err != nil {
		return err
	}
	if err := m.settle(l, members); err != nil {
		return err
	}
	ready()
	beat := time.NewTicker(m.conn.o.Silence / 4)
	defer beat.Stop()
	defer m.lose()
	for {
		select {
		case <-m.ctx.Done():
			m.leave(l, members)
			return nil
		case e := <-ended:
			return e
		case msg, ok := <-news:
			if !ok {
				return amqp.ErrClosed
			}
			if !members.Hear(msg.Body, time.Now()) {
				continue
			}
			m.beat(l, members.Self()) // newcomers learn of us at once
		case <-beat.C:
			m.beat(l, members.Self())
		}
		if err := m.settle(l, members); err != nil {
			return err
		}
	}
}

// Fetch implements [driver.Consumer].
func (m *consumer) Fetch(ctx context.Context, limit int) ([]driver.Delivery, error) {
	return m.intake.Fetch(ctx, limit)
}

func (m *consumer) Close(context.Context) error {
	m.once.Do(func() {
		m.mu.Lock()
		m.closed = true
		m.mu.Unlock()
		m.stop()
		m.keeper.Wait()
		m.conn.mu.Lock()
		delete(m.conn.consumers, m)
		m.conn.mu.Unlock()
	})
	return nil
}
