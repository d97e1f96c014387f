package split

import (
	"cmp"
	"math"
	"slices"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/split/leiden"
)

// Evidence is a kind of reason for two things to belong together.
type Evidence uint8

const (
	ByCall Evidence = iota
	ByData
	ByTransaction
	ByInheritance
	ByUseCase
	ByWords
	ByFolder
	ByChange
	ByTeam
	ByGiven
	kinds
)

func (e Evidence) String() string {
	return [...]string{"calls", "data", "transactions", "inheritance", "use cases", "words", "folders", "changes", "teams", "given contexts"}[e]
}

// Weights say how much each kind of evidence counts, at most, for one pair.
type Weights [kinds]float64

// DefaultWeights put what must work together at run time first: what commits
// together, what reads and writes one table, what calls. Words, folders and
// history are opinions of the past and count half as much, who works on what less
// still; contexts that a person gave count as what works together.
func DefaultWeights() *Weights {
	return &Weights{ByCall: 1, ByData: 1, ByTransaction: 1, ByInheritance: .8, ByUseCase: .5, ByWords: .4, ByFolder: .4, ByChange: .5, ByTeam: .3, ByGiven: 1}
}

// link is one piece of evidence between two nodes; a < b.
type link struct {
	a, b   int
	kind   Evidence
	weight float64
}

// graph is the fused evidence. Nodes are atoms, then tables, then
// folders, given contexts and teams.
type graph struct {
	n     int
	links []link        // sorted by a, b, kind; at most one of a kind for a pair
	edges []leiden.Edge // the sum for each pair
	near  [][]int       // links of each node
}

// fuse builds the graph.
func (m *model) fuse(o Options) *graph {
	sum := map[[2]int]*[kinds]float64{}
	put := func(k Evidence, a, b int, w float64) {
		if a == b || w <= 0 {
			return
		}
		key := [2]int{min(a, b), max(a, b)}
		x := sum[key]
		if x == nil {
			x = new([kinds]float64)
			sum[key] = x
		}
		x[k] = min(1, x[k]+w)
	}
	n := len(m.atoms) + len(m.tables)
	m.byCalls(put)
	m.byData(put)
	m.byInheritance(put)
	m.byUseCases(put)
	m.byWords(put)
	m.byChanges(put)
	if !o.IgnoreFolders {
		n += m.byFolders(put, n)
	}
	n += m.byGiven(o, put, n)
	n += m.byTeams(o, put, n)
	g := &graph{n: n, near: make([][]int, n)}
	for key, x := range sum {
		for k, w := range x {
			if w *= o.Weights[k]; w > 0 {
				g.links = append(g.links, link{key[0], key[1], Evidence(k), w})
			}
		}
	}
	slices.SortFunc(g.links, func(x, y link) int {
		return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b), cmp.Compare(x.kind, y.kind))
	})
	for i, l := range g.links {
		g.near[l.a] = append(g.near[l.a], i)
		g.near[l.b] = append(g.near[l.b], i)
		if k := len(g.edges); k > 0 && g.edges[k-1].A == l.a && g.edges[k-1].B == l.b {
			g.edges[k-1].Weight += l.weight
		} else {
			g.edges = append(g.edges, leiden.Edge{A: l.a, B: l.b, Weight: l.weight})
		}
	}
	return g
}

type putter func(k Evidence, a, b int, w float64)

// byCalls: the logarithm of the volume, since ten times the calls do not bind ten
// times as much, over that of the busiest pair; less for what many call.
func (m *model) byCalls(put putter) {
	callers := make([]int, len(m.atoms))
	top := 0.
	var volumes []float64
	for e, v := range m.calls {
		if e[0] != e[1] {
			callers[e[1]]++
			volumes = append(volumes, math.Log1p(v))
		}
	}
	if len(volumes) == 0 {
		return
	}
	slices.Sort(volumes)
	top = volumes[len(volumes)*9/10]
	for e, v := range m.calls {
		w := (.5 + .5*min(1, math.Log1p(v)/top)) / math.Sqrt(max(1, float64(callers[e[1]])/3))
		if m.common[e[0]] || m.common[e[1]] {
			w *= .1
		}
		if !m.hard[e] {
			w *= .35 // reading a field of what was handed over binds little
		}
		put(ByCall, e[0], e[1], w)
	}
}

