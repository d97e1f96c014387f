package drivertest

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// What goes in comes out.
func testRecord(t *testing.T, h Harness) {
	b := open(t, h)
	g := Name("g")
	name := topic(t, b, driver.Topic{Partitions: 2, Groups: []string{g}})
	at := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	key := "schlüssel/ä b.c>*"
	if h.AnyKey {
		key += "\xff\x00"
	}
	in := []driver.Record{
		{Topic: name, Key: key, Time: at, Body: []byte("\x00\xffbytes"), Headers: []driver.Header{
			{Name: "plain", Value: []byte("v")}, {Name: "many", Value: []byte("1")}, {Name: "many", Value: []byte("2")},
			{Name: "empty", Value: []byte{}}, {Name: "utf8", Value: []byte("grüße")}}},
		{Topic: name, Key: key},
		{Topic: name, Body: []byte("keyless")},
	}
	publish(t, b, in...)
	m := join(t, h, b, driver.Subscription{Topics: []string{name}, Group: g, Start: start(b)})
	out := m.take(t, h, 3)
	byBody := map[string]*driver.Delivery{}
	for _, d := range out {
		byBody[string(d.Body)] = d
	}
	first, second, third := byBody["\x00\xffbytes"], byBody[""], byBody["keyless"]
	if first == nil || second == nil || third == nil {
		t.Fatalf("bodies came out as %v", bodies(out))
	}
	if first.Key != key || second.Key != key || third.Key != "" || first.Topic != name {
		t.Errorf("keys %q, %q, %q; topic %q", first.Key, second.Key, third.Key, first.Topic)
	}
	if first.Partition != second.Partition {
		t.Errorf("equal keys in partitions %d and %d", first.Partition, second.Partition)
	}
	if !first.Time.Truncate(time.Millisecond).Equal(at) {
		t.Errorf("time %v, want %v", first.Time, at)
	}
	if d := time.Since(third.Time); d < -time.Minute || d > time.Hour {
		t.Errorf("time of a record without one: %v", third.Time)
	}
	for _, want := range in[0].Headers {
		found := false
		for _, got := range first.Headers {
			found = found || got.Name == want.Name && bytes.Equal(got.Value, want.Value)
		}
		if !found {
			t.Errorf("header %s=%q is missing in %q", want.Name, want.Value, first.Headers)
		}
	}
	m.Ack(out)
}

// start is the earliest start that the driver has, for groups that Ensure made.
func start(b driver.Bus) driver.StartAt {
	if supports(b, driver.Earliest) {
		return driver.Earliest
	}
	return driver.Latest
}

func supports(b driver.Bus, s driver.StartAt) bool {
	for _, have := range b.Traits().Starts {
		if have == s {
			return true
		}
	}
	return false
}

// Order per key over many calls; ctx; a missing topic.
func testPublish(t *testing.T, h Harness) {
	b := open(t, h)
	g := Name("g")
	name := topic(t, b, driver.Topic{Partitions: 4, Groups: []string{g}})
	const n, keys = 600, 7
	// Calls that were not answered yet when the next one began.
	answers := make(chan []error, n)
	for i := 0; i < n; i += 20 {
		b.Publish(t.Context(), numbered(name, i, 20, keys), func(errs []error) { answers <- errs })
	}
	for range n / 20 {
		if errs := <-answers; errs != nil {
			t.Fatalf("Publish: %v", errs)
		}
	}
	m := join(t, h, b, driver.Subscription{Topics: []string{name}, Group: g, Start: start(b)})
	last := map[string]int{}
	for _, d := range m.take(t, h, n) {
		i, err := strconv.Atoi(string(d.Body))
		if err != nil {
			t.Fatal(err)
		}
		if prev, ok := last[d.Key]; ok && i != prev+keys {
			t.Errorf("key %s: %d follows %d", d.Key, i, prev)
		}
		last[d.Key] = i
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if errs := tryPublish(ctx, b, driver.Record{Topic: name}); errs == nil || !errors.Is(errs[0], context.Canceled) {
		t.Errorf("Publish with an ended context: %v", errs)
	}
}

// A record over the limit fails alone, by its name, and the next one passes.
func testLimit(t *testing.T, h Harness) {
	if h.MaxBytes == 0 {
		t.Skip("this broker has no limit that a test could reach")
	}
	b := open(t, h)
	g := Name("g")
	name := topic(t, b, driver.Topic{Partitions: 1, Groups: []string{g}})
	big := make([]byte, h.MaxBytes)
	errs := tryPublish(t.Context(), b, driver.Record{Topic: name, Body: []byte("a")}, driver.Record{Topic: name, Body: big}, driver.Record{Topic: name, Body: []byte("b")})
	if len(errs) != 3 || errs[0] != nil || !errors.Is(errs[1], driver.ErrTooLarge) || errs[2] != nil {
		t.Fatalf("Publish = %v, want only the second to be too large", errs)
	}
	m := join(t, h, b, driver.Subscription{Topics: []string{name}, Group: g, Start: start(b)})
	if got := bodies(m.take(t, h, 2)); got["a"] != 1 || got["b"] != 1 {
		t.Errorf("got %v", got)
	}
}

// After Close everything says ErrClosed, and Close may be called again.
func testClosed(t *testing.T, h Harness) {
	b := open(t, h)
	g := Name("g")
	name := topic(t, b, driver.Topic{Partitions: 1})
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if errs := tryPublish(t.Context(), b, driver.Record{Topic: name}); errs == nil || !errors.Is(errs[0], driver.ErrClosed) {
		t.Errorf("Publish: %v", errs)
	}
	_, err := b.Subscribe(t.Context(), driver.Subscription{Topics: []string{name}, Group: g, MaxInFlight: 1, OnRevoke: func([]driver.Owned, bool) {}})
	if !errors.Is(err, driver.ErrClosed) {
		t.Errorf("Subscribe: %v", err)
	}
}
