package saga_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/saga"
)

// TestCourse runs sagas of three steps to their end and compares the calls that
// the participants saw.
func TestCourse(t *testing.T) {
	t.Parallel()
	type steps func(w *world) []saga.Node[order]
	for name, tc := range map[string]struct {
		steps steps
		calls string
		fails string // the step that the error names
		cause error
	}{
		"completes": {
			func(w *world) []saga.Node[order] {
				return []saga.Node[order]{w.step("a", nil), pivot(w.step("b", nil)), after(w.step("c", nil))}
			}, "a b c", "", nil,
		},
		"refused first step undoes nothing": {
			func(w *world) []saga.Node[order] {
				return []saga.Node[order]{w.step("a", refuse), w.step("b", nil)}
			}, "a", "a", errNo,
		},
		"refused third step undoes in reverse with results": {
			func(w *world) []saga.Node[order] {
				return []saga.Node[order]{w.step("a", nil), w.step("b", nil), w.step("c", refuse)}
			}, "a b c undo-b(pen) undo-a(pen)", "c", errNo,
		},
		"refused pivot compensates": {
			func(w *world) []saga.Node[order] {
				return []saga.Node[order]{w.step("a", nil), pivot(w.step("b", refuse)), after(w.step("c", nil))}
			}, "a b undo-a(pen)", "b", errNo,
		},
		"failures are retried": {
			func(w *world) []saga.Node[order] {
				return []saga.Node[order]{w.step("a", first(2, saga.Do)), w.step("b", nil)}
			}, "a a a b", "", nil,
		},
		"unknown outcome is undone too": {
			func(w *world) []saga.Node[order] {
				return []saga.Node[order]{w.step("a", nil), w.step("b", first(9, saga.Do))}
			}, "a b b b undo-b(unknown) undo-a(pen)", "b", errDown,
		},
		"pivot is retried until it answers": {
			func(w *world) []saga.Node[order] {
				return []saga.Node[order]{w.step("a", nil), pivot(w.step("b", first(6, saga.Do))), after(w.step("c", nil))}
			}, "a b b b b b b b c", "", nil,
		},
		"after the pivot nothing is given up": {
			func(w *world) []saga.Node[order] {
				return []saga.Node[order]{pivot(w.step("a", nil)), after(w.step("b", func(_ saga.Direction, n int) error {
					if n < 4 {
						return saga.Refuse(errNo)
					}
					return nil
				}))}
			}, "a b b b b", "", nil,
		},
		"compensation is retried until done": {
			func(w *world) []saga.Node[order] {
				return []saga.Node[order]{w.step("a", first(7, saga.Undo)), w.step("b", refuse)}
			}, "a b" + strings.Repeat(" undo-a(pen)", 8), "b", errNo,
		},
		"harmless steps are passed over": {
			func(w *world) []saga.Node[order] {
				h := after(w.step("b", nil))
				h.Harmless = "reads only"
				return []saga.Node[order]{w.step("a", nil), h, w.step("c", refuse)}
			}, "a b c undo-a(pen)", "c", errNo,
		},
		"a panic is a failed attempt": {
			func(w *world) []saga.Node[order] {
				return []saga.Node[order]{w.step("a", func(d saga.Direction, n int) error {
					if n == 1 {
						panic("oops")
					}
					return nil
				})}
			}, "a a", "", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &world{}
				d := define(t, 1, nil, tc.steps(w)...)
				o, end := setup(t).open(nil, d)
				defer end()
				err := d.Run(t.Context(), o, "7", order{Item: "pen"})
				if w.String() != tc.calls {
					t.Errorf("calls: %s\n want: %s", w, tc.calls)
				}
				var e *saga.Error
				switch {
				case tc.fails == "" && err != nil:
					t.Error(err)
				case tc.fails != "" && (!errors.As(err, &e) || e.ID != "7" || e.Step != tc.fails || e.Definition != "place-order" || !errors.Is(err, tc.cause)):
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestLaterStepsGetResults(t *testing.T) {
	t.Parallel()
	w := &world{}
	a := w.step("a", nil)
	var got string
	d := define(t, 1, nil, a, &saga.Step[order, saga.None]{Name: "b", Pivot: true, Do: func(_ context.Context, c *saga.Call[order]) (saga.None, error) {
		r, ok := a.Result(c)
		got = fmt.Sprintln(r.Number, ok, c.ID, c.Input.Cents)
		return saga.None{}, nil
	}})
	o, _ := setup(t).open(nil, d)
	if err := d.Run(t.Context(), o, "7", order{Item: "pen", Cents: 3}); err != nil || got != "a-7-pen true 7 3\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		deaf := w.step("b", nil)
		deaf.Timeout, deaf.Retry.Attempts = time.Second, 2
		release := make(chan struct{})
		do := deaf.Do
		deaf.Do = func(ctx context.Context, c *saga.Call[order]) (receipt, error) {
			r, err := do(ctx, c)
			<-release // deaf to its context; succeeds late
			return r, err
		}
		d := define(t, 1, nil, w.step("a", nil), deaf)
		o, end := setup(t).open(nil, d)
		err := d.Run(t.Context(), o, "7", order{Item: "pen"})
		if !errors.Is(err, saga.ErrTimeout) || w.String() != "a b b undo-b(unknown) undo-a(pen)" {
			t.Errorf("%v after %s", err, w)
		}
		close(release)
		end()
	})
}

func TestSagaTimeoutEndsRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		b := w.step("b", first(1000, saga.Do))
		b.Retry.Attempts = -1
		d := define(t, 1, &saga.DefinitionOptions[order]{Timeout: time.Minute}, w.step("a", nil), b)
		o, end := setup(t).open(nil, d)
		defer end()
		start := time.Now()
		err := d.Run(t.Context(), o, "7", order{})
		if err == nil || time.Since(start) > 61*time.Second || time.Since(start) < 59*time.Second {
			t.Errorf("ended after %s with %v", time.Since(start), err)
		}
	})
}

