package kafkabus_test

import (
	"context"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/drivertest"
)

// A member with a name that comes back within the session has its partitions
// again, goes on where it committed, and the other member does not notice.
func TestStaticMember(t *testing.T) {
	t.Parallel()
	seed := drivertest.Need(t, "ASHLAR_KAFKA")
	ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
	defer cancel()
	b := closing(t, open(seed))
	topic, group := drivertest.Name("static"), drivertest.Name("g")
	const parts = 4
	if err := b.Ensure(ctx, []driver.Topic{{Name: topic, Partitions: parts}}); err != nil {
		t.Fatal(err)
	}
	revoked := make(chan []driver.Owned, 100)
	join := func(b driver.Bus, name string) driver.Consumer {
		c, err := b.Subscribe(ctx, driver.Subscription{Topics: []string{topic}, Group: group, Member: name, Start: driver.Earliest, MaxInFlight: 1000,
			OnRevoke: func(ps []driver.Owned, _ bool) { revoked <- ps }})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	stay := join(b, "stays")
	moving := closing(t, open(seed))
	leave := join(moving, "comes-back")
	got := make(chan int32, 1000)
	go func() {
		for {
			ds, err := stay.Fetch(ctx, 100)
			if err != nil {
				return
			}
			for i := range ds {
				got <- ds[i].Partition
				stay.Ack([]*driver.Delivery{&ds[i]})
			}
		}
	}()
	// take publishes rounds to all partitions until the member gets some.
	take := func(c driver.Consumer) map[int32]bool {
		t.Helper()
		own := map[int32]bool{}
		for quiet := 0; quiet < 3; {
			var rs []driver.Record
			for i := range 64 {
				rs = append(rs, driver.Record{Topic: topic, Key: string(rune('a'+i%26)) + string(rune('a'+i/26)), Body: []byte("x")})
			}
			done := make(chan []error, 1)
			b.Publish(ctx, rs, func(errs []error) { done <- errs })
			if errs := <-done; errs != nil {
				t.Fatal(errs)
			}
			wait, stop := context.WithTimeout(ctx, 300*time.Millisecond)
			ds, _ := c.Fetch(wait, 1000) // none within the time is an answer too
			stop()
			for i := range ds {
				own[ds[i].Partition] = true
				c.Ack([]*driver.Delivery{&ds[i]})
			}
			if ctx.Err() != nil {
				t.Fatal("the member with a name got nothing")
			}
			if len(own) > 0 {
				quiet++
			}
		}
		return own
	}
	before := take(leave)
	for len(revoked) > 0 { // the hand-over when it joined
		<-revoked
	}
	if err := leave.Close(ctx); err != nil {
		t.Fatal(err)
	}
	back := join(moving, "comes-back")
	after := take(back)
	for p := range after {
		if !before[p] {
			t.Errorf("partition %d is new to the member that came back: had %v, has %v", p, before, after)
		}
	}
	if len(before) != len(after) {
		t.Errorf("the member had %v, has %v", before, after)
	}
	if len(revoked) > 0 {
		t.Errorf("the other member was disturbed: %v", <-revoked)
	}
	for _, c := range []driver.Consumer{back, stay} {
		if err := c.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}
