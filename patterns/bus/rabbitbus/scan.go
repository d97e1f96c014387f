package rabbitbus

import (
	"context"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// AMQP tells no stream's end, and the broker's count of messages lags behind. A
// consumer that begins at "last" is sent the newest chunk whole, and at once: the
// end is where nothing follows that chunk for a moment.
const (
	firstWait = time.Second            // for the first record of a stream that may be empty
	quietWait = 250 * time.Millisecond // after the newest chunk's first record
)

// Scan reads the stream of a topic that was made as a log.
func (c *conn) Scan(ctx context.Context, topic string, from map[int32]int64, f func(*driver.Delivery) bool) error {
	last := int64(-1)
	err := c.read(ctx, topic, "last", func(*amqp.Delivery, int64) (bool, time.Duration) { return false, 0 }, &last)
	if err != nil || last < 0 {
		return err
	}
	next := from[0]
	var reached int64
	return c.read(ctx, topic, next, func(d *amqp.Delivery, offset int64) (bool, time.Duration) {
		more := true
		if offset >= next { // the broker sends whole chunks
			more = f(&driver.Delivery{Record: record(topic, d), Offset: offset})
		}
		if offset < last {
			return more, 30 * time.Second // there is more for sure
		}
		return more, quietWait
	}, &reached)
}

// read consumes a stream from a place until f says no or nothing comes for as
// long as f said. at is the offset of the last delivery.
func (c *conn) read(ctx context.Context, topic string, from any, f func(*amqp.Delivery, int64) (bool, time.Duration), at *int64) error {
	return c.with(func(ch *amqp.Channel) error {
		if err := ch.Qos(500, 0, false); err != nil {
			return err
		}
		in, err := ch.Consume(topic, "", false, false, false, false, amqp.Table{"x-stream-offset": from})
		if err != nil {
			return err
		}
		quiet := time.NewTimer(firstWait)
		defer quiet.Stop()
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-quiet.C:
				return nil
			case d, ok := <-in:
				if !ok {
					return amqp.ErrClosed
				}
				if err := d.Ack(false); err != nil { // a stream's acknowledgement is credit for more
					return err
				}
				offset, ok := number(d.Headers["x-stream-offset"])
				if !ok {
					return fmt.Errorf("%w: topic %q is a queue, not a log", driver.ErrUnsupported, topic)
				}
				*at = offset
				more, wait := f(&d, offset)
				if !more {
					return nil
				}
				quiet.Reset(wait)
			}
		}
	})
}
