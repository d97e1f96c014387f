package saga_test

import (
	"context"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

// call of a store.
type call string

const (
	onCommit    call = "commit"
	onCommitted call = "committed" // after it
	onRead      call = "read"
	onStream    call = "read stream"
	onHead      call = "head"
	onRenew     call = "renew"
)

// stage is a store whose calls a test can hold, count and spoil, to play one
// order of events and no other.
type stage struct {
	driver.Store
	driver.Leaser

	mu   sync.Mutex
	play map[call]func(stream string) error
}

// on sets what is done at each such call from now on; nil: nothing. An error is
// returned in the call's place. Stream is that of the first unit, or the one
// that is read.
func (s *stage) on(c call, f func(stream string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.play == nil {
		s.play = map[call]func(string) error{}
	}
	s.play[c] = f
}

// once is on for the first such call.
func (s *stage) once(c call, f func(stream string) error) {
	var once sync.Once
	s.on(c, func(stream string) (err error) {
		once.Do(func() { err = f(stream) })
		return err
	})
}

func (s *stage) at(c call, stream string) error {
	s.mu.Lock()
	f := s.play[c]
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(stream)
}

// die cuts the process off from its store, as if it were killed: whatever it
// does from here on reaches nobody.
func (s *stage) die() {
	for _, c := range []call{onCommit, onRead, onStream, onHead, onRenew} {
		s.on(c, func(string) error { return journal.ErrUnavailable })
	}
}

func (s *stage) revive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.play = nil
}

func (s *stage) Commit(ctx context.Context, now time.Time, group []driver.Unit) ([]driver.Result, error) {
	if err := s.at(onCommit, group[0].Stream); err != nil {
		return nil, err
	}
	res, err := s.Store.Commit(ctx, now, group)
	if err == nil {
		err = s.at(onCommitted, group[0].Stream)
	}
	return res, err
}

func (s *stage) Read(ctx context.Context, after int64, limit int) ([]driver.Record, error) {
	if err := s.at(onRead, ""); err != nil {
		return nil, err
	}
	return s.Store.Read(ctx, after, limit)
}

func (s *stage) ReadStream(ctx context.Context, stream string, after int64, limit int) ([]driver.Record, error) {
	if err := s.at(onStream, stream); err != nil {
		return nil, err
	}
	return s.Store.ReadStream(ctx, stream, after, limit)
}

func (s *stage) Head(ctx context.Context) (int64, error) {
	if err := s.at(onHead, ""); err != nil {
		return 0, err
	}
	return s.Store.Head(ctx)
}

func (s *stage) Renew(ctx context.Context, lease string, token int64, ttl time.Duration) error {
	if err := s.at(onRenew, lease); err != nil {
		return err
	}
	return s.Leaser.Renew(ctx, lease, token, ttl)
}

func (s *stage) Release(ctx context.Context, lease string, token int64) error {
	if err := s.at(onRenew, lease); err != nil {
		return err
	}
	return s.Leaser.Release(ctx, lease, token)
}
