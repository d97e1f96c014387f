package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/eventstore"
)

// Writers of two processes append before, while and after a subscriber of a
// third catches up: it sees positions 1, 2, 3 … without a gap or a double.
func subscribeTurnsLive(b *bundle) {
	const before, after = 60, 60
	writers := []*eventstore.Store{b.store(), b.store()}
	write := func(n int) {
		var wg sync.WaitGroup
		for w := range 6 {
			wg.Go(func() {
				for i := range n / 6 {
					if i%5 == 4 { // a refused append must not leave a hole
						_, _ = writers[w%2].Append(b.Context(), "taken", 99, eventstore.Event{Type: "t"})
					}
					if _, err := writers[w%2].Append(b.Context(), fmt.Sprint("s", w), eventstore.Any, eventstore.Event{Type: "t"}); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	write(before)
	reader := b.store()
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { write(after) })
	want := int64(0)
	for e, err := range reader.Subscribe(ctx, 0, nil) {
		must(b, err)
		if want++; e.Position != want {
			b.Fatalf("position %d where %d was due", e.Position, want)
		}
		if want == before+after {
			break
		}
	}
	wg.Wait()
}

func subscribeFilters(b *bundle) {
	s := b.store()
	for i := range 4 {
		_, err := s.Append(b.Context(), fmt.Sprint("order-", i), eventstore.New, eventstore.Event{Type: "placed"}, eventstore.Event{Type: "paid"})
		must(b, err)
		_, err = s.Append(b.Context(), fmt.Sprint("stock-", i), eventstore.New, eventstore.Event{Type: "paid"})
		must(b, err)
	}
	var seen []int64
	live := make(chan struct{}, 10)
	filter := &eventstore.Filter{
		Types:   []string{"paid"},
		Streams: func(stream string) bool { return strings.HasPrefix(stream, "order-") },
		Live: func() {
			if len(live) == 0 && len(seen) != 3 {
				b.Errorf("live after %d of 3 events of the past", len(seen))
			}
			live <- struct{}{}
		},
	}
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	go func() {
		<-live
		_, _ = s.Append(ctx, "order-9", eventstore.New, eventstore.Event{Type: "paid"}) // the loop below would miss it
	}()
	for e, err := range s.Subscribe(ctx, 3, filter) {
		must(b, err)
		seen = append(seen, e.Position)
		if e.Stream == "order-9" {
			break
		}
	}
	if !slices.Equal(seen, []int64{5, 8, 11, 13}) {
		b.Errorf("saw %v", seen)
	}
}

func subscribeEnds(b *bundle) {
	s := b.store()
	ctx, cancel := context.WithCancel(b.Context())
	filter := &eventstore.Filter{Live: cancel}
	var last error
	for _, err := range s.Subscribe(ctx, 0, filter) {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		b.Errorf("ended with %v", last)
	}
}

func benchStore(b *testing.B) *eventstore.Store {
	b.Helper()
	s, err := eventstore.Open(benchJournal(b), nil)
	must(b, err)
	return s
}
