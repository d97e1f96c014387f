package journal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// write is the one writer: it takes all that waits, within the group's limits,
// commits it, answers, and looks again. A group is what gathered while the
// previous one was being synced, and what those who were just answered bring at
// once; see gatherer.
func (j *Journal) write() {
	var group []*request
	var units []Unit
	var spare *request // taken from the queue, did not fit
	for {
		group, units = group[:0], units[:0]
		if spare == nil {
			r, ok := <-j.queue
			if !ok {
				return
			}
			spare = r
		}
		bytes, records := 0, 0
		for spare != nil {
			n := len(spare.unit.Records)
			if len(group) > 0 && (len(group) == j.o.MaxGroupUnits || bytes+spare.bytes > j.o.MaxGroupBytes || records+n > j.o.MaxGroupRecords) {
				break
			}
			if spare.ctx.Err() == nil { // else Append gave up; it may as well not happen
				group, units = append(group, spare), append(units, spare.unit)
				bytes, records = bytes+spare.bytes, records+n
			} else {
				spare.answer(Result{Err: fmt.Errorf("journal: stream %q: not written: %w", spare.unit.Stream, context.Cause(spare.ctx))})
			}
			spare = nil
			select {
			case r, ok := <-j.queue:
				if ok {
					spare = r
				}
			default:
			}
		}
		if len(group) > 0 {
			start := time.Now()
			j.commit(group, units)
			j.gather.wait(time.Since(start), len(j.queue))
		}
		clear(group)
		clear(units)
	}
}

func (r *request) answer(res Result) {
	r.res = res
	r.done <- struct{}{} // never blocks
}

// commit writes a group and answers its appends. When the store refuses the
// group as a whole for a reason that may be one unit's, each is tried alone, so
// that one failing append never fails the others.
func (j *Journal) commit(group []*request, units []Unit) {
	results, err := j.try(units)
	j.gather.answering(len(group))
	switch {
	case err == nil:
		for i, r := range group {
			r.answer(results[i])
		}
	case len(group) == 1 || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnknown) || errors.Is(err, ErrBroken):
		for _, r := range group {
			r.answer(Result{Err: fmt.Errorf("journal: stream %q: %w", r.unit.Stream, err)})
		}
	default:
		for i := range group {
			j.commit(group[i:i+1], units[i:i+1])
		}
	}
}

func (j *Journal) try(units []Unit) ([]Result, error) {
	now := j.o.Now().UTC().Truncate(time.Microsecond)
	if now.Before(j.last) {
		now = j.last
	}
	c := Commit{Units: len(units)}
	for i := range units {
		c.Records += len(units[i].Records)
	}
	start := time.Now()
	results, err := j.store.Commit(context.Background(), now, units)
	c.Took, c.Err = time.Since(start), err
	if err == nil {
		j.last = now
		head := int64(0)
		for i := range results {
			if results[i].Err != nil {
				c.Refused++
			}
			head = max(head, results[i].Last)
		}
		j.advance(head)
	}
	if j.o.Observe != nil {
		j.o.Observe(c)
	}
	return results, err
}
