package saga_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
	"github.com/ashlar-dev/ashlar/patterns/saga"
)

// order is the input of the tests' sagas.
type order struct {
	Item  string
	Cents int
}

type receipt struct{ Number string }

// world is what the participants of a test did, in order.
type world struct {
	mu    sync.Mutex
	calls []string
}

func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, fmt.Sprintf(format, args...))
}

func (w *world) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.calls, " ")
}

// step notes its calls; fail decides on each attempt.
func (w *world) step(name string, fail func(dir saga.Direction, attempt int) error) *saga.Step[order, receipt] {
	return &saga.Step[order, receipt]{
		Name:  name,
		Retry: saga.Retry{First: time.Second}, UndoRetry: saga.Retry{First: time.Second},
		Do: func(_ context.Context, c *saga.Call[order]) (receipt, error) {
			w.note("%s", name)
			if fail != nil {
				if err := fail(saga.Do, c.Attempt); err != nil {
					return receipt{}, err
				}
			}
			return receipt{name + "-" + c.ID + "-" + c.Input.Item}, nil
		},
		Undo: func(_ context.Context, c *saga.Call[order], r receipt) error {
			w.note("undo-%s(%s%s)", name, strings.TrimPrefix(r.Number, name+"-"+c.ID+"-"), map[bool]string{true: "unknown"}[c.Unknown])
			if fail != nil {
				return fail(saga.Undo, c.Attempt)
			}
			return nil
		},
	}
}

// after makes the step one that stands after the pivot.
func after(s *saga.Step[order, receipt]) *saga.Step[order, receipt] { s.Undo = nil; return s }

func pivot(s *saga.Step[order, receipt]) *saga.Step[order, receipt] {
	s.Undo, s.Pivot = nil, true
	return s
}

// refuse fails every action with a definite no.
func refuse(dir saga.Direction, _ int) error {
	if dir == saga.Do {
		return saga.Refuse(errNo)
	}
	return nil
}

// first fails the first n attempts of a direction without a definite answer.
func first(n int, dir saga.Direction) func(saga.Direction, int) error {
	return func(d saga.Direction, attempt int) error {
		if d == dir && attempt <= n {
			return errDown
		}
		return nil
	}
}

var (
	errNo   = errors.New("no stock")
	errDown = errors.New("connection refused")
)

// bundle is one test's journal; open may be called again after close.
type bundle struct {
	*testing.T
	path string
	log  *strings.Builder
}

func setup(t *testing.T) *bundle {
	t.Helper()
	return &bundle{T: t, path: filepath.Join(t.TempDir(), "journal.db"), log: &strings.Builder{}}
}

func (b *bundle) open(o *saga.Options, defs ...saga.Declared) (*saga.Orchestrator, func()) {
	b.Helper()
	return b.play(nil, o, defs...)
}

// play opens with the store behind a stage, when there is one.
func (b *bundle) play(s *stage, o *saga.Options, defs ...saga.Declared) (*saga.Orchestrator, func()) {
	b.Helper()
	store, err := sqlitestore.Open(context.Background(), b.path, nil)
	if err != nil {
		b.Fatal(err)
	}
	if s != nil {
		s.Store, s.Leaser = store, store.(driver.Leaser)
		store = s
	}
	j, err := journal.Open(context.Background(), store, nil)
	if err != nil {
		b.Fatal(err)
	}
	var opts saga.Options
	if o != nil {
		opts = *o
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	orch, err := saga.Open(context.Background(), j, &opts, defs...)
	if err != nil {
		b.Fatal(err)
	}
	var once sync.Once
	end := func() {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if err := errors.Join(orch.Close(ctx), j.Close(ctx)); err != nil {
				b.Error(err)
			}
		})
	}
	b.Cleanup(end)
	return orch, end
}

func define(t *testing.T, version int, o *saga.DefinitionOptions[order], nodes ...saga.Node[order]) *saga.Definition[order] {
	t.Helper()
	d, err := saga.New("place-order", version, o, nodes...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
