package saga_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/saga"
)

// The tests of this file hold package saga to what its documentation says under
// "Who drives a saga": each plays one order of events in which a saga was, or
// could be, left with nobody, or with two. Their clock is synctest's.

const ttl = 3 * time.Second

// soon is the longest that a saga may be with nobody: its owner's lease, a third
// of one until the next sweep, and the time that a commit takes.
const soon = ttl + ttl/3 + 100*time.Millisecond

func node(name string) *saga.Options { return &saga.Options{Node: name, LeaseTTL: ttl} }

// within waits for a saga as long as it may take.
func within(t *testing.T, h *saga.Handle, d time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), d, errors.New("nobody drives the saga"))
	defer cancel()
	return h.Wait(ctx)
}

func begin(t *testing.T, d *saga.Definition[order], o *saga.Orchestrator, id string) *saga.Handle {
	t.Helper()
	h, err := d.Start(t.Context(), o, id, order{Item: "pen"})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestTakesOverFromTheDead cuts a process off in the middle of a step. Another
// goes on when the lease has ended, and the first, should it come back, lets go.
func TestTakesOverFromTheDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, w, s := setup(t), &world{}, &stage{}
		gate, reached := make(chan struct{}), make(chan struct{}, 9)
		d := define(t, 1, nil, w.blocked("a", saga.Do, gate, reached), w.step("b", nil))
		one, endOne := b.play(s, node("one"), d)
		defer endOne()
		h1 := begin(t, d, one, "7")
		<-reached
		two, endTwo := b.open(node("two"), d)
		defer endTwo()
		if page, _ := two.List(saga.Filter{}); len(page) != 0 {
			t.Errorf("the living's saga was taken: %+v", page)
		}
		time.Sleep(5 * ttl) // and is left to it for as long as it lives
		if err := two.Retry(t.Context(), "7"); !errors.Is(err, saga.ErrElsewhere) {
			t.Errorf("retry of another's saga: %v", err)
		}
		h2 := begin(t, d, two, "7") // waits for it from afar
		s.die()
		close(gate)
		if err := within(t, h2, soon); err != nil || w.String() != "a a b" {
			t.Errorf("%v, calls %s", err, w)
		}
		s.revive()
		if err := within(t, h1, time.Hour); err != nil || w.String() != "a a b" {
			t.Errorf("the first process, back again: %v, calls %s", err, w)
		}
	})
}

// TestTakesOverFromTheClosed ends a process in order, late and in time, while
// its saga waits for its next attempt.
func TestTakesOverFromTheClosed(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, o *saga.Orchestrator, end func()){
		"in order":      func(_ *testing.T, _ *saga.Orchestrator, end func()) { end() },
		"out of grace":  func(t *testing.T, o *saga.Orchestrator, end func()) { cut(t, o); end() },
		"and two after": func(_ *testing.T, _ *saga.Orchestrator, end func()) { end(); time.Sleep(10 * ttl) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, w := setup(t), &world{}
				down := true
				step := w.step("a", func(saga.Direction, int) error {
					if down {
						return errDown
					}
					return nil
				})
				step.Retry = saga.Retry{First: time.Hour}
				d := define(t, 1, nil, step)
				one, endOne := b.open(node("one"), d)
				two, endTwo := b.open(node("two"), d)
				defer endTwo()
				begin(t, d, one, "7")
				h := begin(t, d, two, "7")
				synctest.Wait()
				down = false
				end(t, one, endOne)
				if err := within(t, h, ttl/3+time.Second); err != nil || w.String() != "a a" {
					t.Errorf("%v, calls %s", err, w)
				}
			})
		})
	}
}

// TestWaitSeesTheLastRecord ends a saga between the moment in which a waiting
// process reads that it runs and the one in which it waits for more.
func TestWaitSeesTheLastRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, w, s := setup(t), &world{}, &stage{}
		gate := make(chan struct{})
		d := define(t, 1, nil, gated(w, gate))
		one, endOne := b.open(node("one"), d)
		defer endOne()
		two, endTwo := b.play(s, node("two"), d)
		defer endTwo()
		h1 := begin(t, d, one, "7")
		h2 := begin(t, d, two, "7")
		s.once(onHead, func(string) error {
			close(gate)
			return within(t, h1, time.Second)
		})
		if err := within(t, h2, time.Minute); err != nil {
			t.Error(err)
		}
	})
}

// gated is a step that waits for its gate and nothing else.
func gated(w *world, gate <-chan struct{}) *saga.Step[order, receipt] {
	s := w.step("a", nil)
	do := s.Do
	s.Timeout = 24 * time.Hour
	s.Do = func(ctx context.Context, c *saga.Call[order]) (receipt, error) {
		r, err := do(ctx, c)
		<-gate
		return r, err
	}
	return s
}

// ends is a Metrics that holds those who end.
type ends struct {
	meter
	hold chan struct{}
}

func (e *ends) Ended(string, saga.State, time.Duration) { <-e.hold }

