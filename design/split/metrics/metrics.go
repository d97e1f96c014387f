// Package metrics measures how well a partition of classes cuts a system.
//
// The literature has several metrics under one name. Every function here is one
// named variant, with the source of its formula; print the variant beside the
// number, and trivial partitions beside the score: all classes in one part has
// ICP 0, IFN 0 and purity 1, and is no decomposition.
//
// Logarithms are natural. Lower is better but where said otherwise.
package metrics

import (
	"cmp"
	"maps"
	"slices"
)

// Calls are call volumes between classes: caller, callee, number of calls.
type Calls map[[2]string]float64

// Partition says for each class in which part it is.
type Partition map[string]int

// Parts lists the classes of each part, sorted; parts in order of their number,
// empty ones left out.
func (p Partition) Parts() [][]string {
	by := map[int][]string{}
	for c, i := range p {
		by[i] = append(by[i], c)
	}
	var out [][]string
	for _, i := range slices.Sorted(maps.Keys(by)) {
		slices.Sort(by[i])
		out = append(out, by[i])
	}
	return out
}

// Largest is the share of classes in the largest part.
func (p Partition) Largest() float64 {
	if len(p) == 0 {
		return 0
	}
	n := 0
	for _, c := range p.Parts() {
		n = max(n, len(c))
	}
	return float64(n) / float64(len(p))
}

// edges lists the calls in a fixed order, so that sums do not vary in their last
// digit from run to run.
func (c Calls) edges() []edge {
	es := make([]edge, 0, len(c))
	for k, v := range c {
		es = append(es, edge{k[0], k[1], v})
	}
	slices.SortFunc(es, func(a, b edge) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	return es
}

type edge struct {
	from, to string
	volume   float64
}

// without drops calls from or to a class.
func (c Calls) without(class string) Calls {
	out := make(Calls, len(c))
	for k, v := range c {
		if k[0] != class && k[1] != class {
			out[k] = v
		}
	}
	return out
}
