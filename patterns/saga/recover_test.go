package saga_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
	"github.com/ashlar-dev/ashlar/patterns/saga"
)

// cut closes the orchestrator while a step is under way: its result is lost, as
// in a crash.
func cut(t *testing.T, o *saga.Orchestrator) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = o.Close(ctx) // the context's error is what we asked for
}

// blocked is a step whose calls wait for their context until the gate opens.
func (w *world) blocked(name string, dir saga.Direction, gate <-chan struct{}, reached chan<- struct{}) *saga.Step[order, receipt] {
	s := w.step(name, nil)
	do, undo := s.Do, s.Undo
	hold := func(ctx context.Context) error {
		select {
		case <-gate:
			return nil
		default:
		}
		reached <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	s.Do = func(ctx context.Context, c *saga.Call[order]) (receipt, error) {
		r, err := do(ctx, c)
		if dir == saga.Do {
			err = errors.Join(err, hold(ctx))
		}
		return r, err
	}
	s.Undo = func(ctx context.Context, c *saga.Call[order], r receipt) error {
		err := undo(ctx, c, r)
		if dir == saga.Undo {
			err = errors.Join(err, hold(ctx))
		}
		return err
	}
	return s
}

func TestGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		dir   saga.Direction
		steps func(w *world, blocked *saga.Step[order, receipt]) []saga.Node[order]
		want  string
	}{
		"forward": {saga.Do, func(w *world, b *saga.Step[order, receipt]) []saga.Node[order] {
			return []saga.Node[order]{w.step("a", nil), b, w.step("c", nil)}
		}, "a b | b c"},
		"backward, with the recorded result": {saga.Undo, func(w *world, b *saga.Step[order, receipt]) []saga.Node[order] {
			return []saga.Node[order]{w.step("a", nil), b, w.step("c", refuse)}
		}, "a b c undo-b(pen) | undo-b(pen) undo-a(pen)"},
		"in a parallel group, only what is not recorded": {saga.Do, func(w *world, b *saga.Step[order, receipt]) []saga.Node[order] {
			return []saga.Node[order]{saga.Parallel[order](w.step("a", nil), b), w.step("c", nil)}
		}, "a b | b c"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, w := setup(t), &world{}
				gate, reached := make(chan struct{}), make(chan struct{}, 9)
				d := define(t, 1, nil, tc.steps(w, w.blocked("b", tc.dir, gate, reached))...)
				o, end := b.open(nil, d)
				h, err := d.Start(t.Context(), o, "7", order{Item: "pen"})
				if err != nil {
					t.Fatal(err)
				}
				<-reached
				synctest.Wait() // the group's other branch is recorded
				cut(t, o)
				if err := h.Wait(t.Context()); !errors.Is(err, saga.ErrClosed) {
					t.Errorf("wait over the end of the orchestrator: %v", err)
				}
				end()
				close(gate)
				w.note("|")
				o, end = b.open(nil, d)
				defer end()
				h, err = d.Start(t.Context(), o, "7", order{Item: "ignored"})
				if err != nil {
					t.Fatal(err)
				}
				err = h.Wait(t.Context())
				got := w.String()
				if strings.HasPrefix(got, "b a ") { // the two of a group in either order
					got = "a b " + got[4:]
				}
				if got != tc.want {
					t.Errorf("calls: %s\n want: %s", got, tc.want)
				}
				var e *saga.Error
				if failed := tc.dir == saga.Undo; failed != errors.As(err, &e) {
					t.Errorf("ended with %v", err)
				}
			})
		})
	}
}

