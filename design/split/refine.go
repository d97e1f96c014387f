package split

import (
	"math"
	"math/rand/v2"
	"slices"
)

// refine lowers the cost by moving single nodes (or pinned groups) to parts that
// they have links to, merging parts, until nothing helps. It never breaks a pin.
func (s *state) refine(rounds int) Cost {
	cur := s.cost()
	for range rounds {
		before := cur.Total
		for i := range s.n {
			cur = s.tryMoves(i, cur)
		}
		cur = s.tryMerges(cur)
		if before-cur.Total < 1e-9 {
			break
		}
	}
	return cur
}

func (s *state) tryMoves(i int, cur Cost) Cost {
	group := s.group(i)
	if group[0] != i {
		return cur // moved by its first
	}
	home := s.part[i]
	tried := map[int]bool{home: true}
	best, to := cur, home
	for _, x := range group {
		for _, nb := range s.near[x] {
			q := s.part[nb.to]
			if tried[q] {
				continue
			}
			tried[q] = true
			if !s.pin.allowed(s, s.pin.key(i), q) {
				continue
			}
			for _, y := range group {
				s.move(y, q)
			}
			if c := s.cost(); c.Total < best.Total-1e-12 {
				best, to = c, q
			}
		}
	}
	for _, y := range group {
		s.move(y, to)
	}
	return best
}

// tryMerges joins a pair of parts where that lowers the cost, the best first.
// anneal moves single nodes, or pinned groups, to parts that they have links to:
// always where that lowers the cost, sometimes where it does not, less often with
// each step. It ends at the cheapest partition that it saw.
func (s *state) anneal(r *rand.Rand, steps int) {
	cur := s.cost().Total
	best, low := slices.Clone(s.part), cur
	for i := range steps {
		t := .01 * math.Pow(1e-3, float64(i)/float64(steps))
		x := r.IntN(s.n)
		group := s.group(x)
		if near := s.near[x]; len(near) > 0 {
			from, to := s.part[x], s.part[near[r.IntN(len(near))].to]
			if from == to || !s.pin.allowed(s, s.pin.key(x), to) {
				continue
			}
			for _, y := range group {
				s.move(y, to)
			}
			if c := s.cost().Total; c <= cur || r.Float64() < math.Exp((cur-c)/t) {
				if cur = c; cur < low-1e-12 {
					low = cur
					copy(best, s.part)
				}
				continue
			}
			for _, y := range group {
				s.move(y, from)
			}
		}
	}
	for i, p := range best {
		s.move(i, p)
	}
}

func (s *state) tryMerges(cur Cost) Cost {
	for {
		best, from, to := cur, -1, -1
		pull := s.between()
		for a := range s.size {
			for b := a + 1; b < len(s.size); b++ {
				if s.size[a] == 0 || s.size[b] == 0 || pull[[2]int{a, b}] == 0 || !s.mayMerge(a, b) {
					continue
				}
				moved := s.pour(b, a)
				if c := s.cost(); c.Total < best.Total-1e-12 {
					best, from, to = c, b, a
				}
				for _, i := range moved {
					s.move(i, b)
				}
			}
		}
		if from < 0 {
			return cur
		}
		s.pour(from, to)
		cur = best
	}
}

func (s *state) pour(from, to int) []int {
	var moved []int
	for i, p := range s.part {
		if p == from {
			moved = append(moved, i)
			s.move(i, to)
		}
	}
	return moved
}

func (s *state) mayMerge(a, b int) bool {
	for _, e := range s.pin.apart {
		p, q := s.part[e[0]], s.part[e[1]]
		if p == a && q == b || p == b && q == a {
			return false
		}
	}
	return true
}

// between sums the links between parts, lower number first.
func (s *state) between() map[[2]int]float64 {
	out := map[[2]int]float64{}
	for i, ns := range s.near {
		for _, x := range ns {
			if a, b := s.part[i], s.part[x.to]; a < b {
				out[[2]int{a, b}] += x.weight
			}
		}
	}
	return out
}

// settle makes a partition presentable: parts of few atoms join their strongest
// neighbour, tables go where they are written most, what common atoms are near to
// is where they are put.
func (s *state) settle(least int) {
	for range len(s.size) {
		small := -1
		for p, n := range s.size {
			if n > 0 && n < s.viable(p, least) && (small < 0 || n < s.size[small]) && s.linked(p) && s.free(p) {
				small = p
			}
		}
		if small < 0 || s.alive <= 2 {
			break
		}
		pull := map[int]float64{}
		for i, p := range s.part {
			if p == small {
				for _, x := range s.near[i] {
					if q := s.part[x.to]; q != small && s.size[q] > 0 && s.mayMerge(small, q) {
						pull[q] += x.weight / (4 + float64(s.size[q])) // rather into a small one
					}
				}
			}
		}
		to, ok := most(pull)
		if !ok {
			break
		}
		s.pour(small, to)
	}
	s.settleData()
	for i := range s.n {
		if (i >= s.na && !s.touched[i-s.na] || i < s.na && s.m.common[i]) && s.pin.fixed[i] < 0 {
			pull := map[int]float64{}
			for _, x := range s.near[i] {
				if q := s.part[x.to]; s.size[q] > 0 {
					pull[q] += x.weight
				}
			}
			if to, ok := most(pull); ok {
				s.move(i, to)
			}
		}
	}
}

// settleData puts tables where they are written most, or read where nobody writes
// them, and the types that are their rows beside them.
func (s *state) settleData() {
	m := s.m
	pull := make([]map[int]float64, len(m.tables))
	s.touched = make([]bool, len(m.tables))
	for _, a := range m.access {
		if pull[a.table] == nil {
			pull[a.table] = map[int]float64{}
		}
		w := 1e-3
		if a.write {
			w = 1
		}
		pull[a.table][s.part[a.atom]] += w
		s.touched[a.table] = true
	}
	for t, p := range pull {
		i := s.na + t
		if to, ok := most(p); ok && s.pin.fixed[i] < 0 && p[to] > p[s.part[i]] {
			s.move(i, to)
		}
	}
	for i, a := range m.atoms {
		if t, ok := m.table[m.entity[a.Type]]; ok && s.touched[t] && s.pin.fixed[i] < 0 && s.pin.allowed(s, i, s.part[s.na+t]) {
			s.move(i, s.part[s.na+t])
		}
	}
}

// viable is the number of atoms that a part needs to be a context: more where
// nothing comes in at it and it writes no table of its own, while other parts have
// both. Such a part is data of somebody else.
func (s *state) viable(p, least int) int {
	if s.n-s.na < 3 {
		return least
	}
	for _, i := range s.m.doors {
		if s.part[i] == p {
			return least
		}
	}
	for _, a := range s.m.access {
		if a.write && s.part[a.atom] == p && s.part[s.na+a.table] == p {
			return least
		}
	}
	return max(least, fewAtoms)
}

// linked reports whether a part has links to a living other.
func (s *state) linked(p int) bool {
	for i, q := range s.part {
		if q == p {
			for _, x := range s.near[i] {
				if r := s.part[x.to]; r != p && s.size[r] > 0 && s.mayMerge(p, r) {
					return true
				}
			}
		}
	}
	return false
}

// free reports whether no name was given to anything in a part.
func (s *state) free(p int) bool {
	for i := range s.pin.names {
		if s.part[i] == p {
			return false
		}
	}
	return true
}
