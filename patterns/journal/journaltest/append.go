package journaltest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
)

func appendReads(b *bundle) {
	j := b.journal(nil)
	for i := range 5 {
		res := b.append(j, unit("a", 3))
		if want := int64(3 * (i + 1)); res.First != want-2 || res.Last != want || res.Version != want || res.Repeated {
			b.Fatalf("append %d: %+v", i, res)
		}
		b.head(j, res.Last)
		if n := len(b.all(j)); n != int(res.Last) {
			b.Fatalf("%d records readable after the acknowledgement of %d", n, res.Last)
		}
	}
}

func appendAllOrNothing(b *bundle) {
	j := b.journal(nil)
	b.append(j, unit("a", 1))
	if _, err := j.Append(b.Context(), expect(unit("a", 4), 0)); err == nil {
		b.Fatal("no conflict")
	}
	if n := len(b.all(j)); n != 1 {
		b.Fatalf("%d records, want 1: a refused append left some", n)
	}
}

func appendBadInput(b *bundle) {
	j := b.journal(&journal.Options{MaxRecordBytes: 100, MaxUnitRecords: 3, MaxUnitBytes: 150})
	one := func(r journal.Record) journal.Unit {
		return journal.Unit{Stream: "a", Expected: journal.Any, Records: []journal.Record{r}}
	}
	big := func(n, size int) journal.Unit {
		u := unit("a", n)
		for i := range u.Records {
			u.Records[i].Data = make([]byte, size)
		}
		return u
	}
	final := unit("a", 2)
	final.Records[0].Final = true
	twice := unit("a", 2)
	twice.Records[0].ID, twice.Records[1].ID = "x", "x"
	for name, tc := range map[string]struct {
		u    journal.Unit
		size bool
	}{
		"no stream": {u: unit("", 1)}, "NUL": {u: unit("a\x00b", 1)}, "not UTF-8": {u: unit("a\xff", 1)},
		"no records": {u: unit("a", 0)}, "no type": {u: one(journal.Record{})}, "version": {u: expect(unit("a", 1), -2)},
		"final in the middle": {u: final}, "ID twice": {u: twice}, "NUL in ID": {u: one(journal.Record{Type: "t", ID: "\x00"})},
		"long name": {u: unit(strings.Repeat("a", 600), 1), size: true}, "large record": {u: big(1, 101), size: true},
		"many records": {u: unit("a", 4), size: true}, "large append": {u: big(2, 80), size: true},
		"long type": {u: one(journal.Record{Type: strings.Repeat("t", 300)}), size: true},
		"long ID":   {u: one(journal.Record{Type: "t", ID: strings.Repeat("i", 300)}), size: true},
	} {
		_, err := j.Append(b.Context(), tc.u)
		_, size := as[*journal.SizeError](err)
		_, invalid := as[*journal.InvalidError](err)
		if size != tc.size || invalid == tc.size {
			b.Errorf("%s: %v", name, err)
		}
	}
	b.head(j, 0)
}

func appendConflictAlone(b *bundle) {
	j := b.journal(nil)
	b.append(j, unit("taken", 1))
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if i%2 == 0 {
				if _, err := j.Append(b.Context(), unit("fine", 2)); err != nil {
					b.Errorf("a good append beside a bad one: %v", err)
				}
				return
			}
			_, err := j.Append(b.Context(), expect(unit("taken", 2), 0))
			if c, ok := as[*journal.ConflictError](err); !ok || c.Actual != 1 || c.Stream != "taken" {
				b.Errorf("want a conflict at version 1, got %v", err)
			}
		})
	}
	wg.Wait()
	if n := len(b.all(j)); n != 41 {
		b.Fatalf("%d records, want 41", n)
	}
}

func appendKeeps(b *bundle) {
	j := b.journal(nil)
	at := time.Now().Add(-time.Second)
	in := journal.Record{Type: "ünï", ID: "id-1", Final: true, Data: []byte{0, 1, 255, '\''}, Meta: []byte(`{"a":1}`)}
	b.append(j, journal.Unit{Stream: "order/ä-1", Expected: 0, Records: []journal.Record{{Type: "empty"}, in}})
	rs, err := j.ReadStream(b.Context(), "order/ä-1", 0, 10)
	if err != nil || len(rs) != 2 {
		b.Fatal(rs, err)
	}
	r := rs[1]
	if r.Position != 2 || r.Version != 2 || r.Stream != "order/ä-1" || r.Type != in.Type || r.ID != in.ID || !r.Final || !bytes.Equal(r.Data, in.Data) || !bytes.Equal(r.Meta, in.Meta) {
		b.Fatalf("got %+v", r)
	}
	if r.Time.Before(at) || r.Time.After(time.Now().Add(time.Second)) || r.Time.Location() != time.UTC {
		b.Fatalf("time %s", r.Time)
	}
	if e := rs[0]; e.Final || len(e.Data) != 0 || len(e.Meta) != 0 || e.ID != "" {
		b.Fatalf("got %+v", e)
	}
}

func appendTimes(b *bundle) {
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := []time.Time{start, start.Add(time.Hour), start.Add(-time.Hour), start.Add(2 * time.Hour)}
	i := 0
	j := b.journal(&journal.Options{Now: func() time.Time { i++; return clock[i-1] }})
	for range clock {
		b.append(j, unit("a", 1))
	}
	want := []time.Time{clock[0], clock[1], clock[1], clock[3]}
	for i, r := range b.all(j) {
		if !r.Time.Equal(want[i]) {
			b.Errorf("record %d: %s, want %s", i, r.Time, want[i])
		}
	}
}

func appendGivesUp(b *bundle) {
	j := b.journal(nil)
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	if _, err := j.Append(ctx, unit("a", 1)); !errors.Is(err, context.Canceled) || errors.Is(err, journal.ErrUnknown) {
		b.Fatalf("got %v", err)
	}
	b.head(j, 0)
}

func closeCommits(b *bundle) {
	s := b.store()
	j, err := journal.Open(b.Context(), s, nil)
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	acked := 0
	begun := make(chan struct{}, 64)
	for range 32 {
		wg.Go(func() {
			for {
				_, err := j.Append(b.Context(), unit("a", 1))
				if errors.Is(err, journal.ErrClosed) {
					return
				}
				if err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				acked++
				mu.Unlock()
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	<-begun
	if err := j.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	wg.Wait()
	if n := len(b.all(b.journal(nil))); n != acked {
		b.Fatalf("%d acknowledged, %d there", acked, n)
	}
}

// closeTwice closes at once from several places and once more afterwards, as
// tidying up after a failed start does.
func closeTwice(b *bundle) {
	s := b.store()
	j, err := journal.Open(b.Context(), s, nil)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := j.Append(b.Context(), unit("a", 1)); err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := j.Close(context.Background()); err != nil {
				b.Errorf("journal: %v", err)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(j.Close(context.Background()), s.Close()); err != nil {
		b.Errorf("closed already: %v", err)
	}
}
