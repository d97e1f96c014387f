package saga

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
)

const (
	markStream = "saga-mark" // where recovery may begin to read
	tMark      = "saga.mark"
	markEvery  = 50_000 // positions
)

// openSaga is a saga that the journal says has not ended.
type openSaga struct {
	start int64
	node  string
}

// scanner reads the journal for sagas that have not ended. It goes on where it
// stopped, and leaves a mark in the journal below which none is left, so that
// the next process need not read what is long over. One goroutine uses it.
type scanner struct {
	patience     time.Duration // with one page
	cursor, mark int64
	open         map[string]openSaga
}

type mark struct {
	Position int64 `json:"position"` // every saga that started at or below it has ended
}

// begin finds the last mark.
func (s *scanner) begin(ctx context.Context, j *journal.Journal) error {
	for at := int64(0); ; {
		rs, err := j.ReadStream(ctx, markStream, at, 0)
		if err != nil || len(rs) == 0 {
			return err
		}
		var m mark
		last := rs[len(rs)-1]
		if err := json.Unmarshal(last.Data, &m); err != nil {
			return fmt.Errorf("record %d of %s is not readable: %w", last.Position, markStream, err)
		}
		s.cursor, s.mark, at = m.Position, m.Position, last.Version
	}
}

// scanned are the types of the records that say who drives which saga.
var scanned = []string{tStarted, tAdopted, tCompleted, tCompensated}

// read folds the journal up to its end.
func (s *scanner) read(ctx context.Context, j *journal.Journal) error {
	for {
		more, err := s.page(ctx, j)
		if err != nil || !more {
			return err
		}
	}
}

func (s *scanner) page(ctx context.Context, j *journal.Journal) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	rs, looked, err := j.ReadTypes(ctx, s.cursor, scanned, 0)
	if err != nil {
		return false, err
	}
	for i := range rs {
		s.see(&rs[i])
	}
	more = looked > s.cursor
	s.cursor = looked
	return more, nil
}

func (s *scanner) see(r *journal.Record) {
	id, ok := strings.CutPrefix(r.Stream, prefix)
	if !ok {
		return
	}
	switch {
	case r.Final:
		delete(s.open, id)
	case r.Type == tStarted || r.Type == tAdopted:
		// Of a record that is not readable the node is nobody. It must not keep
		// the other sagas waiting: whoever takes this one up shows what is wrong.
		var e entry
		_ = json.Unmarshal(r.Data, &e)
		o, known := s.open[id]
		if r.Type == tStarted {
			o.start, known = r.Position, true
		}
		if o.node = e.Node; known {
			s.open[id] = o
		}
	}
}

// leave writes a mark when it is worth it.
func (s *scanner) leave(ctx context.Context, j *journal.Journal) error {
	low := s.cursor
	for _, o := range s.open {
		low = min(low, o.start-1)
	}
	if low < s.mark+markEvery {
		return nil
	}
	data, err := json.Marshal(mark{low})
	if err != nil {
		return err
	}
	_, err = j.Append(ctx, journal.Unit{Stream: markStream, Expected: journal.Any, Records: []journal.Record{{Type: tMark, Data: data}}})
	if err == nil {
		s.mark = low
	}
	return err
}
