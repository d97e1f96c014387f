package split

import "math"

// Cost of a cut, and what it is made of; each part is between 0 and about 1, less
// is better. It is Ashlar's own measure for choosing among candidates: what
// crosses must be called over a network and kept consistent, what is mixed must be
// understood together, and what is too large or too small is not worth a service.
// It is none of the published metrics, which are printed beside it.
type Cost struct {
	Total float64 `json:"total"`
	// Cross is the share of the fused evidence that the cut severs.
	Cross float64 `json:"cross"`
	// Mixed is the mean share of use cases that a context takes part in, as
	// ln(1+its)/ln(1+all).
	Mixed float64 `json:"mixed"`
	// Wide is the number of pairs of types that work across a cut for each context,
	// over what that is when every type stands alone in as many contexts.
	Wide float64 `json:"wide"`
	// Extreme is the share of types in contexts that are too small or too large.
	Extreme float64 `json:"extreme"`
	// Loose is 1 minus the mean density of links inside contexts.
	Loose float64 `json:"loose"`
}

// How the parts of a cost add up: what is severed counts most.
const (
	costCross, costMixed, costWide, costExtreme, costLoose = 1, .6, .6, .4, .3
	// A context of fewer atoms is too small, of more than this share too large.
	fewAtoms, largeShare, hardShare = 5, .3, .4
)

// state is a partition with the sums that make its cost cheap to change.
type state struct {
	m       *model
	g       *graph
	n, na   int   // nodes (atoms and tables), atoms
	part    []int // of each node
	near    [][]neighbour
	cases   [][]int // of each atom
	works   []bool  // atoms that call or are called
	touched []bool  // tables that an atom reads or writes
	total   float64 // of edges
	// Sums by part.
	size    []int   // atoms that are not common
	used    [][]int // use case -> atoms
	kinds   []int   // distinct use cases
	inside  []float64
	working []int // atoms that are not common and call or are called
	// Sums over all.
	cross   float64
	pairs   int // working pairs of atoms across
	allWork int
	alive   int
	domain  int // atoms that are not common
	pin     *pinned
	tied    map[int][]int // group of pinned nodes
	want    int           // contexts that the search is to keep to; 0: as many as cost least
}

type neighbour struct {
	to     int
	weight float64
	works  bool // calls, not only likeness
	common bool // one end is common property: a library is called in every process
}

// newState prepares; parts are numbered from 0 and there is room for more.
func newState(m *model, g *graph, pin *pinned, part []int) *state {
	s := &state{m: m, g: g, na: len(m.atoms), n: len(m.atoms) + len(m.tables), pin: pin, tied: map[int][]int{}}
	s.near, s.works = make([][]neighbour, s.n), make([]bool, s.n)
	link := func(a, b int, w float64, works bool) {
		if k := len(s.near[a]); k > 0 && s.near[a][k-1].to == b {
			s.near[a][k-1].weight += w
			s.near[a][k-1].works = s.near[a][k-1].works || works
			return
		}
		s.near[a] = append(s.near[a], neighbour{b, w, works, s.isCommon(a) || s.isCommon(b)})
	}
	for _, l := range g.links {
		if l.b < s.n {
			works := l.kind == ByCall && l.b < s.na
			link(l.a, l.b, l.weight, works)
			link(l.b, l.a, l.weight, works)
			if s.isCommon(l.a) || s.isCommon(l.b) {
				continue
			}
			s.total += l.weight
			if works {
				s.works[l.a], s.works[l.b] = true, true
			}
		}
	}
	for i := range s.na {
		for _, x := range s.near[i] {
			if x.works && !x.common && x.to > i {
				s.allWork++
			}
		}
		if !m.common[i] {
			s.domain++
		}
	}
	s.cases = make([][]int, s.na)
	for u, c := range m.cases {
		for _, i := range c.atoms {
			s.cases[i] = append(s.cases[i], u)
		}
	}
	for i, f := range pin.fixed {
		if f >= 0 {
			s.tied[f] = append(s.tied[f], i)
		}
	}
	s.set(part)
	return s
}

func (s *state) isCommon(node int) bool { return node < s.na && s.m.common[node] }

// set takes another partition.
func (s *state) set(part []int) {
	k := 0
	for _, p := range part[:s.n] {
		k = max(k, p+1)
	}
	s.size, s.working, s.kinds, s.inside, s.used = make([]int, k), make([]int, k), make([]int, k), make([]float64, k), make([][]int, k)
	for i := range s.used {
		s.used[i] = make([]int, len(s.m.cases))
	}
	s.part = make([]int, s.n)
	for i := range s.part {
		s.part[i] = -1
	}
	s.cross, s.pairs, s.alive = 0, 0, 0
	for i, p := range part[:s.n] {
		s.enter(i, p)
	}
}

