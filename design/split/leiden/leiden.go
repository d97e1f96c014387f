// Package leiden finds communities in a weighted undirected graph by the Leiden
// algorithm: V. Traag, L. Waltman and N. van Eck, "From Louvain to Leiden:
// guaranteeing well-connected communities", Scientific Reports 9, 2019.
//
// Unlike Louvain it never returns a community that falls apart into unconnected
// pieces. The result is determined by graph, options and seed.
package leiden

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Edge joins two nodes; an edge from a node to itself counts for its size only.
type Edge struct {
	A, B   int // from 0
	Weight float64
}

// Options of [Find]; the zero value is the default.
type Options struct {
	// Resolution sets the grain: above 1 more and smaller communities. Default 1.
	Resolution float64
	Seed       uint64
	// Randomness of the refinement, theta of the paper; default 0.01.
	Randomness float64
	// Rounds bounds the passes over the whole; default 10. It stops earlier when
	// nothing moves.
	Rounds int
	// Fixed nodes keep the community that Initial gives them, as pins do: nodes of
	// the same number >= 0 start together and stay; -1 is free. Nil: all free.
	Fixed []int
}

// Find returns the community of each of n nodes, numbered from 0 in order of
// their first node. The quality that it raises is modularity with a resolution.
func Find(n int, edges []Edge, opts *Options) []int {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Resolution == 0 {
		o.Resolution = 1
	}
	if o.Randomness == 0 {
		o.Randomness = .01
	}
	if o.Rounds == 0 {
		o.Rounds = 10
	}
	f := &finder{o: o, r: rand.New(rand.NewPCG(o.Seed, 0x1e1de)), total: 0}
	base := newGraph(n, edges)
	for _, s := range base.strength {
		f.total += s
	}
	member := make([]int, n)
	for i := range member {
		member[i] = i
	}
	if f.total == 0 {
		return number(join(member, o.Fixed))
	}
	base, fold := contract(base, o.Fixed)
	comm := identity(base.n)
	for range o.Rounds {
		next := f.round(base, comm)
		if slices.Equal(number(next), number(comm)) {
			comm = next
			break
		}
		comm = next
	}
	for i := range member {
		member[i] = comm[fold[i]]
	}
	return number(member)
}

// Modularity of a partition with a resolution.
func Modularity(n int, edges []Edge, member []int, resolution float64) float64 {
	g := newGraph(n, edges)
	total := 0.
	for _, s := range g.strength {
		total += s
	}
	if total == 0 {
		return 0
	}
	in, all := map[int]float64{}, map[int]float64{}
	for _, e := range edges {
		if member[e.A] == member[e.B] {
			in[member[e.A]] += 2 * e.Weight
		}
	}
	for i, s := range g.strength {
		all[member[i]] += s
	}
	q := 0.
	for _, c := range sortedKeys(all) {
		q += in[c]/total - resolution*(all[c]/total)*(all[c]/total)
	}
	return q
}

// graph is an adjacency list; strength counts a self edge twice.
type graph struct {
	n        int
	start    []int // of each node's neighbours
	to       []int
	weight   []float64
	strength []float64
}

func newGraph(n int, edges []Edge) *graph {
	sum := make(map[[2]int]float64, len(edges))
	g := &graph{n: n, start: make([]int, n+1), strength: make([]float64, n)}
	for _, e := range edges {
		if e.Weight <= 0 {
			continue
		}
		g.strength[e.A] += e.Weight
		g.strength[e.B] += e.Weight
		if e.A != e.B {
			sum[[2]int{min(e.A, e.B), max(e.A, e.B)}] += e.Weight
		}
	}
	keys := make([][2]int, 0, len(sum))
	for k := range sum {
		keys = append(keys, k)
		g.start[k[0]+1]++
		g.start[k[1]+1]++
	}
	slices.SortFunc(keys, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	for i := range n {
		g.start[i+1] += g.start[i]
	}
	g.to, g.weight = make([]int, g.start[n]), make([]float64, g.start[n])
	at := slices.Clone(g.start)
	for _, k := range keys {
		for _, d := range [][2]int{k, {k[1], k[0]}} {
			g.to[at[d[0]]], g.weight[at[d[0]]] = d[1], sum[k]
			at[d[0]]++
		}
	}
	return g
}

type finder struct {
	o     Options
	r     *rand.Rand
	total float64 // twice the weight of all edges
}

// round moves nodes, refines, and goes on with the aggregate until it is stable.
func (f *finder) round(g *graph, comm []int) []int {
	comm = f.move(g, comm)
	if count(comm) == g.n {
		return comm
	}
	fine := f.refine(g, comm)
	small, of := aggregate(g, fine)
	if small.n == g.n { // the refinement joined nothing: the aggregate would be the same graph
		return comm
	}
	start := make([]int, small.n)
	for i, c := range of {
		start[c] = comm[i]
	}
	above := f.round(small, number(start))
	out := make([]int, g.n)
	for i, c := range of {
		out[i] = above[c]
	}
	return out
}

// move puts nodes where they raise the quality most, until none wants to move.
// Only neighbours of what moved are looked at again.
func (f *finder) move(g *graph, comm []int) []int {
	comm = number(comm)
	size := make([]float64, g.n+1) // strength of each community; the last is for a new one
	for i, c := range comm {
		size[c] += g.strength[i]
	}
	empty := []int{}
	used := count(comm)
	for c := g.n - 1; c >= used; c-- {
		empty = append(empty, c)
	}
	members := make([]int, g.n)
	for _, c := range comm {
		members[c]++
	}
	queue := f.r.Perm(g.n)
	queued := make([]bool, g.n)
	for i := range queued {
		queued[i] = true
	}
	link := make([]float64, g.n)
	var near []int
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		queued[i] = false
		near = near[:0]
		for e := g.start[i]; e < g.start[i+1]; e++ {
			c := comm[g.to[e]]
			if link[c] == 0 {
				near = append(near, c)
			}
			link[c] += g.weight[e]
		}
		old := comm[i]
		size[old] -= g.strength[i]
		best, gain := old, link[old]-f.o.Resolution*g.strength[i]*size[old]/f.total
		for _, c := range near {
			if d := link[c] - f.o.Resolution*g.strength[i]*size[c]/f.total; d > gain+1e-12 || d > gain-1e-12 && c < best && best != old {
				best, gain = c, d
			}
		}
		if gain < -1e-12 && members[old] > 1 && len(empty) > 0 { // better off alone
			best = empty[len(empty)-1]
			empty = empty[:len(empty)-1]
		}
		size[best] += g.strength[i]
		for _, c := range near {
			link[c] = 0
		}
		if best == old {
			continue
		}
		comm[i] = best
		members[best]++
		if members[old]--; members[old] == 0 {
			empty = append(empty, old)
		}
		for e := g.start[i]; e < g.start[i+1]; e++ {
			if j := g.to[e]; comm[j] != best && !queued[j] {
				queued[j] = true
				queue = append(queue, j)
			}
		}
	}
	return comm
}

