package journal

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	maxStream = 512 // bytes of a stream name
	maxType   = 256
	maxID     = 256
)

type request struct {
	unit  Unit
	bytes int
	ctx   context.Context
	res   Result
	done  chan struct{} // gets one word, when res is set
}

// result hands the answer over and the request back, to be used again. One
// whose appender gave up is the writer's alone and is not.
func (j *Journal) result(r *request) (Result, error) {
	res := r.res
	*r = request{done: r.done}
	j.requests.Put(r)
	return res, res.Err
}

// Append commits the unit's records, all or none, and returns after they are
// synced. It blocks while MaxWaiting appends wait already.
//
// Errors: *ConflictError, *DuplicateError, *FencedError (refused, nothing
// written), *SizeError, *InvalidError (refused before they reached the store),
// ErrUnavailable (nothing written; try later), ErrClosed. When ctx ends before
// the writer took the unit up, nothing is written and the error is ctx's; when
// it ends later, the error wraps ErrUnknown as well: the records may still be
// committed. Appending again with the same Expected or record IDs is safe.
//
// The journal does not keep the unit after Append returned, unless with ErrUnknown.
func (j *Journal) Append(ctx context.Context, u Unit) (Result, error) {
	n, err := j.check(u)
	if err != nil {
		return Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	r, ok := j.requests.Get().(*request)
	if !ok {
		r = &request{done: make(chan struct{}, 1)}
	}
	r.unit, r.bytes, r.ctx = u, n, ctx
	if err := j.enter(ctx, r); err != nil {
		return Result{}, err
	}
	if ctx.Done() == nil { // a select costs several times as much
		<-r.done
		return j.result(r)
	}
	select {
	case <-r.done:
		return j.result(r)
	case <-ctx.Done():
		select {
		case <-r.done: // both are ready: the store's word counts
			return j.result(r)
		default:
		}
		return Result{}, fmt.Errorf("journal: stream %q: %w: %w", u.Stream, ErrUnknown, context.Cause(ctx))
	}
}

func (j *Journal) enter(ctx context.Context, r *request) error {
	j.entered.RLock()
	defer j.entered.RUnlock()
	select {
	case <-j.closing:
		return ErrClosed
	default:
	}
	select {
	case j.queue <- r: // there is room, as nearly always
		j.gather.arrive()
		return nil
	default:
	}
	select {
	case j.queue <- r:
		j.gather.arrive()
		return nil
	case <-j.closing:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("journal: stream %q: not written, %d appends wait already: %w", r.unit.Stream, cap(j.queue), context.Cause(ctx))
	}
}

// check refuses what no store takes, before it can harm a group.
func (j *Journal) check(u Unit) (bytes int, err error) {
	invalid := func(f string, args ...any) (int, error) {
		return 0, &InvalidError{Stream: u.Stream, Reason: fmt.Sprintf(f, args...)}
	}
	size := func(what string, got, limit int) (int, error) {
		return 0, &SizeError{Stream: u.Stream, What: what, Got: got, Max: limit}
	}
	switch {
	case u.Stream == "":
		return invalid("no stream name; every record belongs to a stream")
	case len(u.Stream) > maxStream:
		return 0, &SizeError{Stream: u.Stream[:32] + "…", What: "bytes of a stream name", Got: len(u.Stream), Max: maxStream}
	case !text(u.Stream):
		return invalid("its name is not UTF-8 without NUL")
	case u.Expected < Any:
		return invalid("expected version %d; want journal.Any (-1), 0 for a new stream, or a version", u.Expected)
	case len(u.Records) == 0:
		return invalid("no records to append")
	case len(u.Records) > j.o.MaxUnitRecords:
		return size("records", len(u.Records), j.o.MaxUnitRecords)
	}
	var ids map[string]bool
	for i := range u.Records {
		r := &u.Records[i]
		n := len(r.Data) + len(r.Meta)
		bytes += n
		switch {
		case r.Type == "":
			return invalid("record %d has no type", i)
		case len(r.Type) > maxType:
			return size("bytes of a record type", len(r.Type), maxType)
		case len(r.ID) > maxID:
			return size("bytes of a record ID", len(r.ID), maxID)
		case !text(r.Type) || !text(r.ID):
			return invalid("record %d: type %q or ID %q is not UTF-8 without NUL", i, r.Type, r.ID)
		case n > j.o.MaxRecordBytes:
			return size("bytes of a record", n, j.o.MaxRecordBytes)
		case r.Final && i < len(u.Records)-1:
			return invalid("record %d is Final, but more follow it", i)
		}
		if r.ID != "" {
			if ids[r.ID] {
				return invalid("record ID %q occurs twice in one append", r.ID)
			}
			if ids == nil && len(u.Records) > 1 {
				ids = make(map[string]bool, len(u.Records))
			}
			if ids != nil {
				ids[r.ID] = true
			}
		}
	}
	if bytes > j.o.MaxUnitBytes {
		return size("bytes of an append", bytes, j.o.MaxUnitBytes)
	}
	return bytes, nil
}

func text(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
