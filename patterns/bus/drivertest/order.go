package drivertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/bus"
)

// Order per key with 64 keys, 3 members and a prefetch of 100, while members come
// and go in good order: no number is skipped, and no key is handled by two at a time.
func testOrder(t *testing.T, h Harness) {
	w := newWorld(t, h)
	go w.publish()
	for range 3 {
		w.join()
	}
	w.progress(3 * worldKeys)
	w.leave(0)
	w.progress(2 * worldKeys)
	w.join()
	w.progress(2 * worldKeys)
	w.settle()
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if len(w.ledger.overlap) > 0 {
		t.Errorf("handled by two members at a time: %v", w.ledger.overlap)
	}
}

// A key whose event fails does not stop the others; the event becomes a dead
// letter with its facts, its key goes on, and a replay after the repair is
// handled by the group that gave up, and by no other.
func testPoison(t *testing.T, h Harness) {
	w := newWorld(t, h)
	const poisoned = "k13"
	var mu sync.Mutex
	repaired, replayed := false, 0
	release := make(chan struct{})
	w.fail = func(key string, n int) error {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case key != poisoned || n != 5:
			return nil
		case repaired:
			replayed++
			return nil
		}
		select {
		case <-release:
		default:
			return errors.New("not yet: the others first")
		}
		return fmt.Errorf("poison %d", n)
	}
	// Until the others have gone ahead, the poisoned key fails without end.
	w.retry = bus.Retry{Tries: 40, Base: time.Millisecond, Cap: 20 * time.Millisecond}
	go w.publish()
	w.join()
	w.ledger.until(t, h.Patience, "twenty events of every other key", func(l *ledger) bool {
		for k := range worldKeys {
			key := fmt.Sprintf("k%d", k)
			if key != poisoned && l.last[key] < 20 {
				return false
			}
		}
		return true
	})
	close(release)
	queue := w.pubBus.DeadLetters(w.group + ".dead-letters")
	letter := awaitLetter(t, h, queue)
	if letter.Topic != w.topic || letter.Key != poisoned || letter.Group != w.group || letter.Tries != 40 || string(letter.Body) != "5" ||
		letter.Error == "" || letter.FirstFailed.IsZero() || letter.RecordTime.IsZero() || len(letter.Headers) == 0 {
		t.Errorf("the dead letter: %+v", letter)
	}
	// The poisoned key goes on behind its dead letter: the ledger sees that number 5 is missing.
	w.ledger.until(t, h.Patience, "the key going on", func(l *ledger) bool { return len(l.broken) > 0 })
	w.ledger.mu.Lock()
	w.ledger.last[poisoned], w.ledger.broken = 1<<30, nil // from here on its numbers do not count
	w.ledger.mu.Unlock()
	mu.Lock()
	repaired = true
	mu.Unlock()
	w.repair(queue, letter.ID)
	w.ledger.until(t, h.Patience, "the replay", func(*ledger) bool { mu.Lock(); defer mu.Unlock(); return replayed > 0 })
	if err := queue.Replay(t.Context(), letter.ID); !errors.Is(err, bus.ErrSettled) {
		t.Errorf("a second replay: %v", err)
	}
}

// repair goes the way of `ashlar dlq`: the admin section's list, show, edit and replay.
func (w *world) repair(queue *bus.DeadLetters, id string) {
	w.t.Helper()
	ctx, s := w.t.Context(), bus.Section(queue)
	page, err := s.List(ctx, admin.Query{Limit: 10})
	if err != nil || page.Total != 1 || len(page.Items) != 1 {
		w.t.Fatalf("list = %+v, %v", page, err)
	}
	if l, err := s.Show(ctx, id); err != nil || string(l.(bus.DeadLetter).Body) != "5" {
		w.t.Fatalf("show = %+v, %v", l, err)
	}
	edited, err := s.Actions["edit"].Do(ctx, id, []byte(`{"body":"NQ=="}`)) // 5 again, which the handler asks for
	if err != nil || !edited.(bus.DeadLetter).Edited {
		w.t.Fatalf("edit = %+v, %v", edited, err)
	}
	replayed, err := s.Actions["replay"].Do(ctx, id, nil)
	if err != nil || replayed.(bus.DeadLetter).State != bus.Replayed {
		w.t.Fatalf("replay = %+v, %v", replayed, err)
	}
	if page, err := s.List(ctx, admin.Query{Limit: 10}); err != nil || page.Total != 0 {
		w.t.Errorf("list after the replay = %+v, %v", page, err)
	}
}

func awaitLetter(t *testing.T, h Harness, q *bus.DeadLetters) bus.DeadLetter {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), h.Patience)
	defer cancel()
	for {
		ls, err := q.List(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(ls) > 0 {
			l, err := q.Show(ctx, ls[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("no dead letter came")
		}
	}
}

// Faults breaks things in an order that the seed gives, while events flow:
// members join, leave and die, the publisher's connection is cut, the broker is
// killed. After each fault there must be progress; in the end nothing that was
// acknowledged may be missing, and no order broken.
func Faults(t *testing.T, h Harness, seed uint64, n int) {
	if h.Patience == 0 {
		h.Patience = 60 * time.Second
	}
	if h.RestartEvery == 0 || Soak() {
		h.RestartEvery = 10
	}
	rng := rand.New(rand.NewPCG(seed, 6))
	w := newWorld(t, h)
	d, err := w.pub.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s %s: %d faults from seed %d", d.Product, d.Version, n, seed)
	go w.publish()
	for range 3 {
		w.join()
	}
	w.progress(worldKeys)
	counts := map[string]int{}
	for i := range n {
		name := ""
		if h.Restart != nil && i%h.RestartEvery == 5 { // a broker takes long to start: not by chance, but every so often
			h.Restart(t)
			name = "kill the broker"
		} else {
			name = w.fault(rng)
		}
		t.Logf("%s: %s", time.Now().Format("15:04:05.000"), name)
		counts[name]++
		w.progress(worldKeys / 2)
	}
	t.Logf("faults: %v", counts)
	w.settle()
}

func (w *world) fault(rng *rand.Rand) string {
	i := rng.IntN(len(w.members))
	switch f := rng.IntN(10); {
	case f < 2 && len(w.members) < 4:
		w.join()
		return "join"
	case f < 4 && len(w.members) > 1:
		w.leave(i)
		return "leave"
	case f < 7:
		w.kill(i)
		w.join()
		return "kill a member"
	default:
		w.connect()
		return "cut the publisher"
	}
}
