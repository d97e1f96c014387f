package eventstore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/eventstore"
	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
)

func benchJournal(b *testing.B) *journal.Journal {
	b.Helper()
	s, err := sqlitestore.Open(b.Context(), filepath.Join(b.TempDir(), "events.db"), nil)
	must(b, err)
	j, err := journal.Open(b.Context(), s, nil)
	must(b, err)
	b.Cleanup(func() { must(b, j.Close(context.Background())) })
	return j
}

// Schema 1 had a name, schema 2 has two, and then the event was renamed.
var customerUpcasts = []eventstore.Upcast{
	{Type: "customer created", From: 1, Do: func(e eventstore.Event) ([]byte, error) {
		var old struct{ Name string }
		if err := json.Unmarshal(e.Data, &old); err != nil {
			return nil, err
		}
		first, last, _ := strings.Cut(old.Name, " ")
		return json.Marshal(map[string]string{"First": first, "Last": last})
	}},
	{Type: "customer created", From: 2, Rename: "customer registered", Do: func(e eventstore.Event) ([]byte, error) {
		return bytes.Replace(e.Data, []byte("}"), []byte(`,"Since":"`+e.Time.Format("2006")+`"}`), 1), nil
	}},
}

func upcasts(b *bundle) {
	old := b.store()
	_, err := old.Append(b.Context(), "c", eventstore.New, eventstore.Event{Type: "customer created", Data: []byte(`{"Name":"Ann Lee"}`)}, eventstore.Event{Type: "other", Data: []byte("x")})
	must(b, err)
	middle := b.store(customerUpcasts[0])
	_, err = middle.Append(b.Context(), "c", 2, eventstore.Event{Type: "customer created", Data: []byte(`{"First":"Bo","Last":"Orr"}`)})
	must(b, err)
	today := b.store(customerUpcasts...)
	_, err = today.Append(b.Context(), "c", 3, eventstore.Event{Type: "customer registered", Data: []byte(`{}`)})
	must(b, err)
	events, err := today.ReadStream(b.Context(), "c", 0, 0)
	must(b, err)
	want := []string{"customer registered 3 Ann", "other 1 ", "customer registered 3 Bo", "customer registered 3 "}
	for i, e := range events {
		var data struct{ First, Since string }
		_ = json.Unmarshal(e.Data, &data) // "other" is no JSON
		if got := fmt.Sprint(e.Type, " ", e.Schema, " ", data.First); got != want[i] || (data.First != "") != (len(data.Since) == 4) {
			b.Errorf("event %d: %q %+v, want %q", i, got, data, want[i])
		}
	}
	raw, err := old.ReadStream(b.Context(), "c", 0, 1)
	if err != nil || string(raw[0].Data) != `{"Name":"Ann Lee"}` {
		b.Errorf("what is stored was touched: %s %v", raw[0].Data, err)
	}
	for _, e := range events {
		// Subscribers see the same shape.
		for s, err := range today.Subscribe(b.Context(), e.Position-1, nil) {
			if err != nil || s.Type != e.Type || !bytes.Equal(s.Data, e.Data) {
				b.Errorf("subscribed: %+v %v", s, err)
			}
			break
		}
	}
}

func unknownSchema(b *bundle) {
	newer := b.store(customerUpcasts[0])
	_, err := newer.Append(b.Context(), "c", eventstore.New, eventstore.Event{Type: "customer created", Data: []byte(`{}`)})
	must(b, err)
	var se *eventstore.SchemaError
	if _, err := b.store().Read(b.Context(), 0, 0); !errors.As(err, &se) || se.Schema != 2 || se.Newest != 1 || se.Version != 1 || !strings.Contains(err.Error(), "deploy") {
		b.Errorf("an event from the future: %v", err)
	}
	if _, err := newer.Append(b.Context(), "c", 1, eventstore.Event{Type: "customer created", Schema: 3}); !errors.As(err, &se) || !strings.Contains(err.Error(), "declare the Upcast") {
		b.Errorf("a schema that this program cannot read: %v", err)
	}
}

func TestUpcastFaults(t *testing.T) {
	t.Parallel()
	do := func(eventstore.Event) ([]byte, error) { return nil, nil }
	_, err := eventstore.Open(nil, &eventstore.Options{Upcasts: []eventstore.Upcast{
		{Type: "a", From: 0, Do: do}, {Type: "b", From: 1, Do: do}, {Type: "b", From: 1, Do: do}, {Type: "c", From: 1, Do: do}, {Type: "c", From: 3, Do: do},
	}})
	for _, want := range []string{`"a" from schema 0: want`, `"b" from schema 1 is declared twice`, `"c" from schema 2 is missing`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in %v", want, err)
		}
	}
}

