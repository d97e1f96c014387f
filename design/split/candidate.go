package split

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/split/metrics"
)

// Candidate is one way to cut.
type Candidate struct {
	Contexts  []Context        `json:"contexts"` // largest first
	Tables    []TableCut       `json:"tables"`
	Calls     []CallCut        `json:"calls"` // operations that contexts need from each other
	Tx        []TransactionCut `json:"tx"`    // transactions that would span contexts
	Cost      Cost             `json:"cost"`
	Scores    Scores           `json:"scores"`
	Grain     float64          `json:"grain"`
	Stability float64          `json:"stability"` // adjusted Rand index between runs under noise, 1 is always the same

	part []int
	name []string // of each part
}

// Context is a bounded context of a candidate.
type Context struct {
	Name      string       `json:"name"`
	Inferred  bool         `json:"inferred"` // the name was made from words, not given
	Terms     []string     `json:"terms"`    // its language: words that are its own, the most telling first
	Members   []Member     `json:"members"`
	Tables    []arch.Ref   `json:"tables"` // that it owns
	Entries   []code.Entry `json:"entries"`
	Lines     int          `json:"lines"`
	Stability float64      `json:"stability"` // mean support of its members
	Authors   []string     `json:"authors"`
	Teams     []TeamShare  `json:"teams"` // that own its files, the largest share first
	// Load is the requests per second that come in at its entries.
	Load arch.Opt[float64] `json:"load"`
	// Own is the share of the changes to it that touch no other context; unknown
	// with fewer than five changes in the history.
	Own arch.Opt[float64] `json:"own"`
	// Extract is what it would take and bring to make it a service.
	Extract Extraction `json:"extract"`
}

// Member is an atom in its context.
type Member struct {
	Atom
	Aggregate bool    `json:"aggregate"` // an entity that others of the context hang on
	Support   float64 `json:"support"`   // how surely it belongs here, 0 to 1
	Also      string  `json:"also"`      // the context that it is nearly as close to, ""
}

func (r *Result) candidate(f found) Candidate {
	c := Candidate{Grain: f.grain, Stability: f.stability, part: f.part}
	r.members(&c, f)
	r.tables(&c)
	r.callCuts(&c)
	r.txCuts(&c)
	r.extractions(&c)
	c.Scores = r.model.scores(f.part)
	c.Cost = newState(r.model, r.graph, &pinned{fixed: slices.Repeat([]int{-1}, len(f.part))}, f.part).cost() // tables went to their owners
	return c
}

// members fills the contexts.
func (r *Result) members(c *Candidate, f found) {
	m := r.model
	k := slices.Max(f.part) + 1
	byPart := make([][]int, k)
	for i := range m.atoms {
		byPart[f.part[i]] = append(byPart[f.part[i]], i)
	}
	decided := map[code.TypeID]bool{}
	for _, d := range m.decided {
		decided[d.Type] = true
	}
	names, terms, inferred := m.contextNames(byPart, f.part, r.opts)
	c.name = names
	for p, atoms := range byPart {
		if len(atoms) == 0 {
			continue
		}
		if !slices.ContainsFunc(atoms, func(i int) bool { return !m.common[i] }) {
			continue // Decided says what becomes of them
		}
		x := Context{Name: names[p], Inferred: inferred[p], Terms: terms[p]}
		sum := 0.
		for n, i := range atoms {
			sum += f.support[i]
			if m.common[i] && decided[m.atoms[i].Type] {
				continue // Decided says what becomes of it
			}
			mem := Member{Atom: m.atoms[i], Support: f.support[i]}
			if whole := m.whole(mem.Type, p, f.part); whole && n > 0 && m.atoms[atoms[n-1]].Type == mem.Type {
				continue // a later part of a type that stays together
			} else if whole {
				t := m.g.Types[mem.Type]
				mem.Name, mem.Part, mem.Pos, mem.Lines = string(mem.Type), false, t.Pos, t.Lines
				mem.Methods = nil
				for _, j := range m.of[mem.Type] {
					mem.Methods = append(mem.Methods, m.atoms[j].Methods...)
				}
			}
			mem.Also = r.also(i, p, f.part, names)
			x.Lines += mem.Lines
			x.Members = append(x.Members, mem)
		}
		x.Stability = sum / float64(len(atoms))
		for _, e := range m.g.Entries {
			if i, ok := m.at[e.Method]; ok && f.part[i] == p && e.Kind != "main" {
				x.Entries = append(x.Entries, e)
			}
		}
		x.Entries = uniqueEntries(x.Entries)
		slices.SortStableFunc(x.Entries, func(a, b code.Entry) int { return cmp.Compare(a.Trigger, b.Trigger) })
		x.Authors, x.Teams = m.authors(atoms), m.teams(atoms)
		for _, e := range x.Entries {
			if r, ok := m.entered[e.Method]; ok {
				x.Load = arch.Some(x.Load.V + r)
			}
		}
		m.aggregates(x.Members)
		c.Contexts = append(c.Contexts, x)
	}
	slices.SortStableFunc(c.Contexts, func(a, b Context) int {
		return cmp.Or(cmp.Compare(len(b.Members), len(a.Members)), cmp.Compare(a.Name, b.Name))
	})
}

// whole reports whether all atoms of a type are in a part.
func (m *model) whole(t code.TypeID, p int, part []int) bool {
	return !slices.ContainsFunc(m.of[t], func(i int) bool { return part[i] != p })
}

// also is another context that pulls an atom nearly as strongly as its own.
func (r *Result) also(i, own int, part []int, names []string) string {
	pull := map[int]float64{}
	for _, l := range r.graph.near[i] {
		x := r.graph.links[l]
		if to := x.a + x.b - i; to < len(part) {
			pull[part[to]] += x.weight
		}
	}
	home := pull[own]
	delete(pull, own)
	if p, ok := most(pull); ok && pull[p] > .8*home && pull[p] > .2 {
		return names[p]
	}
	return ""
}