func TestParallelGroup(t *testing.T) {
	t.Parallel()
	t.Run("runs at once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := &world{}
			both := make(chan struct{}, 2)
			meet := func(saga.Direction, int) error {
				both <- struct{}{}
				for len(both) < 2 {
					time.Sleep(time.Millisecond)
				}
				return nil
			}
			d := define(t, 1, nil, saga.Parallel[order](w.step("a", meet), w.step("b", meet)), pivot(w.step("c", nil)))
			o, end := setup(t).open(nil, d)
			defer end()
			if err := d.Run(t.Context(), o, "7", order{}); err != nil || !strings.HasSuffix(w.String(), " c") {
				t.Errorf("%v after %s", err, w)
			}
		})
	})
	t.Run("one refusal undoes what others did", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := &world{}
			late := func(d saga.Direction, _ int) error {
				if d == saga.Do {
					time.Sleep(time.Second)
					return saga.Refuse(errNo)
				}
				return nil
			}
			d := define(t, 1, nil, w.step("z", nil), saga.Parallel[order](w.step("a", nil), w.step("b", late), w.step("c", nil)))
			o, end := setup(t).open(nil, d)
			defer end()
			err := d.Run(t.Context(), o, "7", order{Item: "pen"})
			if !errors.Is(err, errNo) || !strings.HasSuffix(w.String(), "undo-c(pen) undo-a(pen) undo-z(pen)") || strings.Contains(w.String(), "undo-b") {
				t.Errorf("%v after %s", err, w)
			}
		})
	})
	t.Run("a cancelled branch is undone as unknown", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := &world{}
			slow := w.step("slow", nil)
			slow.Do = func(ctx context.Context, _ *saga.Call[order]) (receipt, error) {
				w.note("slow")
				<-ctx.Done()
				return receipt{}, ctx.Err()
			}
			no := w.step("no", func(d saga.Direction, _ int) error { time.Sleep(time.Second); return saga.Refuse(errNo) })
			d := define(t, 1, nil, saga.Parallel[order](slow, no))
			o, end := setup(t).open(nil, d)
			defer end()
			err := d.Run(t.Context(), o, "7", order{})
			var e *saga.Error
			if !errors.As(err, &e) || e.Step != "no" || !strings.HasSuffix(w.String(), "undo-slow(unknown)") {
				t.Errorf("%v after %s", err, w)
			}
		})
	})
}

func TestSameIDIsOneSaga(t *testing.T) {
	t.Parallel()
	b, w := setup(t), &world{}
	d := define(t, 1, nil, w.step("a", nil))
	other, err := saga.New[order]("other", 1, nil, w.step("x", nil))
	if err != nil {
		t.Fatal(err)
	}
	o, end := b.open(nil, d, other)
	for range 3 {
		if err := d.Run(t.Context(), o, "7", order{}); err != nil {
			t.Fatal(err)
		}
	}
	var exists *saga.ExistsError
	if err := other.Run(t.Context(), o, "7", order{}); !errors.As(err, &exists) || exists.Definition != "place-order" {
		t.Errorf("same id, other definition: %v", err)
	}
	end()
	o, _ = b.open(nil, d)
	if err := d.Run(t.Context(), o, "7", order{}); err != nil || w.String() != "a" {
		t.Errorf("calls %s, %v; want one", w, err)
	}
}

func TestSemanticLocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		gate := make(chan struct{})
		hold := func(saga.Direction, int) error { <-gate; return nil }
		opts := &saga.DefinitionOptions[order]{Locks: func(in order) []string { return []string{"item/" + in.Item, "all"}[:1] }}
		a := w.step("a", hold)
		a.Timeout = time.Hour
		d := define(t, 1, opts, a)
		o, end := setup(t).open(nil, d)
		defer end()
		h, err := d.Start(t.Context(), o, "1", order{Item: "pen"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var locked *saga.LockedError
		if _, err := d.Start(ctx, o, "2", order{Item: "pen"}); !errors.As(err, &locked) || locked.Holder != "1" || locked.Key != "item/pen" {
			t.Errorf("second saga on one item: %v", err)
		}
		third := make(chan error, 1)
		go func() { third <- d.Run(t.Context(), o, "3", order{Item: "pen"}) }()
		synctest.Wait()
		if w.String() != "a" {
			t.Errorf("calls %s while the first has the lock", w)
		}
		close(gate)
		if err := errors.Join(h.Wait(t.Context()), <-third); err != nil || w.String() != "a a" {
			t.Errorf("%v, calls %s", err, w)
		}
	})
}
