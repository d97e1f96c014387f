package split

import (
	"math"
	"slices"

	"github.com/ashlar-dev/ashlar/design/split/metrics"
)

// Scores are published metrics of a candidate, each by the name of its variant.
type Scores struct {
	FSE21 metrics.FSE21 `json:"fse21"`
	CARGO metrics.CARGO `json:"cargo"`
	// Largest is the share of types in the largest context.
	Largest  float64 `json:"largest"`
	Contexts int     `json:"contexts"`
}

// MoJoFM is how near the recommended cut is to another, taken as an expert's: from
// 0 to 100, in moves of one type and joins of two contexts ([metrics.MoJoFM]).
func (r *Result) MoJoFM(expert *Candidate) float64 {
	return metrics.MoJoFM(r.model.types(r.Candidates[0].part, false), r.model.types(expert.part, false))
}

// types places whole types; one in several parts is where most of its methods are.
// Types that no context owns, alone or common property without a neighbour, are
// parts of their own if alone is set, as in the partitions that were published with
// the metrics; else they are left out.
func (m *model) types(part []int, alone bool) metrics.Partition {
	p := metrics.Partition{}
	lives := map[int]bool{}
	for i := range m.atoms {
		if !m.common[i] {
			lives[part[i]] = true
		}
	}
	for _, t := range sorted(m.of) {
		votes := map[int]float64{}
		for _, i := range m.of[t] {
			votes[part[i]] += 1 + float64(len(m.atoms[i].Methods))
		}
		if at, ok := most(votes); ok && (alone || lives[at]) {
			p[string(t)] = at
		}
	}
	return p
}

// scores computes the published metrics on whole types.
func (m *model) scores(part []int) Scores {
	p := m.types(part, true)
	calls := metrics.Calls{}
	for e, v := range m.calls {
		calls[[2]string{string(m.atoms[e[0]].Type), string(m.atoms[e[1]].Type)}] += v
	}
	cases := map[string][]string{}
	for _, u := range m.cases {
		for _, i := range u.atoms {
			if t := string(m.atoms[i].Type); !slices.Contains(cases[t], u.name) {
				cases[t] = append(cases[t], u.name)
			}
		}
	}
	var tx []metrics.Transactional
	for _, x := range m.txs {
		for _, i := range x.accesses {
			if at, ok := m.at[x.at.Method]; ok {
				tx = append(tx, metrics.Transactional{Class: string(m.atoms[at].Type), Table: string(m.tables[m.access[i].table])})
			}
		}
	}
	s := Scores{FSE21: metrics.ComputeFSE21(p, calls, cases), CARGO: metrics.ComputeCARGO(p, calls, cases, tx), Largest: p.Largest(), Contexts: len(p.Parts())}
	for _, v := range []*float64{&s.CARGO.Cohesion, &s.CARGO.Coupling, &s.CARGO.Purity, &s.CARGO.ICP, &s.CARGO.BCP} {
		if math.IsNaN(*v) {
			*v = 0
		}
	}
	return s
}
