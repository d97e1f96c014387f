package split

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ashlar-dev/ashlar/design/split/leiden"
)

// found is a partition that the search came upon.
type found struct {
	part      []int // of nodes; parts numbered from 0 in order of their first node
	k         int
	cost      Cost
	grain     float64
	stability float64   // mean adjusted Rand index between runs of this grain
	support   []float64 // of each atom: how alike its neighbours are between runs, 0 to 1
}

// Above this many atoms candidates are not refined move by move.
const refineAtoms = 2500

// Above this many nodes candidates are not annealed.
const polishNodes = 600

// search tries every grain under noise. The noise on each weight is up to a fifth:
// about what leaving out one kind of evidence moves.
func search(ctx context.Context, m *model, g *graph, pin *pinned, o Options, workers int) ([]found, error) {
	n := len(m.atoms) + len(m.tables)
	fixed := slices.Concat(pin.fixed, slices.Repeat([]int{-1}, g.n-n))
	type job struct{ grain, seed int }
	runs := make([][][]int, len(o.Grains))
	costs := make([][]Cost, len(o.Grains))
	for i := range runs {
		runs[i], costs[i] = make([][]int, o.Seeds), make([]Cost, o.Seeds)
	}
	jobs := make(chan job)
	var wg sync.WaitGroup
	var done atomic.Int64
	var say sync.Mutex
	for range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := range jobs {
				want := o.Contexts
				if want == 0 && j.seed%3 == 2 {
					want = -1 // so that the finer ones can be compared, too
				}
				part, cost := one(m, g, pin, fixed, o.Grains[j.grain], o.Seed+uint64(j.seed)*1000+uint64(j.grain), j.seed > 0, want)
				runs[j.grain][j.seed], costs[j.grain][j.seed] = part, cost
				say.Lock()
				o.Progress("searching", .1+.8*float64(done.Add(1))/float64(len(o.Grains)*o.Seeds))
				say.Unlock()
			}
		}()
	}
	for i := range o.Grains {
		for s := range o.Seeds {
			if ctx.Err() == nil {
				jobs <- job{i, s}
			}
		}
	}
	close(jobs)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	byK := map[int]found{}
	for i, grain := range o.Grains {
		// Runs that were held to a number are compared with each other only.
		free, held := split3(runs[i], o.Contexts > 0)
		stability, support := agreement(free, len(m.atoms))
		heldStability, heldSupport := agreement(held, len(m.atoms))
		for s, part := range runs[i] {
			if part == nil {
				continue
			}
			f := found{part: part, k: parts(part[:len(m.atoms)], m.common), cost: costs[i][s], grain: grain, stability: stability, support: support}
			if o.Contexts == 0 && s%3 == 2 {
				f.stability, f.support = heldStability, heldSupport
			}
			if old, ok := byK[f.k]; !ok || f.cost.Total < old.cost.Total {
				byK[f.k] = f
			}
		}
	}
	polish(m, g, pin, o, byK, workers)
	var out []found
	for _, f := range byK {
		if f.k > 1 {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		if len(pin.apart) > 0 {
			return nil, fmt.Errorf("split pins: no partition keeps all of them")
		}
		f := byK[1] // one context: that is an answer, too
		return []found{f}, nil
	}
	slices.SortFunc(out, func(a, b found) int {
		if o.Contexts > 0 {
			if d := cmp.Compare(abs(a.k-o.Contexts), abs(b.k-o.Contexts)); d != 0 {
				return d
			}
		}
		// Of two that cost about the same, the one that comes out more surely.
		return cmp.Or(cmp.Compare(a.cost.Total+.1*(1-a.stability), b.cost.Total+.1*(1-b.stability)), cmp.Compare(a.k, b.k))
	})
	return out[:min(len(out), 8)], nil
}

// one is one run: communities under noise, then made better.
func one(m *model, g *graph, pin *pinned, fixed []int, grain float64, seed uint64, noise bool, want int) ([]int, Cost) {
	edges := g.edges
	if noise {
		r := rand.New(rand.NewPCG(seed, 0xa5b1a2))
		edges = slices.Clone(edges)
		for i := range edges {
			edges[i].Weight *= .8 + .4*r.Float64()
		}
	}
	part := leiden.Find(g.n, edges, &leiden.Options{Resolution: grain, Seed: seed, Fixed: fixed})
	s := newState(m, g, pin, renumber(part[:len(m.atoms)+len(m.tables)]))
	if !pin.repair(s) {
		return nil, Cost{}
	}
	rounds := 10
	if len(m.atoms) > refineAtoms {
		rounds = 0
	}
	s.settle(2)
	s.want = want
	if want < 0 { // keep the number that this grain has
		s.want = s.alive
	}
	s.refine(rounds)
	s.settle(2)
	s.refine(min(rounds, 3))
	s.settle(2)
	if !pin.repair(s) {
		return nil, Cost{}
	}
	s.want = 0
	return renumber(s.part), s.cost()
}