// byData ties atoms to the tables that they touch, entities to their table, tables
// to each other by joins and foreign keys, and tables that one transaction writes.
func (m *model) byData(put putter) {
	t0 := len(m.atoms)
	touched := make([]map[int]bool, len(m.tables))
	for _, a := range m.access {
		if touched[a.table] == nil {
			touched[a.table] = map[int]bool{}
		}
		touched[a.table][a.atom] = true
	}
	for _, a := range m.access {
		w := .25
		if a.write {
			w = .6
		}
		put(ByData, a.atom, t0+a.table, w/math.Sqrt(max(1, float64(len(touched[a.table]))/4)))
		for _, j := range a.at.Joins {
			if k, ok := m.table[j]; ok {
				put(ByData, t0+a.table, t0+k, .15)
			}
		}
	}
	for i, a := range m.atoms {
		if k, ok := m.table[m.entity[a.Type]]; ok {
			put(ByData, i, t0+k, 1)
		}
		if !a.Part {
			continue
		}
		if k, ok := m.table[m.work[a.Methods[0]]]; ok {
			put(ByData, i, t0+k, .5) // its job, also where others reach the table for it
		}
	}
	for ref, t := range m.g.Tables {
		for _, f := range t.ForeignKeys {
			if k, ok := m.table[f]; ok {
				put(ByData, t0+m.table[ref], t0+k, .25)
			}
		}
	}
	for _, x := range m.txs {
		if len(x.writes) > 8 { // a bulk load ties nothing together
			continue
		}
		// The more tables it writes, the less it says about each pair of them.
		w := .5 / float64(max(1, len(x.writes)-1))
		for i, a := range x.writes {
			for _, b := range x.writes[i+1:] {
				put(ByTransaction, t0+a, t0+b, w)
			}
		}
	}
}

// byInheritance ties types to what they extend, unless many do: a base class of
// everything says nothing.
func (m *model) byInheritance(put putter) {
	heirs := map[code.TypeID]int{}
	for _, a := range m.atoms {
		for _, e := range m.g.Types[a.Type].Extends {
			heirs[e]++
		}
	}
	for i, a := range m.atoms {
		for _, e := range m.g.Types[a.Type].Extends {
			for _, j := range m.of[e] {
				put(ByInheritance, i, j, 1/float64(heirs[e]*len(m.of[e])))
			}
		}
		// A part of a type stays near its other parts, but hardly: they are other jobs.
		for _, j := range m.of[a.Type] {
			put(ByInheritance, i, j, .03)
		}
	}
}

// byUseCases compares the use cases that atoms take part in; rare ones say more.
func (m *model) byUseCases(put putter) {
	v := make([]vector, len(m.atoms))
	for u, c := range m.cases {
		for _, i := range c.atoms {
			if !m.common[i] {
				v[i] = append(v[i], feature{u, 1})
			}
		}
	}
	nearest(v, .3, func(i, j int, sim float64) { put(ByUseCase, i, j, sim) })
}

// byWords compares the words of names: of types, fields, methods and tables.
func (m *model) byWords(put putter) {
	number := map[string]int{}
	v := make([]vector, len(m.atoms)+len(m.tables))
	add := func(i int, ws []string, w float64) {
		for _, x := range meaning(ws) {
			k, ok := number[x]
			if !ok {
				k = len(number)
				number[x] = k
			}
			v[i] = append(v[i], feature{k, w})
		}
	}
	for i, a := range m.atoms {
		t := m.g.Types[a.Type]
		if m.common[i] {
			continue
		}
		if !a.Part {
			add(i, words(typeName(m.g, a.Type)), 3)
			add(i, t.Terms, 1)
			for _, f := range t.Fields {
				add(i, words(f.Name), .5)
			}
		}
		for _, me := range a.Methods {
			add(i, words(m.g.Methods[me].Name), .5)
		}
	}
	for i, t := range m.tables {
		add(len(m.atoms)+i, words(tableName(t)), 3)
	}
	nearest(v, .3, func(i, j int, sim float64) { put(ByWords, i, j, sim) })
}

// byFolders ties atoms to a node for their folder's subject. It returns how many
// such nodes there are: none if all folders have one subject or are layers.
func (m *model) byFolders(put putter, first int) int {
	number := map[string]int{}
	size := map[string]int{}
	for _, a := range m.atoms {
		if s := subject(a.Package); s != "" {
			size[s]++
		}
	}
	if len(size) < 2 {
		return 0
	}
	for i, a := range m.atoms {
		s := subject(a.Package)
		if s == "" || m.common[i] || size[s] < 2 || size[s]*2 > len(m.atoms) {
			continue
		}
		k, ok := number[s]
		if !ok {
			k = len(number)
			number[s] = k
		}
		put(ByFolder, i, first+k, 1/math.Sqrt(max(1, float64(size[s])/8)))
	}
	return len(number)
}

// byChanges ties atoms whose files change together; large changes say little.
func (m *model) byChanges(put putter) {
	files := map[string][]int{}
	for i, a := range m.atoms {
		if a.Pos.File != "" {
			files[a.Pos.File] = append(files[a.Pos.File], i)
		}
	}
	support := map[[2]int]float64{}
	times := map[int]float64{}
	for _, c := range m.g.Changes {
		var in []int
		for _, f := range c.Files {
			in = append(in, files[f]...)
		}
		if len(in) < 1 || len(in) > 30 {
			continue
		}
		slices.Sort(in)
		in = slices.Compact(in)
		for i, a := range in {
			times[a]++
			for _, b := range in[i+1:] {
				support[[2]int{a, b}]++
			}
		}
	}
	for e, s := range support {
		if s >= 2 && m.atoms[e[0]].Pos.File != m.atoms[e[1]].Pos.File {
			put(ByChange, e[0], e[1], s/math.Sqrt(times[e[0]]*times[e[1]])*min(1, s/4))
		}
	}
}