// TestListShowsTheRunningFirst has the older of two sagas end, and looks before
// it has left the list: who waits for the list to run dry must not stop here.
func TestListShowsTheRunningFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, w, m := setup(t), &world{}, &ends{hold: make(chan struct{})}
		gate := make(chan struct{})
		old, young := define(t, 1, nil, w.step("a", nil)), define(t, 2, nil, gated(w, gate))
		o, end := b.open(&saga.Options{Metrics: m}, old, young)
		defer end()
		begin(t, old, o, "old")
		time.Sleep(time.Second)
		begin(t, young, o, "young")
		synctest.Wait()
		page, _ := o.List(saga.Filter{})
		if len(page) != 2 || page[0].ID != "young" || page[1].State != saga.Completed {
			t.Errorf("list %+v", page)
		}
		close(gate)
		close(m.hold)
	})
}

// TestTwoStartsOfAnIdleSaga has a second start come while the first, whose
// commit had no answer, looks what became of it.
func TestTwoStartsOfAnIdleSaga(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, w, s := setup(t), &world{}, &stage{}
		d := define(t, 1, nil, w.step("a", nil))
		o, end := b.play(s, node("one"), d)
		defer end()
		second := make(chan *saga.Handle, 1)
		s.once(onCommitted, func(string) error {
			hold := make(chan struct{})
			s.once(onCommit, func(string) error { <-hold; return nil }) // of a second start that records, too
			s.once(onStream, func(string) error {
				go func() { second <- begin(t, d, o, "7") }()
				synctest.Wait()
				time.AfterFunc(time.Second, func() { close(hold) })
				return nil
			})
			return journal.ErrUnknown
		})
		first := begin(t, d, o, "7")
		if err := within(t, first, time.Minute); err != nil {
			t.Errorf("first: %v", err)
		}
		if err := within(t, <-second, time.Minute); err != nil {
			t.Errorf("second: %v", err)
		}
		if w.String() != "a" {
			t.Errorf("calls %s", w)
		}
	})
}

// TestSweepsItsOwn leaves sagas of a process that lives, and that is alone, with
// nobody: the next sweep finds them.
func TestSweepsItsOwn(t *testing.T) {
	t.Parallel()
	t.Run("whose start was given up before its commit", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b, w, s := setup(t), &world{}, &stage{}
			d := define(t, 1, nil, w.step("a", nil))
			o, end := b.play(s, node("one"), d)
			defer end()
			ctx, cancel := context.WithCancel(t.Context())
			gone := make(chan struct{})
			s.once(onCommit, func(string) error { cancel(); <-gone; return nil })
			if _, err := d.Start(ctx, o, "7", order{}); !errors.Is(err, context.Canceled) {
				t.Fatalf("start: %v", err)
			}
			close(gone)
			time.Sleep(ttl/3 + time.Second)
			if i, err := o.Show(t.Context(), "7"); err != nil || i.State != saga.Completed {
				t.Errorf("%+v, %v", i, err)
			}
		})
	})
	t.Run("whose records could not be read", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b, w, s := setup(t), &world{}, &stage{}
			d := define(t, 1, nil, w.step("a", nil), w.step("b", nil))
			o, end := b.play(s, node("one"), d)
			defer end()
			n := 0
			s.on(onCommitted, func(string) error {
				if n++; n != 2 {
					return nil
				}
				s.once(onStream, func(string) error { return journal.ErrUnavailable })
				return journal.ErrUnknown // of the first step's record, which is there
			})
			h := begin(t, d, o, "7")
			if err := within(t, h, time.Minute); err != nil || w.String() != "a b" {
				t.Errorf("%v, calls %s", err, w)
			}
		})
	})
	t.Run("whose record the store refused", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b, w, s := setup(t), &world{}, &stage{}
			d := define(t, 1, nil, w.step("a", nil))
			o, end := b.play(s, node("one"), d)
			defer end()
			n := 0
			s.on(onCommit, func(string) error {
				if n++; n == 2 {
					return errors.New("constraint violated")
				}
				return nil
			})
			h := begin(t, d, o, "7")
			if err := within(t, h, ttl/3+time.Second); err != nil || w.String() != "a a" {
				t.Errorf("%v, calls %s", err, w)
			}
		})
	})
}

// TestClosingIsNotDead lets a call under way keep a process in Close for longer
// than its lease: nobody else may make the call meanwhile.
func TestClosingIsNotDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, w := setup(t), &world{}
		gate := make(chan struct{})
		d := define(t, 1, nil, gated(w, gate), w.step("b", nil))
		one, endOne := b.open(node("one"), d)
		defer endOne()
		two, endTwo := b.open(node("two"), d)
		defer endTwo()
		begin(t, d, one, "7")
		h := begin(t, d, two, "7")
		closed := make(chan error)
		go func() { closed <- one.Close(context.Background()) }()
		time.Sleep(10 * ttl)
		if w.String() != "a" {
			t.Errorf("calls %s", w)
		}
		close(gate)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if err := within(t, h, soon); err != nil || w.String() != "a b" {
			t.Errorf("%v, calls %s", err, w)
		}
	})
}

