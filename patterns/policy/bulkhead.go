package policy

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// BulkheadConfig bounds calls under way, so that one slow callee cannot take
// all of the caller's goroutines and connections.
type BulkheadConfig struct {
	Limit int // calls under way; default 64
	Queue int // calls that may wait for a place; default 0: none
	// MaxWait bounds the wait; default 100 ms. It is part of the call's time:
	// a call whose deadline comes sooner waits no longer than that.
	MaxWait time.Duration
}

// Defaults returns c with every zero replaced by its default.
func (c BulkheadConfig) Defaults() BulkheadConfig {
	def(&c.Limit, 64)
	def(&c.MaxWait, 100*time.Millisecond)
	return c
}

// Validate joins everything that is wrong with c; nil means usable.
func (c BulkheadConfig) Validate() error {
	d := c.Defaults()
	return errors.Join(
		check(d.Limit > 0 && d.Limit <= maxSize, "bulkhead: Limit %d is not in 1..%d", d.Limit, maxSize),
		check(d.Queue >= 0 && d.Queue <= maxSize, "bulkhead: Queue %d is not in 0..%d", d.Queue, maxSize),
		check(d.MaxWait > 0, "bulkhead: MaxWait %s is not positive", d.MaxWait),
	)
}

// Turn is a waiting call's number. Its driver keeps what it needs to wake it.
type Turn uint64

// Bulkhead hands out places and keeps the queue for them, first come first
// served. It blocks nobody: a driver that is told Queued waits by its own means
// until Leave of another call names its turn.
type Bulkhead struct {
	// word is calls under way (low half) and calls waiting (high half) in one,
	// so that without a queue Admit and Leave are one compare-and-swap.
	word atomic.Uint64

	mu    sync.Mutex
	cfg   BulkheadConfig
	limit atomic.Int64 // copy of cfg.Limit
	next  Turn
	seen  Time
	ring  []waiter // the queue, grown as needed
	head  int
	count int // of the ring's entries, with those that gave up

	handed Time    // when the last place was handed to a waiting call; -1: none
	gap    float64 // ns between places coming free while calls wait, averaged
}

type waiter struct {
	turn Turn
	gone bool // its caller gave up
}

const oneWaiting = 1 << 32

// NewBulkhead builds an empty bulkhead.
func NewBulkhead(c BulkheadConfig) (*Bulkhead, error) {
	b := &Bulkhead{handed: -1}
	if _, err := b.Configure(0, c); err != nil {
		return nil, err
	}
	return b, nil
}

// Configure changes the configuration and returns the turns whose time a higher
// limit has brought. Calls above a lower limit or a shorter queue stay.
func (b *Bulkhead) Configure(now Time, c BulkheadConfig) ([]Turn, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = max(b.seen, now)
	b.cfg = c.Defaults()
	b.limit.Store(int64(b.cfg.Limit))
	var turns []Turn
	for b.InFlight() < b.cfg.Limit {
		t, ok := b.pop()
		if !ok {
			break
		}
		b.word.Add(1)
		turns = append(turns, t)
	}
	return turns, nil
}

// Config returns the configuration in force, defaults filled in.
func (b *Bulkhead) Config() BulkheadConfig {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cfg
}

// AdmitNow admits a call when a place is free and nobody waits; false says to
// ask Admit. It needs no time.
func (b *Bulkhead) AdmitNow() bool {
	for {
		w := b.word.Load()
		if int64(w) >= b.limit.Load() { // a waiting call makes the word larger than any limit
			return false
		}
		if b.word.CompareAndSwap(w, w+1) {
			return true
		}
	}
}

