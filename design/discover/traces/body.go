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
	var out []part
	for _, group := range components(sites, func(x, y *placedSite) bool { return parallel(o, x, y) }) {
		if len(group) == 1 {
			out = append(out, part{one(group[0]), group[0]})
			continue
		}
		branches := components(group, func(x, y *placedSite) bool { return !parallel(o, x, y) })
		par := arch.Step{Kind: arch.Par}
		for _, branch := range branches {
			if len(branches) == 1 { // neither: all at once
				for _, s := range branch {
					par.Steps = append(par.Steps, maybe(one(s), s.runs, o.runs))
				}
				break
			}
			par.Steps = append(par.Steps, sequence(arrange(o, branch)))
		}
		out = append(out, part{par, nil})
	}
	return choose(o, out)
}

func sequence(steps []arch.Step) arch.Step {
	if len(steps) == 1 {
		return steps[0]
	}
	return arch.Step{Kind: arch.Seq, Steps: steps}
}

// part of a sequence; site is nil when it is a group that is parallel.
type part struct {
	step arch.Step
	site *placedSite
}

// choose finds what happens now and then in a sequence: neighbours that always
// happen together are one branch; neighbours that never do, though by chance they
// would have, are branches of one choice.
func choose(o *op, parts []part) []arch.Step {
	var out []arch.Step
	for i := 0; i < len(parts); {
		first := parts[i].site
		if first == nil || first.runs >= o.runs {
			out = append(out, parts[i].step)
			i++
			continue
		}
		choice := arch.Step{Kind: arch.Choice}
		var heads []*placedSite
		for i < len(parts) && parts[i].site != nil && parts[i].site.runs < o.runs && apart(o, heads, parts[i].site) {
			head := parts[i].site
			branch := []arch.Step{parts[i].step}
			for i++; i < len(parts) && parts[i].site != nil && bound(o, head, parts[i].site); i++ {
				branch = append(branch, parts[i].step)
			}
			heads = append(heads, head)
			b := sequence(branch)
			b.Prob = arch.Some(float64(head.runs) / float64(o.runs))
			choice.Steps = append(choice.Steps, b)
		}
		out = append(out, choice)
	}
	return out
}

// enough runs in which two sites would have met by chance to make something of
// that they did not.
const enough = 5

// apart: s never happened together with any of the heads, nor could the branches
// add up to more than there were runs.
func apart(o *op, heads []*placedSite, s *placedSite) bool {
	total := s.runs
	for _, h := range heads {
		total += h.runs
		if together(o, h, s) > 0 || float64(h.runs)*float64(s.runs)/float64(o.runs) < enough {
			return false
		}
	}
	return total <= o.runs
}

// bound: the two happened in the same runs.
func bound(o *op, x, y *placedSite) bool {
	return x.runs == y.runs && together(o, x, y) == x.runs
}

func together(o *op, x, y *placedSite) (n int64) {
	for _, i := range x.index {
		for _, j := range y.index {
			p, _ := o.pair(i, j)
			n += p.together
		}
	}
	return n
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

// one is the step of a single site in a run in which it happens.
func one(s *placedSite) arch.Step {
	st := arch.Step{Kind: arch.Do, Call: s.id}
	switch {
	case s.times.Max <= 1:
		return st
	case float64(s.selfPar) >= parallelFrom*float64(s.runs):
		return arch.Step{Kind: arch.Par, Times: s.times, Steps: []arch.Step{st}}
	}
	return arch.Step{Kind: arch.Loop, Times: s.times, Steps: []arch.Step{st}}
}

// maybe makes a choice of a step that happens in some runs only.
func maybe(st arch.Step, runs, of int64) arch.Step {
	if runs >= of {
		return st
	}
	st.Prob = arch.Some(float64(runs) / float64(of))
	return arch.Step{Kind: arch.Choice, Steps: []arch.Step{st}}
}
