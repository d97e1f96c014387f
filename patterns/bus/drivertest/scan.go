package drivertest

import (
	"errors"
	"strconv"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// A log is read whole, in order, to its present end, and from where one left off.
func testScan(t *testing.T, h Harness) {
	b := open(t, h)
	name := topic(t, b, driver.Topic{Partitions: 1, Log: true})
	next := map[int32]int64{}
	scan := func(stopAfter int) (got []string) {
		t.Helper()
		from := map[int32]int64{}
		for p, o := range next {
			from[p] = o
		}
		err := b.Scan(t.Context(), name, from, func(d *driver.Delivery) bool {
			got = append(got, string(d.Body))
			next[d.Partition] = d.Offset + 1
			return len(got) != stopAfter
		})
		if err != nil {
			t.Fatalf("Scan: %v", err)
		}
		return got
	}
	if got := scan(0); len(got) != 0 {
		t.Fatalf("an empty topic has %q", got)
	}
	publish(t, b, numbered(name, 0, 30, 3)...)
	if got := scan(10); len(got) != 10 || got[0] != "0" || got[9] != "9" {
		t.Fatalf("the first ten: %q", got)
	}
	got := scan(0)
	for i := range got {
		if got[i] != strconv.Itoa(10+i) {
			t.Fatalf("the rest: %q", got)
		}
	}
	if len(got) != 20 {
		t.Fatalf("the rest: %q", got)
	}
	if got := scan(0); len(got) != 0 {
		t.Fatalf("at the end: %q", got)
	}
	publish(t, b, numbered(name, 30, 2, 3)...)
	if got := scan(0); len(got) != 2 {
		t.Fatalf("two more: %q", got)
	}
	err := b.Scan(t.Context(), Name("missing"), nil, func(*driver.Delivery) bool { return true })
	if !errors.Is(err, driver.ErrNoTopic) {
		t.Errorf("Scan of a missing topic: %v", err)
	}
}
