package journal_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slow is a store whose commits wait for the test.
type slow struct {
	driver.Store // nil: whatever the test does not expect panics
	mu           sync.Mutex
	groups       [][]driver.Unit
	head         int64
	gate         chan error // one answer a commit; nil error: commit
}

func (s *slow) Commit(_ context.Context, _ time.Time, group []driver.Unit) ([]driver.Result, error) {
	s.mu.Lock()
	s.groups = append(s.groups, append([]driver.Unit(nil), group...))
	s.mu.Unlock()
	if err := <-s.gate; err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	res := make([]driver.Result, len(group))
	for i := range group {
		if group[i].Stream == "poison" {
			return nil, errors.New("this unit cannot be written")
		}
		s.head++
		res[i] = driver.Result{First: s.head, Last: s.head, Version: 1}
	}
	return res, nil
}

func (s *slow) Read(context.Context, int64, int) ([]driver.Record, error) { return nil, nil }
func (s *slow) Head(context.Context) (int64, error)                       { return 0, nil }
func (s *slow) Close() error                                              { return nil }

func one(stream string) journal.Unit {
	return journal.Unit{Stream: stream, Expected: journal.Any, Records: []journal.Record{{Type: "t", Data: make([]byte, 10)}}}
}

func open(t *testing.T, s driver.Store, o *journal.Options) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestWaitingAppendsShareOneCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{gate: make(chan error)}
		j := open(t, s, &journal.Options{MaxGroupUnits: 20})
		var wg sync.WaitGroup
		for i := range 31 {
			wg.Go(func() {
				if _, err := j.Append(t.Context(), one("a")); err != nil {
					t.Error(err)
				}
			})
			if i == 0 {
				synctest.Wait() // its commit is under way
			}
		}
		synctest.Wait() // 30 wait
		for range 3 {
			s.gate <- nil
			synctest.Wait()
		}
		wg.Wait()
		var sizes []int
		for _, g := range s.groups {
			sizes = append(sizes, len(g))
		}
		if fmt.Sprint(sizes) != "[1 20 10]" {
			t.Errorf("groups of %v, want [1 20 10]", sizes)
		}
		if err := j.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestFullQueuePushesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{gate: make(chan error)}
		j := open(t, s, &journal.Options{MaxWaiting: 2, MaxGroupUnits: 1})
		var wg sync.WaitGroup
		for range 4 { // one at the store, one in the writer's hand, two in the queue
			wg.Go(func() { _, _ = j.Append(t.Context(), one("a")) })
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := j.Append(ctx, one("late"))
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, journal.ErrUnknown) {
			t.Errorf("append into a full queue: %v; want the deadline, and nothing written", err)
		}
		close(s.gate)
		wg.Wait()
		if err := j.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := j.Append(t.Context(), one("a")); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("append after close: %v", err)
		}
		for _, g := range s.groups {
			if g[0].Stream == "late" {
				t.Error("an append that gave up in time was written")
			}
		}
	})
}

func TestGivingUpDuringTheCommitIsUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{gate: make(chan error)}
		j := open(t, s, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := j.Append(ctx, one("a"))
		if !errors.Is(err, journal.ErrUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		close(s.gate)
		if err := j.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestPoisonHarmsOnlyItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{gate: make(chan error)}
		j := open(t, s, nil)
		var mu sync.Mutex
		var failed []string
		var wg sync.WaitGroup
		for _, name := range []string{"first", "a", "poison", "b"} {
			wg.Go(func() {
				if _, err := j.Append(t.Context(), one(name)); err != nil {
					mu.Lock()
					failed = append(failed, name)
					mu.Unlock()
				}
			})
			synctest.Wait()
		}
		close(s.gate)
		wg.Wait()
		if fmt.Sprint(failed) != "[poison]" {
			t.Errorf("failed: %v, want only the poison", failed)
		}
		if err := j.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestUnavailableStoreFailsTheGroupOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{gate: make(chan error, 2)}
		j := open(t, s, nil)
		s.gate <- fmt.Errorf("%w: disk full", driver.ErrUnavailable)
		if _, err := j.Append(t.Context(), one("a")); !errors.Is(err, journal.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		s.gate <- nil
		if _, err := j.Append(t.Context(), one("a")); err != nil {
			t.Errorf("after the store is back: %v", err)
		}
		if err := j.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestOptionsJoinAllFaults(t *testing.T) {
	t.Parallel()
	err := (&journal.Options{MaxWaiting: -1, Poll: -1, Retention: time.Second}).Validate()
	if errs, ok := err.(interface{ Unwrap() []error }); !ok || len(errs.Unwrap()) != 3 {
		t.Errorf("got %v, want three faults", err)
	}
}
