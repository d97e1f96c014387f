package balance_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/balance"
)

// Every algorithm follows every other while calls run and endpoints come and go.
func TestConfigureUnderLoad(t *testing.T) {
	t.Parallel()
	b := build(t, balance.Config{}, endpoints(5)...)
	stop := make(chan struct{})
	var calls, changes sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			for now := int64(0); ; now += 1e6 {
				select {
				case <-stop:
					return
				default:
				}
				p, err := b.Pick(now, rand.Uint64(), balance.Request{Key: rand.Uint64()})
				if err != nil {
					t.Error(err)
					return
				}
				b.Done(p, now+1e6, balance.Outcome(rand.IntN(3)))
			}
		})
	}
	changes.Go(func() {
		for i := range 25 {
			if err := b.Configure(balance.Config{Algorithm: balance.Algorithm(i % 5), Zone: "z"}); err != nil {
				t.Error(err)
			}
		}
	})
	changes.Go(func() {
		for i := range 25 {
			if err := b.Update(0, endpoints(2+i%5)); err != nil {
				t.Error(err)
			}
		}
	})
	changes.Wait()
	close(stop)
	calls.Wait()
	if err := b.Configure(balance.Config{Choices: 1}); err == nil {
		t.Error("a configuration with a fault was taken")
	}
	for _, v := range b.Snapshot(0) {
		if v.UnderWay != 0 {
			t.Errorf("%s: %d calls under way", v.ID, v.UnderWay)
		}
	}
}

// A key's endpoint does not change when another one is ejected, and its own
// takes it back after its ejection.
func TestEjectionMovesOnlyTheEjectedOnesKeys(t *testing.T) {
	t.Parallel()
	b := build(t, balance.Config{Algorithm: balance.Hash, HashLoad: -1}, endpoints(5)...)
	home := func(now int64) (ids [2000]string) {
		for k := range ids {
			p := pick(t, b, now, 0, balance.Request{Key: balance.Key(string(rune(k)))})
			ids[k] = p.Endpoint().ID
			b.Done(p, now, balance.Ignored)
		}
		return ids
	}
	before := home(0)
	for k := range uint64(10_000) {
		p := pick(t, b, 1, 0, balance.Request{Key: k})
		o := balance.Ignored
		if p.Endpoint().ID == "e1" {
			o = balance.Failed
		}
		b.Done(p, 1, o)
	}
	moved := 0
	for k, id := range home(2) {
		if before[k] == "e1" {
			moved++
		} else if before[k] != id {
			t.Fatalf("key %d went from %s to %s", k, before[k], id)
		}
		if id == "e1" {
			t.Fatalf("key %d goes to the ejected one", k)
		}
	}
	if moved == 0 {
		t.Error("no key had to move")
	}
	if home(600*second) != before {
		t.Error("the keys did not all come back")
	}
}
