package bus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Consumer is one member of a group at work.
type Consumer struct {
	bus     *Bus
	sub     Subscription
	handler Handler
	driver  driver.Consumer
	sched   *scheduler
	n       consumerCounts
	pulse   pulse

	ctx         context.Context // ends with the consumer: the handlers' parent
	cancel      context.CancelFunc
	fetching    context.Context // ends when draining begins
	stopFetch   context.CancelFunc
	fetcherDone chan struct{}
	workers     sync.WaitGroup // workers and dead letters on their way
	closing     sync.Once
	closed      chan struct{}
	err         error // why it ended by itself, written before fetcherDone closes
	closeErr    error
}

func newConsumer(b *Bus, s Subscription, h Handler) *Consumer {
	c := &Consumer{bus: b, sub: s, handler: h, sched: newScheduler(s.Order == ByPartition),
		fetcherDone: make(chan struct{}), closed: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.fetching, c.stopFetch = context.WithCancel(c.ctx)
	return c
}

func (c *Consumer) run() {
	for range c.sub.Parallel {
		c.workers.Go(c.work)
	}
	go c.fetch()
}

func (c *Consumer) fetch() {
	defer close(c.fetcherDone)
	defer func() {
		if c.err != nil {
			// What is in hand cannot be acknowledged any more: another member gets it.
			go func() {
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				_ = c.Close(ctx) // it has failed already, and Err says how
			}()
		}
	}()
	// room waits without a context; the end of fetching must wake it.
	stop := context.AfterFunc(c.fetching, c.sched.wake)
	defer stop()
	for {
		n := c.sched.room(c.fetching, c.sub.MaxInFlight, c.sub.MaxParked)
		if n == 0 {
			return
		}
		ds, err := c.driver.Fetch(c.fetching, n)
		if len(ds) > 0 {
			c.sched.add(c.ctx, ds)
		}
		if err != nil {
			if c.fetching.Err() == nil {
				c.err = fmt.Errorf("bus: consumer of group %q: %w", c.sub.Group, err)
				c.bus.o.Log.Error("bus: consumer ended", "group", c.sub.Group, "topics", c.sub.Topics, "error", err)
			}
			return
		}
	}
}

func (c *Consumer) revoked(parts []driver.Owned, lost bool) {
	wait := c.sub.HandOver
	if lost {
		wait = 0
		c.n.lost.Add(int64(len(parts)))
		c.bus.o.Log.Warn("bus: partitions lost; unfinished events will be handled again", "group", c.sub.Group, "parts", parts)
	} else {
		c.n.revoked.Add(int64(len(parts)))
	}
	c.sched.revoke(parts, wait)
}

// Done is closed when the consumer has ended, by Close or by itself; Err tells which.
func (c *Consumer) Done() <-chan struct{} { return c.closed }

// Err says why the consumer ended by itself; nil while it runs or after Close.
func (c *Consumer) Err() error {
	select {
	case <-c.fetcherDone:
		return c.err
	default:
		return nil
	}
}

// Close drains the consumer: it reads no more, lets what is in hand finish,
// commits, and leaves the group, so that other members take over at once. Events
// that wait for another try are left to them. When ctx ends before, handlers are
// cancelled, and what they did not finish is delivered again. Idempotent.
func (c *Consumer) Close(ctx context.Context) error {
	c.closing.Do(func() {
		defer close(c.closed)
		c.stopFetch()
		<-c.fetcherDone
		cut := context.AfterFunc(ctx, c.sched.stop)
		c.sched.idle()
		cut()
		c.closeErr = c.leave(ctx)
		c.bus.mu.Lock()
		delete(c.bus.consumers, c)
		c.bus.mu.Unlock()
	})
	<-c.closed
	return c.closeErr
}

func (c *Consumer) leave(ctx context.Context) error {
	c.sched.stop()
	c.cancel()
	done := make(chan struct{})
	go func() { c.workers.Wait(); close(done) }()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		// Cancelled handlers get a moment; one that does not heed its context is left behind.
		select {
		case <-done:
		case <-time.After(time.Second):
			c.sched.abandon()
			err = fmt.Errorf("bus: consumer of group %q: handlers still run a second after their context ended: %w", c.sub.Group, ctx.Err())
		}
	}
	if cerr := c.driver.Close(ctx); err == nil {
		err = cerr
	}
	return err
}
