package metrics

import "slices"

// MoJoFM is 100 x (1 - mno(A,B) / max mno(any,B)): how far a partition is from an
// expert's, in moves of one class and joins of two parts, on a scale from 0 to
// 100. Z. Wen and V. Tzerpos, "An effectiveness measure for software clustering
// algorithms", IWPC 2004. Higher is better. Classes that only one of the two
// names are left out.
func MoJoFM(proposal, expert Partition) float64 {
	a, b := common(proposal, expert)
	if len(a) == 0 {
		return 0
	}
	worst := worstMoJo(b)
	if worst == 0 {
		return 100
	}
	return 100 * (1 - float64(mojo(a, b))/float64(worst))
}

func common(p, q Partition) (a, b Partition) {
	a, b = Partition{}, Partition{}
	for c, i := range p {
		if j, ok := q[c]; ok {
			a[c], b[c] = i, j
		}
	}
	return a, b
}

// mojo is the least number of moves and joins from a to b: n - sum of the best
// tags + parts of a - parts of b that got a tag, with as many different tags as
// possible (a maximum bipartite matching).
func mojo(a, b Partition) int {
	overlap := map[int]map[int]int{}
	for c, i := range a {
		if overlap[i] == nil {
			overlap[i] = map[int]int{}
		}
		overlap[i][b[c]]++
	}
	best, moves := map[int][]int{}, 0
	for i, row := range overlap {
		size, most := 0, 0
		for _, n := range row {
			size += n
			most = max(most, n)
		}
		moves += size - most
		for j, n := range row {
			if n == most {
				best[i] = append(best[i], j)
			}
		}
		slices.Sort(best[i])
	}
	return moves + len(overlap) - matching(best)
}

// matching is the size of a maximum matching of parts to tags (Kuhn).
func matching(best map[int][]int) int {
	taken := map[int]int{}
	var try func(i int, seen map[int]bool) bool
	try = func(i int, seen map[int]bool) bool {
		for _, j := range best[i] {
			if seen[j] {
				continue
			}
			seen[j] = true
			if k, ok := taken[j]; !ok || try(k, seen) {
				taken[j] = i
				return true
			}
		}
		return false
	}
	n := 0
	for i := range best {
		if try(i, map[int]bool{}) {
			n++
		}
	}
	return n
}

// worstMoJo is the largest distance that any partition has to b: sizes of b's
// parts sorted, the g-th part can at best give g tags.
func worstMoJo(b Partition) int {
	var sizes []int
	for _, part := range b.Parts() {
		sizes = append(sizes, len(part))
	}
	slices.Sort(sizes)
	groups := 0
	for _, s := range sizes {
		if s > groups {
			groups++
		}
	}
	return len(b) - groups
}
