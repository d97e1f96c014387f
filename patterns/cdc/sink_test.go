package cdc_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ashlar-dev/ashlar/patterns/cdc"
	"github.com/ashlar-dev/ashlar/patterns/internal/testdb"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// memorySink keeps batches; fail makes an Apply fail after the effect was lost.
type memorySink struct {
	mu      sync.Mutex
	pos     cdc.Position
	changes []cdc.Change
	resets  int
	beats   int
	fail    func(b cdc.Batch) error
	grown   chan struct{}
}

func newMemorySink() *memorySink { return &memorySink{grown: make(chan struct{}, 1)} }

func (s *memorySink) Position(context.Context) (cdc.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pos, nil
}

func (s *memorySink) Apply(_ context.Context, b cdc.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(b); err != nil {
			return err
		}
	}
	if b.Reset {
		s.resets++
		s.changes = nil
	}
	if len(b.Changes) == 0 {
		s.beats++
	}
	s.changes = append(s.changes, b.Changes...)
	s.pos = b.Position
	select {
	case s.grown <- struct{}{}:
	default:
	}
	return nil
}

func (s *memorySink) await(t *testing.T, what string, enough func(s *memorySink) bool) []cdc.Change {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		s.mu.Lock()
		ok, got := enough(s), s.changes
		s.mu.Unlock()
		if ok {
			return got
		}
		select {
		case <-s.grown:
		case <-timeout:
			t.Fatalf("waited for %s, have %d changes, position %s", what, len(got), s.pos)
		}
	}
}

func (s *memorySink) awaitN(t *testing.T, n int) []cdc.Change {
	t.Helper()
	return s.await(t, "changes", func(s *memorySink) bool { return len(s.changes) >= n && s.pos != (cdc.Position{}) })
}

// source is a database with a stream that is dropped at the end.
func source(t *testing.T, tables string) string {
	t.Helper()
	dsn := testdb.Postgres(t)
	testdb.Exec(t, dsn, tables)
	return dsn
}

func slotName(t *testing.T, dsn string) string {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	must(t, err)
	return config.Database // slots are the server's, databases the test's own
}

func newStream(t *testing.T, dsn string, sink cdc.Sink, opts cdc.Options) *cdc.Stream {
	t.Helper()
	opts.Slot = slotName(t, dsn)
	if opts.MinBackoff == 0 {
		opts.MinBackoff, opts.MaxBackoff = time.Millisecond, 50*time.Millisecond
	}
	s, err := cdc.New(dsn, sink, &opts)
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := s.Drop(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// start runs the stream; the returned function ends it.
func start(t *testing.T, s *cdc.Stream) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v, want the context's error", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}
