package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

// Journal is a log in a store, with the one goroutine that writes to it. All
// methods may be called concurrently.
type Journal struct {
	store driver.Store
	o     Options

	queue    chan *request
	requests sync.Pool // of *request; of this journal, since a channel made in a synctest bubble belongs to it
	gather   *gatherer
	closing  chan struct{} // no append is taken any more
	once     sync.Once
	done     sync.WaitGroup     // writer, watcher, retainer
	stop     context.CancelFunc // of the watcher and the retainer
	entered  sync.RWMutex       // held for reading while an append enters the queue

	last  time.Time    // of the latest record; the writer's
	head  atomic.Int64 // the greatest position known to be committed
	mu    sync.Mutex
	moved chan struct{} // closed and replaced when head grows
}

// Open starts the writer over a store. The journal owns the store from here:
// Close closes both.
func Open(ctx context.Context, store driver.Store, opts *Options) (*Journal, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	o := opts.orDefaults()
	head, err := store.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("journal: reading the head: %w", err)
	}
	j := &Journal{store: store, o: o, queue: make(chan *request, o.MaxWaiting), gather: newGatherer(), closing: make(chan struct{}), moved: make(chan struct{})}
	j.head.Store(head)
	if j.last, err = j.timeAt(ctx, head); err != nil {
		return nil, fmt.Errorf("journal: reading the last record: %w", err)
	}
	bg, stop := context.WithCancel(context.Background())
	j.stop = stop
	if w, ok := store.(driver.Watcher); ok {
		ch, err := w.Watch(bg)
		if err != nil {
			stop()
			return nil, fmt.Errorf("journal: watching: %w", err)
		}
		j.done.Go(func() { j.watch(bg, ch) })
	}
	if o.Retention > 0 {
		j.done.Go(func() { j.retain(bg) })
	}
	j.done.Go(j.write)
	return j, nil
}

// timeAt returns the time of the last record, so that times go on growing over
// a restart with a clock that was set back.
func (j *Journal) timeAt(ctx context.Context, head int64) (time.Time, error) {
	if head == 0 {
		return time.Time{}, nil
	}
	rs, err := j.store.Read(ctx, head-1, 1)
	if err != nil || len(rs) == 0 {
		return time.Time{}, err
	}
	return rs[0].Time, nil
}

// Close takes no more appends, commits those that wait, ends the writer and
// closes the store. When ctx ends first, the rest goes on in the background.
func (j *Journal) Close(ctx context.Context) error {
	done := make(chan error, 1)
	go func() {
		j.once.Do(func() {
			close(j.closing)
			j.entered.Lock() // whoever was entering has entered
			close(j.queue)
			j.entered.Unlock()
			j.stop()
		})
		j.done.Wait()
		done <- j.store.Close()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("journal: close: %w", ctx.Err())
	}
}

// Describe names the database under the journal: product and version.
func (j *Journal) Describe(ctx context.Context) (string, error) { return j.store.Describe(ctx) }

// Leases returns the store's leases, or ErrNoLeases.
func (j *Journal) Leases() (driver.Leaser, error) {
	if l, ok := j.store.(driver.Leaser); ok {
		return l, nil
	}
	return nil, ErrNoLeases
}

// advance tells waiting readers that the head grew.
func (j *Journal) advance(head int64) {
	for {
		old := j.head.Load()
		if head <= old {
			return
		}
		if j.head.CompareAndSwap(old, head) {
			break
		}
	}
	j.mu.Lock()
	close(j.moved)
	j.moved = make(chan struct{})
	j.mu.Unlock()
}

func (j *Journal) watch(ctx context.Context, ch <-chan int64) {
	for head := range ch {
		if head == 0 {
			h, err := j.store.Head(ctx)
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					j.o.Logger.Warn("journal: cannot read the head; followers wait for the next poll", "err", err)
				}
				continue
			}
			head = h
		}
		j.advance(head)
	}
}
