package eventstore_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/eventstore"
	"github.com/ashlar-dev/ashlar/patterns/journal"
)

func appendReadsBack(b *bundle) {
	s := b.store()
	start := time.Now().Add(-time.Minute)
	done, err := s.Append(b.Context(), "order-1", eventstore.New,
		eventstore.Event{Type: "placed", ID: "e1", Data: []byte("{}"), Meta: eventstore.Metadata{Extra: map[string]string{"user": "ann"}}},
		eventstore.Event{Type: "paid", Data: []byte("\x00\xff")})
	must(b, err)
	if done != (eventstore.Appended{First: 1, Last: 2, Version: 2}) {
		b.Errorf("appended %+v", done)
	}
	_, err = s.Append(b.Context(), "order-2", eventstore.Any, eventstore.Event{Type: "placed"})
	must(b, err)
	all, err := s.Read(b.Context(), 0, 0)
	must(b, err)
	if len(all) != 3 || all[2].Stream != "order-2" || all[2].Position != 3 || all[2].Version != 1 {
		b.Fatalf("all: %+v", all)
	}
	one, err := s.ReadStream(b.Context(), "order-1", 1, 10)
	must(b, err)
	if len(one) != 1 || one[0].Type != "paid" || string(one[0].Data) != "\x00\xff" || one[0].Schema != 1 || one[0].ID != "order-1@2" {
		b.Errorf("behind version 1: %+v", one)
	}
	if e := all[0]; e.ID != "e1" || e.Meta.Extra["user"] != "ann" || e.Meta.Correlation != "e1" || e.Time.Before(start) {
		b.Errorf("first: %+v", e)
	}
	if none, err := s.ReadStream(b.Context(), "order-3", 0, 10); err != nil || len(none) != 0 {
		b.Errorf("unknown stream: %v %v", none, err)
	}
	if h, err := s.Head(b.Context()); h != 3 || err != nil {
		b.Errorf("head %d %v", h, err)
	}
}

func appendExpected(b *bundle) {
	s := b.store()
	placed := eventstore.Event{Type: "placed"}
	for _, tt := range []struct {
		expected, actual int64
		ok               bool
	}{{1, 0, false}, {eventstore.New, 0, true}, {eventstore.New, 1, false}, {2, 1, false}, {1, 0, true}, {eventstore.Any, 0, true}} {
		_, err := s.Append(b.Context(), "s", tt.expected, placed)
		var c *eventstore.ConflictError
		if tt.ok != (err == nil) || err != nil && (!errors.As(err, &c) || c.Expected != tt.expected || c.Actual != tt.actual || !strings.Contains(err.Error(), "decide anew")) {
			b.Errorf("%+v: %v", tt, err)
		}
	}
}

// Of many that append at the same version at once exactly one wins, each time,
// in two processes.
func appendOneWinner(b *bundle) {
	stores := []*eventstore.Store{b.store(), b.store()}
	for version := range int64(5) {
		var wins atomic.Int64
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				_, err := stores[w%2].Append(b.Context(), "s", version, eventstore.Event{Type: "t"})
				var c *eventstore.ConflictError
				switch {
				case err == nil:
					wins.Add(1)
				case !errors.As(err, &c):
					b.Error(err)
				}
			})
		}
		wg.Wait()
		if n := wins.Load(); n != 1 {
			b.Fatalf("version %d: %d winners", version, n)
		}
	}
}

func appendRepeats(b *bundle) {
	s := b.store()
	e := func(ids ...string) (list []eventstore.Event) {
		for _, id := range ids {
			list = append(list, eventstore.Event{Type: "t", ID: id})
		}
		return list
	}
	first, err := s.Append(b.Context(), "s", eventstore.New, e("a", "b")...)
	must(b, err)
	again, err := s.Append(b.Context(), "s", eventstore.New, e("a", "b")...)
	if err != nil || !again.Repeated || again.First != first.First || again.Last != first.Last {
		b.Errorf("the same again: %+v %v", again, err)
	}
	var d *eventstore.DuplicateError
	if _, err := s.Append(b.Context(), "s", eventstore.Any, e("b", "c")...); !errors.As(err, &d) || d.ID != "b" {
		b.Errorf("some new, some old: %v", err)
	}
}

func appendBadInput(b *bundle) {
	s := b.store()
	var size *eventstore.SizeError
	if _, err := s.Append(b.Context(), "s", eventstore.Any, eventstore.Event{Type: "t", Data: make([]byte, 2<<20)}); !errors.As(err, &size) || !strings.Contains(err.Error(), "journal a reference") {
		b.Errorf("too large: %v", err)
	}
	for what, events := range map[string][]eventstore.Event{"no type": {{}}, "no events": nil} {
		var bad *eventstore.InvalidError
		if _, err := s.Append(b.Context(), "s", eventstore.Any, events...); !errors.As(err, &bad) {
			b.Errorf("%s: %v", what, err)
		}
	}
	if h, err := s.Head(b.Context()); h != 0 || err != nil {
		b.Errorf("something was appended: head %d, %v", h, err)
	}
}

func metadata(b *bundle) {
	s := b.store()
	ctx := eventstore.WithCause(b.Context(), "request-7", "command-1")
	first := []eventstore.Event{{Type: "placed"}}
	_, err := s.Append(ctx, "order", eventstore.New, first...)
	must(b, err)
	_, err = s.Append(eventstore.Because(b.Context(), first[0]), "stock", eventstore.New,
		eventstore.Event{Type: "reserved"}, eventstore.Event{Type: "own", Meta: eventstore.Metadata{Correlation: "c", Causation: "d"}})
	must(b, err)
	all, err := s.Read(b.Context(), 0, 0)
	must(b, err)
	for i, want := range []eventstore.Metadata{{Correlation: "request-7", Causation: "command-1"}, {Correlation: "request-7", Causation: all[0].ID}, {Correlation: "c", Causation: "d"}} {
		if got := all[i].Meta; got.Correlation != want.Correlation || got.Causation != want.Causation {
			b.Errorf("event %d: %+v, want %+v", i, got, want)
		}
	}
}

func reopens(b *bundle) {
	db, err := b.openStore(b.Context())
	must(b, err)
	j, err := journal.Open(b.Context(), db, nil)
	must(b, err)
	s, err := eventstore.Open(j, nil)
	must(b, err)
	_, err = s.Append(b.Context(), "s", eventstore.New, eventstore.Event{Type: "a"})
	must(b, err)
	must(b, j.Close(b.Context()))
	again := b.store()
	done, err := again.Append(b.Context(), "s", 1, eventstore.Event{Type: "b"})
	if err != nil || done.First != 2 {
		b.Errorf("after reopening: %+v %v", done, err)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprint("writers=", n), func(b *testing.B) {
			s := benchStore(b)
			b.SetParallelism(n)
			var id atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Append(b.Context(), fmt.Sprint("s-", id.Add(1)), eventstore.New, eventstore.Event{Type: "t", Data: []byte(`{"n":1}`)}); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
