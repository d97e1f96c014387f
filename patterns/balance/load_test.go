package balance_test

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/balance"
)

// farm is an open-loop queueing simulation: calls come at random times whatever
// the answers do, each backend serves one call after the other.
type farm struct {
	backends int
	slow     int     // of them, slower by factor
	factor   float64 // on the service time
	load     float64 // share of what all backends could do if all were fast
	service  time.Duration
	calls    int
	seed     uint64
}

type done struct {
	at   int64
	pick balance.Pick
}
type doneHeap []done

func (h doneHeap) Len() int           { return len(h) }
func (h doneHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h doneHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *doneHeap) Push(x any)        { *h = append(*h, x.(done)) }
func (h *doneHeap) Pop() any          { o := *h; x := o[len(o)-1]; *h = o[:len(o)-1]; return x }

// run returns all latencies, sorted, and the share of calls on slow backends.
func (f farm) run(t testing.TB, c balance.Config) ([]time.Duration, float64) {
	t.Helper()
	var es []balance.Endpoint
	index := map[string]int{}
	for i := range f.backends {
		id := fmt.Sprint("b", i)
		index[id] = i
		es = append(es, balance.Endpoint{ID: id})
	}
	b, err := balance.New(c, es)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(f.seed, 1))
	free := make([]int64, f.backends)
	gap := float64(f.service) / float64(f.backends) / f.load
	var ends doneHeap
	var took []time.Duration
	onSlow := 0
	now := 0.0
	for range f.calls {
		now += rng.ExpFloat64() * gap
		at := int64(now)
		for len(ends) > 0 && ends[0].at <= at {
			d := heap.Pop(&ends).(done)
			b.Done(d.pick, d.at, balance.Answered)
		}
		p, err := b.Pick(at, rng.Uint64(), balance.Request{})
		if err != nil {
			t.Fatal(err)
		}
		i := index[p.Endpoint().ID]
		s := rng.ExpFloat64() * float64(f.service)
		if i < f.slow {
			s *= f.factor
			onSlow++
		}
		end := max(free[i], at) + int64(math.Ceil(s))
		free[i] = end
		heap.Push(&ends, done{end, p})
		took = append(took, time.Duration(end-at))
	}
	slices.Sort(took)
	return took, float64(onSlow) / float64(f.calls)
}

func p99(took []time.Duration) time.Duration { return took[len(took)*99/100] }

// One of ten backends becomes ten times slower. The nine others have the room;
// the balancer has to find them.
func TestOneSlowBackendHardlyShows(t *testing.T) {
	t.Parallel()
	for seed := range uint64(loadSeeds) {
		f := farm{backends: 10, factor: 10, load: 0.6, service: 10 * time.Millisecond, calls: loadCalls, seed: seed}
		fast, _ := f.run(t, balance.Config{})
		f.slow = 1
		ours, share := f.run(t, balance.Config{})
		robin, robinShare := f.run(t, balance.Config{Algorithm: balance.RoundRobin})
		least, leastShare := f.run(t, balance.Config{Algorithm: balance.LeastRequest})
		ratio := float64(p99(ours)) / float64(p99(fast))
		t.Logf("seed %d: p99 all fast %s, one slow %s (%.2fx, %.2f%% of calls on it), least request %s (%.2f%%), round robin %s (%.1f%%)",
			seed, p99(fast), p99(ours), ratio, 100*share, p99(least), 100*leastShare, p99(robin), 100*robinShare)
		if ratio > 1.3 {
			t.Errorf("seed %d: p99 %.2fx that of all fast, want at most 1.3x", seed, ratio)
		}
		if p99(robin) < 10*p99(fast) {
			t.Errorf("seed %d: round robin does well too (%s): the test shows nothing", seed, p99(robin))
		}
	}
}
