package resilience

import (
	"context"
	"sync"
	"time"
)

// deadline is a context that ends at a time, like context.WithDeadline's, but
// does the costly part late: the channel, the timer and the place among the
// parent's children are only made when somebody asks for Done. A call that
// never waits, or whose client library only copies Deadline, costs this struct.
type deadline struct {
	context.Context // parent
	at              time.Time

	mu    sync.Mutex
	err   error
	done  chan struct{}
	timer *time.Timer
	leave func() bool          // takes it from the parent again
	kids  map[*waiterFunc]bool // see AfterFunc
}

type waiterFunc struct{ f func() }

func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Err tells the truth without a timer: it looks at the clock.
func (d *deadline) Err() error {
	d.mu.Lock()
	err := d.err
	d.mu.Unlock()
	if err != nil {
		return err
	}
	if err = d.Context.Err(); err == nil {
		if time.Until(d.at) > 0 {
			return nil
		}
		err = context.DeadlineExceeded
	}
	return d.end(err)
}

func (d *deadline) Done() <-chan struct{} {
	d.mu.Lock()
	if d.done == nil {
		d.done = make(chan struct{})
		if d.err != nil {
			close(d.done)
		} else {
			d.timer = time.AfterFunc(time.Until(d.at), func() { d.end(context.DeadlineExceeded) })
			if d.Context.Done() != nil {
				d.leave = context.AfterFunc(d.Context, func() { d.end(d.Context.Err()) })
			}
		}
	}
	done := d.done
	d.mu.Unlock()
	return done
}

// AfterFunc is what package context looks for in a parent that is not its own:
// with it, a child of this context costs no goroutine.
func (d *deadline) AfterFunc(f func()) (stop func() bool) {
	d.Done() // from here on somebody has to be told
	w := &waiterFunc{f}
	d.mu.Lock()
	if d.err != nil {
		d.mu.Unlock()
		go f()
		return func() bool { return false }
	}
	if d.kids == nil {
		d.kids = map[*waiterFunc]bool{}
	}
	d.kids[w] = true
	d.mu.Unlock()
	return func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		there := d.kids[w]
		delete(d.kids, w)
		return there
	}
}

// end makes err final unless it was ended before, and returns the final one.
func (d *deadline) end(err error) error {
	d.mu.Lock()
	if d.err != nil {
		err = d.err
		d.mu.Unlock()
		return err
	}
	d.err = err
	kids := d.kids
	d.kids = nil
	if d.done != nil {
		close(d.done)
	}
	timer, leave := d.timer, d.leave
	d.mu.Unlock()
	if timer != nil {
		timer.Stop()
	}
	if leave != nil {
		leave()
	}
	for w := range kids {
		go w.f()
	}
	return err
}

func (d *deadline) String() string { return "resilience.deadline " + d.at.String() }
