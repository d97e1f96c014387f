package saga

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// LockedError says that a saga could not start because another has what it must
// have to itself.
type LockedError struct {
	ID, Key, Holder string
	Cause           error // why it did not wait on
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("saga %q: not started: %q is locked by saga %q: %v", e.ID, e.Key, e.Holder, e.Cause)
}

func (e *LockedError) Unwrap() error { return e.Cause }

// locks are the semantic locks of the sagas of this process. They need no
// record of their own: a saga's input says what it holds, and a saga that is
// started holds it.
type locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	holder string
	queue  []chan struct{} // each closed when its turn has come
	next   []string        // who waits
}

// lock takes the saga's locks in the order of their names, so that no two sagas
// wait for each other.
func (r *run) lock(ctx context.Context) error {
	if r.d.locks == nil {
		return nil
	}
	keys := r.d.locks(r.input)
	slices.Sort(keys)
	keys = slices.Compact(keys)
	for i, key := range keys {
		if err := r.o.locks.acquire(ctx, r.o.draining, key, r.id); err != nil {
			r.o.locks.release(keys[:i], r.id)
			return err
		}
	}
	r.keys = keys
	return nil
}

func (l *locks) acquire(ctx context.Context, closing <-chan struct{}, key, id string) error {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*lock{}
	}
	k := l.held[key]
	if k == nil {
		l.held[key] = &lock{holder: id}
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	k.queue, k.next = append(k.queue, turn), append(k.next, id)
	l.mu.Unlock()
	var cause error
	select {
	case <-turn:
		return nil
	case <-closing:
		cause = ErrClosed
	case <-ctx.Done():
		cause = context.Cause(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(k.queue, turn); i >= 0 {
		k.queue, k.next = slices.Delete(k.queue, i, i+1), slices.Delete(k.next, i, i+1)
		return &LockedError{ID: id, Key: key, Holder: k.holder, Cause: cause}
	}
	l.pass(key, k) // our turn came meanwhile
	return &LockedError{ID: id, Key: key, Holder: id, Cause: cause}
}

func (l *locks) release(keys []string, id string) {
	if len(keys) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		if k := l.held[key]; k != nil && k.holder == id {
			l.pass(key, k)
		}
	}
}

func (l *locks) pass(key string, k *lock) {
	if len(k.queue) == 0 {
		delete(l.held, key)
		return
	}
	k.holder = k.next[0]
	close(k.queue[0])
	k.queue, k.next = k.queue[1:], k.next[1:]
}

// retake gives a saga that was taken up from the journal the locks it holds.
// They are free, unless it comes from another process: then it goes on all the
// same, since it has begun.
func (r *run) retake() {
	if r.d == nil || r.d.locks == nil {
		return
	}
	keys := r.d.locks(r.input)
	slices.Sort(keys)
	l := &r.o.locks
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[string]*lock{}
	}
	for _, key := range slices.Compact(keys) {
		if l.held[key] == nil {
			l.held[key] = &lock{holder: r.id}
			r.keys = append(r.keys, key)
		}
	}
}
