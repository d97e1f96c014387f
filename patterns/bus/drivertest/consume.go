package drivertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Never more in hand than MaxInFlight, and Fetch ends with its context.
func testFetch(t *testing.T, h Harness) {
	b := open(t, h)
	g := Name("g")
	name := topic(t, b, driver.Topic{Partitions: 2, Groups: []string{g}})
	publish(t, b, numbered(name, 0, 50, 50)...)
	m := join(t, h, b, driver.Subscription{Topics: []string{name}, Group: g, Start: start(b), MaxInFlight: 10})
	seen := map[string]int{}
	for len(seen) < 50 {
		ds := m.take(t, h, 10)
		for body, n := range bodies(ds) {
			if seen[body] += n; seen[body] > 1 {
				t.Fatalf("%s came twice", body)
			}
		}
		if len(seen) == 10 {
			m.quiet(t, 300*time.Millisecond)
			m.Ack(ds[5:]) // out of order: five more may come
			more := m.take(t, h, 5)
			for body := range bodies(more) {
				seen[body]++
			}
			m.quiet(t, 100*time.Millisecond)
			m.Ack(more)
			m.Ack(ds[:5])
			ds = m.take(t, h, 5)
			for body := range bodies(ds) {
				seen[body]++
			}
		}
		m.Ack(ds)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := m.Fetch(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Fetch on an empty topic: %v", err)
	}
}

// What was acknowledged does not come again; what leaves a gap does, with all
// that follows it in its partition at most.
func testAck(t *testing.T, h Harness) {
	b := open(t, h)
	g := Name("g")
	name := topic(t, b, driver.Topic{Partitions: 1, Groups: []string{g}})
	s := driver.Subscription{Topics: []string{name}, Group: g, Start: start(b)}
	publish(t, b, numbered(name, 0, 10, 1)...)
	m := join(t, h, b, s)
	ds := m.take(t, h, 10)
	m.Ack(append(append([]*driver.Delivery{}, ds[6:]...), ds[:5]...)) // all but number 5
	m.Ack(ds[:2])                                                     // again: does nothing
	m.leave(t)

	m = join(t, h, b, s)
	first := m.take(t, h, 1)
	if string(first[0].Body) != "5" {
		t.Fatalf("the group goes on at %s, want 5", first[0].Body)
	}
	if h.Attempts && first[0].Attempt < 2 {
		t.Errorf("attempt %d of a redelivered record", first[0].Attempt)
	}
	m.Ack(first)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	for {
		ds, err := m.Fetch(ctx, 10)
		for i := range ds {
			m.Ack([]*driver.Delivery{&ds[i]})
		}
		if err != nil {
			break
		}
	}
	cancel()
	m.leave(t)

	publish(t, b, driver.Record{Topic: name, Key: "k0", Body: []byte("new")})
	m = join(t, h, b, s)
	if d := m.take(t, h, 1); string(d[0].Body) != "new" {
		t.Errorf("after everything was acknowledged came %s", d[0].Body)
	}
}

// Where a new group begins.
func testStart(t *testing.T, h Harness) {
	b := open(t, h)
	name := topic(t, b, driver.Topic{Partitions: 1})
	holdQueue(t, b, name)
	publish(t, b, numbered(name, 0, 3, 1)...)
	<-time.After(20 * time.Millisecond) // so that the broker's clock moves between the two halves
	middle := time.Now()
	<-time.After(20 * time.Millisecond)
	publish(t, b, numbered(name, 3, 3, 1)...)
	third := int64(2)
	if supports(b, driver.AtOffset) { // brokers count from 0 or from 1
		err := b.Scan(t.Context(), name, nil, func(d *driver.Delivery) bool {
			third = d.Offset
			return string(d.Body) != "2"
		})
		if err != nil {
			t.Fatalf("Scan: %v", err)
		}
	}
	for _, tc := range []struct {
		s    driver.Subscription
		want string
	}{
		{driver.Subscription{Start: driver.Earliest}, "0"},
		{driver.Subscription{Start: driver.AtTime, StartTime: middle}, "3"},
		{driver.Subscription{Start: driver.AtOffset, StartOffset: third}, "2"},
		{driver.Subscription{Start: driver.Latest}, "latest"},
	} {
		t.Run(tc.s.Start.String(), func(t *testing.T) {
			tc.s.Topics, tc.s.Group, tc.s.MaxInFlight = []string{name}, Name("g"), 100
			if !supports(b, tc.s.Start) {
				tc.s.OnRevoke = func([]driver.Owned, bool) {}
				var refused *driver.StartError
				_, err := b.Subscribe(t.Context(), tc.s)
				if !errors.As(err, &refused) || !errors.Is(err, driver.ErrUnsupported) || refused.Start != tc.s.Start || refused.Topic != name || refused.Why == "" || refused.Do == "" {
					t.Fatalf("Subscribe from %s: %v, want a StartError that says why and what to do", tc.s.Start, err)
				}
				return
			}
			for _, group := range []string{tc.s.Group, ""} {
				tc.s.Group = group
				m := join(t, h, b, tc.s)
				if tc.s.Start == driver.Latest {
					publish(t, b, driver.Record{Topic: name, Key: "k0", Body: []byte("latest")})
				}
				if d := m.take(t, h, 1); string(d[0].Body) != tc.want {
					t.Errorf("group %q begins at %s, want %s", group, d[0].Body, tc.want)
				}
				m.leave(t)
			}
		})
	}
}

// holdQueue begins a group, so that the topic can be published to: brokers whose
// topics are no logs refuse records that nobody would get.
func holdQueue(t *testing.T, b driver.Bus, name string) {
	t.Helper()
	if err := b.Ensure(t.Context(), []driver.Topic{{Name: name, Groups: []string{Name("keep")}}}); err != nil {
		t.Fatal(err)
	}
}

// Lag falls to zero with the acknowledgements.
func testLag(t *testing.T, h Harness) {
	b := open(t, h)
	g := Name("g")
	name := topic(t, b, driver.Topic{Partitions: 2, Groups: []string{g}})
	publish(t, b, numbered(name, 0, 40, 40)...)
	m := join(t, h, b, driver.Subscription{Topics: []string{name}, Group: g, Start: start(b)})
	ds := m.take(t, h, 40)
	lag := func(want int64) {
		t.Helper()
		deadline := time.Now().Add(h.Patience)
		for {
			var sum int64
			lags, err := m.Lag(t.Context())
			for _, l := range lags {
				sum += l.Records
			}
			if err == nil && sum == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("lag %d, %v; want %d", sum, err, want)
			}
			<-time.After(50 * time.Millisecond)
		}
	}
	lag(40)
	m.Ack(ds)
	lag(0)
}
