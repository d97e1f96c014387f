package metrics

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// Root is the pseudo class from which the traces of the FSE'21 data enter.
const Root = "Root"

// FSE21 are the five metrics as computed by the code published with A. Kalia et
// al., "Mono2Micro: a practical and effective tool for decomposing monolithic
// Java applications to microservices", ESEC/FSE 2021, plus MQ, which is in that
// code too.
type FSE21 struct {
	BCP float64 // business context purity
	ICP float64 // inter-partition call percentage
	SM  float64 // structural modularity; higher is better
	IFN float64 // interface number
	NED float64 // non-extreme distribution
	MQ  float64 // TurboMQ, unweighted; higher is better
}

// ComputeFSE21 measures a partition. Contexts are the use cases of each class;
// a class without any counts as one of its own kind. Classes that the partition
// does not name are not measured.
func ComputeFSE21(p Partition, calls Calls, contexts map[string][]string) FSE21 {
	parts := p.Parts()
	adj := adjacent(parts, calls)
	return FSE21{
		BCP: bcpFSE21(parts, contexts), ICP: icpFSE21(p, calls), SM: smFSE21(parts, adj),
		IFN: ifnFSE21(parts, adj), NED: NEDFSE21(p), MQ: mqFSE21(p, parts, calls),
	}
}

// bcpFSE21 = (1/K) sum ln(b_i), b_i the distinct use cases of part i: the entropy
// of a uniform distribution over them.
func bcpFSE21(parts [][]string, contexts map[string][]string) float64 {
	sum := 0.
	for _, part := range parts {
		seen := map[string]bool{}
		for _, c := range part {
			bs := contexts[c]
			if len(bs) == 0 {
				bs = []string{"Unknown"}
			}
			for _, b := range bs {
				seen[b] = true
			}
		}
		sum += math.Log(float64(len(seen)))
	}
	return sum / float64(max(1, len(parts)))
}

// icpFSE21 = sum over crossing calls of (ln v + 1) / sum over all, Root and self
// calls dropped.
func icpFSE21(p Partition, calls Calls) float64 {
	var cross, all float64
	for _, e := range calls.without(Root).edges() {
		i, ok1 := p[e.from]
		j, ok2 := p[e.to]
		if e.from == e.to || !ok1 || !ok2 || e.volume <= 0 {
			continue
		}
		w := math.Log(e.volume) + 1
		all += w
		if i != j {
			cross += w
		}
	}
	if all == 0 {
		return 0
	}
	return cross / all
}

// smFSE21 = (1/K) sum mu_i/n_i^2 - 2/(K(K-1)) sum_{a<b} s_ab/(n_a n_b). mu_i
// counts unordered adjacent pairs in part i, a class with itself too, but for the
// part's last class: so the published loop has it. K = 1 has no coupling.
func smFSE21(parts [][]string, adj adjacency) float64 {
	k := float64(len(parts))
	if k == 0 {
		return 0
	}
	var cohesion, coupling float64
	for a, part := range parts {
		n := float64(len(part))
		cohesion += float64(adj.inside[a]) / (n * n)
	}
	for _, p := range adj.order {
		coupling += float64(adj.between[p]) / float64(len(parts[p[0]])*len(parts[p[1]]))
	}
	sm := cohesion / k
	if k > 1 {
		sm -= 2 / (k * (k - 1)) * coupling
	}
	return sm
}

// ifnFSE21 = (1/K) x unordered pairs of classes in different parts with a call
// either way.
func ifnFSE21(parts [][]string, adj adjacency) float64 {
	n := 0
	for _, p := range adj.order {
		n += adj.between[p]
	}
	return float64(n) / float64(max(1, len(parts)))
}

// adjacency counts unordered pairs of classes with a call either way.
type adjacency struct {
	inside  []int          // of each part
	between map[[2]int]int // of two parts, the lower first
	order   [][2]int       // keys of between, sorted
}

func adjacent(parts [][]string, calls Calls) adjacency {
	adj := adjacency{inside: make([]int, len(parts)), between: map[[2]int]int{}}
	at, last := map[string]int{}, map[string]bool{}
	for i, part := range parts {
		for _, c := range part {
			at[c] = i
		}
		last[part[len(part)-1]] = true
	}
	for k, v := range calls {
		x, y := k[0], k[1]
		a, ok1 := at[x]
		b, ok2 := at[y]
		switch {
		case v <= 0 || !ok1 || !ok2 || x > y && calls[[2]string{y, x}] > 0: // seen from the other side
		case x == y:
			if !last[x] {
				adj.inside[a]++
			}
		case a == b:
			adj.inside[a]++
		default:
			adj.between[[2]int{min(a, b), max(a, b)}]++
		}
	}
	adj.order = slices.SortedFunc(maps.Keys(adj.between), func(p, q [2]int) int { return cmp.Or(p[0]-q[0], p[1]-q[1]) })
	return adj
}

// NEDFSE21 = 1 - share of classes in parts of 5 to 20 classes.
func NEDFSE21(p Partition) float64 {
	if len(p) == 0 {
		return 0
	}
	n := 0
	for _, part := range p.Parts() {
		if len(part) >= 5 && len(part) <= 20 {
			n += len(part)
		}
	}
	return 1 - float64(n)/float64(len(p))
}

// mqFSE21 = sum 2 mu_i / (2 mu_i + eps_i), mu and eps the internal and outgoing
// directed edges.
func mqFSE21(p Partition, parts [][]string, calls Calls) float64 {
	mu, eps := make([]float64, len(parts)), make([]float64, len(parts))
	at := map[string]int{}
	for i, part := range parts {
		for _, c := range part {
			at[c] = i
		}
	}
	for _, e := range calls.edges() {
		i, ok1 := at[e.from]
		j, ok2 := at[e.to]
		switch {
		case !ok1 || !ok2 || e.from == e.to:
		case i == j:
			mu[i]++
		default:
			eps[i]++
		}
	}
	sum := 0.
	for i := range parts {
		if d := 2*mu[i] + eps[i]; d > 0 {
			sum += 2 * mu[i] / d
		}
	}
	return sum
}
