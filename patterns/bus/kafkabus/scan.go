package kafkabus

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

func (c *conn) Scan(ctx context.Context, topic string, from map[int32]int64, f func(*driver.Delivery) bool) error {
	adm, err := c.admin()
	if err != nil {
		return err
	}
	s := driver.Subscription{Topics: []string{topic}, Start: driver.Earliest}
	begin, err := c.list(ctx, adm, s)
	if err != nil {
		return err
	}
	s.Start = driver.Latest
	end, err := c.list(ctx, adm, s)
	if err != nil {
		return err
	}
	parts := map[int32]kgo.Offset{}
	left := map[int32]int64{} // offset at which the partition is read
	for p, at := range begin {
		at = max(at, from[p.Partition])
		if at < end[p] {
			parts[p.Partition] = kgo.NewOffset().At(at)
			left[p.Partition] = end[p]
		}
	}
	if len(parts) == 0 {
		return nil
	}
	cl, err := kgo.NewClient(c.options(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: parts}),
		kgo.KeepControlRecords(), kgo.DisableFetchSessions(), kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	if err != nil {
		return fmt.Errorf("kafkabus: %w", err)
	}
	defer cl.Close()
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		if fetches.IsClientClosed() {
			return driver.ErrClosed
		}
		more := true
		fetches.EachRecord(func(r *kgo.Record) {
			stop, open := left[r.Partition]
			if !more || !open {
				return
			}
			if r.Offset < stop && !r.Attrs.IsControl() {
				more = f(&driver.Delivery{Partition: r.Partition, Offset: r.Offset, Record: driver.Record{
					Topic: topic, Key: string(r.Key), Body: r.Value, Time: r.Timestamp, Headers: headers(r.Headers)}})
			}
			// Control records count here, since one may be the last of the log.
			if r.Offset+1 >= stop {
				delete(left, r.Partition)
			}
		})
		if !more {
			return nil
		}
	}
	return nil
}
