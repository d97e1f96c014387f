package drivertest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Every group gets every record, its members share them.
func testGroups(t *testing.T, h Harness) {
	b := open(t, h)
	one, two := Name("one"), Name("two")
	name := topic(t, b, driver.Topic{Partitions: 8, Groups: []string{one, two}})
	s := func(g string) driver.Subscription {
		return driver.Subscription{Topics: []string{name}, Group: g, Start: start(b)}
	}
	const n = 200
	publish(t, b, numbered(name, 0, n, n)...)
	alone := join(t, h, b, s(one))
	if got := bodies(alone.take(t, h, n)); len(got) != n {
		t.Errorf("group one got %d different records of %d", len(got), n)
	}
	shared := &pool{}
	shared.add(t, h, open(t, h), s(two))
	shared.add(t, h, open(t, h), s(two))
	shared.until(t, h, n)
	// The second member must get its share of what comes now.
	// A group learns of a member by its heartbeats, so this is a matter of seconds and not of rounds.
	for round, deadline := 1, time.Now().Add(h.Patience); shared.members() < 2; round++ {
		if time.Now().After(deadline) {
			t.Fatal("one member of two gets everything")
		}
		publish(t, b, numbered(name, n*round, n, n)...)
		shared.until(t, h, n*(round+1))
	}
}

// pool is members of one group that acknowledge what they get.
type pool struct {
	mu     sync.Mutex
	got    map[string]int
	shares map[int]int
	more   chan struct{}
}

func (p *pool) add(t testing.TB, h Harness, b driver.Bus, s driver.Subscription) *member {
	p.mu.Lock()
	if p.got == nil {
		p.got, p.shares, p.more = map[string]int{}, map[int]int{}, make(chan struct{}, 1)
	}
	id := len(p.shares)
	p.shares[id] = 0
	p.mu.Unlock()
	m := join(t, h, b, s)
	go func() {
		for {
			ds, err := m.Fetch(t.Context(), 50)
			if err != nil {
				return
			}
			p.mu.Lock()
			for i := range ds {
				p.got[string(ds[i].Body)]++
				p.shares[id]++
				m.Ack([]*driver.Delivery{&ds[i]})
			}
			p.mu.Unlock()
			select {
			case p.more <- struct{}{}:
			default:
			}
		}
	}()
	return m
}

func (p *pool) members() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, share := range p.shares {
		if share > 0 {
			n++
		}
	}
	return n
}

func (p *pool) until(t testing.TB, h Harness, n int) {
	t.Helper()
	timeout := time.After(h.Patience)
	for {
		p.mu.Lock()
		have := len(p.got)
		p.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-p.more:
		case <-timeout:
			t.Fatalf("%d of %d different records came", have, n)
		}
	}
}

// A partition that moves: OnRevoke comes first, what was acknowledged by its end
// does not come again, what was not comes to the new owner, once.
func testHandover(t *testing.T, h Harness) {
	b := open(t, h)
	g := Name("g")
	name := topic(t, b, driver.Topic{Partitions: 4, Groups: []string{g}})
	const n = 80
	publish(t, b, numbered(name, 0, n, n)...)
	s := driver.Subscription{Topics: []string{name}, Group: g, Start: start(b)}
	var first *member
	var held []*driver.Delivery
	ready, revoked := make(chan struct{}), make(chan struct{}, 10)
	acked := map[string]bool{}
	var mu sync.Mutex
	s1 := s
	s1.OnRevoke = func(parts []driver.Owned, lost bool) {
		<-ready
		mu.Lock()
		defer mu.Unlock()
		var odd []*driver.Delivery
		for i, d := range held {
			for _, p := range parts {
				if d.Part() == p.Part && i%2 == 0 { // half of them, with gaps
					odd = append(odd, d)
				}
			}
		}
		// Only what leaves no gap is sure to stay away.
		gap := map[driver.Part]bool{}
		for i, d := range held {
			if i%2 == 1 {
				gap[d.Part()] = true
			} else if !gap[d.Part()] && !lost {
				for _, p := range parts {
					if p.Part == d.Part() {
						acked[string(d.Body)] = true
					}
				}
			}
		}
		first.Ack(odd)
		revoked <- struct{}{}
	}
	first = join(t, h, b, s1)
	held = first.take(t, h, n)
	close(ready)
	// The first member goes on fetching, as package bus does.
	go func() {
		for {
			if _, err := first.Fetch(t.Context(), 10); err != nil {
				return
			}
		}
	}()
	second := join(t, h, open(t, h), s)
	ctx, cancel := context.WithTimeout(t.Context(), h.Patience)
	defer cancel()
	var moved []driver.Delivery
	for len(moved) == 0 {
		ds, err := second.Fetch(ctx, 100)
		if err != nil {
			t.Fatalf("the second member got nothing: %v", err)
		}
		moved = append(moved, ds...)
	}
	select {
	case <-revoked:
	default:
		t.Error("a record came to the second member before OnRevoke had ended at the first")
	}
	mu.Lock()
	defer mu.Unlock()
	for i := range moved {
		if acked[string(moved[i].Body)] {
			t.Errorf("record %s was acknowledged before its partition moved and came again", moved[i].Body)
		}
	}
}

// A member whose connection is cut: another one gets what it had not acknowledged.
func testDeath(t *testing.T, h Harness) {
	doomed := h.Open(t)
	b := open(t, h)
	g := Name("g")
	name := topic(t, b, driver.Topic{Partitions: 4, Groups: []string{g}})
	const n = 40
	publish(t, b, numbered(name, 0, n, n)...)
	s := driver.Subscription{Topics: []string{name}, Group: g, Start: start(b), MaxInFlight: 1000, OnRevoke: func([]driver.Owned, bool) {}}
	ctx, cancel := context.WithTimeout(t.Context(), h.Patience)
	defer cancel()
	c, err := doomed.Subscribe(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	m := &member{Consumer: c}
	m.take(t, h, n)
	if err := doomed.Close(ctx); err != nil {
		t.Errorf("Close with an open consumer: %v", err)
	}
	heirs := &pool{}
	heirs.add(t, h, b, driver.Subscription{Topics: s.Topics, Group: g, Start: s.Start})
	heirs.until(t, h, n)
	if err := c.Close(ctx); err != nil {
		t.Errorf("Close of the consumer afterwards: %v", err)
	}
}
