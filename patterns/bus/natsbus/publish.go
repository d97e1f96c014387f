package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

const (
	maxBatch      = 500     // records; the server takes 1,000
	maxBatchBytes = 4 << 20 // of messages, so that one batch does not fill the server's buffer
	maxUnderWay   = 4       // batches per stream that were sent and not answered; the server takes 50
	batchHeaders  = 200     // bytes that the headers of a batch add to a message
	maxWaiting    = 50_000  // records per stream that wait to be sent; then Publish blocks
)

// publisher groups what waits for a stream into atomic batches, in order. It
// keeps a few batches under way, so that one is written while the next is sent.
type publisher struct {
	c     *conn
	nc    *nats.Conn
	inbox string
	sub   *nats.Subscription

	mu      sync.Mutex
	changed sync.Cond
	queues  map[string]*queue // by stream
	flights map[string]*flight
	closed  bool
	pending int // records that are not answered
}

type queue struct {
	stream   *stream
	waiting  []item
	underWay int
}

// item is one record of a call.
type item struct {
	msg  *nats.Msg
	call *call
	at   int
}

// call is one Publish.
type call struct {
	left int
	n    int
	errs []error
	done func([]error)
}

// flight is a batch that was sent.
type flight struct {
	token string
	q     *queue
	items []item
	timer *time.Timer
}

func newPublisher(c *conn, nc *nats.Conn) (*publisher, error) {
	p := &publisher{c: c, nc: nc, inbox: nc.NewInbox(), queues: map[string]*queue{}, flights: map[string]*flight{}}
	p.changed.L = &p.mu
	sub, err := nc.Subscribe(p.inbox+".*", p.answer)
	p.sub = sub
	return p, err
}

func (c *conn) Publish(ctx context.Context, records []driver.Record, done func([]error)) {
	if err := ctx.Err(); err != nil {
		done(driver.Fail(len(records), err))
		return
	}
	if err := c.connect(); err != nil {
		done(driver.Fail(len(records), err))
		return
	}
	k := &call{left: len(records), n: len(records), done: done}
	p := c.publisher
	limit := int(c.nc.MaxPayload())
	items := make([]item, 0, len(records))
	var s *stream
	var q *queue
	flush := func() {
		if len(items) > 0 {
			p.put(ctx, q, items)
			items = items[:0]
		}
	}
	for i := range records {
		r := &records[i]
		var err error
		if s == nil || s.topic != r.Topic {
			flush()
			if s, err = c.stream(ctx, r.Topic); err == nil {
				q = p.queue(s)
			}
		}
		var m *nats.Msg
		if err == nil {
			m, err = message(s.subject(s.partition(r.Key)), r)
		}
		if err == nil {
			most := limit
			if s.maxBytes > 0 {
				most = min(limit, s.maxBytes)
			}
			if n := m.Size() + batchHeaders; n > most {
				err = fmt.Errorf("%w: %d bytes with headers, %d is allowed", driver.ErrTooLarge, n, most)
			}
		}
		if err != nil {
			p.finish([]item{{call: k, at: i}}, err)
			continue
		}
		items = append(items, item{m, k, i})
	}
	flush()
}

func (p *publisher) queue(s *stream) *queue {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.queues[s.name]
	if q == nil {
		q = &queue{stream: s}
		p.queues[s.name] = q
	}
	return q
}

// put queues items of one call and sends what may be sent.
func (p *publisher) put(ctx context.Context, q *queue, items []item) {
	stop := context.AfterFunc(ctx, func() { p.mu.Lock(); p.changed.Broadcast(); p.mu.Unlock() })
	defer stop()
	p.mu.Lock()
	for len(q.waiting) > maxWaiting && ctx.Err() == nil && !p.closed {
		p.changed.Wait()
	}
	err := ctx.Err()
	if p.closed {
		err = driver.ErrClosed
	}
	if err != nil {
		p.mu.Unlock()
		p.finish(items, err)
		return
	}
	q.waiting = append(q.waiting, items...)
	p.pending += len(items)
	p.send(q)
	p.mu.Unlock()
}