// polish anneals the best partition of each number of contexts at a low temperature:
// single moves and merges end where two moves would have to be made at once. What
// it finds takes the place of a partition of the same number that costs more.
func polish(m *model, g *graph, pin *pinned, o Options, byK map[int]found, workers int) {
	n := len(m.atoms) + len(m.tables)
	if n > polishNodes {
		return
	}
	ks := sorted(byK)
	better := make([]found, len(ks))
	var wg sync.WaitGroup
	room := make(chan struct{}, workers)
	for i, k := range ks {
		wg.Add(1)
		room <- struct{}{}
		go func() {
			defer func() { <-room; wg.Done() }()
			f := byK[k]
			s := newState(m, g, pin, f.part)
			s.want = k
			s.anneal(rand.New(rand.NewPCG(o.Seed, uint64(k))), min(60_000, 600*n))
			s.refine(3)
			s.settle(2)
			if s.want = 0; pin.repair(s) {
				f.part, f.cost = renumber(s.part), s.cost()
				better[i] = f
			}
		}()
	}
	wg.Wait()
	for _, f := range better {
		if f.part == nil {
			continue
		}
		f.k = parts(f.part[:len(m.atoms)], m.common)
		if old, ok := byK[f.k]; !ok || f.cost.Total < old.cost.Total {
			byK[f.k] = f
		}
	}
}

// renumber numbers parts from 0 in order of their first node.
func renumber(part []int) []int {
	to := map[int]int{}
	out := make([]int, len(part))
	for i, p := range part {
		if _, ok := to[p]; !ok {
			to[p] = len(to)
		}
		out[i] = to[p]
	}
	return out
}

// parts counts the parts that have an atom which is not common.
func parts(part []int, common []bool) int {
	seen := map[int]bool{}
	for i, p := range part {
		if !common[i] {
			seen[p] = true
		}
	}
	return len(seen)
}

// agreement compares all runs of a grain: the mean adjusted Rand index of pairs of
// runs (Hubert and Arabie, 1985), and for each atom the mean Jaccard index of the
// atoms beside it.
func agreement(runs [][]int, atoms int) (float64, []float64) {
	support := make([]float64, atoms)
	sum, pairs := 0., 0
	for i, a := range runs {
		for _, b := range runs[i+1:] {
			if a == nil || b == nil {
				continue
			}
			both, as, bs := overlap(a[:atoms], b[:atoms])
			sum += adjustedRand(both, as, bs, atoms)
			pairs++
			for x := range atoms {
				n := both[[2]int{a[x], b[x]}]
				support[x] += float64(n) / float64(as[a[x]]+bs[b[x]]-n)
			}
		}
	}
	if pairs == 0 {
		return 1, slices.Repeat([]float64{1}, atoms)
	}
	for x := range support {
		support[x] /= float64(pairs)
	}
	return sum / float64(pairs), support
}

func overlap(a, b []int) (both map[[2]int]int, as, bs map[int]int) {
	both, as, bs = map[[2]int]int{}, map[int]int{}, map[int]int{}
	for i := range a {
		both[[2]int{a[i], b[i]}]++
		as[a[i]]++
		bs[b[i]]++
	}
	return both, as, bs
}

func adjustedRand(both map[[2]int]int, as, bs map[int]int, n int) float64 {
	choose := func(n int) float64 { return float64(n) * float64(n-1) / 2 }
	var index, sa, sb float64
	for _, v := range both {
		index += choose(v)
	}
	for _, v := range as {
		sa += choose(v)
	}
	for _, v := range bs {
		sb += choose(v)
	}
	all := choose(n)
	if all == 0 {
		return 1
	}
	expected := sa * sb / all
	top := (sa + sb) / 2
	if math.Abs(top-expected) < 1e-12 {
		return 1
	}
	return (index - expected) / (top - expected)
}

// split3 tells the runs that were free in their number from those that were held.
func split3(runs [][]int, allHeld bool) (free, held [][]int) {
	for i, r := range runs {
		if i%3 == 2 && !allHeld {
			held = append(held, r)
		} else {
			free = append(free, r)
		}
	}
	return free, held
}
