package metrics

import (
	"math"
	"slices"
)

// CARGO are the metrics of V. Nitin et al., "CARGO: AI-guided dependency analysis
// for migrating monolithic applications to microservices architecture", ASE 2022,
// as its published code computes them.
type CARGO struct {
	Coupling float64 // crossing weight / all weight
	Cohesion float64 // mean of 2 int/(2 int + ext); higher is better
	ICP      float64 // crossing volume / all volume, without logarithm
	BCP      float64 // mean entropy of the multiset of use cases
	Purity   float64 // database transactional purity; higher is better, may be negative
}

// Transactional is an edge from the class whose method opens a transaction to a
// table in it; one a class and table.
type Transactional struct{ Class, Table string }

// ComputeCARGO measures a partition. An edge with one end outside of the
// partition counts as crossing.
func ComputeCARGO(p Partition, calls Calls, contexts map[string][]string, tx []Transactional) CARGO {
	parts := p.Parts()
	var cross, all float64
	in, touch := map[int]float64{}, map[int]float64{}
	for _, e := range calls.edges() {
		i, ok1 := p[e.from]
		j, ok2 := p[e.to]
		if !ok1 && !ok2 {
			continue
		}
		all += e.volume
		if ok1 && ok2 && i == j {
			in[i] += e.volume
			continue
		}
		cross += e.volume
		if ok1 {
			touch[i] += e.volume
		}
		if ok2 {
			touch[j] += e.volume
		}
	}
	m := CARGO{BCP: bcpCARGO(parts, contexts), Purity: PurityCARGO(p, tx), ICP: icpCARGO(p, calls)}
	if all > 0 {
		m.Coupling = cross / all
	}
	for _, part := range parts {
		i := p[part[0]]
		if d := 2*in[i] + touch[i]; d > 0 {
			m.Cohesion += 2 * in[i] / d / float64(len(parts))
		}
	}
	return m
}

func icpCARGO(p Partition, calls Calls) float64 {
	var cross, all float64
	for _, e := range calls.edges() {
		i, ok1 := p[e.from]
		j, ok2 := p[e.to]
		if !ok1 || !ok2 {
			continue
		}
		all += e.volume
		if i != j {
			cross += e.volume
		}
	}
	if all == 0 {
		return 0
	}
	return cross / all
}

func bcpCARGO(parts [][]string, contexts map[string][]string) float64 {
	sum := 0.
	for _, part := range parts {
		var all []string
		for _, c := range part {
			all = append(all, contexts[c]...)
		}
		sum += entropy(all)
	}
	return sum / float64(max(1, len(parts)))
}

// PurityCARGO = mean over tables of 1 - the entropy of the list of parts of the
// classes that touch it in a transaction; a class outside of the partition counts
// as a part of its own.
func PurityCARGO(p Partition, tx []Transactional) float64 {
	by := map[string][]string{}
	seen := map[Transactional]bool{}
	for _, t := range tx {
		if seen[t] {
			continue
		}
		seen[t] = true
		part := "-1"
		if i, ok := p[t.Class]; ok {
			part = string(rune('0' + i))
		}
		by[t.Table] = append(by[t.Table], part)
	}
	if len(by) == 0 {
		return 1
	}
	sum := 0.
	var tables []string
	for t := range by {
		tables = append(tables, t)
	}
	slices.Sort(tables)
	for _, t := range tables {
		sum += 1 - entropy(by[t])
	}
	return sum / float64(len(by))
}

// entropy of the distribution of a multiset.
func entropy(xs []string) float64 {
	xs = slices.Sorted(slices.Values(xs))
	h, n := 0., float64(len(xs))
	for i := 0; i < len(xs); {
		j := i
		for j < len(xs) && xs[j] == xs[i] {
			j++
		}
		q := float64(j-i) / n
		h -= q * math.Log(q)
		i = j
	}
	return h
}