// TestSlowRecoveryIsNotDead takes longer to take up what it finds than a lease.
func TestSlowRecoveryIsNotDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, w, s := setup(t), &world{}, &stage{}
		gate := make(chan struct{})
		d := define(t, 1, nil, gated(w, gate))
		zero, endZero := b.open(node("zero"), d)
		begin(t, d, zero, "7")
		synctest.Wait()
		cut(t, zero)
		endZero()
		two, endTwo := b.open(node("two")) // knows no definition: takes nothing
		defer endTwo()
		for c, part := range map[call]time.Duration{onRead: 9, onStream: 2, onCommit: 3} {
			s.on(c, func(string) error { time.Sleep(ttl * part / 10); return nil })
		}
		one, endOne := b.play(s, node("one"), d)
		defer endOne()
		if i, err := two.Show(t.Context(), "7"); err != nil || i.Node != "one" {
			t.Errorf("%+v, %v", i, err)
		}
		s.revive()
		three, endThree := b.open(node("three"), d)
		defer endThree()
		h := begin(t, d, three, "7")
		synctest.Wait()
		close(gate)
		if err := within(t, h, soon); err != nil || w.String() != "a a" {
			t.Errorf("%v, calls %s", err, w)
		}
		if page, _ := one.List(saga.Filter{}); len(page) != 1 {
			t.Errorf("list %+v", page)
		}
	})
}

// TestAnotherVersionTakesOver has a program that lacks a saga's version find it
// first: it shows the saga and leaves it to one that has the version.
func TestAnotherVersionTakesOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, w := setup(t), &world{}
		gate, reached := make(chan struct{}), make(chan struct{}, 9)
		v1 := define(t, 1, nil, w.step("old", nil))
		v2 := define(t, 2, nil, w.blocked("a", saga.Do, gate, reached))
		one, endOne := b.open(node("one"), v2)
		begin(t, v2, one, "7")
		<-reached
		cut(t, one)
		endOne()
		close(gate)
		two, endTwo := b.open(node("two"), v1)
		defer endTwo()
		if page, _ := two.List(saga.Filter{State: saga.Stuck}); len(page) != 1 || !strings.Contains(page[0].Cause, "version 2 of place-order") {
			t.Errorf("list %+v", page)
		}
		three, endThree := b.open(node("three"), v1, v2)
		defer endThree()
		h := begin(t, v2, three, "7")
		if err := within(t, h, soon); err != nil || w.String() != "a a" {
			t.Errorf("%v, calls %s", err, w)
		}
		time.Sleep(ttl)
		if page, _ := two.List(saga.Filter{}); len(page) != 0 {
			t.Errorf("still shown where it is not driven: %+v", page)
		}
	})
}

// TestOneBadSagaKeepsNoneWaiting has the oldest of three sagas fail to be taken up.
func TestOneBadSagaKeepsNoneWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, w, s := setup(t), &world{}, &stage{}
		gate, reached := make(chan struct{}), make(chan struct{}, 9)
		d := define(t, 1, nil, w.blocked("a", saga.Do, gate, reached))
		two, endTwo := b.play(s, node("two"), d)
		defer endTwo()
		one, endOne := b.open(node("one"), d)
		hs := map[string]*saga.Handle{}
		for _, id := range []string{"bad", "good", "better"} {
			begin(t, d, one, id)
			<-reached
			hs[id] = begin(t, d, two, id)
		}
		s.on(onCommit, func(stream string) error {
			if stream == "saga/bad" {
				return journal.ErrUnavailable
			}
			return nil
		})
		cut(t, one)
		endOne()
		close(gate)
		for _, id := range []string{"good", "better"} {
			if err := within(t, hs[id], soon); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
		s.revive()
		if err := within(t, hs["bad"], soon); err != nil {
			t.Error(err)
		}
	})
}

// TestStartThatWaitsForALock must not keep a dead process's saga of the same id
// from being taken up.
func TestStartThatWaitsForALock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, w := setup(t), &world{}
		gate, never := make(chan struct{}), make(chan struct{})
		locks := &saga.DefinitionOptions[order]{Locks: func(o order) []string { return []string{o.Item} }}
		d := define(t, 1, locks, gated(w, gate))
		other, err := saga.New("other", 1, locks, gated(&world{}, never))
		if err != nil {
			t.Fatal(err)
		}
		one, endOne := b.open(node("one"), d, other)
		two, endTwo := b.open(node("two"), d, other)
		defer endTwo()
		begin(t, d, one, "7")
		if _, err := other.Start(t.Context(), two, "holder", order{Item: "pen"}); err != nil {
			t.Fatal(err)
		}
		again := make(chan *saga.Handle, 1)
		go func() { again <- begin(t, d, two, "7") }()
		synctest.Wait()
		cut(t, one)
		endOne()
		close(gate)
		h := <-again
		if err := within(t, h, soon); err != nil || w.String() != "a a" {
			t.Errorf("%v, calls %s", err, w)
		}
		close(never)
	})
}
