package outbox

import (
	"context"
	"errors"
)

// readAhead is how many batches lie ready beside the one that is published and
// the one that is read. With none, broker and database would wait for each other
// at every batch, and each step take as long as the slower of the two just then.
const readAhead = 2

// flight is what a session has under way: one Publish, one Turn, and batches
// between them. The goroutine of Run owns it.
type flight struct {
	r     *Relay
	s     Session
	ready [][]Row
	// publishing is the batch that the broker has; nil: none.
	publishing []Row
	answers    chan []error
	// turning says that a Turn is under way: nothing else may use s. It deletes
	// the first finishing entries of r.done.
	turning   bool
	finishing int
	turns     chan turned
	// worth says that another Turn may find something: the last one came back
	// full, or something was published since. Otherwise reading on would cut what
	// comes into ever smaller batches.
	worth bool
}

type turned struct {
	rows []Row
	err  error
}

func newFlight(r *Relay, s Session) *flight {
	return &flight{r: r, s: s, answers: make(chan []error, 1), turns: make(chan turned, 1)}
}

// run publishes until ctx ends or the session breaks; nothing is under way then.
func (f *flight) run(ctx context.Context) error {
	for {
		f.start(ctx)
		var err error
		switch {
		case f.publishing == nil && !f.turning: // nothing is there, or ctx ended
			f.ready = nil
			var rows []Row
			rows, err = f.r.next(ctx, f.s)
			f.add(rows)
			f.worth = true
		default:
			select {
			case errs := <-f.answers:
				err = f.answered(ctx, errs)
			case t := <-f.turns:
				err = f.turned(t)
			}
		}
		if err != nil {
			return f.end(ctx, err)
		}
	}
}

// end waits for what is under way. What the broker took is not forgotten with
// the session.
func (f *flight) end(ctx context.Context, err error) error {
	if f.turning {
		err = errors.Join(err, f.turned(<-f.turns))
	}
	if f.publishing != nil {
		err = f.settle(ctx, <-f.answers, err)
	}
	return err
}

// start begins what can be begun.
func (f *flight) start(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	if f.publishing == nil && len(f.ready) > 0 {
		batch := f.ready[0]
		f.ready = f.ready[1:]
		f.publishing = batch
		go func() { f.answers <- f.r.publish(ctx, batch) }()
	}
	if f.publishing != nil && !f.turning && f.worth && len(f.ready) < readAhead {
		t := f.r.turn(f.publishing, f.ready...)
		f.turning, f.worth, f.finishing = true, false, len(t.Done)
		go func() {
			rows, err := step(ctx, f.s, t)
			f.turns <- turned{rows, err}
		}()
	}
}

// add makes rows the next batch, without those of lanes that came to be held
// since they were asked for.
func (f *flight) add(rows []Row) {
	f.worth = f.r.full(rows)
	if rows = f.r.allowed(rows); len(rows) > 0 {
		f.ready = append(f.ready, rows)
	}
}

func (f *flight) turned(t turned) error {
	f.turning = false
	if t.err != nil {
		return t.err
	}
	f.r.finished(f.finishing)
	f.add(t.rows)
	return nil
}

// answered takes the broker's word on a batch. To note a refusal the session
// must be free, and what was read meanwhile be there to be sifted.
func (f *flight) answered(ctx context.Context, errs []error) error {
	var err error
	if errs != nil && f.turning {
		err = f.turned(<-f.turns)
	}
	if err = f.settle(ctx, errs, err); err != nil || ctx.Err() != nil {
		return err
	}
	f.worth = true
	return f.r.retain(ctx)
}

func (f *flight) settle(ctx context.Context, errs []error, turnErr error) error {
	batch := f.publishing
	f.publishing = nil
	if err := f.r.settle(ctx, f.s, batch, errs, turnErr); err != nil || errs == nil {
		return err
	}
	ready := f.ready[:0]
	for _, rows := range f.ready {
		if rows = f.r.allowed(rows); len(rows) > 0 {
			ready = append(ready, rows)
		}
	}
	f.ready = ready
	return nil
}
