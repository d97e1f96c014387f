package drivertest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus"
	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// blocked is a broker whose dead letters cannot be stored for a while.
type blocked struct {
	driver.Bus
	topic string
	down  atomic.Bool
}

func (b *blocked) Publish(ctx context.Context, rs []driver.Record, done func([]error)) {
	if b.down.Load() && len(rs) > 0 && rs[0].Topic == b.topic {
		done(driver.Fail(len(rs), errors.New("the topic is down")))
		return
	}
	b.Bus.Publish(ctx, rs, done)
}

// A bad header and a version of tomorrow become dead letters. While those cannot
// be stored the events stay unacknowledged, others go on, and the next consumer
// of the group gets them again.
func testUnreadable(t *testing.T, h Harness) {
	name, g := Name("orders"), Name("billing")
	dead := g + ".dead-letters"
	conn := &blocked{Bus: h.Open(t), topic: dead}
	conn.down.Store(true)
	handled := make(chan string, 10)
	first, c := unreadable(t, conn, name, g, handled)
	bad := driver.Record{Topic: name, Key: "bad", Body: []byte(`{}`), Headers: []driver.Header{{Name: conn.Traits().EventPrefix + "specversion", Value: []byte("0.3")}}}
	publish(t, conn, bad)
	for _, e := range []bus.Event{{Key: "future", Version: 9}, {Key: "sound", Version: 1}} {
		e.Topic, e.Type, e.Data = name, "placed", []byte(`{}`)
		if err := first.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if got := await(t, h, handled); got != "sound" {
		t.Errorf("handled %q", got)
	}
	for deadline := time.Now().Add(h.Patience); ; <-time.After(50 * time.Millisecond) {
		s := c.Stats(t.Context())
		if s.DeadFailed >= 2 && s.Lag >= 2 && s.DeadLetters == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("while the dead letters are down: %+v", s)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), h.Patience)
	defer cancel()
	if err := first.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}

	next, _ := unreadable(t, h.Open(t), name, g, handled)
	queue := next.DeadLetters(dead)
	for key, why := range map[string]string{"bad": "0.3", "future": "9"} {
		l, err := queue.Show(t.Context(), awaitKey(t, h, queue, key))
		if err != nil || l.Topic != name || !strings.Contains(l.Error, why) {
			t.Errorf("the dead letter of %q: %+v, %v", key, l, err)
		}
	}
	if err := next.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// unreadable subscribes to a type of which there is one version.
func unreadable(t *testing.T, conn driver.Bus, name, g string, handled chan<- string) (*bus.Bus, *bus.Consumer) {
	t.Helper()
	b, err := bus.New(conn, &bus.Options{Source: "/shop", Log: quietLog()})
	if err != nil {
		t.Fatal(err)
	}
	placed, err := bus.Define[struct{}](nil, bus.EventType{Name: "placed", Topic: name, Version: 1}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := bus.Routes(bus.On(placed, func(_ context.Context, e bus.Event, _ *struct{}) error {
		handled <- e.Key
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Ensure(t.Context(), driver.Topic{Name: name, Partitions: 1, Groups: []string{g}}); err != nil {
		t.Fatal(err)
	}
	c, err := b.Subscribe(t.Context(), bus.Subscription{Topics: []string{name}, Group: g, Start: start(conn), Retry: bus.Retry{Tries: 2, Base: time.Millisecond, Cap: 20 * time.Millisecond}}, handler)
	if err != nil {
		t.Fatal(err)
	}
	return b, c
}
