package split

import (
	"cmp"
	"math"
	"slices"
)

// feature is a dimension and its count.
type feature struct {
	at     int
	weight float64
}

type vector []feature

// How many neighbours a node keeps, and which share of all nodes may have a
// feature before it says nothing.
const (
	neighbours = 8
	everywhere = .25
)

// nearest calls put for each node and its most similar others, by the cosine of
// weights times the logarithm of rarity, from least on.
func nearest(vs []vector, least float64, put func(i, j int, sim float64)) {
	have := map[int]int{}
	some := 0
	for i := range vs {
		vs[i] = squeeze(vs[i])
		if len(vs[i]) > 0 {
			some++
		}
		for _, f := range vs[i] {
			have[f.at]++
		}
	}
	limit := max(4, int(everywhere*float64(some)))
	if some > 2000 {
		limit = min(limit, 200) // keeps the pairs of a large system few
	}
	posting := map[int][]feature{} // of a dimension: nodes
	norm := make([]float64, len(vs))
	for i, v := range vs {
		for k, f := range v {
			v[k].weight = f.weight * math.Log1p(float64(some)/float64(have[f.at]))
			norm[i] += v[k].weight * v[k].weight
			if have[f.at] > 1 && have[f.at] <= limit {
				posting[f.at] = append(posting[f.at], feature{i, v[k].weight})
			}
		}
		norm[i] = math.Sqrt(norm[i])
	}
	dot := make([]float64, len(vs))
	var hit []int
	var best []feature
	for i, v := range vs {
		hit, best = hit[:0], best[:0]
		for _, f := range v {
			for _, p := range posting[f.at] {
				if p.at == i {
					continue
				}
				if dot[p.at] == 0 {
					hit = append(hit, p.at)
				}
				dot[p.at] += f.weight * p.weight
			}
		}
		for _, j := range hit {
			if sim := dot[j] / (norm[i] * norm[j]); sim >= least {
				best = append(best, feature{j, sim})
			}
			dot[j] = 0
		}
		slices.SortFunc(best, func(a, b feature) int { return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.at, b.at)) })
		for _, b := range best[:min(len(best), neighbours)] {
			put(i, b.at, b.weight/2) // twice, if it is mutual
		}
	}
}

// squeeze sorts a vector and joins equal dimensions; repetition counts by its root.
func squeeze(v vector) vector {
	slices.SortFunc(v, func(a, b feature) int { return cmp.Compare(a.at, b.at) })
	out := v[:0]
	for _, f := range v {
		if k := len(out); k > 0 && out[k-1].at == f.at {
			out[k-1].weight = math.Sqrt(out[k-1].weight*out[k-1].weight + f.weight*f.weight)
		} else {
			out = append(out, f)
		}
	}
	return out
}
