package split

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch/code"
)

// Sheet is what a page needs to measure cuts by itself: nodes by number, atoms
// first, then tables, and what ties them. Its cost is that of [Cost].
type Sheet struct {
	Names []string     `json:"names"` // of the contexts
	Nodes []SheetNode  `json:"nodes"`
	Links [][3]float64 `json:"links"` // from, to, weight; negative weight: the pair works together (calls)
	Cases [][]int      `json:"cases"` // atoms of each use case
	Tx    [][]int      `json:"tx"`    // tables that each transaction writes
	Uses  [][3]int     `json:"uses"`  // atom, table, 1 if it writes
	Calls [][3]int     `json:"calls"` // atom, atom, number of the method called
	Cost  SheetCost    `json:"cost"`
}

// SheetCost are the constants of [Cost].
type SheetCost struct {
	Few     int        `json:"few"`     // below it a context is too small
	Large   float64    `json:"large"`   // share of all types above which it is too large
	Hard    float64    `json:"hard"`    // share above which it is no cut
	Weights [5]float64 `json:"weights"` // cross, mixed, wide, extreme, loose
}

// SheetNode is an atom or a table.
type SheetNode struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Place  string `json:"place"`
	Part   int    `json:"part"` // index of its context in the first candidate
	Common bool   `json:"common,omitempty"`
	Table  bool   `json:"table,omitempty"`
	Also   string `json:"also,omitempty"` // the context that it is nearly as close to
}

// Sheet of the recommended candidate.
func (r *Result) Sheet() Sheet {
	m := r.model
	var s Sheet
	if len(r.Candidates) == 0 {
		return s
	}
	s.Cost = SheetCost{Few: fewAtoms, Large: largeShare, Hard: hardShare, Weights: [5]float64{costCross, costMixed, costWide, costExtreme, costLoose}}
	c := &r.Candidates[0]
	at := map[string]int{}
	also := map[string]string{}
	for i, x := range c.Contexts {
		at[x.Name] = i
		s.Names = append(s.Names, x.Name)
		for _, mem := range x.Members {
			also[mem.Name] = mem.Also
		}
	}
	n := len(m.atoms)
	for i, a := range m.atoms {
		if _, ok := at[c.name[c.part[i]]]; !ok { // stands alone
			at[c.name[c.part[i]]] = len(s.Names)
			s.Names = append(s.Names, "("+c.name[c.part[i]]+" alone)")
		}
		s.Nodes = append(s.Nodes, SheetNode{Name: a.Name, Kind: string(a.Kind), Place: placeOf(a), Part: at[c.name[c.part[i]]], Common: m.common[i], Also: also[a.Name]})
	}
	for i, t := range m.tables {
		s.Nodes = append(s.Nodes, SheetNode{Name: tableName(t), Kind: "table", Part: at[c.name[c.part[n+i]]], Table: true})
	}
	st := newState(m, r.graph, &pinned{fixed: make([]int, n+len(m.tables))}, c.part)
	for i, ns := range st.near {
		for _, x := range ns {
			if x.to > i && !x.common {
				w := x.weight
				if x.works {
					w = -w
				}
				s.Links = append(s.Links, [3]float64{float64(i), float64(x.to), w})
			}
		}
	}
	for _, u := range m.cases {
		s.Cases = append(s.Cases, u.atoms)
	}
	for _, x := range m.txs {
		if len(x.writes) > 0 {
			s.Tx = append(s.Tx, x.writes)
		}
	}
	for _, a := range m.access {
		w := 0
		if a.write {
			w = 1
		}
		s.Uses = append(s.Uses, [3]int{a.atom, a.table, w})
	}
	number := map[code.MethodID]int{}
	seen := map[[3]int]bool{}
	for _, x := range m.g.Calls {
		a, ok1 := m.at[x.From]
		b, ok2 := m.at[x.To]
		if !ok1 || !ok2 || a == b || m.common[a] || m.common[b] || m.data(x.To) {
			continue
		}
		if _, ok := number[x.To]; !ok {
			number[x.To] = len(number)
		}
		if k := [3]int{a, b, number[x.To]}; !seen[k] {
			seen[k] = true
			s.Calls = append(s.Calls, k)
		}
	}
	return s
}

func placeOf(a Atom) string {
	if a.Pos.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", a.Pos.File, a.Pos.Line)
}
