package bus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// Terminal marks a handler's error as one that another try cannot mend: the
// event goes to the dead letters at once.
func Terminal(err error) error { return &terminal{err} }

type terminal struct{ err error }

func (t *terminal) Error() string { return t.err.Error() }
func (t *terminal) Unwrap() error { return t.err }

// PanicError is a handler's panic as an error.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("handler panicked: %v", e.Value) }

// handle tries one delivery. When it is not finished, wait says how long the
// lane pauses; untilBuried: until its dead letter, because of cause, is stored.
func (w *worker) handle(l *lane, d *driver.Delivery) (finished bool, wait time.Duration, cause error) {
	if d.Attempt > 1 && l.tries == 0 {
		w.n.redelivered.Add(1)
	}
	l.tries++
	err := w.try(l, d)
	if err == nil {
		w.handled++
		l.tries, l.since = 0, time.Time{}
		return true, 0, nil
	}
	if errors.Is(err, errOtherGroup) {
		w.n.skipped.Add(1)
		l.tries = 0
		return true, 0, nil
	}
	if l.part.ctx.Err() != nil {
		return false, time.Hour, nil // cut off: the lane is dropped, whoever gets the partition tries again
	}
	w.n.failed.Add(1)
	if l.since.IsZero() {
		l.since = now()
	}
	final := isFinal(err) || w.sub.Retry.Tries > 0 && l.tries >= w.sub.Retry.Tries
	if final && w.sub.DeadLetters != NoDeadLetters {
		return false, untilBuried, err
	}
	wait = w.sub.Retry.pause(l.tries)
	w.bus.o.Log.Warn("bus: handler failed", "group", w.sub.Group, "topic", d.Topic, "partition", d.Partition, "offset", d.Offset,
		"try", l.tries, "again_in", wait, "error", err)
	return false, wait, nil
}

// isFinal reports errors that another try would meet again.
func isFinal(err error) bool {
	var t *terminal
	var b *BadEventError
	var v *VersionError
	var u *UnknownTypeError
	var e *EncodingError
	return errors.As(err, &t) || errors.As(err, &e) || errors.As(err, &b) || errors.As(err, &v) || errors.As(err, &u)
}

func (r Retry) pause(tries int) time.Duration {
	top := r.Cap
	if shift := tries - 1; shift < 40 && r.Base<<shift > 0 {
		top = min(top, r.Base<<shift)
	}
	return rand.N(top) + 1
}

var errOtherGroup = errors.New("replayed for another group")

func (w *worker) try(l *lane, d *driver.Delivery) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
			w.bus.o.Log.Error("bus: handler panicked", "group", w.sub.Group, "topic", d.Topic, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	e := Event{Topic: d.Topic, Key: d.Key, Origin: Origin{Partition: d.Partition, Offset: d.Offset, Time: d.Time, Attempt: l.tries, Delivered: d.Attempt}}
	if err := w.decode(&d.Record, &e); err != nil {
		return err
	}
	ctx := l.part.ctx
	if len(e.Headers) > 0 {
		if g, ok := e.Header(headerReplayFor); ok && g != w.sub.Group {
			return errOtherGroup
		}
	}
	if len(e.Headers) > 0 || w.bus.o.Trace != &passTrace {
		ctx = w.bus.o.Trace.extract(ctx, e.Headers)
	}
	if w.sub.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.sub.Timeout)
		defer cancel()
	}
	return w.handler(ctx, e)
}

// decode reads the record as its topic's mapping says. The mappings of this
// package are called by their names, because the compiler sees then that they do
// not keep the event: it lives on the worker's stack, and nothing is allocated
// for it on its way to the handler.
func (w *worker) decode(r *driver.Record, e *Event) error {
	switch m := w.mapping.(type) {
	case *barePlain:
		return m.Decode(r, e, w.bus.traits)
	case CloudEvents:
		return m.decode(r, e, &w.seen, w.bus.traits)
	}
	kept := new(Event)
	*kept = *e
	err := w.mapping.Decode(r, kept, w.bus.traits)
	*e = *kept
	return err
}

// untilBuried is the pause of a lane whose head becomes a dead letter.
const untilBuried time.Duration = -1

// bury stores the dead letter of a lane's head and lets the lane go on. While it
// cannot be stored the event stays unacknowledged, and the lane tries again.
// It ends with the partition's ownership: then another member tries the event.
func (c *Consumer) bury(owned context.Context, l *lane, pause uint64, d *driver.Delivery, letter *DeadLetter) {
	for n := 1; ; n++ {
		ctx, cancel := context.WithTimeout(owned, 30*time.Second)
		ch := make(chan []error, 1)
		c.bus.driver.Publish(ctx, []driver.Record{letter.record(c.sub.DeadLetters)}, func(errs []error) { ch <- errs })
		errs := <-ch
		cancel()
		if errs == nil {
			c.n.dead.Add(1)
			c.bus.o.Log.Error("bus: dead letter", "id", letter.ID, "group", c.sub.Group, "topic", d.Topic, "tries", letter.Tries, "error", letter.Error)
			c.driver.Ack([]*driver.Delivery{d})
			c.sched.unpark(l, pause, true)
			return
		}
		if owned.Err() != nil {
			return
		}
		if errors.Is(errs[0], ErrTooLarge) && !letter.Truncated {
			letter.truncate()
			continue
		}
		c.n.deadFailed.Add(1)
		wait := c.sub.Retry.pause(n)
		c.bus.o.Log.Error("bus: dead letter cannot be stored; its event stays unacknowledged", "id", letter.ID, "topic", c.sub.DeadLetters, "again_in", wait, "error", errs[0])
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-owned.Done():
			t.Stop()
			return
		}
	}
}
