package kafkabus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Transform reads topics as a group and publishes what f makes of each record,
// exactly once: outputs and the group's position are committed in one
// transaction, and consumers that read committed records only see all of a
// batch or nothing. It returns when ctx ends (nil then), f fails, or the cluster
// refuses for good; what was not committed by then is read again.
//
// id is the transactional id: one per running instance, stable over restarts, so
// that a new one fences off its predecessor. f is called in the order of each
// partition, by one goroutine; it may be called again for a record whose
// transaction was aborted, so it should have no effect but its outputs.
func Transform(ctx context.Context, seeds []string, o *Options, id, group string, topics []string, f func(ctx context.Context, d *driver.Delivery) ([]driver.Record, error)) error {
	c, ok := New(seeds, o).(*conn)
	if !ok || c.err != nil {
		return c.err
	}
	defer c.die()
	if id == "" || group == "" || len(topics) == 0 || f == nil {
		return errors.New("kafkabus: Transform needs a transactional id, a group, topics and a function")
	}
	opts := c.options(kgo.TransactionalID(id), kgo.TransactionTimeout(30*time.Second),
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.ProducerBatchCompression(codecs[c.o.Compression], kgo.NoCompression()), kgo.ProducerBatchMaxBytes(int32(c.o.MaxBytes)))
	if d := c.o.SessionTimeout; d > 0 {
		opts = append(opts, kgo.SessionTimeout(d), kgo.HeartbeatInterval(min(3*time.Second, d/4)))
	}
	s, err := kgo.NewGroupTransactSession(opts...)
	if err != nil {
		return fmt.Errorf("kafkabus: %w", err)
	}
	defer s.Close()
	for {
		fetches := s.PollRecords(ctx, 500)
		if ctx.Err() != nil {
			return nil
		}
		if fetches.NumRecords() == 0 {
			continue // errors of single fetches are the client's to mend
		}
		if err := transact(ctx, s, fetches, f); err != nil {
			return err
		}
	}
}

// transact handles one batch in one transaction. An aborted one is no error: the
// session reads its records again.
func transact(ctx context.Context, s *kgo.GroupTransactSession, fetches kgo.Fetches, f func(context.Context, *driver.Delivery) ([]driver.Record, error)) error {
	if err := s.Begin(); err != nil {
		return fmt.Errorf("kafkabus: begin: %w", translate(err))
	}
	var failed error
	promise := kgo.AbortingFirstErrPromise(s.Client())
	fetches.EachRecord(func(r *kgo.Record) {
		if failed != nil {
			return
		}
		var outs []driver.Record
		outs, failed = f(ctx, &driver.Delivery{Partition: r.Partition, Offset: r.Offset, Record: driver.Record{
			Topic: r.Topic, Key: string(r.Key), Body: r.Value, Time: r.Timestamp, Headers: headers(r.Headers)}})
		for _, out := range outs {
			k := &kgo.Record{Topic: out.Topic, Value: out.Body, Timestamp: out.Time, Headers: fields(out.Headers)}
			if out.Key != "" {
				k.Key = []byte(out.Key)
			}
			s.Produce(ctx, k, promise.Promise())
		}
	})
	produced := promise.Err()
	// An end must reach the broker although ctx has ended.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	_, err := s.End(end, kgo.TransactionEndTry(failed == nil && produced == nil && ctx.Err() == nil))
	switch {
	case failed != nil:
		return failed
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return fmt.Errorf("kafkabus: end of transaction: %w", translate(err))
	}
	return nil
}
