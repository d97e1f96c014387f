package traces

import (
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
)

// parallelFrom: two sites are parallel when they overlapped in at least this
// share of the runs in which both happened. Calls of sequential code never
// overlap at all; the rest is for clocks and for code that waits now and then.
const parallelFrom = 0.1

// body puts the sites of an operation in order: what can overlap is parallel, the
// rest is in sequence, each with its probability and repetition.
func body(o *op, sites []*placedSite) arch.Step {
	steps := make([]arch.Step, 0, 1+len(sites))
	if o.own.d.N > 0 {
		steps = append(steps, arch.Step{Kind: arch.Work, Own: o.own.dist()})
	}
	var placed []*placedSite
	for _, s := range sites {
		if slices.Max(s.index) < maxPaired {
			placed = append(placed, s)
		}
	}
	steps = append(steps, arrange(o, placed)...)
	switch len(steps) {
	case 0:
		return arch.Step{}
	case 1:
		return steps[0]
	}
	return arch.Step{Kind: arch.Seq, Steps: steps}
}

// arrange takes a set of sites apart into groups in sequence and, within those,
// branches in parallel, until single sites are left. A set that is neither (each
// overlaps some, none can be taken out) counts as parallel.
func arrange(o *op, sites []*placedSite) []arch.Step {
	var out []arch.Step
	for _, group := range components(sites, func(x, y *placedSite) bool { return parallel(o, x, y) }) {
		if len(group) == 1 {
			out = append(out, one(o, group[0]))
			continue
		}
		branches := components(group, func(x, y *placedSite) bool { return !parallel(o, x, y) })
		par := arch.Step{Kind: arch.Par}
		for _, branch := range branches {
			var steps []arch.Step
			if len(branches) == 1 { // neither: all at once
				for _, s := range branch {
					par.Steps = append(par.Steps, one(o, s))
				}
				break
			}
			if steps = arrange(o, branch); len(steps) == 1 {
				par.Steps = append(par.Steps, steps[0])
			} else {
				par.Steps = append(par.Steps, arch.Step{Kind: arch.Seq, Steps: steps})
			}
		}
		out = append(out, par)
	}
	return out
}

// components splits sites into what hangs together, in order.
func components(sites []*placedSite, tied func(x, y *placedSite) bool) [][]*placedSite {
	of := make([]int, len(sites))
	for i := range of {
		of[i] = -1
	}
	n := 0
	for i := range sites {
		if of[i] >= 0 {
			continue
		}
		of[i] = n
		for todo := []int{i}; len(todo) > 0; {
			x := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			for y := range sites {
				if of[y] < 0 && tied(sites[x], sites[y]) {
					of[y] = n
					todo = append(todo, y)
				}
			}
		}
		n++
	}
	out := make([][]*placedSite, n)
	for i, s := range sites {
		out[of[i]] = append(out[of[i]], s)
	}
	return out
}

func parallel(o *op, x, y *placedSite) bool {
	var together, overlap int64
	for _, i := range x.index {
		for _, j := range y.index {
			if i == j {
				continue
			}
			p, _ := o.pair(i, j)
			together += p.together
			overlap += p.overlap
		}
	}
	return together > 0 && float64(overlap) >= parallelFrom*float64(together)
}

// one is the step of a single site.
func one(o *op, s *placedSite) arch.Step {
	st := arch.Step{Kind: arch.Do, Call: s.id}
	if s.times.Max > 1 {
		st = arch.Step{Kind: arch.Loop, Times: s.times, Steps: []arch.Step{st}}
	}
	if s.runs < o.runs {
		st.Prob = arch.Some(float64(s.runs) / float64(o.runs))
		st = arch.Step{Kind: arch.Choice, Steps: []arch.Step{st}}
	}
	return st
}
