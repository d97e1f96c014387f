package kafkabus

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// batch is one Publish under way.
type batch struct {
	records []kgo.Record
	left    atomic.Int64
	errs    atomic.Pointer[[]error]
	done    func([]error)
}

func (c *conn) Publish(ctx context.Context, records []driver.Record, done func([]error)) {
	cl, err := c.producer()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		done(driver.Fail(len(records), err))
		return
	}
	b := &batch{records: make([]kgo.Record, len(records)), done: done}
	b.left.Store(int64(len(records)))
	for i := range records {
		r, k := &records[i], &b.records[i]
		k.Topic, k.Value, k.Timestamp, k.Headers = r.Topic, r.Body, r.Time, fields(r.Headers)
		if r.Key != "" {
			// The client only reads the key, and the string outlives the record.
			k.Key = unsafe.Slice(unsafe.StringData(r.Key), len(r.Key))
		}
	}
	answered := b.answered // one for all: every mention of a method makes a function
	for i := range b.records {
		cl.Produce(ctx, &b.records[i], answered)
	}
}

// answered is called by the client for each record, one after the other.
func (b *batch) answered(r *kgo.Record, err error) {
	if err != nil {
		errs := b.errs.Load()
		if errs == nil {
			e := make([]error, len(b.records))
			errs = &e
			b.errs.Store(errs)
		}
		for i := range b.records {
			if &b.records[i] == r {
				(*errs)[i] = outcome(err)
			}
		}
	}
	if b.left.Add(-1) == 0 {
		if errs := b.errs.Load(); errs != nil {
			b.done(*errs)
		} else {
			b.done(nil)
		}
	}
}

// outcome says what is known of a record that was not acknowledged. The
// broker's own refusals are certain; whatever ended a wait is not.
func outcome(err error) error {
	var refused *kerr.Error
	t := translate(err)
	switch {
	case errors.Is(t, driver.ErrTooLarge), errors.Is(t, driver.ErrNoTopic), errors.Is(t, driver.ErrInvalid):
		return t
	case errors.Is(err, kgo.ErrMaxBuffered), errors.Is(err, kgo.ErrAborting):
		return err
	case errors.As(err, &refused) && !refused.Retriable:
		return err
	}
	return fmt.Errorf("%w: %w", driver.ErrUnknown, t)
}