// uniqueEntries drops entries that differ in nothing that a person sees.
func uniqueEntries(es []code.Entry) []code.Entry {
	type key struct {
		trigger string
		method  code.MethodID
	}
	seen := map[key]bool{}
	return slices.DeleteFunc(es, func(e code.Entry) bool {
		k := key{e.Trigger, e.Method}
		defer func() { seen[k] = true }()
		return seen[k]
	})
}

// authors are those of most commits in a context, at least a tenth each.
func (m *model) authors(atoms []int) []string {
	in := map[code.TypeID]bool{}
	for _, i := range atoms {
		in[m.atoms[i].Type] = true
	}
	commits := map[string]float64{}
	all := 0.
	for a, types := range m.g.Authors {
		for t, n := range types {
			if in[t] {
				commits[a] += float64(n)
				all += float64(n)
			}
		}
	}
	var out []string
	for _, a := range sorted(commits) {
		if commits[a] >= .1*all {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(commits[b], commits[a]) })
	return out
}

// aggregates marks the entities with a table that no other entity of the context
// holds as part: the roots.
func (m *model) aggregates(ms []Member) {
	held := map[code.TypeID]bool{}
	for _, x := range ms {
		t := m.g.Types[x.Type]
		if m.entity[x.Type] == "" && t.Kind != code.KindEntity {
			continue
		}
		for _, f := range t.Fields {
			if strings.ContainsAny(f.Text, "[<") && f.Type != x.Type { // holds many of them
				held[f.Type] = true
			}
		}
	}
	for i, x := range ms {
		t := m.g.Types[x.Type]
		ms[i].Aggregate = (m.entity[x.Type] != "" || t.Kind == code.KindEntity) && !held[x.Type]
	}
}

// contextNames names parts: by pin, by a context of the model whose words it uses,
// else by the word that tells it from the others most.
func (m *model) contextNames(byPart [][]int, part []int, o Options) (names []string, terms [][]string, inferred []bool) {
	k := len(byPart)
	names, terms, inferred = make([]string, k), make([][]string, k), make([]bool, k)
	count := make([]map[string]float64, k)
	spread := map[string]float64{}
	for p, atoms := range byPart {
		count[p] = map[string]float64{}
		add := func(ws []string, w float64) {
			for _, x := range meaning(ws) {
				count[p][x] += w
			}
		}
		for _, i := range atoms {
			a := m.atoms[i]
			t := m.g.Types[a.Type]
			w := 1.
			if m.entity[a.Type] != "" || t.Kind == code.KindEntity || t.Kind == code.KindController {
				w = 2
			}
			if m.common[i] {
				continue
			}
			if a.Part {
				for _, me := range a.Methods {
					add(words(m.g.Methods[me].Name), .3)
				}
				continue
			}
			add(words(typeName(m.g, a.Type)), w)
			if s := subject(a.Package); s != "" && !o.IgnoreFolders {
				add(words(s[strings.LastIndex(s, "/")+1:]), .5)
			}
		}
		for i, t := range m.tables {
			if part[len(m.atoms)+i] == p {
				add(words(tableName(t)), 1.5)
			}
		}
		for w, n := range count[p] {
			spread[w] += n
		}
	}
	type claim struct {
		part int
		word string
		how  float64
	}
	var claims []claim
	for p := range byPart {
		score := map[string]float64{}
		for w, n := range count[p] {
			score[w] = n * n / spread[w] // much here, little elsewhere
		}
		ws := sorted(score)
		slices.SortStableFunc(ws, func(a, b string) int { return cmp.Compare(score[b], score[a]) })
		for _, w := range ws {
			claims = append(claims, claim{p, w, score[w]})
			if len(terms[p]) < 8 && count[p][w]*2 >= spread[w] {
				terms[p] = append(terms[p], w)
			}
		}
	}
	taken := map[string]bool{}
	for _, i := range sorted(m.pinNames(o)) {
		p := part[i]
		names[p] = m.pinNames(o)[i]
		taken[names[p]] = true
	}
	m.givenNames(o, count, names, taken)
	slices.SortStableFunc(claims, func(a, b claim) int { return cmp.Compare(b.how, a.how) })
	for _, c := range claims {
		if names[c.part] == "" && !taken[c.word] {
			names[c.part], inferred[c.part], taken[c.word] = c.word, true, true
		}
	}
	for p, atoms := range byPart {
		if names[p] == "" && len(atoms) > 0 {
			names[p], inferred[p] = fmt.Sprintf("context-%d", p+1), true
		}
	}
	return names, terms, inferred
}

func (m *model) pinNames(o Options) map[int]string {
	out := map[int]string{}
	for name, context := range o.Pins.Names {
		for _, i := range m.find(name) {
			out[i] = context
		}
	}
	return out
}

// givenNames matches contexts of the model by their terms.
func (m *model) givenNames(o Options, count []map[string]float64, names []string, taken map[string]bool) {
	if o.System == nil {
		return
	}
	for _, name := range sorted(o.System.Contexts) {
		if taken[name] {
			continue
		}
		given := meaning(words(name))
		for t := range o.System.Contexts[name].Terms {
			given = append(given, meaning(words(t))...)
		}
		best, how := -1, 1.9
		for p := range names {
			sum := 0.
			for _, w := range given {
				sum += count[p][w]
			}
			if names[p] == "" && sum > how {
				best, how = p, sum
			}
		}
		if best >= 0 {
			names[best], taken[name] = name, true
		}
	}
}

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
