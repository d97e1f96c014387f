package rabbitbus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

const maxUnconfirmed = 10_000 // records; then Publish blocks

// publisher sends on one channel in confirm mode, so records leave in order.
type publisher struct {
	c *conn

	mu      sync.Mutex
	changed sync.Cond
	ch      *amqp.Channel
	base    uint64           // sequence numbers of the channel begin at 1; tags do not repeat
	pending map[uint64]*item // by tag
	closed  bool
	readers sync.WaitGroup
}

type item struct {
	call *call
	at   int
	err  error // it was returned: the confirm that follows does not make it good
	sent time.Time
}

type call struct {
	left int
	n    int
	errs []error
	done func([]error)
}

func newPublisher(c *conn) *publisher {
	p := &publisher{c: c, pending: map[uint64]*item{}}
	p.changed.L = &p.mu
	return p
}

func (c *conn) Publish(ctx context.Context, records []driver.Record, done func([]error)) {
	k := &call{left: len(records), n: len(records), done: done}
	p := c.publisher
	stop := context.AfterFunc(ctx, func() { p.mu.Lock(); p.changed.Broadcast(); p.mu.Unlock() })
	defer stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range records {
		for len(p.pending) >= maxUnconfirmed && ctx.Err() == nil && !p.closed {
			p.changed.Wait()
		}
		it := &item{call: k, at: i, sent: time.Now()}
		if err := p.send(ctx, &records[i], it); err != nil {
			p.finish(it, err)
		}
	}
}

func (p *publisher) send(ctx context.Context, r *driver.Record, it *item) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.closed {
		return driver.ErrClosed
	}
	n := len(r.Key) + len(r.Body)
	for _, h := range r.Headers {
		n += len(h.Name) + len(h.Value)
	}
	if n > p.c.o.MaxBytes {
		return fmt.Errorf("%w: %d bytes with headers, Options.MaxBytes is %d", driver.ErrTooLarge, n, p.c.o.MaxBytes)
	}
	if err := p.open(); err != nil {
		return err
	}
	tag := p.base + p.ch.GetNextPublishSeqNo()
	msg, route, err := publishing(r, tag)
	if err != nil {
		return err
	}
	p.pending[tag] = it
	if err := p.ch.PublishWithContext(ctx, r.Topic, route, true, false, msg); err != nil {
		delete(p.pending, tag)
		if errors.Is(err, amqp.ErrClosed) {
			return fmt.Errorf("%w: %w", driver.ErrUnknown, err) // perhaps it left before the connection broke
		}
		return err // what cannot be encoded does not leave
	}
	return nil
}

// open opens the channel when there is none. The caller holds the lock.
func (p *publisher) open() error {
	if p.ch != nil && !p.ch.IsClosed() {
		return nil
	}
	l, err := p.c.connection()
	if err != nil {
		return err
	}
	ch, err := l.Channel()
	if err != nil {
		return translate(err)
	}
	if err := ch.Confirm(false); err != nil {
		return translate(err)
	}
	p.base += 1 << 32
	p.ch = ch
	confirms := ch.NotifyPublish(make(chan amqp.Confirmation, maxUnconfirmed))
	returns := ch.NotifyReturn(make(chan amqp.Return, maxUnconfirmed))
	ended := ch.NotifyClose(make(chan *amqp.Error, 1))
	base := p.base
	p.readers.Go(func() { p.read(base, confirms, returns, ended) })
	return nil
}

// read takes the broker's answers of one channel until it closes.
func (p *publisher) read(base uint64, confirms chan amqp.Confirmation, returns chan amqp.Return, ended chan *amqp.Error) {
	sweep := time.NewTicker(p.c.o.ConfirmWait / 4)
	defer sweep.Stop()
	for {
		select {
		case r, ok := <-returns:
			if !ok {
				returns = nil // closed: confirms are about to say so too
				continue
			}
			p.returned(&r)
		case c, ok := <-confirms:
			if !ok {
				var why = errors.New("the channel closed")
				if e, ok := <-ended; ok && e != nil {
					why = e
				}
				p.fail(base, why)
				return
			}
			// A return comes before its confirm, but from another channel.
			for more := true; more; {
				select {
				case r, ok := <-returns:
					if more = ok; ok {
						p.returned(&r)
					} else {
						returns = nil
					}
				default:
					more = false
				}
			}
			p.confirmed(base+c.DeliveryTag, c.Ack)
		case <-sweep.C:
			p.expire()
		}
	}
}

func (p *publisher) returned(r *amqp.Return) {
	tag, _ := r.Headers[headerTag].(int64)
	p.mu.Lock()
	if it := p.pending[uint64(tag)]; it != nil {
		it.err = fmt.Errorf("%w: exchange %q has no queue for it (%d %s): no group has begun; Ensure one, or start its consumers first", driver.ErrNoTopic, r.Exchange, r.ReplyCode, r.ReplyText)
	}
	p.mu.Unlock()
}

func (p *publisher) confirmed(tag uint64, ack bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	it := p.pending[tag]
	if it == nil {
		return
	}
	delete(p.pending, tag)
	err := it.err
	if err == nil && !ack {
		err = errors.New("rabbitbus: the broker refused the record (nack)")
	}
	p.finish(it, err)
	p.changed.Broadcast()
}

// fail ends what a channel left open. A refusal closes the channel: the topic
// does not exist, so nothing after it was taken either.
func (p *publisher) fail(base uint64, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := translate(why)
	if !errors.Is(err, driver.ErrNoTopic) {
		err = fmt.Errorf("%w: %w", driver.ErrUnknown, why)
	}
	for tag, it := range p.pending {
		if tag > base && tag < base+1<<32 {
			delete(p.pending, tag)
			p.finish(it, err)
		}
	}
	p.changed.Broadcast()
}

func (p *publisher) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for tag, it := range p.pending {
		if time.Since(it.sent) > p.c.o.ConfirmWait {
			delete(p.pending, tag)
			p.finish(it, fmt.Errorf("%w: no confirm within %s", driver.ErrUnknown, p.c.o.ConfirmWait))
		}
	}
	p.changed.Broadcast()
}

// finish answers one record. done is called under the lock, which it may not need.
func (p *publisher) finish(it *item, err error) {
	k := it.call
	if err != nil {
		if k.errs == nil {
			k.errs = make([]error, k.n)
		}
		k.errs[it.at] = err
	}
	if k.left--; k.left == 0 {
		k.done(k.errs)
	}
}

func (p *publisher) close(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { p.mu.Lock(); p.changed.Broadcast(); p.mu.Unlock() })
	defer stop()
	p.mu.Lock()
	for len(p.pending) > 0 && ctx.Err() == nil {
		p.changed.Wait()
	}
	p.closed = true
	ch := p.ch
	p.changed.Broadcast()
	p.mu.Unlock()
	if ch != nil {
		_ = ch.Close() // closed already when the broker is away
	}
	p.readers.Wait()
	return ctx.Err()
}
