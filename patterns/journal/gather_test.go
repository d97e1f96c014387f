package journal_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// together has so many appenders append so often, with a pause after each, on a
// store whose commits take 2 ms; it returns how many commits and how long it took.
func together(t *testing.T, appenders, times int, pause func(appender int) time.Duration) (commits int, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{gate: make(chan error)}
		j := open(t, s, nil)
		over := make(chan struct{})
		var disk sync.WaitGroup
		disk.Go(func() {
			for {
				select {
				case <-time.After(2 * time.Millisecond):
				case <-over:
					return
				}
				select {
				case s.gate <- nil:
				case <-over:
					return
				}
			}
		})
		start := time.Now()
		var wg sync.WaitGroup
		for a := range appenders {
			wg.Go(func() {
				for range times {
					if _, err := j.Append(t.Context(), one(fmt.Sprint(a))); err != nil {
						t.Error(err)
					}
					time.Sleep(pause(a))
				}
			})
		}
		wg.Wait()
		took = time.Since(start)
		close(over)
		disk.Wait()
		if err := j.Close(t.Context()); err != nil {
			t.Error(err)
		}
		commits = len(s.groups)
	})
	return commits, took
}

// Those who come back at once share their commits, though the first of them
// came alone.
func TestAppendersWhoReturnShareCommits(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 8, 64} {
		commits, _ := together(t, n, 100, func(int) time.Duration { return 0 })
		if commits > 125 { // one in sixteen may be left for the next group; two halves in turns would be 200
			t.Errorf("%d appenders: %d commits for 100 appends of each, at most 125", n, commits)
		}
	}
}

// Those who have other things to do first are not waited for, or not for long.
func TestAppendersWhoStayAwayDelayNobody(t *testing.T) {
	t.Parallel()
	_, took := together(t, 8, 200, func(a int) time.Duration { return time.Duration(50+7*a) * time.Millisecond })
	// The slowest: 200 times 99 ms of its own, 2 ms of its commit, 2 ms of one that was under way.
	if most := 200 * 104 * time.Millisecond; took > most {
		t.Errorf("took %s, at most %s", took, most)
	}
}
