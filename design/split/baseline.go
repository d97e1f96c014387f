package split

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
)

// Baseline is a trivial or adversarial partition beside which a score must be
// read: a metric that it beats says nothing good of a candidate.
type Baseline struct {
	Name   string `json:"name"`
	About  string `json:"about"`
	Cost   Cost   `json:"cost"`
	Scores Scores `json:"scores"`
}

// allInOne is the name of the partition without a cut.
const allInOne = "all in one"

// baselines measures the trivial partitions and an annealer on the cost itself.
func (r *Result) baselines(ctx context.Context, pins *pinned) []Baseline {
	m := r.model
	n := len(m.atoms) + len(m.tables)
	k := 2
	if len(r.Candidates) > 0 {
		k = max(2, len(r.Candidates[0].Contexts))
	}
	one := make([]int, n)
	each := make([]int, n)
	random := make([]int, n)
	rd := rand.New(rand.NewPCG(r.opts.Seed, 0xba5e))
	for i := range n {
		each[i], random[i] = i, rd.IntN(k)
	}
	out := []Baseline{
		r.measured(allInOne, "no cut at all", one),
		r.measured("each alone", "every type a context", each),
		r.measured("random", "as many contexts as the recommended cut, by dice", random),
	}
	if !r.opts.IgnoreFolders {
		dir := map[string]int{}
		byDir := make([]int, n)
		for i, a := range m.atoms {
			d := a.Package
			if _, ok := dir[d]; !ok {
				dir[d] = len(dir)
			}
			byDir[i] = dir[d]
		}
		for i := len(m.atoms); i < n; i++ {
			byDir[i] = len(dir)
		}
		if len(dir) > 1 {
			out = append(out, r.measured("folders", "every package a context", byDir))
		}
	}
	if len(m.atoms) <= refineAtoms && ctx.Err() == nil {
		out = append(out, r.measured("annealer", "simulated annealing on the cost itself: what gaming the number reaches", r.anneal(pins, k)))
	}
	return out
}

func (r *Result) measured(name, about string, part []int) Baseline {
	free := &pinned{fixed: slices.Repeat([]int{-1}, len(part))}
	s := newState(r.model, r.graph, free, renumber(part))
	return Baseline{Name: name, About: about, Cost: s.cost(), Scores: r.model.scores(part)}
}

// anneal minimizes the cost by simulated annealing from a random start.
func (r *Result) anneal(_ *pinned, k int) []int {
	m := r.model
	n := len(m.atoms) + len(m.tables)
	rd := rand.New(rand.NewPCG(r.opts.Seed, 0xa11ea1))
	part := make([]int, n)
	for i := range part {
		part[i] = rd.IntN(k)
	}
	s := newState(m, r.graph, &pinned{fixed: slices.Repeat([]int{-1}, n)}, part)
	cur := s.cost().Total
	best, low := slices.Clone(s.part), cur
	steps := min(200_000, 2000*n)
	for i := range steps {
		t := .1 * math.Pow(1e-4, float64(i)/float64(steps))
		x := rd.IntN(n)
		old, q := s.part[x], rd.IntN(len(s.size))
		if q == old {
			continue
		}
		s.move(x, q)
		if c := s.cost().Total; c <= cur || rd.Float64() < math.Exp((cur-c)/t) {
			if cur = c; cur < low {
				low = cur
				copy(best, s.part)
			}
		} else {
			s.move(x, old)
		}
	}
	return best
}

// Score measures a partition that the user brings: context -> members, types by ID
// or plain name, or tables. Types that it does not name keep out of the scores and
// are returned.
func (r *Result) Score(contexts map[string][]string) (Candidate, []string, error) {
	m := r.model
	n := len(m.atoms) + len(m.tables)
	part := slices.Repeat([]int{-1}, n)
	p := Pins{Names: map[string]string{}}
	for _, c := range sorted(contexts) {
		for _, name := range contexts[c] {
			p.Names[name] = c
		}
	}
	pin, err := m.pins(p)
	if err != nil {
		return Candidate{}, nil, err
	}
	names := sorted(contexts)
	for i, c := range pin.names {
		part[i] = slices.Index(names, c)
	}
	// What the user did not place goes where it is drawn to, and is said.
	var rest []string
	for i := range part {
		if part[i] >= 0 {
			continue
		}
		pull := map[int]float64{}
		for _, l := range r.graph.near[i] {
			x := r.graph.links[l]
			if to := x.a + x.b - i; to < n && part[to] >= 0 {
				pull[part[to]] += x.weight
			}
		}
		to, ok := most(pull)
		if part[i] = to; !ok {
			part[i] = len(names) + i // in none
		}
		if i < len(m.atoms) && !m.common[i] {
			rest = append(rest, m.atoms[i].Name)
		}
	}
	keep := r.opts.Pins
	r.opts.Pins = p
	defer func() { r.opts.Pins = keep }()
	s := newState(m, r.graph, pin, part)
	f := found{part: part, k: len(names), cost: s.cost(), stability: 1, support: slices.Repeat([]float64{1}, len(m.atoms))}
	return r.candidate(f), rest, nil
}

// Reason is one pull of a context on a type.
type Reason struct {
	Context string   `json:"context"`
	Kind    Evidence `json:"kind"`
	Weight  float64  `json:"weight"`
	With    []string `json:"with"` // the strongest few, by name
}

// Explain says why a type is where it is: for each of its atoms what pulls it to
// which context, the strongest first. Name as in pins.
func (r *Result) Explain(c *Candidate, name string) (map[string][]Reason, error) {
	at := r.model.find(name)
	if at == nil {
		return nil, &UnknownNameError{Name: name, Hint: r.model.suggest(name)}
	}
	out := map[string][]Reason{}
	for _, i := range at {
		type key struct {
			part int
			kind Evidence
		}
		sum := map[key]float64{}
		with := map[key][]link{}
		for _, l := range r.graph.near[i] {
			x := r.graph.links[l]
			to := x.a + x.b - i
			if to >= len(c.part) {
				continue // a folder
			}
			k := key{c.part[to], x.kind}
			sum[k] += x.weight
			with[k] = append(with[k], x)
		}
		var rs []Reason
		for k, w := range sum {
			ls := with[k]
			slices.SortFunc(ls, func(a, b link) int {
				if a.weight != b.weight {
					if a.weight > b.weight {
						return -1
					}
					return 1
				}
				return (a.a + a.b) - (b.a + b.b)
			})
			reason := Reason{Context: c.name[k.part], Kind: k.kind, Weight: w}
			for _, l := range ls[:min(3, len(ls))] {
				reason.With = append(reason.With, r.model.nodeName(l.a+l.b-i))
			}
			rs = append(rs, reason)
		}
		slices.SortFunc(rs, func(a, b Reason) int {
			switch {
			case a.Weight > b.Weight:
				return -1
			case a.Weight < b.Weight:
				return 1
			}
			if d := strings.Compare(a.Context, b.Context); d != 0 {
				return d
			}
			return int(a.Kind) - int(b.Kind)
		})
		out[r.model.nodeName(i)] = rs
	}
	return out, nil
}

// UnknownNameError names what was not read.
type UnknownNameError struct{ Name, Hint string }

func (e *UnknownNameError) Error() string { return e.Name + ": " + e.Hint }

// ContextOf returns the context of a type in a candidate, "" if it is in none or in
// several.
func (r *Result) ContextOf(c *Candidate, t code.TypeID) string {
	name := ""
	for _, i := range r.model.of[t] {
		if n := c.name[c.part[i]]; name == "" {
			name = n
		} else if n != name {
			return ""
		}
	}
	return name
}