// enter puts a node that is nowhere into a part. Edges to nodes that are nowhere
// do not count yet.
func (s *state) enter(i, p int) {
	for _, x := range s.near[i] {
		q := s.part[x.to]
		switch {
		case q < 0 || x.common:
		case q == p:
			if x.works {
				s.inside[p]++
			}
		default:
			s.cross += x.weight
			if x.works {
				s.pairs++
			}
		}
	}
	s.part[i] = p
	if i < s.na && !s.m.common[i] {
		if s.size[p]++; s.size[p] == 1 {
			s.alive++
		}
		if s.works[i] {
			s.working[p]++
		}
		for _, u := range s.cases[i] {
			if s.used[p][u]++; s.used[p][u] == 1 {
				s.kinds[p]++
			}
		}
	}
}

// leave takes a node out of its part.
func (s *state) leave(i int) {
	p := s.part[i]
	s.part[i] = -1
	for _, x := range s.near[i] {
		q := s.part[x.to]
		switch {
		case q < 0 || x.common:
		case q == p:
			if x.works {
				s.inside[p]--
			}
		default:
			s.cross -= x.weight
			if x.works {
				s.pairs--
			}
		}
	}
	if i < s.na && !s.m.common[i] {
		if s.size[p]--; s.size[p] == 0 {
			s.alive--
		}
		if s.works[i] {
			s.working[p]--
		}
		for _, u := range s.cases[i] {
			if s.used[p][u]--; s.used[p][u] == 0 {
				s.kinds[p]--
			}
		}
	}
}

func (s *state) move(i, p int) {
	if s.part[i] != p {
		s.leave(i)
		s.enter(i, p)
	}
}

// group is the nodes that move with a node.
func (s *state) group(i int) []int {
	if f := s.pin.fixed[i]; f >= 0 {
		return s.tied[f]
	}
	return []int{i}
}

// cost of the partition as it is.
func (s *state) cost() Cost {
	var c Cost
	if s.alive == 0 {
		return c
	}
	if s.total > 0 {
		c.Cross = s.cross / s.total
	}
	all := math.Log1p(float64(len(s.m.cases)))
	large := max(float64(2*fewAtoms), largeShare*float64(s.domain))
	extreme, over := 0., 0.
	for p, n := range s.size {
		if n == 0 {
			continue
		}
		if all > 0 {
			c.Mixed += float64(n) * math.Log1p(float64(s.kinds[p])) / all
		}
		density := 0. // one type alone holds nothing together
		if w := s.working[p]; w > 1 {
			// w-1 links hold w types together; twice that is dense for code.
			density = min(1, s.inside[p]/float64(2*(w-1)))
		}
		c.Loose += 1 - density
		switch size := float64(n); {
		case n < fewAtoms && s.domain > 2*fewAtoms:
			extreme += size * float64(fewAtoms-n) / fewAtoms
		case size > large: // the excess counts
			extreme += size - large
		}
		over = max(over, float64(n)/float64(s.domain)-hardShare)
	}
	k := float64(s.alive)
	c.Mixed /= float64(s.domain)
	c.Loose /= k
	if s.allWork > 0 {
		c.Wide = float64(s.pairs) / float64(s.allWork) * math.Sqrt(max(1, float64(s.domain)/8)/k)
	}
	c.Extreme = extreme / float64(max(1, s.domain))
	c.Total = costCross*c.Cross + costMixed*c.Mixed + costWide*c.Wide + costExtreme*c.Extreme + costLoose*c.Loose
	if s.alive > 1 && over > 0 {
		c.Total += 4 * over
	}
	if s.want > 0 {
		c.Total += float64(abs(s.alive - s.want))
	}
	return c
}

// bestOther is the part, not from, to which a group has the strongest links.
func (s *state) bestOther(group []int, from int, p *pinned) int {
	pull := make([]float64, len(s.size))
	for _, i := range group {
		for _, x := range s.near[i] {
			pull[s.part[x.to]] += x.weight
		}
	}
	best := -1
	for q := range pull {
		if q == from || s.size[q] == 0 {
			continue
		}
		ok := true
		for _, i := range group {
			ok = ok && p.allowed(s, p.key(i), q)
		}
		if ok && (best < 0 || pull[q] > pull[best]) {
			best = q
		}
	}
	if best < 0 {
		best = s.grow()
	}
	return best
}

// grow adds an empty part.
func (s *state) grow() int {
	for p, n := range s.size {
		if n == 0 && !s.holds(p) {
			return p
		}
	}
	s.size, s.working, s.kinds, s.inside = append(s.size, 0), append(s.working, 0), append(s.kinds, 0), append(s.inside, 0)
	s.used = append(s.used, make([]int, len(s.m.cases)))
	return len(s.size) - 1
}

func (s *state) holds(p int) bool {
	for _, q := range s.part {
		if q == p {
			return true
		}
	}
	return false
}

// key is the node under which a pin knows a node.
func (p *pinned) key(i int) int {
	if f := p.fixed[i]; f >= 0 {
		return f
	}
	return i
}
