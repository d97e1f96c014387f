package journaltest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/ashlar-dev/ashlar/patterns/journal"
)

// watch reads the log over and over while writers write; it fails when a record
// appears below a position that was seen before.
func (b *bundle) watch(j *journal.Journal, stop <-chan struct{}) {
	seen := int64(0)
	for last := false; ; {
		rs, err := j.Read(b.Context(), seen, 100)
		if err != nil {
			b.Error(err)
			return
		}
		for _, r := range rs {
			if r.Position != seen+1 {
				b.Errorf("reader saw %d after %d: a gap that may fill later", r.Position, seen)
				return
			}
			seen = r.Position
		}
		if last && len(rs) == 0 {
			return
		}
		select {
		case <-stop:
			last = true
		default:
		}
	}
}

func orderManyWriters(b *bundle) { b.hammer(b.journal(nil)) }

func orderManyProcesses(b *bundle) { b.hammer(b.journal(nil), b.journal(nil), b.journal(nil)) }

// hammer writes through all journals at once, with conflicts and repetitions
// among it, and checks every acknowledged position against the log.
func (b *bundle) hammer(js ...*journal.Journal) {
	const writers, appends = 8, 20
	stop := make(chan struct{})
	var readers, wg sync.WaitGroup
	readers.Go(func() { b.watch(js[0], stop) })
	var mu sync.Mutex
	at := map[int64]string{}
	for w := range writers {
		j := js[w%len(js)]
		wg.Go(func() {
			for i := range appends {
				u := unit(fmt.Sprintf("s%d", (w+i)%5), 1+i%3)
				mark := fmt.Sprintf("%d/%d", w, i)
				u.Records[0].Data = []byte(mark)
				if i%4 == 3 {
					u.Expected = int64(w) // mostly wrong
				}
				res, err := j.Append(b.Context(), u)
				if _, conflict := as[*journal.ConflictError](err); conflict {
					continue
				}
				if err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				at[res.First] = mark
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	close(stop)
	readers.Wait()
	rs := b.all(js[0])
	for p, mark := range at {
		if int(p) > len(rs) || string(rs[p-1].Data) != mark {
			b.Errorf("position %d was acknowledged to %s and holds something else", p, mark)
		}
	}
	if len(at) == 0 {
		b.Error("nothing was acknowledged")
	}
}

func orderRefused(b *bundle) {
	j := b.journal(nil)
	for i := range 10 {
		b.append(j, unit("a", 1))
		if _, err := j.Append(b.Context(), expect(unit("a", 3), 0)); err == nil {
			b.Fatal("no conflict")
		}
		b.head(j, int64(i+1))
	}
	b.all(j)
}

func streamExpected(b *bundle) {
	j := b.journal(nil)
	b.append(j, expect(unit("a", 2), 0))
	b.append(j, expect(unit("a", 1), 2))
	for _, wrong := range []int64{0, 1, 2, 4, 99} {
		_, err := j.Append(b.Context(), expect(unit("a", 1), wrong))
		if c, ok := as[*journal.ConflictError](err); !ok || c.Expected != wrong || c.Actual != 3 {
			b.Errorf("expected %d at version 3: %v", wrong, err)
		}
	}
	if _, err := j.Append(b.Context(), expect(unit("new", 1), 1)); err == nil {
		b.Error("version 1 expected of a stream that does not exist: no conflict")
	}
	b.append(j, expect(unit("a", 1), 3))
	b.append(j, unit("a", 1))
	b.all(j)
}

func streamOneWinner(b *bundle) {
	js := []*journal.Journal{b.journal(nil), b.journal(nil)}
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 20 {
		wg.Go(func() {
			_, err := js[i%2].Append(b.Context(), expect(unit("a", 1), 0))
			_, conflict := as[*journal.ConflictError](err)
			switch {
			case err == nil:
				mu.Lock()
				won++
				mu.Unlock()
			case !conflict:
				b.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		b.Errorf("%d appends created the stream", won)
	}
}

func streamTwiceInGroup(b *bundle) {
	s := b.store()
	b.Cleanup(func() { _ = s.Close() })
	clash := expect(unit("a", 1), 1)
	res, err := s.Commit(b.Context(), now(), []journal.Unit{expect(unit("a", 2), 0), expect(unit("a", 1), 2), clash, expect(unit("b", 1), 0), unit("a", 1)})
	if err != nil {
		b.Fatal(err)
	}
	var c *journal.ConflictError
	if res[0].Err != nil || res[1].Version != 3 || !errors.As(res[2].Err, &c) || c.Actual != 3 || res[3].First != 4 || res[4].First != 5 || res[4].Version != 4 {
		b.Fatalf("got %+v", res)
	}
}

func streamSecondProcess(b *bundle) {
	one, two := b.journal(nil), b.journal(nil)
	for i := range int64(6) {
		j := one
		if i%2 == 1 {
			j = two
		}
		if res := b.append(j, expect(unit("a", 1), i)); res.First != i+1 || res.Version != i+1 {
			b.Fatalf("append %d: %+v", i, res)
		}
		if i == 3 { // a write to another stream must not hide this one's version
			b.append(one, unit("b", 1))
			b.append(two, expect(unit("a", 1), 4))
			break
		}
	}
	b.all(two)
}
