package split

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
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
	// Supporting contexts own no table and nothing comes in at them, although the
	// system has both: they are libraries inside, nothing to extract.
	Supporting bool `json:"supporting"`
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
	c.tellSupporting(len(r.model.tables) > 0 && len(r.model.doors) > 0)
	r.callCuts(&c)
	r.txCuts(&c)
	r.extractions(&c)
	c.Scores = r.model.scores(f.part)
	c.Cost = newState(r.model, r.graph, &pinned{fixed: slices.Repeat([]int{-1}, len(f.part))}, f.part).cost() // tables went to their owners
	return c
}

// tellSupporting marks the supporting contexts and puts them last, where the system
// has tables and ways in at all.
func (c *Candidate) tellSupporting(told bool) {
	for i := range c.Contexts {
		x := &c.Contexts[i]
		x.Supporting = told && len(x.Tables)+len(x.Entries) == 0
	}
	slices.SortStableFunc(c.Contexts, func(a, b Context) int {
		switch {
		case a.Supporting == b.Supporting:
			return 0
		case b.Supporting:
			return -1
		}
		return 1
	})
}

// Own are the contexts that are not supporting.
func (c *Candidate) Own() []Context {
	return slices.DeleteFunc(slices.Clone(c.Contexts), func(x Context) bool { return x.Supporting })
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
