package main

import (
	"container/heap"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/balance"
)

// loads prints p99 of an open-loop simulation, in virtual time: ten backends
// that serve one call after the other in 10 ms on average (exponential), calls
// at random times at 60 % of what ten fast ones can do.
func loads(w io.Writer, calls int) bool {
	const factor, limit = 10, 1.3
	fmt.Fprintf(w, "\nOne of ten backends %d times slower, open loop at 60 %% load, %d calls, virtual time, seed 1:\n\n", factor, calls)
	fmt.Fprintf(w, "| choice | p99 all fast | p99 one slow | ratio | calls on the slow one |\n|---|---:|---:|---:|---:|\n")
	ok := true
	for _, a := range []balance.Algorithm{balance.PeakEWMA, balance.LeastRequest, balance.RoundRobin} {
		fast, _ := farm(a, 1, calls)
		slow, share := farm(a, factor, calls)
		ratio := float64(slow) / float64(fast)
		fmt.Fprintf(w, "| %s | %s | %s | %.2f | %.2f %% |\n", a, fast.Round(100*time.Microsecond), slow.Round(100*time.Microsecond), ratio, 100*share)
		if a == balance.PeakEWMA && ratio > limit {
			ok = false
		}
	}
	fmt.Fprintf(w, "\nRound robin has no p99 with one slow backend: its queue grows for as long as the run lasts.\n")
	return ok
}

type end struct {
	at   int64
	pick balance.Pick
}

type ends []end

func (h ends) Len() int           { return len(h) }
func (h ends) Less(i, j int) bool { return h[i].at < h[j].at }
func (h ends) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *ends) Push(x any)        { *h = append(*h, x.(end)) }
func (h *ends) Pop() any          { o := *h; x := o[len(o)-1]; *h = o[:len(o)-1]; return x }

func farm(a balance.Algorithm, factor float64, calls int) (p99 time.Duration, onSlow float64) {
	const backends, load, service = 10, 0.6, float64(10 * time.Millisecond)
	var es []balance.Endpoint
	index := map[string]int{}
	for i := range backends {
		id := fmt.Sprint("b", i)
		index[id] = i
		es = append(es, balance.Endpoint{ID: id})
	}
	b, err := balance.New(balance.Config{Algorithm: a}, es)
	if err != nil {
		panic(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var free [backends]int64
	var open ends
	took := make([]time.Duration, 0, calls)
	now, slow := 0.0, 0
	for range calls {
		now += rng.ExpFloat64() * service / backends / load
		at := int64(now)
		for len(open) > 0 && open[0].at <= at {
			e := heap.Pop(&open).(end)
			b.Done(e.pick, e.at, balance.Answered)
		}
		p, err := b.Pick(at, rng.Uint64(), balance.Request{})
		if err != nil {
			panic(err)
		}
		i := index[p.Endpoint().ID]
		s := rng.ExpFloat64() * service
		if i == 0 {
			s *= factor
			slow++
		}
		free[i] = max(free[i], at) + int64(math.Ceil(s))
		heap.Push(&open, end{free[i], p})
		took = append(took, time.Duration(free[i]-at))
	}
	slices.Sort(took)
	return took[calls*99/100], float64(slow) / float64(calls)
}
