package drivertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus"
	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

const (
	worldKeys     = 64
	worldPrefetch = 100
)

// world is a topic whose events are numbered by key, the members that handle
// them, and the ledger that sees every effect.
type world struct {
	t      *testing.T
	h      Harness
	topic  string
	group  string
	ledger *ledger
	fail   func(key string, n int) error // the handler's; nil: never
	retry  bus.Retry

	mu      sync.Mutex
	members []*worker
	pub     driver.Bus
	pubBus  *bus.Bus

	sent  map[string]int // the last number of each key that was acknowledged by the broker
	stop  chan struct{}
	ended chan struct{}
}

type worker struct {
	conn driver.Bus
	bus  *bus.Bus
	c    *bus.Consumer
}

// ledger is the effect of the events: each key's number, which goes up by one.
// It is what an idempotent receiver keeps: a number that it has seen is a
// redelivery and does nothing; one that skips a number is a broken order.
type ledger struct {
	mu      sync.Mutex
	last    map[string]int
	busy    map[string]bool
	broken  []string
	overlap []string
	again   int
	changed chan struct{} // closed and replaced on every change
	total   int
}

func (l *ledger) begin(key string) {
	l.mu.Lock()
	if l.busy[key] {
		l.overlap = append(l.overlap, key)
	}
	l.busy[key] = true
	l.mu.Unlock()
}

func (l *ledger) end(key string, n int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy[key] = false
	if !ok {
		return
	}
	switch last := l.last[key]; {
	case n == last+1:
		l.last[key] = n
		l.total++
	case n <= last:
		l.again++
	default:
		l.broken = append(l.broken, fmt.Sprintf("%s: %d follows %d", key, n, last))
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// until waits for what f asks of the ledger, and fails after a while.
func (l *ledger) until(t testing.TB, patience time.Duration, what string, f func(l *ledger) bool) {
	t.Helper()
	timeout := time.After(patience)
	for {
		l.mu.Lock()
		ok, changed := f(l), l.changed
		l.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			l.mu.Lock()
			defer l.mu.Unlock()
			t.Fatalf("%s did not come to pass within %s; %d effects, %d redeliveries, broken: %v; ledger: %v", what, patience, l.total, l.again, l.broken, l.last)
		}
	}
}

func newWorld(t *testing.T, h Harness) *world {
	w := &world{t: t, h: h, group: Name("g"), sent: map[string]int{}, stop: make(chan struct{}), ended: make(chan struct{}),
		retry:  bus.Retry{Tries: 3, Base: 20 * time.Millisecond, Cap: 100 * time.Millisecond},
		ledger: &ledger{last: map[string]int{}, busy: map[string]bool{}, changed: make(chan struct{})}}
	b := open(t, h)
	w.topic = topic(t, b, driver.Topic{Partitions: 8, Groups: []string{w.group}})
	w.connect()
	t.Cleanup(w.close)
	return w
}

func quietLog() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func (w *world) options() *bus.Options {
	return &bus.Options{Source: "/drivertest", Log: quietLog()}
}

// connect gives the publisher a new connection; the old one, if any, is cut.
func (w *world) connect() {
	conn := w.h.Open(w.t)
	b, err := bus.New(conn, w.options())
	if err != nil {
		w.t.Error(err)
		return
	}
	w.mu.Lock()
	old := w.pub
	w.pub, w.pubBus = conn, b
	w.mu.Unlock()
	if old != nil {
		cut(old)
	}
}

// cut ends a connection at once.
func cut(b driver.Bus) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = b.Close(ctx) // nobody waits for what is under way
}

// join adds a member.
func (w *world) join() {
	w.t.Helper()
	conn := w.h.Open(w.t)
	b, err := bus.New(conn, w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	m := &worker{conn: conn, bus: b}
	deadline := time.Now().Add(w.h.Patience)
	for { // the broker may be starting
		ctx, cancel := context.WithTimeout(w.t.Context(), w.h.Patience)
		m.c, err = b.Subscribe(ctx, bus.Subscription{Topics: []string{w.topic}, Group: w.group, Start: start(conn), MaxInFlight: worldPrefetch,
			Parallel: 16, Retry: w.retry}, w.handle)
		cancel()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("Subscribe: %v", err)
		}
		<-time.After(200 * time.Millisecond)
	}
	w.mu.Lock()
	w.members = append(w.members, m)
	w.mu.Unlock()
}

