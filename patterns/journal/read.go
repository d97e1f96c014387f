package journal

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

// MaxRead is the most records that one Read returns; a limit of 0 or above it means it.
const MaxRead = 10_000

// Read returns records with Position > after, in order, at most limit of them
// and about 8 MiB. Fewer than limit does not mean that the end is reached; none
// does.
func (j *Journal) Read(ctx context.Context, after int64, limit int) ([]Record, error) {
	return j.store.Read(ctx, max(after, 0), clamp(limit))
}

// ReadTypes returns the records with Position > after whose Type is one of types,
// in order, within the bounds of Read, and up to where it looked: read on after
// that. When that is no further than after, the end is reached.
func (j *Journal) ReadTypes(ctx context.Context, after int64, types []string, limit int) (rs []Record, looked int64, err error) {
	after = max(after, 0)
	p, ok := j.store.(driver.Picker)
	if !ok {
		rs, err = j.Read(ctx, after, limit)
		if len(rs) > 0 {
			after = rs[len(rs)-1].Position
		}
		return slices.DeleteFunc(rs, func(r Record) bool { return !slices.Contains(types, r.Type) }), after, err
	}
	head, err := j.Head(ctx)
	if err != nil || head <= after {
		return nil, after, err
	}
	upto := min(head, after+lookAt) // a long stretch without any must not take longer than a reader's patience
	if rs, err = p.ReadTypes(ctx, after, upto, types, clamp(limit)); err != nil {
		return nil, after, err
	}
	if len(rs) == 0 {
		return nil, upto, nil
	}
	return rs, rs[len(rs)-1].Position, nil
}

// ReadStream returns records of a stream with Version > after, in order, within
// the bounds of Read. An unknown stream has none.
func (j *Journal) ReadStream(ctx context.Context, stream string, after int64, limit int) ([]Record, error) {
	return j.store.ReadStream(ctx, stream, max(after, 0), clamp(limit))
}

const lookAt = 100_000 // positions in one ReadTypes

func clamp(limit int) int {
	if limit <= 0 || limit > MaxRead {
		return MaxRead
	}
	return limit
}

// Head returns the last committed position, of any process; 0 when empty.
func (j *Journal) Head(ctx context.Context) (int64, error) {
	h, err := j.store.Head(ctx)
	if err == nil {
		j.advance(h)
	}
	return h, err
}

// Wait blocks until a position greater than after is committed, and returns the
// greatest known. Records of this process wake it at once, those of others by
// the store's notification or Options.Poll at the latest.
func (j *Journal) Wait(ctx context.Context, after int64) (int64, error) {
	for {
		j.mu.Lock()
		moved := j.moved
		j.mu.Unlock()
		if h := j.head.Load(); h > after {
			return h, nil
		}
		poll := time.NewTimer(j.o.Poll)
		select {
		case <-moved:
			poll.Stop()
		case <-poll.C:
			if _, err := j.Head(ctx); err != nil {
				return 0, err
			}
		case <-j.closing:
			poll.Stop()
			return 0, ErrClosed
		case <-ctx.Done():
			poll.Stop()
			return 0, context.Cause(ctx)
		}
	}
}

// Follow yields every record with Position > after: first those that are there,
// then each as it is committed, without a gap in between. It ends with an error:
// ctx's, ErrClosed, or the store's; follow again from the last position seen.
func (j *Journal) Follow(ctx context.Context, after int64) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for {
			rs, err := j.Read(ctx, after, 1000)
			if err != nil {
				yield(Record{}, err)
				return
			}
			for i := range rs {
				if !yield(rs[i], nil) {
					return
				}
				after = rs[i].Position
			}
			if len(rs) > 0 {
				continue
			}
			if _, err := j.Wait(ctx, after); err != nil {
				yield(Record{}, err)
				return
			}
			// Records of removed streams leave holes: were all above after
			// removed, Read would find nothing for ever while the head is ahead.
			if after, err = j.skipHole(ctx, after); err != nil {
				yield(Record{}, err)
				return
			}
		}
	}
}

// skipHole returns the head when nothing but removed records lies between.
func (j *Journal) skipHole(ctx context.Context, after int64) (int64, error) {
	head := j.head.Load()
	rs, err := j.store.Read(ctx, after, 1)
	if err != nil || len(rs) > 0 {
		return after, err
	}
	return max(head, after), nil
}
