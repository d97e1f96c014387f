package intake_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
	"github.com/ashlar-dev/ashlar/patterns/bus/internal/intake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func all(*driver.Delivery) bool { return true }

// No more than the limit is handed out until some of it is freed, and what
// accept refuses does not count.
func TestLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		in := intake.New(3, nil, func(d *driver.Delivery) bool { return d.Offset%2 == 0 })
		go func() {
			for i := int64(0); in.Send(ctx, driver.Delivery{Offset: i}); i++ {
			}
		}()
		next := int64(0)
		fetch := func(want int) {
			t.Helper()
			for got := 0; got < want; {
				ds, err := in.Fetch(ctx, want-got)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range ds {
					if d.Offset != next {
						t.Fatalf("offset %d, want %d", d.Offset, next)
					}
					next += 2
				}
				got += len(ds)
			}
		}
		fetch(3)
		full := make(chan []driver.Delivery)
		go func() { ds, _ := in.Fetch(ctx, 10); full <- ds }() // its error is that of the next Fetch
		synctest.Wait()
		select {
		case ds := <-full:
			t.Fatalf("%d more than the limit", len(ds))
		default:
		}
		in.Free(1)
		if ds := <-full; len(ds) != 1 || ds[0].Offset != next {
			t.Fatalf("after one was freed: %v", ds)
		}
		cancel()
		if _, err := in.Fetch(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("Fetch after its context: %v", err)
		}
	})
}

func TestEnds(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	in := intake.New(1, ended, all)
	first := errors.New("first")
	in.Fail(first)
	in.Fail(errors.New("second")) // does not block
	if _, err := in.Fetch(t.Context(), 1); !errors.Is(err, first) {
		t.Errorf("Fetch = %v, want the first failure", err)
	}
	close(ended)
	if _, err := in.Fetch(t.Context(), 1); !errors.Is(err, driver.ErrClosed) {
		t.Errorf("Fetch after the end: %v", err)
	}
}
