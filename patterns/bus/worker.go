package bus

import (
	"sync/atomic"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// worker runs one lane after the other. What it keeps from one event to the next
// spares the next one an allocation.
type worker struct {
	*Consumer
	run     []driver.Delivery  // emptied, for the next lane's queue
	acks    []*driver.Delivery // of the run under way
	mapping Mapping            // of the lane's topic
	seen    seen
	handled int64 // not added to the counts yet
}

func (c *Consumer) work() {
	w := &worker{Consumer: c}
	for {
		l, run := c.sched.next(w.run)
		if l == nil {
			return
		}
		w.mapping = c.bus.mapping(l.part.Topic)
		w.lane(l, run)
		w.run = emptied(run)
	}
}

// lane handles a lane's queue. What succeeded is acknowledged before the lane is
// given back: a revocation that waits for the lane finds it acknowledged.
func (w *worker) lane(l *lane, run []driver.Delivery) {
	w.acks = w.acks[:0]
	beat := w.pulse.n.Load()
	if len(run) > 1 {
		w.pulse.arm()
	}
	for i := range run {
		d := &run[i]
		if l.part.gone.Load() {
			w.acknowledge()
			w.sched.done(l, i, run[i:])
			return
		}
		if finished, wait, cause := w.handle(l, d); !finished {
			w.acknowledge()
			owned, tries, since := l.part.ctx, l.tries, l.since // the lane is not ours once parked
			if pause, ok := w.sched.park(l, i, run[i:], wait); ok && wait == untilBuried {
				c, d := w.Consumer, *d // the run is used again
				letter := newDeadLetter(w.sub.Group, &d, tries, since, cause)
				c.workers.Go(func() { c.bury(owned, l, pause, &d, letter) })
			}
			return
		}
		w.acks = append(w.acks, d)
		// Effects that are done should not be done again because the next ones are slow.
		if n := w.pulse.n.Load(); n != beat {
			w.acknowledge()
			beat = n
			w.pulse.arm()
		}
	}
	w.acknowledge()
	w.sched.done(l, len(run), nil)
}

func (w *worker) acknowledge() {
	w.n.handled.Add(w.handled)
	w.handled = 0
	if len(w.acks) > 0 {
		w.driver.Ack(w.acks)
		w.acks = w.acks[:0]
	}
}

// ackAfter is the longest that a finished event waits for the next ones of its
// lane to be acknowledged together.
const ackAfter = 5 * time.Millisecond

// pulse counts up some time after it was armed: a look at the clock for every
// event would cost more than a fast handler does. It is at rest while no worker
// is at work.
type pulse struct {
	n     atomic.Uint32
	armed atomic.Bool
}

func (p *pulse) arm() {
	if p.armed.Load() || p.armed.Swap(true) {
		return
	}
	time.AfterFunc(ackAfter, func() {
		p.armed.Store(false)
		p.n.Add(1)
	})
}
