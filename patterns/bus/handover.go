package bus

import (
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// revoke drops what is queued of the partitions and returns when none of their
// handlers runs any more. cancelAfter is how long handlers may go on before their
// contexts are cancelled.
func (s *scheduler) revoke(ids []driver.Owned, cancelAfter time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var gone []*part
	for _, id := range ids {
		s.revokedAt[id.Part] = id.Epoch
		p := s.parts[id.Part]
		if p == nil || p.epoch > id.Epoch {
			continue
		}
		delete(s.parts, id.Part)
		p.gone.Store(true)
		gone = append(gone, p)
		if cancelAfter <= 0 {
			p.cancel()
		} else {
			defer time.AfterFunc(cancelAfter, p.cancel).Stop()
		}
	}
	s.drop(gone)
	for _, p := range gone {
		for p.running > 0 && !s.abandoned {
			s.change.Wait()
		}
		p.cancel()
	}
}

// drop forgets the lanes of revoked partitions that do not run.
func (s *scheduler) drop(gone []*part) {
	if len(gone) == 0 {
		return
	}
	kept := s.ready[:0]
	for _, l := range s.ready[s.head:] {
		if l.part.gone.Load() {
			s.active -= len(l.queue)
			s.free(l)
		} else {
			kept = append(kept, l)
		}
	}
	clear(s.ready[len(kept):])
	s.ready, s.head = kept, 0
	for _, p := range gone {
		for _, l := range p.lanes {
			s.unparkDropped(l)
		}
	}
	s.freed()
}

func (s *scheduler) unparkDropped(l *lane) {
	if l.parked {
		if l.timer != nil {
			l.timer.Stop()
		}
		s.parked -= len(l.queue)
		s.free(l)
	}
}

// abandon ends the wait of revoke for handlers that do not heed their contexts.
func (s *scheduler) abandon() {
	s.mu.Lock()
	s.abandoned = true
	s.change.Broadcast()
	s.mu.Unlock()
}

// stop drops everything that does not run, cancels what runs, and wakes everybody.
func (s *scheduler) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	gone := make([]*part, 0, len(s.parts))
	for _, p := range s.parts {
		p.gone.Store(true)
		p.cancel()
		gone = append(gone, p)
	}
	clear(s.parts)
	s.drop(gone)
	s.work.Broadcast()
	s.space.Broadcast()
	s.change.Broadcast()
}
