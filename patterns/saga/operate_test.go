package saga_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/saga"
)

// meter counts what Metrics is told.
type meter struct {
	mu sync.Mutex
	n  map[string]int
}

func (m *meter) add(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.n == nil {
		m.n = map[string]int{}
	}
	m.n[fmt.Sprintf(format, args...)]++
}

func (m *meter) count(key string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n[key]
}

func (m *meter) Started(string)                                { m.add("started") }
func (m *meter) Ended(_ string, s saga.State, _ time.Duration) { m.add("%s", s) }
func (m *meter) Stuck(_, step string, d saga.Direction)        { m.add("stuck %s %s", d, step) }
func (m *meter) Attempt(_, step string, d saga.Direction, _ time.Duration, err error) {
	m.add("%s %s %v", d, step, err == nil)
}

// TestStuckSagas lets an operator end a saga whose compensation fails for ever.
func TestStuckSagas(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		act  func(o *saga.Orchestrator, t *testing.T) error
		want string // last events
		err  string
	}{
		"skip": {func(o *saga.Orchestrator, t *testing.T) error {
			return o.Skip(t.Context(), "7", "b", nil, "Ada: undone by hand")
		}, "failed undone undone compensated", ""},
		"force": {func(o *saga.Orchestrator, t *testing.T) error {
			return o.Force(t.Context(), "7", saga.Compensated, "Ada: written off")
		}, "done failed compensated", ""},
		"skip without a reason": {func(o *saga.Orchestrator, t *testing.T) error { return o.Skip(t.Context(), "7", "b", nil, "") }, "", "needs a word"},
		"skip another step":     {func(o *saga.Orchestrator, t *testing.T) error { return o.Skip(t.Context(), "7", "a", nil, "x") }, "", "not under way"},
		"skip no step":          {func(o *saga.Orchestrator, t *testing.T) error { return o.Skip(t.Context(), "7", "zzz", nil, "x") }, "", "it has [a b c]"},
		"skip with bad result": {func(o *saga.Orchestrator, t *testing.T) error {
			return o.Skip(t.Context(), "7", "b", json.RawMessage(`[1]`), "x")
		}, "", "does not fit its type"},
		"force to nowhere": {func(o *saga.Orchestrator, t *testing.T) error { return o.Force(t.Context(), "7", "gone", "x") }, "", "want compensating"},
		"force what it is": {func(o *saga.Orchestrator, t *testing.T) error {
			return o.Force(t.Context(), "7", saga.Compensating, "x")
		}, "", "is compensating"},
		"an unknown saga": {func(o *saga.Orchestrator, t *testing.T) error { return o.Retry(t.Context(), "99") }, "", "not found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, m, log := &world{}, &meter{}, &lines{}
				d := define(t, 1, nil, w.step("a", nil), w.step("b", first(1000, saga.Undo)), w.step("c", refuse))
				o, end := setup(t).open(&saga.Options{Metrics: m, Logger: log.logger(), StuckAfter: 3}, d)
				defer end()
				h, err := d.Start(t.Context(), o, "7", order{Item: "pen"})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(30 * time.Second) // the bubble's clock
				synctest.Wait()
				page, _ := o.List(saga.Filter{State: saga.Stuck})
				if len(page) != 1 || page[0].Step != "b" || page[0].Cause != errDown.Error() || page[0].Attempt < 3 || page[0].Retry.IsZero() {
					t.Fatalf("stuck: %+v", page)
				}
				if m.count("stuck undo b") != 1 || m.count("undo b false") != page[0].Attempt {
					t.Errorf("metrics %v", m.n)
				}
				if l := log.String(); !strings.Contains(l, "saga=7") || !strings.Contains(l, "step=b") || !strings.Contains(l, "attempt=2") || !strings.Contains(l, `cause="connection refused"`) {
					t.Errorf("log lacks saga, step, attempt or cause:\n%s", l)
				}
				err = tc.act(o, t)
				if tc.err != "" {
					if err == nil || !strings.Contains(err.Error(), tc.err) {
						t.Errorf("got %v, want %q", err, tc.err)
					}
					cut(t, o)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				var e *saga.Error
				if err := h.Wait(t.Context()); !errors.As(err, &e) || e.Step != "c" {
					t.Errorf("ended with %v", err)
				}
				info, err := o.Show(t.Context(), "7")
				if err != nil {
					t.Fatal(err)
				}
				if got := kinds(info.History); !strings.HasSuffix(got, tc.want) {
					t.Errorf("history %s, want …%s", got, tc.want)
				}
				if !slices.ContainsFunc(info.History, func(e saga.Event) bool { return strings.HasPrefix(e.By, "Ada") }) {
					t.Error("the history does not say who did it")
				}
			})
		})
	}
}

func kinds(es []saga.Event) string {
	var s []string
	for _, e := range es {
		s = append(s, string(e.Kind))
	}
	return strings.Join(s, " ")
}

func TestRetryNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		a := w.step("a", first(1, saga.Do))
		a.Retry = saga.Retry{First: time.Hour, Max: time.Hour}
		d := define(t, 1, nil, a)
		o, end := setup(t).open(nil, d)
		defer end()
		h, err := d.Start(t.Context(), o, "7", order{})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		synctest.Wait()
		if err := o.Retry(t.Context(), "7"); err != nil {
			t.Fatal(err)
		}
		if err := h.Wait(t.Context()); err != nil || time.Since(start) > time.Minute {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		if err := o.Retry(t.Context(), "7"); !errors.Is(err, saga.ErrNotNow) {
			t.Errorf("retry of an ended saga: %v", err)
		}
	})
}

func TestForceTurnsARunningSaga(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		b := w.step("b", first(1000, saga.Do))
		b.Retry.Attempts = -1
		d := define(t, 1, nil, w.step("a", nil), b)
		o, end := setup(t).open(nil, d)
		defer end()
		h, err := d.Start(t.Context(), o, "7", order{Item: "pen"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := o.Force(t.Context(), "7", saga.Compensating, "Ada: customer left"); err != nil {
			t.Fatal(err)
		}
		if err := h.Wait(t.Context()); !errors.Is(err, saga.ErrForced) || !strings.HasSuffix(w.String(), "undo-b(unknown) undo-a(pen)") {
			t.Errorf("%v after %s", err, w)
		}
	})
}

func TestSection(t *testing.T) {
	t.Parallel()
	w := &world{}
	b := w.step("b", first(1000, saga.Do))
	b.Retry = saga.Retry{Attempts: -1, First: time.Hour, Max: time.Hour}
	d := define(t, 1, nil, w.step("a", nil), b)
	o, end := setup(t).open(&saga.Options{StuckAfter: 1}, d)
	defer end()
	srv, err := admin.Listen("shop", &admin.Options{Folder: "-"}, o.Section())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = srv.Close(t.Context()) }()
	c := &admin.Client{Note: srv.Note}
	h, err := d.Start(t.Context(), o, "order/7 ü", order{Item: "pen"})
	if err != nil {
		t.Fatal(err)
	}
	var info saga.Info
	for info.State != saga.Stuck || kinds(info.History) != "started done" { // until the first attempt has failed; the history is read a moment before the state
		if err := c.Show(t.Context(), "sagas", "order/7 ü", &info); err != nil {
			t.Fatal(err)
		}
	}
	if kinds(info.History) != "started done" || !strings.Contains(info.Diagram, "class s0 done") || info.Cause != errDown.Error() {
		t.Errorf("show: %+v", info)
	}
	items, _, err := c.List(t.Context(), "sagas", admin.Query{Filter: map[string]string{"state": "stuck"}})
	if err != nil || len(items) != 1 {
		t.Errorf("list: %s, %v", items, err)
	}
	var p *admin.Problem
	for _, tc := range []struct {
		id, act string
		args    any
		status  int
	}{
		{"nope", "retry", nil, 404}, {"order/7 ü", "skip", map[string]string{"step": "a", "by": "x"}, 409}, {"order/7 ü", "skip", map[string]string{"step": "b"}, 400},
	} {
		if err := c.Act(t.Context(), "sagas", tc.id, tc.act, tc.args, nil); !errors.As(err, &p) || p.Status != tc.status {
			t.Errorf("%s %s: %v, want status %d", tc.act, tc.id, err, tc.status)
		}
	}
	if err := c.Act(t.Context(), "sagas", "order/7 ü", "skip", map[string]any{"step": "b", "result": receipt{"by hand"}, "by": "Ada"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := h.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEventsFromTheBeginningOn(t *testing.T) {
	t.Parallel()
	w := &world{}
	d := define(t, 1, nil, w.step("a", nil), w.step("b", refuse))
	o, _ := setup(t).open(nil, d)
	go func() { _ = d.Run(t.Context(), o, "7", order{}) }()
	var got []saga.Event
	for e, err := range o.Events(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, e); e.Kind == saga.SagaCompensated {
			break
		}
	}
	if kinds(got) != "started done failed undone compensated" || got[0].Definition != "place-order" || got[2].Cause != errNo.Error() || got[2].Step != "b" {
		t.Errorf("events %+v", got)
	}
}

func TestMermaid(t *testing.T) {
	t.Parallel()
	w := &world{}
	d := define(t, 3, nil, w.step("a", nil), saga.Parallel[order](w.step("b<", nil), w.step("c", nil)), pivot(w.step("d", nil)))
	want := `flowchart LR
  begin(("place-order v3"))
  s0["a"]
  u0(["undo a"])
  s0 -.-> u0
  s1["b#lt;"]
  u1(["undo b#lt;"])
  s1 -.-> u1
  s2["c"]
  u2(["undo c"])
  s2 -.-> u2
  s3{{"d"}}
  begin --> s0
  s0 --> s1
  s0 --> s2
  s1 --> s3
  s2 --> s3
  finish((done))
  s3 --> finish
`
	if got := d.Mermaid(); got != want {
		t.Errorf("got:\n%s", got)
	}
}