type account struct{ Balance, Folds int }

func accounts(snapshots eventstore.Snapshots) *eventstore.Aggregate[account] {
	return &eventstore.Aggregate[account]{
		Prefix: "account-", Snapshots: snapshots, SnapshotEvery: 10, Retries: 100,
		Fold: func(a account, e eventstore.Event) (account, error) {
			var n int
			if err := json.Unmarshal(e.Data, &n); err != nil {
				return a, err
			}
			a.Balance += n
			a.Folds++
			return a, nil
		},
		Log: slog.New(slog.DiscardHandler),
	}
}

var errEmpty = errors.New("not enough money")

func withdraw(n int) func(a account) ([]eventstore.Event, error) {
	return func(a account) ([]eventstore.Event, error) {
		if a.Balance < n {
			return nil, errEmpty
		}
		return []eventstore.Event{{Type: "withdrawn", Data: fmt.Append(nil, -n)}}, nil
	}
}

func deposit(n int) func(a account) ([]eventstore.Event, error) {
	return func(account) ([]eventstore.Event, error) {
		return []eventstore.Event{{Type: "deposited", Data: fmt.Append(nil, n)}}, nil
	}
}

// Whoever withdraws decides on the balance as it is: of 20 that take 10 from
// 100 at once, ten get it.
func aggregateUpdates(b *bundle) {
	s, other := b.store(), b.store()
	acc := accounts(nil)
	_, _, err := acc.Update(b.Context(), s, "1", deposit(100))
	must(b, err)
	var mu sync.Mutex
	got := 0
	var wg sync.WaitGroup
	for i := range 20 {
		store := s
		if i%2 == 1 {
			store = other
		}
		wg.Go(func() {
			_, _, err := acc.Update(b.Context(), store, "1", withdraw(10))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				got++
			case !errors.Is(err, errEmpty):
				b.Error(err)
			}
		})
	}
	wg.Wait()
	st, err := acc.Load(b.Context(), s, "1")
	if err != nil || got != 10 || st.Value.Balance != 0 || st.Version != 11 {
		b.Errorf("%d got money, %+v, %v", got, st, err)
	}
	st, done, err := acc.Update(b.Context(), s, "1", func(account) ([]eventstore.Event, error) { return nil, nil })
	if err != nil || done.First != 0 || st.Version != 11 {
		b.Errorf("no decision: %+v %+v %v", st, done, err)
	}
}

func aggregateSnapshots(b *bundle) {
	s := b.store()
	snaps, err := eventstore.NewTableSnapshots(b.db, b.dialect, "")
	must(b, err)
	must(b, snaps.Migrate(b.Context(), eventstore.Latest))
	acc := accounts(snaps)
	for range 25 {
		_, _, err := acc.Update(b.Context(), s, "1", deposit(1))
		must(b, err)
	}
	snap, ok, err := snaps.Load(b.Context(), "account-1")
	if err != nil || !ok || snap.Version != 20 {
		b.Fatalf("snapshot %+v %v %v", snap, ok, err)
	}
	must(b, snaps.Save(b.Context(), eventstore.Snapshot{Stream: "account-1", Version: 3, State: []byte("{}")})) // an older one changes nothing
	reads := 0
	counting := *acc
	counting.Fold = func(a account, e eventstore.Event) (account, error) {
		reads++
		return acc.Fold(a, e)
	}
	check := func(what string, wantReads int) {
		b.Helper()
		reads = 0
		st, err := counting.Load(b.Context(), s, "1")
		if err != nil || st.Value.Balance != 25 || st.Value.Folds != 25 || st.Version != 25 || reads != wantReads {
			b.Errorf("%s: %+v, %d events folded, want %d, %v", what, st, reads, wantReads, err)
		}
	}
	check("from the snapshot", 5)
	counting.SnapshotSchema = 2
	check("of another schema", 25)
	counting.SnapshotSchema = 0
	must(b, snaps.Save(b.Context(), eventstore.Snapshot{Stream: "account-1", Version: 21, State: []byte("broken")}))
	check("broken", 25)
	must(b, snaps.Migrate(b.Context(), 0))
	check("without a table", 25)
}
