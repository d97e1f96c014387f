package bus

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// scheduler decides which delivery runs next. It keeps a lane a key: a lane runs
// on one worker at a time and in order, lanes run in parallel. A lane whose head
// failed is parked for a while, and the others do not notice.
//
// It starts nothing but timers, and stop ends those.
type scheduler struct {
	byPartition bool // one lane a partition instead of one a key

	mu        sync.Mutex
	work      sync.Cond // ready grew, or closed
	idlers    int       // wait for work
	space     sync.Cond // there may be room again, or closed
	starved   bool      // room waits
	limit     int       // of active and
	waiting   int       // of parked deliveries, as room was told
	change    sync.Cond // a lane stopped running, or closed
	parts     map[driver.Part]*part
	revokedAt map[driver.Part]uint32 // the last epoch that was revoked
	ready     []*lane                // ready[head:]
	head      int
	active    int // deliveries that are queued or running
	parked    int // deliveries in parked lanes
	running   int // lanes on a worker
	closed    bool
	abandoned bool       // handlers that do not heed their contexts are not waited for
	spare     []*lane    // lanes to use again
	recent    [256]*lane // keyed lanes by a few bytes of their keys; a freed one has no part
	pauses    uint64     // counts them
}

// part is one ownership of a partition, from its first delivery to its revocation.
type part struct {
	driver.Part
	epoch   uint32
	ctx     context.Context
	cancel  context.CancelFunc
	lanes   map[string]*lane // by key
	running int
	gone    atomic.Bool // revoked: what is queued is dropped; written under the lock
}

type lane struct {
	part     *part
	key      string
	keyed    bool              // in part.lanes
	queue    []driver.Delivery // by value: nothing is allocated for a delivery on its way to its handler
	running  bool
	headTime time.Time   // of the first delivery of the run
	parked   bool        // its head waits for a pause to end or for its dead letter to be stored
	timer    *time.Timer // ends the pause
	pause    uint64      // tells one stay from the next
	// Of the head, and owned by the worker while running:
	tries int
	since time.Time // its first failure
}

func newScheduler(byPartition bool) *scheduler {
	s := &scheduler{byPartition: byPartition, parts: map[driver.Part]*part{}, revokedAt: map[driver.Part]uint32{}}
	s.work.L, s.space.L, s.change.L = &s.mu, &s.mu, &s.mu
	return s
}

// add queues copies of the deliveries of one Fetch. ctx is the parent of their
// handlers' contexts.
func (s *scheduler) add(ctx context.Context, ds []driver.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	var p *part
	woken := 0
	for i := range ds {
		d := &ds[i]
		if p == nil || p.Partition != d.Partition || p.epoch != d.Epoch || p.Topic != d.Topic {
			p = s.part(ctx, d)
		}
		if p == nil {
			continue // revoked while Fetch was returning it
		}
		l := s.lane(p, d)
		l.queue = append(l.queue, *d)
		if l.parked {
			s.parked++
			continue
		}
		s.active++
		if !l.running && len(l.queue) == 1 {
			s.ready = append(s.ready, l)
			woken++
		}
	}
	for range min(woken, s.idlers) {
		s.work.Signal()
	}
}

func (s *scheduler) part(ctx context.Context, d *driver.Delivery) *part {
	id := d.Part()
	p := s.parts[id]
	if last, ok := s.revokedAt[id]; ok && d.Epoch <= last {
		return nil
	}
	if p == nil || p.epoch != d.Epoch {
		p = &part{Part: id, epoch: d.Epoch, lanes: map[string]*lane{}}
		p.ctx, p.cancel = context.WithCancel(ctx)
		s.parts[id] = p
	}
	return p
}

func (s *scheduler) lane(p *part, d *driver.Delivery) *lane {
	key, keyed := d.Key, d.Key != "" || s.byPartition
	if s.byPartition {
		key = ""
	}
	var recent **lane
	if keyed {
		recent = &s.recent[slot(p, key)]
		if l := *recent; l != nil && l.part == p && l.key == key {
			return l
		}
		if l := p.lanes[key]; l != nil {
			*recent = l
			return l
		}
	}
	var l *lane
	if n := len(s.spare); n > 0 {
		l, s.spare = s.spare[n-1], s.spare[:n-1]
	} else {
		l = &lane{}
	}
	l.part, l.key, l.keyed = p, key, keyed
	if keyed {
		p.lanes[key] = l
		*recent = l
	}
	return l
}

// slot is a key's place among the recent lanes: of its last bytes, which differ
// most. It costs a tenth of what the map does.
func slot(p *part, key string) uint8 {
	h := uint32(len(key)) ^ uint32(p.Partition)<<3
	for i := max(0, len(key)-4); i < len(key); i++ {
		h = h*31 + uint32(key[i])
	}
	return uint8(h)
}

// next blocks until a lane is ready, takes its queue and returns both. The
// caller hands both back with done or park. buf serves the lane as its next
// queue. A nil lane: the scheduler stopped.
func (s *scheduler) next(buf []driver.Delivery) (*lane, []driver.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.head == len(s.ready) {
		if s.closed {
			return nil, nil
		}
		s.idlers++
		s.work.Wait()
		s.idlers--
	}
	if s.closed {
		return nil, nil
	}
	l := s.ready[s.head]
	s.ready[s.head] = nil
	s.head++
	if s.head == len(s.ready) {
		s.ready, s.head = s.ready[:0], 0
	}
	l.running = true
	l.part.running++
	s.running++
	run := l.queue
	l.headTime = run[0].Time
	l.queue = buf[:0]
	return l, run
}

