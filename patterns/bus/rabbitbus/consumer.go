package rabbitbus

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/internal/share"
)

type consumer struct {
	conn *conn
	sub  driver.Subscription
	id   string

	mu     sync.Mutex
	counts map[string]int // queues by topic
	owned  map[driver.Part]*owned
	epoch  uint32
	inHand int
	closed bool
	room   chan struct{} // signalled when inHand shrank

	out    chan driver.Delivery
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
		return nil, fmt.Errorf("%w: start position %s: a RabbitMQ queue holds what came since it was made", driver.ErrUnsupported, s.Start)
	}
	m := &consumer{conn: c, sub: s, id: rand.Text(), counts: map[string]int{}, owned: map[driver.Part]*owned{},
		room: make(chan struct{}, 1), out: make(chan driver.Delivery), joined: make(chan error, 1)}
	m.ctx, m.stop = context.WithCancel(c.ctx)
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
				select {
				case m.out <- delivery(id, o.epoch, &d):
				case <-ctx.Done():
				}
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
	for _, p := range parts {
		m.mu.Lock()
		o := m.owned[p.Part]
		if o != nil && o.epoch == p.Epoch {
			m.inHand -= len(o.tags)
			delete(m.owned, p.Part)
		}
		m.mu.Unlock()
		if o != nil {
			_ = o.ch.Close() // closed already when the connection broke
		}
	}
	m.signal()
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
		out := m.out
		if n <= 0 {
			out = nil
		}
		select {
		case d := <-out:
			if ds := m.gather(d, n); len(ds) > 0 {
				return ds, nil
			}
		case <-m.room:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-m.ctx.Done():
			return nil, driver.ErrClosed
		}
	}
}

func (m *consumer) gather(d driver.Delivery, n int) []driver.Delivery {
	ds := append(make([]driver.Delivery, 0, 16), d)
more:
	for len(ds) < n {
		select {
		case d := <-m.out:
			ds = append(ds, d)
		default:
			break more
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := ds[:0]
	for _, d := range ds {
		if o := m.owned[d.Part()]; o != nil && o.epoch == d.Epoch {
			o.tags[d.Tag] = struct{}{}
			kept = append(kept, d)
		}
	}
	m.inHand += len(kept)
	return kept
}

// Ack acknowledges each delivery by itself: what failed stays alone on the queue.
func (m *consumer) Ack(ds []*driver.Delivery) {
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
			m.inHand--
		}
		m.mu.Unlock()
		if open {
			_ = o.ch.Ack(d.Tag, false) // a broken channel: the record is delivered again
		}
	}
	m.signal()
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