func (w *world) handle(ctx context.Context, e bus.Event) error {
	n, err := strconv.Atoi(string(e.Data))
	if err != nil {
		return bus.Terminal(err)
	}
	w.ledger.begin(e.Key)
	if ctx.Err() != nil { // the process is dead, or its partition is another's: no effect
		w.ledger.end(e.Key, n, false)
		return ctx.Err()
	}
	if w.fail != nil {
		if err := w.fail(e.Key, n); err != nil {
			w.ledger.end(e.Key, n, false)
			return err
		}
	}
	w.ledger.end(e.Key, n, true)
	return nil
}

func (w *world) take(i int) *worker {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.members[i]
	w.members = append(w.members[:i:i], w.members[i+1:]...)
	return m
}

// leave lets a member go in good order.
func (w *world) leave(i int) {
	m := w.take(i)
	ctx, cancel := context.WithTimeout(context.Background(), w.h.Patience)
	defer cancel()
	if err := m.bus.Close(ctx); err != nil {
		w.t.Errorf("Close of a member: %v", err)
	}
}

// kill cuts a member off.
func (w *world) kill(i int) {
	m := w.take(i)
	cut(m.conn)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = m.bus.Close(ctx) // a dead process says nothing
}

// publish sends rounds of one event per key until stopped, each key's next number
// only after the broker acknowledged the one before.
func (w *world) publish() {
	defer close(w.ended)
	for n := 1; ; n++ {
		left := make([]bus.Event, 0, worldKeys)
		for k := range worldKeys {
			left = append(left, bus.Event{Topic: w.topic, Key: "k" + strconv.Itoa(k), Type: "tick", Data: []byte(strconv.Itoa(n))})
		}
		for len(left) > 0 {
			select {
			case <-w.stop:
				return
			default:
			}
			w.mu.Lock()
			b := w.pubBus
			w.mu.Unlock()
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			err := b.Publish(ctx, left...)
			cancel()
			left = w.acknowledged(left, err)
			if err != nil {
				<-time.After(50 * time.Millisecond)
			}
		}
	}
}

func (w *world) acknowledged(events []bus.Event, err error) (left []bus.Event) {
	failed := map[int]bool{}
	var pe *bus.PublishError
	if errors.As(err, &pe) {
		for _, f := range pe.Failed {
			failed[f.Index] = true
		}
	} else if err != nil {
		return events
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, e := range events {
		if failed[i] {
			left = append(left, e)
			continue
		}
		w.sent[e.Key], _ = strconv.Atoi(string(e.Data))
	}
	return left
}

// settle stops publishing and waits until every acknowledged event had its effect.
func (w *world) settle() {
	w.t.Helper()
	close(w.stop)
	<-w.ended
	w.ledger.until(w.t, 2*w.h.Patience, "the effect of every acknowledged event", func(l *ledger) bool {
		for key, n := range w.sent {
			if l.last[key] < n {
				return false
			}
		}
		return true
	})
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	for _, b := range w.ledger.broken {
		w.t.Errorf("order broken: %s", b)
	}
	w.t.Logf("%d effects, %d redeliveries", w.ledger.total, w.ledger.again)
}

// progress waits until so many effects more were had.
func (w *world) progress(n int) {
	w.t.Helper()
	w.ledger.mu.Lock()
	goal := w.ledger.total + n
	w.ledger.mu.Unlock()
	w.ledger.until(w.t, w.h.Patience, fmt.Sprintf("%d effects more", n), func(l *ledger) bool { return l.total >= goal })
}

func (w *world) close() {
	w.mu.Lock()
	ms, pub := w.members, w.pub
	w.members = nil
	w.mu.Unlock()
	select {
	case <-w.stop:
	default:
		close(w.stop)
	}
	for _, m := range ms {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		_ = m.bus.Close(ctx) // the test has its result
		cancel()
	}
	cut(pub)
}
