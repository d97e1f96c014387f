// Package drivertest holds every driver of package bus to its contract. A
// driver's test calls [Run] with a [Harness]; each file here is one noun of the
// contract.
//
// The tests use topics and groups of random names and leave a shared broker
// alone, but for Harness.Restart, which is set only for a broker that the test
// owns.
package drivertest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Harness is a driver under test.
type Harness struct {
	// Open returns a new connection to the broker, as another process would have.
	Open func(t testing.TB) driver.Bus
	// Restart kills the broker hard and starts it again on the same data; nil: not possible.
	Restart func(t testing.TB)
	// RestartEvery is after how many faults [Faults] kills the broker once more.
	// Default 10; more for a broker that takes long to start, but in a soak.
	RestartEvery int
	// MaxBytes is a size that the broker is sure to refuse; 0: there is none to try.
	MaxBytes int
	// AnyKey: keys need not be UTF-8.
	AnyKey bool
	// Attempts: the broker counts deliveries.
	Attempts bool
	// Patience is how long the slowest step may take: a group that notices that
	// a member died. Default 30 s.
	Patience time.Duration
}

// Run runs the whole suite but for the faults, which [Faults] runs.
func Run(t *testing.T, h Harness) {
	if h.Patience == 0 {
		h.Patience = 30 * time.Second
	}
	for _, tc := range []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"Describe", testDescribe},
		{"Record", testRecord}, {"Publish", testPublish}, {"Limit", testLimit}, {"Closed", testClosed},
		{"Fetch", testFetch}, {"Ack", testAck}, {"Start", testStart}, {"Lag", testLag},
		{"Groups", testGroups}, {"Handover", testHandover}, {"Death", testDeath}, {"Scan", testScan},
		{"Order", testOrder}, {"Poison", testPoison}, {"Unreadable", testUnreadable}, {"CommandLine", testCommandLine},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.run(t, h)
		})
	}
}

// Soak reports whether the long tests are asked for.
func Soak() bool { return os.Getenv("ASHLAR_SOAK") != "" && os.Getenv("ASHLAR_SOAK") != "0" }

// Count returns short, or long when ASHLAR_SOAK is set; a number in ASHLAR_FAULTS
// overrides both.
func Count(short, long int) int {
	if n, err := strconv.Atoi(os.Getenv("ASHLAR_FAULTS")); err == nil && n > 0 {
		return n
	}
	if Soak() {
		return long
	}
	return short
}

// Need returns the value of the server's environment variable. Without one the
// test is skipped, or fails under CI, where the servers must be there.
func Need(t testing.TB, variable string) string {
	t.Helper()
	v := os.Getenv(variable)
	switch {
	case v != "":
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is not set; CI starts the servers with `make servers`", variable)
	default:
		t.Skipf("%s is not set; start the servers with `make servers`", variable)
	}
	return v
}

// Name returns a name that no other test has.
func Name(prefix string) string { return prefix + "-" + strings.ToLower(rand.Text()[:10]) }

func testDescribe(t *testing.T, h Harness) {
	b := open(t, h)
	d, err := b.Describe(t.Context())
	if err != nil || d.Product == "" || d.Version == "" {
		t.Fatalf("Describe = %+v, %v", d, err)
	}
	t.Logf("broker: %s %s, largest record %d bytes", d.Product, d.Version, d.MaxBytes)
	if tr := b.Traits(); tr.Name == "" || tr.EventPrefix == "" || len(tr.Starts) == 0 || tr.Scan != "any" && tr.Scan != "log" {
		t.Errorf("Traits = %+v", tr)
	}
}

func open(t testing.TB, h Harness) driver.Bus {
	t.Helper()
	b := h.Open(t)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b
}

// topic makes a topic with groups that miss nothing from now on.
func topic(t testing.TB, b driver.Bus, o driver.Topic) string {
	t.Helper()
	o.Name = Name("t")
	if err := b.Ensure(t.Context(), []driver.Topic{o}); err != nil {
		t.Fatalf("Ensure: %v", err)
	}
	return o.Name
}

func publish(t testing.TB, b driver.Bus, rs ...driver.Record) {
	t.Helper()
	if errs := tryPublish(t.Context(), b, rs...); errs != nil {
		t.Fatalf("Publish: %v", errs)
	}
}

func tryPublish(ctx context.Context, b driver.Bus, rs ...driver.Record) []error {
	ch := make(chan []error, 2) // room for a driver that calls done twice
	b.Publish(ctx, rs, func(errs []error) { ch <- errs })
	errs := <-ch
	if len(ch) > 0 {
		return driver.Fail(len(rs), fmt.Errorf("done was called twice"))
	}
	return errs
}

// member is a consumer with what the tests ask of it.
type member struct {
	driver.Consumer
	revoked chan []driver.Owned
}

func join(t testing.TB, h Harness, b driver.Bus, s driver.Subscription) *member {
	t.Helper()
	m := &member{revoked: make(chan []driver.Owned, 100)}
	if s.MaxInFlight == 0 {
		s.MaxInFlight = 1000
	}
	if s.OnRevoke == nil {
		s.OnRevoke = func(ps []driver.Owned, _ bool) { m.revoked <- ps }
	}
	ctx, cancel := context.WithTimeout(t.Context(), h.Patience)
	defer cancel()
	c, err := b.Subscribe(ctx, s)
	if err != nil {
		t.Fatalf("Subscribe: %v", err)
	}
	m.Consumer = c
	t.Cleanup(func() { m.leave(t) })
	return m
}

func (m *member) leave(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := m.Close(ctx); err != nil {
		t.Errorf("Consumer.Close: %v", err)
	}
}

// take fetches until it has n deliveries.
func (m *member) take(t testing.TB, h Harness, n int) []*driver.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), h.Patience)
	defer cancel()
	var out []*driver.Delivery
	for len(out) < n {
		ds, err := m.Fetch(ctx, n-len(out))
		if err != nil {
			t.Fatalf("Fetch after %d of %d: %v", len(out), n, err)
		}
		if len(ds) > n-len(out) {
			t.Fatalf("Fetch returned %d, the limit was %d", len(ds), n-len(out))
		}
		for _, d := range ds {
			out = append(out, &d) // a copy: the slice is the driver's again
		}
	}
	return out
}

// quiet fails when a delivery comes within the time.
func (m *member) quiet(t testing.TB, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if ds, err := m.Fetch(ctx, 10); len(ds) > 0 || ctx.Err() == nil {
		t.Fatalf("Fetch = %d deliveries, %v; nothing was to come", len(ds), err)
	}
}

func numbered(topic string, from, n, keys int) []driver.Record {
	rs := make([]driver.Record, n)
	for i := range rs {
		rs[i] = driver.Record{Topic: topic, Key: "k" + strconv.Itoa((from+i)%keys), Body: []byte(strconv.Itoa(from + i))}
	}
	return rs
}

func bodies(ds []*driver.Delivery) map[string]int {
	m := map[string]int{}
	for _, d := range ds {
		m[string(d.Body)]++
	}
	return m
}