// send sends batches while the stream has room. The caller holds the lock, so
// the batches of a stream leave in order.
func (p *publisher) send(q *queue) {
	for len(q.waiting) > 0 && q.underWay < maxUnderWay {
		// While others are under way, a small rest waits for company.
		if q.underWay > 0 && len(q.waiting) < maxBatch/5 {
			return
		}
		n, bytes := 0, 0
		for n < len(q.waiting) && n < maxBatch && (n == 0 || bytes < maxBatchBytes) {
			bytes += len(q.waiting[n].msg.Data)
			n++
		}
		if !q.stream.atomic {
			n = 1
		}
		f := &flight{token: nuid.Next(), q: q, items: append([]item(nil), q.waiting[:n]...)}
		rest := copy(q.waiting, q.waiting[n:])
		clear(q.waiting[rest:])
		q.waiting = q.waiting[:rest]
		p.launch(f)
	}
	p.changed.Broadcast()
}

func (p *publisher) launch(f *flight) {
	f.q.underWay++
	p.flights[f.token] = f
	f.timer = time.AfterFunc(p.c.o.AckWait, func() { p.lost(f, errors.New("no answer from the server in time")) })
	n := len(f.items)
	for i := range f.items {
		m := f.items[i].msg
		if n > 1 {
			if m.Header == nil {
				m.Header = make(nats.Header, 3)
			}
			m.Header["Nats-Batch-Id"] = []string{f.token}
			m.Header["Nats-Batch-Sequence"] = []string{strconv.Itoa(i + 1)}
		}
		if i == n-1 {
			m.Reply = p.inbox + "." + f.token
			if n > 1 {
				m.Header["Nats-Batch-Commit"] = []string{"1"}
			}
		}
		if err := p.nc.PublishMsg(m); err != nil {
			go p.lost(f, err) // takes the lock
			return
		}
	}
}

// answer takes the server's acknowledgement of a flight. A batch that is refused
// is refused whole: sending its records again, one by one, could put them behind
// later ones of their keys.
func (p *publisher) answer(m *nats.Msg) {
	token := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
	var ack struct {
		Error *jetstream.APIError `json:"error"`
	}
	var err error
	switch {
	case len(m.Data) == 0 && m.Header.Get("Status") == "503":
		err = fmt.Errorf("%w: no stream takes the subject", driver.ErrNoTopic)
	case json.Unmarshal(m.Data, &ack) != nil:
		err = fmt.Errorf("%w: the server's answer cannot be read: %.100q", driver.ErrUnknown, m.Data)
	case ack.Error != nil:
		err = ack.Error
	}
	p.mu.Lock()
	f := p.flights[token]
	if f == nil {
		p.mu.Unlock()
		return
	}
	p.land(f)
	p.pending -= len(f.items)
	p.send(f.q)
	p.mu.Unlock()
	p.finish(f.items, err)
}

func (p *publisher) land(f *flight) {
	f.timer.Stop()
	delete(p.flights, f.token)
	f.q.underWay--
}

// lost ends a flight that will not be answered.
func (p *publisher) lost(f *flight, err error) {
	p.mu.Lock()
	if p.flights[f.token] != f {
		p.mu.Unlock()
		return
	}
	p.land(f)
	p.pending -= len(f.items)
	p.send(f.q)
	p.mu.Unlock()
	p.finish(f.items, fmt.Errorf("%w: %w", driver.ErrUnknown, err))
}

// disconnected ends all flights: their answers went to a connection that is gone.
func (p *publisher) disconnected() {
	p.mu.Lock()
	fs := make([]*flight, 0, len(p.flights))
	for _, f := range p.flights {
		fs = append(fs, f)
	}
	p.mu.Unlock()
	for _, f := range fs {
		p.lost(f, errors.New("the connection broke"))
	}
}

func (p *publisher) finish(items []item, err error) {
	var whole []*call
	p.mu.Lock()
	for _, it := range items {
		if err != nil {
			if it.call.errs == nil {
				it.call.errs = make([]error, it.call.n)
			}
			it.call.errs[it.at] = err
		}
		if it.call.left--; it.call.left == 0 {
			whole = append(whole, it.call)
		}
	}
	p.mu.Unlock()
	for _, k := range whole {
		k.done(k.errs)
	}
}

// close waits until everything is answered, then refuses what comes.
func (p *publisher) close(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { p.mu.Lock(); p.changed.Broadcast(); p.mu.Unlock() })
	defer stop()
	p.mu.Lock()
	for p.pending > 0 && ctx.Err() == nil {
		p.changed.Wait()
	}
	p.closed = true
	var left []item
	for _, q := range p.queues {
		left = append(left, q.waiting...)
		q.waiting = nil
	}
	p.changed.Broadcast()
	p.mu.Unlock()
	p.finish(left, driver.ErrClosed)
	p.disconnected()
	return ctx.Err()
}
