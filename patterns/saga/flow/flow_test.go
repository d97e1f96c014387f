package flow_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
	"github.com/ashlar-dev/ashlar/patterns/saga/flow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func order() flow.Flow {
	return flow.Flow{
		Name: "order", Start: "OrderPlaced", Done: []string{"Shipped"}, Undone: []string{"StockReleased"},
		Reactions: []flow.Reaction{
			{Service: "stock", On: "OrderPlaced", Emits: []string{"StockReserved"}, Within: time.Minute},
			{Service: "bank", On: "StockReserved", Emits: []string{"Paid", "PaymentRefused"}, Within: time.Minute},
			{Service: "depot", On: "Paid", Emits: []string{"Shipped"}, Within: time.Hour},
			{Service: "stock", On: "PaymentRefused", Emits: []string{"StockReleased"}, Within: time.Minute},
		},
	}
}

func open(t *testing.T, path string) *journal.Journal {
	t.Helper()
	s, err := sqlitestore.Open(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(context.Background(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestProgress(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	start := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	now := start
	clock := func() time.Time { return now }
	j := open(t, path)
	tr, err := flow.Track(t.Context(), j, order(), clock)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	saw := func(instance, typ string) error {
		n++
		return tr.Saw(t.Context(), flow.Event{ID: fmt.Sprint(n), Instance: instance, Type: typ, Time: now})
	}
	if err := errors.Join(saw("1", "OrderPlaced"), saw("2", "OrderPlaced"), saw("1", "StockReserved"), saw("3", "Unrelated")); err != nil {
		t.Fatal(err)
	}
	if err := tr.Saw(t.Context(), flow.Event{ID: "3", Instance: "1", Type: "StockReserved"}); err != nil {
		t.Errorf("a repeated event: %v", err)
	}
	if err := saw("2", "Shipped"); !errors.Is(err, flow.ErrUnexpected) {
		t.Errorf("shipped before it was paid: %v", err)
	}
	now = now.Add(2 * time.Minute)
	if err := j.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	j = open(t, path) // another process goes on
	defer func() { _ = j.Close(context.Background()) }()
	if tr, err = flow.Track(t.Context(), j, order(), clock); err != nil {
		t.Fatal(err)
	}
	list := tr.List()
	if len(list) != 2 || list[0].State != flow.Late || list[0].ID != "1" || list[0].Due[0].Service != "bank" || len(list[0].Events) != 2 {
		t.Fatalf("list %+v", list)
	}
	if err := errors.Join(saw("1", "PaymentRefused"), saw("1", "StockReleased")); err != nil {
		t.Fatal(err)
	}
	if p, err := tr.Show(t.Context(), "1"); err != nil || p.State != flow.Undone || len(p.Events) != 4 || len(p.Due) != 0 {
		t.Errorf("ended: %+v, %v", p, err)
	}
	if _, err := tr.Show(t.Context(), "9"); !errors.Is(err, flow.ErrNotFound) {
		t.Errorf("unknown instance: %v", err)
	}
	if len(tr.List()) != 1 {
		t.Errorf("an ended instance is still listed")
	}
}

func TestBadFlows(t *testing.T) {
	t.Parallel()
	f := order()
	f.Name, f.Done = "a/b", nil
	f.Reactions = append(f.Reactions[:2:2], flow.Reaction{Service: "x", On: "Nowhere", Emits: []string{"y"}, Within: -1}, flow.Reaction{On: "Paid"})
	var bad *flow.FlowError
	err := f.Validate()
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	for _, want := range []string{"without slashes", "no Done", "nobody reacts to PaymentRefused", "x reacts to Nowhere, which nothing leads to", "lacks the service", "the end StockReleased is never reached"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in\n%v", want, err)
		}
	}
}

// A choreography is declared once; the tracker is told of the events and knows
// who is due.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "flow")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, "journal.db"), nil)
	if err != nil {
		log.Fatal(err)
	}
	j, err := journal.Open(ctx, store, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer j.Close(ctx)

	tracker, err := flow.Track(ctx, j, flow.Flow{
		Name: "order", Start: "OrderPlaced", Done: []string{"Shipped"},
		Reactions: []flow.Reaction{
			{Service: "bank", On: "OrderPlaced", Emits: []string{"Paid"}, Within: time.Minute},
			{Service: "depot", On: "Paid", Emits: []string{"Shipped"}, Within: time.Hour},
		},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	_ = tracker.Saw(ctx, flow.Event{ID: "e1", Instance: "order-42", Type: "OrderPlaced"})
	_ = tracker.Saw(ctx, flow.Event{ID: "e2", Instance: "order-42", Type: "Paid"})
	for _, p := range tracker.List() {
		fmt.Println(p.ID, p.State, "waits for", p.Due[0].Service, "to emit", p.Due[0].Emits)
	}
	// Output: order-42 running waits for depot to emit [Shipped]
}