func TestEndsOnTheVersionItBeganWith(t *testing.T) {
	t.Parallel()
	b, w := setup(t), &world{}
	gate, reached := make(chan struct{}), make(chan struct{}, 9)
	v1 := define(t, 1, nil, w.blocked("a", saga.Do, gate, reached), w.step("old", nil))
	v2 := define(t, 2, nil, w.step("a", nil), w.step("new", nil))
	o, end := b.open(nil, v1)
	if _, err := v1.Start(t.Context(), o, "7", order{}); err != nil {
		t.Fatal(err)
	}
	<-reached
	cut(t, o)
	end()
	close(gate)

	// A program that lost version 1 shows the saga as stuck and harms it not.
	o, end = b.open(nil, v2)
	page, _ := o.List(saga.Filter{State: saga.Stuck})
	if len(page) != 1 || !strings.Contains(page[0].Cause, "version 1 of place-order, this program knows [2]") {
		t.Errorf("list %+v", page)
	}
	var version *saga.VersionError
	if err := o.Retry(t.Context(), "7"); !errors.As(err, &version) || version.Version != 1 {
		t.Errorf("retry: %v", err)
	}
	if err := v2.Run(t.Context(), o, "8", order{}); err != nil {
		t.Error(err)
	}
	end()

	o, _ = b.open(nil, v1, v2)
	if err := v2.Run(t.Context(), o, "7", order{}); err != nil { // same id: the saga that there is
		t.Error(err)
	}
	if got := w.String(); got != "a a new a old" {
		t.Errorf("calls %s", got)
	}
}

func TestBadDefinitions(t *testing.T) {
	t.Parallel()
	w := &world{}
	limited := after(w.step("late", nil))
	limited.Retry.Attempts = 3
	_, err := saga.New[order]("bad/name", 0, &saga.DefinitionOptions[order]{Timeout: -1},
		after(w.step("no undo", nil)), w.step("twice", nil), w.step("twice", nil),
		saga.Parallel[order](pivot(w.step("p1", nil)), w.step("x", nil)), pivot(w.step("p2", nil)),
		w.step("undo after", nil), limited, &saga.Step[order, receipt]{Name: "empty"}, saga.Parallel[order]())
	var bad *saga.DefinitionError
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	for _, want := range []string{"slashes", "version 0", "timeout -1", `"no undo" has no Undo`, "two steps", "Parallel group; its", "second pivot", `"undo after" has an Undo`, "only 3 times", `"empty" has no Do`, "has 0 steps"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in:\n%v", want, err)
		}
	}
	if _, err := saga.New[order]("empty", 1, nil); err == nil {
		t.Error("a saga without steps was taken")
	}
	good := define(t, 1, nil, w.step("a", nil))
	o, _ := setup(t).open(nil)
	var invalid *saga.InvalidError
	for _, id := range []string{"", "a\nb", strings.Repeat("x", 300)} {
		if _, err := good.Start(t.Context(), o, id, order{}); !errors.As(err, &invalid) {
			t.Errorf("id %q: %v", id, err)
		}
	}
	if _, err := good.Start(t.Context(), o, "7", order{}); !errors.As(err, &invalid) {
		t.Errorf("definition that was not given to Open: %v", err)
	}
	good2 := define(t, 1, nil, w.step("a", nil))
	b := setup(t)
	store, err := sqlitestore.Open(t.Context(), b.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), store, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close(context.Background()) }()
	if _, err := saga.Open(t.Context(), j, nil, good, good2); !errors.As(err, &bad) {
		t.Errorf("one version twice: %v", err)
	}
}

func TestOversizedPayloadIsRefused(t *testing.T) {
	t.Parallel()
	w := &world{}
	d := define(t, 1, nil, w.step("a", nil))
	o, _ := setup(t).open(nil, d)
	_, err := d.Start(t.Context(), o, "7", order{Item: strings.Repeat("x", 2<<20)})
	var size *journal.SizeError
	if !errors.As(err, &size) || !strings.Contains(err.Error(), "keep large payloads elsewhere") {
		t.Errorf("got %v", err)
	}
}

func TestRecoveryReadsFromTheMark(t *testing.T) {
	t.Parallel()
	b, w := setup(t), &world{}
	d := define(t, 1, nil, w.step("a", nil))
	o, end := b.open(nil, d)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if err := d.Run(context.Background(), o, fmt.Sprint(i), order{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	end()
	o, _ = b.open(nil, d)
	if page, _ := o.List(saga.Filter{}); len(page) != 0 {
		t.Errorf("%d sagas taken up, all had ended", len(page))
	}
}

// lines is a log that can be looked at while it is written.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