// Admit decides about a call that wants to start now and must end by deadline:
// Admitted, Full, TooLate (the queue is longer than the call can wait), or
// Queued with its turn, and After the longest time to wait. A queued call ends
// its wait by its turn being named or by Cancel.
func (b *Bulkhead) Admit(now, deadline Time) (Turn, Verdict) {
	if b.AdmitNow() {
		return 0, Verdict{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = max(b.seen, now)
	now = b.seen
	if b.Waiting() >= b.cfg.Queue {
		if b.Waiting() == 0 && b.AdmitNow() {
			return 0, Verdict{}
		}
		return 0, Verdict{Reason: Full, After: time.Duration(b.gap)}
	}
	wait := min(b.cfg.MaxWait, deadline.Sub(now))
	// Behind others, the expected wait is known from how fast places come free.
	// At the head it is always tried, or an old estimate could never be mended.
	if expected := b.gap * float64(b.Waiting()+1); wait <= 0 || b.Waiting() > 0 && expected > float64(wait) {
		return 0, Verdict{Reason: TooLate, After: time.Duration(expected)}
	}
	for {
		w := b.word.Load()
		if int64(w&(oneWaiting-1)) < b.limit.Load() && w < oneWaiting {
			if b.word.CompareAndSwap(w, w+1) { // a place came free meanwhile
				return 0, Verdict{}
			}
			continue
		}
		if b.word.CompareAndSwap(w, w+oneWaiting) {
			break
		}
	}
	if b.Waiting() == 1 {
		b.handed = -1 // a queue that forms anew says nothing about the gap since the last one
	}
	b.next++
	b.push(waiter{turn: b.next})
	return b.next, Verdict{Reason: Queued, After: wait}
}

// LeaveNow gives a place back when nobody waits for it; false says to ask Leave.
// It needs no time.
func (b *Bulkhead) LeaveNow() bool {
	for {
		w := b.word.Load()
		if w >= oneWaiting {
			return false
		}
		if b.word.CompareAndSwap(w, w-1) {
			return true
		}
	}
}

// Leave gives an admitted call's place back. ok means that it went over to the
// call with that turn, which is now under way and has to be woken.
func (b *Bulkhead) Leave(now Time) (turn Turn, ok bool) {
	if b.LeaveNow() {
		return 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = max(b.seen, now)
	if b.InFlight() > b.cfg.Limit { // the limit was lowered: the place is gone
		b.word.Add(^uint64(0))
		return 0, false
	}
	if b.handed >= 0 {
		b.gap += (float64(b.seen.Sub(b.handed)) - b.gap) / 8
	}
	b.handed = b.seen
	if turn, ok = b.pop(); !ok {
		b.word.Add(^uint64(0))
	}
	return turn, ok
}

// Cancel takes a waiting call out of the queue: its wait is over or its caller
// has gone. False: its turn had been named already, so it holds a place and has
// to Leave.
func (b *Bulkhead) Cancel(t Turn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.count == 0 {
		return false
	}
	i := int64(t) - int64(b.ring[b.head].turn) // turns lie in the ring in sequence
	if i < 0 || i >= int64(b.count) {
		return false
	}
	if w := b.at(int(i)); !w.gone {
		w.gone = true
		b.word.Add(^uint64(oneWaiting - 1))
		b.trim()
	}
	return true
}

// InFlight is how many calls are under way, Waiting how many wait.
func (b *Bulkhead) InFlight() int { return int(b.word.Load() & (oneWaiting - 1)) }
func (b *Bulkhead) Waiting() int  { return int(b.word.Load() >> 32) }

// Used is the share of the limit in use, what Shedder asks for.
func (b *Bulkhead) Used() float64 { return float64(b.InFlight()) / float64(b.limit.Load()) }

func (b *Bulkhead) at(i int) *waiter { return &b.ring[(b.head+i)&(len(b.ring)-1)] }

// push adds a waiter that the word already counts.
func (b *Bulkhead) push(w waiter) {
	if b.count == len(b.ring) {
		ring := make([]waiter, max(8, 2*len(b.ring)))
		for i := range b.count {
			ring[i] = *b.at(i)
		}
		b.ring, b.head = ring, 0
	}
	b.count++
	*b.at(b.count - 1) = w
}

// pop takes the first waiter out of queue and word; its place is the caller's
// matter.
func (b *Bulkhead) pop() (Turn, bool) {
	b.trim()
	if b.count == 0 {
		return 0, false
	}
	t := b.at(0).turn
	b.drop()
	b.word.Add(^uint64(oneWaiting - 1))
	return t, true
}

// trim removes the ones that gave up from the head.
func (b *Bulkhead) trim() {
	for b.count > 0 && b.at(0).gone {
		b.drop()
	}
}

func (b *Bulkhead) drop() {
	b.head = (b.head + 1) & (len(b.ring) - 1)
	b.count--
}