// done ends a run of which n deliveries were finished; rest were not started.
func (s *scheduler) done(l *lane, n int, rest []driver.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.freed()
	s.active -= n
	s.leave(l)
	if l.part.gone.Load() {
		s.active -= len(rest) + len(l.queue)
		s.free(l)
		return
	}
	s.restore(l, rest)
	s.enqueue(l)
}

// park ends a run whose delivery rest[0] failed: the lane waits, for ever when
// wait is negative, until unpark with the pause that is returned. ok is false
// when the partition is gone.
func (s *scheduler) park(l *lane, n int, rest []driver.Delivery, wait time.Duration) (pause uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.freed()
	s.active -= n
	s.leave(l)
	s.restore(l, rest)
	s.active -= len(l.queue)
	if l.part.gone.Load() {
		s.free(l)
		return 0, false
	}
	s.parked += len(l.queue)
	s.pauses++
	pause = s.pauses
	l.parked, l.pause = true, pause
	if wait >= 0 {
		l.timer = time.AfterFunc(wait, func() { s.unpark(l, pause, false) })
	}
	return pause, true
}

// unpark puts a parked lane back to work, without its head when that is finished.
// It does nothing when the lane was dropped meanwhile and serves another key.
func (s *scheduler) unpark(l *lane, pause uint64, finished bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !l.parked || l.pause != pause {
		return
	}
	l.parked, l.timer = false, nil
	s.parked -= len(l.queue)
	if finished {
		clear(l.queue[:1])
		l.queue = l.queue[1:]
		l.tries, l.since = 0, time.Time{}
	}
	s.active += len(l.queue)
	s.enqueue(l)
	s.freed()
}

func (s *scheduler) restore(l *lane, rest []driver.Delivery) {
	if len(rest) > 0 {
		l.queue = append(append(make([]driver.Delivery, 0, len(rest)+len(l.queue)), rest...), l.queue...)
	}
}

func (s *scheduler) enqueue(l *lane) {
	if len(l.queue) == 0 {
		s.free(l)
		return
	}
	s.ready = append(s.ready, l)
	s.work.Signal()
}

func (s *scheduler) leave(l *lane) {
	l.running = false
	l.part.running--
	s.running--
}

// freed wakes who waits for deliveries to be finished, dropped or parked.
func (s *scheduler) freed() {
	s.change.Broadcast()
	if s.starved && s.roomy() {
		s.space.Signal()
	}
}

func (s *scheduler) free(l *lane) {
	if l.keyed && l.part.lanes[l.key] == l {
		delete(l.part.lanes, l.key)
	}
	*l = lane{queue: emptied(l.queue)}
	if len(s.spare) < 256 {
		s.spare = append(s.spare, l)
	}
}

// emptied is the queue ready for another use: it holds on to no event, nor to the
// memory of a burst.
func emptied(q []driver.Delivery) []driver.Delivery {
	if cap(q) > 256 {
		return nil
	}
	clear(q)
	return q[:0]
}

// room blocks until fewer than limit deliveries are queued or running and fewer
// than parkedLimit are parked, and returns how many more may come; 0: stopped, or
// ctx ended and wake was called.
func (s *scheduler) room(ctx context.Context, limit, parkedLimit int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit, s.waiting = limit, parkedLimit
	for !s.closed && ctx.Err() == nil && !s.roomy() {
		s.starved = true
		s.space.Wait()
		s.starved = false
	}
	if s.closed || ctx.Err() != nil {
		return 0
	}
	return min(limit-s.active, limit+parkedLimit-s.active-s.parked)
}

// roomy reports whether a quarter of the room is free: asking for a few
// deliveries at a time would cost a lock and a wake-up each.
func (s *scheduler) roomy() bool {
	return s.active <= s.limit-s.limit/4-1 && s.parked < s.waiting
}

// wake lets room see that its context ended.
func (s *scheduler) wake() {
	s.mu.Lock()
	s.space.Broadcast()
	s.mu.Unlock()
}

// idle blocks until nothing is queued or running, or stop is called. Parked
// lanes do not count: their pauses may be long.
func (s *scheduler) idle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed && s.active > 0 {
		s.change.Wait()
	}
}

// load returns the numbers of deliveries in hand, and the oldest of their times:
// of those that wait, which is older than what runs whenever something waits long.
func (s *scheduler) load() (active, parked int, oldest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	see := func(l *lane) {
		if len(l.queue) > 0 {
			if t := l.queue[0].Time; oldest.IsZero() || t.Before(oldest) {
				oldest = t
			}
		}
		if l.running && (oldest.IsZero() || l.headTime.Before(oldest)) {
			oldest = l.headTime
		}
	}
	for _, p := range s.parts {
		for _, l := range p.lanes {
			see(l)
		}
	}
	for _, l := range s.ready[s.head:] {
		see(l)
	}
	return s.active, s.parked, oldest
}