// refine splits each community into well-connected parts: every node starts
// alone and joins, at random by how much it gains, a part of its own community.
func (f *finder) refine(g *graph, comm []int) []int {
	fine := identity(g.n)
	size := slices.Clone(g.strength) // of each part
	outer := make([]float64, g.n)    // weight from a part to the rest of its community
	whole := make([]float64, g.n)    // strength of each community
	single := make([]bool, g.n)
	for i := range g.n {
		single[i] = true
		whole[comm[i]] += g.strength[i]
		for e := g.start[i]; e < g.start[i+1]; e++ {
			if comm[g.to[e]] == comm[i] {
				outer[i] += g.weight[e]
			}
		}
	}
	link := make([]float64, g.n)
	var near []int
	for _, i := range f.r.Perm(g.n) {
		if !single[i] || outer[i] < f.o.Resolution*g.strength[i]*(whole[comm[i]]-g.strength[i])/f.total {
			continue
		}
		near = near[:0]
		for e := g.start[i]; e < g.start[i+1]; e++ {
			j := g.to[e]
			if comm[j] != comm[i] {
				continue
			}
			if link[fine[j]] == 0 {
				near = append(near, fine[j])
			}
			link[fine[j]] += g.weight[e]
		}
		to := f.pick(g, i, comm[i], near, link, size, outer, whole)
		if to >= 0 {
			size[to] += g.strength[i]
			outer[to] += outer[i] - 2*link[to]
			single[to] = false // its first node may not leave it any more
			fine[i] = to
			single[i] = false
		}
		for _, c := range near {
			link[c] = 0
		}
	}
	return fine
}

// pick draws a part for node i among those that are well connected to the rest
// of the community and would gain, with probability growing with the gain.
func (f *finder) pick(g *graph, i, comm int, near []int, link, size, outer, whole []float64) int {
	var sum float64
	gains := make([]float64, len(near))
	for k, c := range near {
		if c == i || outer[c] < f.o.Resolution*size[c]*(whole[comm]-size[c])/f.total-1e-12 {
			continue
		}
		d := link[c] - f.o.Resolution*g.strength[i]*size[c]/f.total
		if d < 0 {
			continue
		}
		gains[k] = math.Exp(min(600, 2*d/f.total/f.o.Randomness))
		sum += gains[k]
	}
	if sum == 0 {
		return -1
	}
	x := f.r.Float64() * sum
	for k, c := range near {
		if x -= gains[k]; gains[k] > 0 && x <= 0 {
			return c
		}
	}
	return -1
}

// aggregate makes a node of every part.
func aggregate(g *graph, part []int) (*graph, []int) {
	of := number(part)
	n := count(of)
	var edges []Edge
	for i := range g.n {
		inner := g.strength[i]
		for e := g.start[i]; e < g.start[i+1]; e++ {
			inner -= g.weight[e]
			if j := g.to[e]; i < j {
				edges = append(edges, Edge{of[i], of[j], g.weight[e]})
			}
		}
		if inner > 1e-12 { // its own self edge
			edges = append(edges, Edge{of[i], of[i], inner / 2})
		}
	}
	return newGraph(n, edges), of
}

// contract makes one node of those that are pinned together.
func contract(g *graph, fixed []int) (*graph, []int) {
	if fixed == nil {
		return g, identity(g.n)
	}
	return aggregate(g, join(identity(g.n), fixed))
}

func join(part, fixed []int) []int {
	if fixed == nil {
		return part
	}
	out := slices.Clone(part)
	first := map[int]int{}
	for i, x := range fixed {
		if x < 0 {
			continue
		}
		if j, ok := first[x]; ok {
			out[i] = out[j]
		} else {
			first[x] = i
		}
	}
	return out
}

func identity(n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = i
	}
	return x
}

// number renames communities to 0, 1, ... in order of their first node.
func number(part []int) []int {
	names := make(map[int]int, len(part))
	out := make([]int, len(part))
	for i, c := range part {
		k, ok := names[c]
		if !ok {
			k = len(names)
			names[c] = k
		}
		out[i] = k
	}
	return out
}

func count(part []int) int {
	n := -1
	for _, c := range number(part) {
		n = max(n, c)
	}
	return n + 1
}

func sortedKeys(m map[int]float64) []int {
	ks := make([]int, 0, len(m))
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}
